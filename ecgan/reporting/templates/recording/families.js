// Families of flagged beats: each with its beats over each other, their mean, the record's own template beneath, the times at
// which they come; what a reader decides of them stays in this browser until it is exported.

const STRIP = 1000; // width of a strip of times, in its own units
const DECISIONS = ["accepted", "rejected"];
const familyOf = new Map(data.families.map((family) => [family.number, family]));
const rowsOf = new Map(data.families.map((family) => [family.number, []]));
beats.family.forEach((number, row) => number && rowsOf.get(number)?.push(row));

/** Mean (the first) and beats of a family in one of the leads that are drawn. */
function familyTraces(family, place) {
  const steps = data.template.steps, from = family.at + place * family.traces * steps;
  return Array.from({ length: family.traces }, (_, i) =>
    Array.from(familyValues.subarray(from + i * steps, from + (i + 1) * steps), (step) => (step === MISSING ? null : family.offset + family.step * step)));
}

/** A sheet of paper with lines that begin where the template does. */
function sheetOf(traces) {
  const own = { duration: data.template.duration, steps: data.template.steps, regions: [] };
  return arrange(own, data.template.before, traces, scaleOf(own, traces));
}

function figureOf(sheet, label, draw) {
  const { svg, fill } = frame(sheet, label);
  return { svg, fill: () => fill(() => sheet.strips.forEach((strip) => draw(svg, sheet, strip))) };
}

const plain = (d, colour, width, opacity = 1) =>
  element("path", { d, fill: "none", stroke: colour, "stroke-width": width, "stroke-opacity": opacity, "stroke-linejoin": "round" });

/** The template of one lead, or that of a mode, from 1. */
function normalFigure(lead, mode) {
  const template = templateOf(lead, mode);
  const sheet = sheetOf([{ lead, template, ...rangeOf([template]) }]);
  return figureOf(sheet, `Template of ${data.leadNames[lead]}${mode ? `, ${mode}` : ""}`, (svg, _, strip) => {
    svg.append(beneath(line(pointsOf(sheet, strip, strip.template))));
    drawPulse(svg, sheet, strip);
    markStrip(svg, sheet, strip, [strip.template]);
  });
}

function familyFigure(family) {
  const traces = family.leads.map((lead, place) => {
    const [mean, ...others] = familyTraces(family, place), template = templateOf(lead);
    return { lead, template, mean, others, ...rangeOf([mean, template, ...others]) };
  });
  const drawn = family.traces - 1 < family.beats ? `${family.traces - 1} of its ${family.beats} beats` : "its beats";
  return figureOf(sheetOf(traces), `Family ${family.number}: ${drawn}, their mean, and the template of the record`, (svg, sheet, strip) => {
    const path = (values) => line(pointsOf(sheet, strip, values));
    svg.append(
      beneath(path(strip.template)),
      plain(strip.others.map(path).join(""), COLOUR.flag, 0.16, strip.others.length > 12 ? 0.35 : 0.6),
      plain(path(strip.mean), COLOUR.signal, 0.45),
    );
    drawPulse(svg, sheet, strip);
    markStrip(svg, sheet, strip, [strip.template, strip.mean, ...strip.others]);
  });
}

/** When the beats of a family come: a tick each, or one for those that cannot be told apart. */
function timeStrip(family) {
  const rows = rowsOf.get(family.number);
  const places = [...new Set(rows.map((row) => Math.round((STRIP * timeOf(row)) / Math.max(duration, 1e-9))))];
  const strip = element("svg", { class: "times", viewBox: `0 0 ${STRIP} 16`, preserveAspectRatio: "none", role: "img" });
  strip.setAttribute("aria-label", `${rows.length} times from ${clock(timeOf(rows[0]))} to ${clock(timeOf(rows.at(-1)))}`);
  const ticks = { stroke: COLOUR.flag, "stroke-width": 1.4, "vector-effect": "non-scaling-stroke" };
  const axis = { stroke: COLOUR.between, "stroke-width": 1, "vector-effect": "non-scaling-stroke" };
  strip.append(element("path", { d: `M0 15.5H${STRIP}`, ...axis }), element("path", { d: places.map((x) => `M${x} 1V14`).join(""), ...ticks }));
  const labels = [0, duration / 2, duration].map((time) => html("span", { textContent: clock(time) }));
  return html("div", { className: "when" }, strip, html("div", {}, ...labels));
}

// Decisions

const decisions = new Map();
const shelf = `ecgan ${data.record}`;

/** Decisions that were kept for this page, else those that it came with. */
function recallDecisions() {
  for (const family of data.families) if (family.decision) decisions.set(family.number, family.decision);
  try {
    const kept = JSON.parse(localStorage.getItem(shelf) ?? "null");
    if (!kept) return;
    decisions.clear();
    for (const [number, decision] of kept) if (familyOf.has(number) && DECISIONS.includes(decision)) decisions.set(number, decision);
  } catch { /* a browser that keeps nothing for files, or something else under that name */ }
}

function keepDecisions() {
  try {
    localStorage.setItem(shelf, JSON.stringify([...decisions]));
  } catch { /* they stay in the page until it is closed */ }
}

