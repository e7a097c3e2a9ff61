// Everything put together: list of cards, buttons, keys, links.

const $ = (id) => document.getElementById(id);
const STEP = 1.4; // a click or a key zooms by this
const PAGE = 12; // cards that are shown, and printed, at once
const PRINTED = 180; // width of the signal on paper, mm; the style sheet says it, too
const FIELDS = "input, select, textarea"; // have keys of their own

document.documentElement.classList.add("js");

const view = new View($("view"), changed, choose);
const overview = new Overview($("overview"), view);
let listed = [], page = 0; // rows in the list as it is narrowed and sorted; which page of them is shown

/** Says what is shown, in words and on the strip. */
function changed() {
  $("view-text").textContent = view.words();
  const room = Math.max(duration - view.seconds, 0);
  Object.assign($("scroll"), { max: String(Math.max(room, 1e-6)), value: String(view.start), disabled: room <= 0 });
  $("scroll").setAttribute("aria-valuetext", clock(view.start));
  if (!overview.waiting) overview.waiting = requestAnimationFrame(() => {
    overview.waiting = null;
    overview.draw();
  });
}

/** Tells of a beat beneath the view; a flagged one with what the model made of it. */
function choose(row) {
  view.choose(row);
  const card = cardOf.get(row);
  const family = familyOf.get(beats.family[row]);
  const lines = [`${nameOf(row)} of ${beats.count} · ${clock(timeOf(row), 1)}${annotated(row)}`, scoreText(row) + (beats.flagged[row] ? " · flagged" : "")];
  if (family) lines.push(`Family ${family.number}${family.reason ? `: ${family.reason}` : ""}`);
  if (card) lines.push(whereText(card), data.components.length > 1 ? componentText(card) : "");
  else if (beats.flagged[row]) lines.push("Its reconstruction is not among those in this page.");
  $("beat-text").textContent = lines.filter(Boolean).join("\n");
  $("chosen-figure").replaceChildren();
  turnTo(row);
  if (!card) return;
  for (const lead of shownLeads(card)) {
    const { svg, fill } = cardFigure(card, lead);
    fill();
    $("chosen-figure").append(svg);
  }
}

/** Chooses a beat and brings it into the middle, close enough to be read. */
function goTo(row) {
  choose(row);
  if (!view.paper) view.zoom(MM_PER_SECOND * MM);
  view.centre(placeOf(row));
}

/** The flagged beat before or after the chosen one; without a chosen one in sight, the first or last in sight. */
function step(direction) {
  const end = view.start + view.seconds;
  const seen = view.chosen !== null && timeOf(view.chosen) >= view.start && timeOf(view.chosen) <= end;
  const at = seen ? view.chosen : firstFrom(direction > 0 ? view.start : end) - 0.5;
  const found = direction > 0 ? flaggedRows.find((row) => row > at) : flaggedRows.findLast((row) => row < at);
  if (found !== undefined) goTo(found);
}

const ACTIONS = {
  n: () => step(1),
  p: () => step(-1),
  "+": () => view.zoom(view.perSecond * STEP),
  "=": () => view.zoom(view.perSecond * STEP),
  "-": () => view.zoom(view.perSecond / STEP),
  0: () => view.zoom(MM_PER_SECOND * MM),
  w: () => view.zoom(0),
};
const ARROWS = {
  ArrowLeft: () => view.move(view.start - view.seconds / 10),
  ArrowRight: () => view.move(view.start + view.seconds / 10),
};
const SCROLLS = {
  PageUp: () => view.move(view.start - view.seconds * 0.9),
  PageDown: () => view.move(view.start + view.seconds * 0.9),
  Home: () => view.move(0),
  End: () => view.move(duration),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const own = event.target instanceof HTMLCanvasElement;
  if (!own && event.target.closest(FIELDS)) return;
  const arrow = own || (inSight() && !event.target.closest(".scroll")) ? ARROWS[event.key] : undefined;
  const action = ACTIONS[event.key] ?? arrow ?? (own ? SCROLLS[event.key] : undefined);
  if (!action) return;
  event.preventDefault();
  action();
  if (!inSight()) $("recording").scrollIntoView();
}

/** Whether some of the signal is in the window. */
function inSight() {
  const { top, bottom } = $("frame").getBoundingClientRect();
  return top < window.innerHeight - 40 && bottom > 40;
}

/** `#beat-12` shows that beat, `#t=60,10` ten seconds from the first minute on. */
function followLink() {
  const beat = /^#beat-(\d+)$/.exec(location.hash), time = /^#t=([\d.]+),([\d.]+)$/.exec(location.hash);
  if (beat) {
    const row = beats.number.indexOf(Number(beat[1]));
    if (row >= 0) goTo(row);
  }
  if (time) view.show(Number(time[1]), Number(time[2]));
}

const fills = new Map(); // element → what draws its figure
const observer = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    fills.get(target)();
    observer.unobserve(target);
  }
}, { rootMargin: "500px" });

/** Draws a figure once it is in sight. */
function watch(target, fill) {
  fills.set(target, fill);
  observer.observe(target);
}

/** Forgets the figures of a list that goes. */
function unwatch(list) {
  for (const target of list.children) {
    observer.unobserve(target);
    fills.delete(target);
  }
}

/** Makes the columns of a list as wide as its widest figure. */
function fitCards(list) {
  const widest = Math.max(...[...list.children, 0].map((item) => Number((item || list).querySelector(".sheet")?.getAttribute("width") ?? 0)));
  list.style.setProperty("--sheet", `${Math.min(widest, 600)}px`);
}

/** Draws everything as it is printed: figures out of sight, the signal on paper of its width, true to scale. */
function fillForPrint() {
  document.querySelector(".facts").open = true;
  for (const fill of fills.values()) fill();
  printing = true;
  overview.resize(PRINTED * MM);
  view.resize(PRINTED * MM);
  view.draw();
}

/** Makes the views as wide as the window. */
function fit() {
  printing = false;
  overview.resize($("overview").clientWidth);
  view.resize($("frame").clientWidth);
}

/** What the list can be narrowed by, each with a test of a row. */
const NARROWING = {
  family: (value) => (row) => beats.family[row] === Number(value),
  class: (value) => (row) => data.classes[beats.symbol[row]] === value,
  reason: (value) => (row) => familyOf.get(beats.family[row])?.kinds.includes(value),
};

/** Gives a list of choices those that there are among the flagged beats, each with their number. */
function offer(id, valuesOf) {
  if (!$(id)) return;
  const counts = new Map();
  for (const row of flaggedRows) for (const value of valuesOf(row)) counts.set(value, (counts.get(value) ?? 0) + 1);
  const found = [...counts].filter(([value]) => value).sort((a, b) => b[1] - a[1]);
  for (const [value, count] of found) $(id).append(html("option", { value, textContent: `${value} (${count})` }));
  if (!found.length) $(id).closest("label").remove();
}

/** Narrows and sorts the list. */
function listCards() {
  listed = data.cards.map((card) => card.row);
  let all = flaggedRows;
  for (const [id, test] of Object.entries(NARROWING)) {
    const value = $(id)?.value ?? "";
    if (!value) continue;
    listed = listed.filter(test(value));
    all = all.filter(test(value));
  }
  if ($("order").value === "time") listed.sort((a, b) => a - b);
  $("left-out").textContent = all.length > listed.length ? `${all.length - listed.length} with lower scores are left out.` : "";
  showPage(0);
}

/** Where a button leads. */
function pageOf(button) {
  const last = Math.max(Math.ceil(listed.length / PAGE) - 1, 0);
  return { first: 0, back: Math.max(page - 1, 0), onward: Math.min(page + 1, last), last }[button.dataset.page];
}

/** Shows a page of the list. */
function showPage(number) {
  const pages = Math.max(Math.ceil(listed.length / PAGE), 1);
  page = Math.min(Math.max(number, 0), pages - 1);
  const rows = listed.slice(page * PAGE, (page + 1) * PAGE);
  unwatch($("cards"));
  $("cards").replaceChildren(...rows.map((row) => makeCard(cardOf.get(row), watch)));
  fitCards($("cards"));
  const noun = nounOf(listed.length), from = page * PAGE + 1;
  $("card-count").textContent = rows.length ? `${from}–${from + rows.length - 1} of ${listed.length} flagged ${noun}.` : `No ${noun}.`;
  for (const button of document.querySelectorAll("[data-page]")) button.disabled = pageOf(button) === page;
  for (const pager of document.querySelectorAll(".pager")) pager.hidden = pages === 1;
  showCurrent();
}

function showCurrent() {
  for (const item of $("cards").children) item.classList.toggle("current", Number(item.dataset.row) === view.chosen);
}

/** The page of the list that holds a beat, if one does. */
function turnTo(row) {
  const at = listed.indexOf(row);
  if (at >= 0 && Math.floor(at / PAGE) !== page) showPage(Math.floor(at / PAGE));
  else if ($("cards")) showCurrent();
}

function listenToCards() {
  offer("class", (row) => [data.classes[beats.symbol[row]]]);
  offer("reason", (row) => familyOf.get(beats.family[row])?.kinds ?? []);
  for (const id of ["order", ...Object.keys(NARROWING)]) $(id)?.addEventListener("change", listCards);
  for (const button of document.querySelectorAll("[data-page]")) button.addEventListener("click", () => {
    showPage(pageOf(button));
    if ($("cards").getBoundingClientRect().top < 0) $("flagged").scrollIntoView();
  });
  listCards();
}

function listenToLinks() {
  $("cards").addEventListener("click", (event) => {
    const item = event.target.closest(".card");
    if (!item || String(getSelection())) return;
    event.preventDefault();
    goTo(Number(item.dataset.row));
    $("recording").scrollIntoView();
    $("view").focus({ preventScroll: true });
  });
  window.addEventListener("hashchange", () => {
    followLink();
    $("recording").scrollIntoView();
  });
}

function start() {
  makeFamilies(watch);
  if ($("families")) fitCards($("families"));
  if ($("cards")) {
    listenToCards();
    listenToLinks();
  }
  for (const row of document.querySelectorAll("[data-beat]")) {
    const cell = row.cells[0];
    cell.replaceChildren(html("a", { href: `#beat-${row.dataset.beat}`, textContent: cell.textContent }));
  }
  window.addEventListener("beforeprint", fillForPrint);
  window.addEventListener("afterprint", fit);
  for (const id of ["previous", "next"]) $(id).disabled = !flaggedRows.length;
  const buttons = { previous: "p", next: "n", in: "+", out: "-", true: "0", all: "w" };
  for (const [id, key] of Object.entries(buttons)) $(id).addEventListener("click", ACTIONS[key]);
  $("scroll").addEventListener("input", () => view.move(Number($("scroll").value)));
  document.addEventListener("keydown", onKey);
  new ResizeObserver(fit).observe($("frame"));
  fit();
  const room = (window.innerHeight * 0.78 - TOP - BOTTOM) / (view.squares * 5); // so that many leads are seen at once
  view.zoom(MM_PER_SECOND * Math.min(MM, Math.max(room, 1.9)));
  view.move(0);
  followLink();
}

start();