/** The same decision again takes it back. */
function decide(number, decision) {
  if (decisions.get(number) === decision) decisions.delete(number);
  else decisions.set(number, decision);
  keepDecisions();
  showDecisions();
}

function showDecisions() {
  for (const item of document.querySelectorAll(".family")) {
    const decision = decisions.get(Number(item.dataset.family)) ?? "";
    item.dataset.decision = decision;
    for (const button of item.querySelectorAll("[data-decision]:not(.family)")) button.setAttribute("aria-pressed", String(button.dataset.decision === decision));
    item.querySelector(".decision").textContent = decision;
  }
  const count = (wanted) => data.families.filter((family) => (decisions.get(family.number) ?? "") === wanted);
  const [accepted, rejected, open] = ["accepted", "rejected", ""].map(count);
  const total = accepted.reduce((sum, family) => sum + family.beats, 0);
  $("decided").textContent = `${accepted.length} accepted (${total} beats), ${rejected.length} rejected, ${open.length} open`;
  $("forget").disabled = !decisions.size;
}

/** A cell of a CSV file; a text that a spreadsheet would compute gets an apostrophe in front, as in our other tables. */
const neutral = (text) => (/^'*[=+\-@\t\r\n＝＋－＠]/.test(text) && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? `'${text}` : text);
const quoted = (value) => `"${neutral(String(value ?? "")).replaceAll('"', '""')}"`;

/** What was decided, as the CSV that `ecgan score --decisions` takes. */
function decisionsText() {
  const rows = data.families.map((family) => [data.name, family.number, decisions.get(family.number) ?? "", family.beats, family.first, family.score, family.reason]);
  return [["record", "family", "decision", "beats", "first_beat", "mean_score", "reason"], ...rows].map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";
}

function exportDecisions() {
  const address = URL.createObjectURL(new Blob([decisionsText()], { type: "text/csv" }));
  const name = data.name.replace(/[^\p{L}\p{N}._-]+/gu, "_") || "recording";
  html("a", { href: address, download: `${name}.decisions.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

// The list

/** Leads to the next beat of a family behind the chosen one, or to the one before it; from the end to the begin. */
function stepInFamily(number, direction) {
  const rows = rowsOf.get(number), at = view.chosen ?? -1;
  const row = direction > 0 ? rows.find((one) => one > at) ?? rows[0] : rows.findLast((one) => one < at) ?? rows.at(-1);
  goTo(row);
  $("recording").scrollIntoView();
}

function completeFamily(item, watch) {
  const number = Number(item.dataset.family), family = familyOf.get(number);
  const button = (text, more, action) => {
    const made = html("button", { type: "button", textContent: text, ...more });
    made.addEventListener("click", action);
    return made;
  };
  const choice = (text, decision, key) => {
    const made = button(text, { title: `${text} family ${number} (${key})` }, () => decide(number, decision));
    made.dataset.decision = decision;
    return made;
  };
  const group = html("span", { className: "group", role: "group" }, choice("Accept", "accepted", "a"), choice("Reject", "rejected", "r"));
  group.setAttribute("aria-label", `Decision on family ${number}`);
  const steps = [["◀", "Previous", -1], ["▶", "Next", 1]].map(([text, which, direction]) => {
    const label = `${which} ${data.noun} of family ${number}`;
    return button(text, { title: label, ariaLabel: label }, () => stepInFamily(number, direction));
  });
  item.append(timeStrip(family), html("div", { className: "bar" }, group, html("span", { className: "group" }, ...steps)));
  if (!data.template) return;
  const { svg, fill } = familyFigure(family);
  item.querySelector(".text").after(svg);
  watch(item, fill);
}

function sortFamilies() {
  const items = [...$("families").children];
  const key = { score: (family) => family.number, beats: (family) => -family.beats, time: (family) => family.first }[$("family-order").value];
  items.sort((a, b) => key(familyOf.get(Number(a.dataset.family))) - key(familyOf.get(Number(b.dataset.family))) || a.dataset.family - b.dataset.family);
  $("families").replaceChildren(...items);
}

/** Completes the list that is in the page; `watch` draws a figure once it is in sight. */
function makeFamilies(watch) {
  for (let mode = 0; data.template && mode <= data.template.modes; mode++) {
    const place = $(mode ? `mode-figure-${mode}` : "normal-figure");
    for (let lead = 0; place && lead < data.template.leads; lead++) {
      const { svg, fill } = normalFigure(lead, mode);
      place.append(svg);
      watch(svg, fill);
    }
  }
  if (!$("families")) return;
  for (const item of $("families").children) completeFamily(item, watch);
  recallDecisions();
  showDecisions();
  $("family-order").addEventListener("change", sortFamilies);
  $("export").addEventListener("click", exportDecisions);
  $("forget").addEventListener("click", () => {
    decisions.clear();
    keepDecisions();
    showDecisions();
  });
  $("families").addEventListener("keydown", (event) => {
    const item = event.target.closest(".family"), decision = { a: "accepted", r: "rejected" }[event.key];
    if (item && decision && !event.ctrlKey && !event.metaKey && !event.altKey) decide(Number(item.dataset.family), decision);
  });
}
