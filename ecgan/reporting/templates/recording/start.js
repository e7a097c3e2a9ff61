// Everything put together: list of cards, buttons, keys, links.

const $ = (id) => document.getElementById(id);
const STEP = 1.4; // a click or a key zooms by this
const PRINTED = 12; // cards on paper; the style sheet hides the others

document.documentElement.classList.add("js");

const view = new View($("view"), changed, choose);
const overview = new Overview($("overview"), view);
const cards = new Map(); // row → { item, fill }

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
  cards.get(view.chosen)?.item.classList.remove("current");
  view.choose(row);
  const card = cardOf.get(row);
  const family = familyOf.get(beats.family[row]);
  const lines = [`${nameOf(row)} of ${beats.count} · ${clock(timeOf(row), 1)}${annotated(row)}`, scoreText(row) + (beats.flagged[row] ? " · flagged" : "")];
  if (family) lines.push(`Family ${family.number}${family.reason ? `: ${family.reason}` : ""}`);
  if (card) lines.push(whereText(card), data.components.length > 1 ? componentText(card) : "");
  else if (beats.flagged[row]) lines.push("Its reconstruction is not among those in this page.");
  $("beat-text").textContent = lines.filter(Boolean).join("\n");
  $("chosen-figure").replaceChildren();
  if (!card) return;
  for (const lead of shownLeads(card)) {
    const { svg, fill } = cardFigure(card, lead);
    fill();
    $("chosen-figure").append(svg);
  }
  cards.get(row)?.item.classList.add("current");
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
const SCROLLS = {
  ArrowLeft: () => view.move(view.start - view.seconds / 10),
  ArrowRight: () => view.move(view.start + view.seconds / 10),
  PageUp: () => view.move(view.start - view.seconds * 0.9),
  PageDown: () => view.move(view.start + view.seconds * 0.9),
  Home: () => view.move(0),
  End: () => view.move(duration),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const own = event.target instanceof HTMLCanvasElement;
  if (!own && event.target.closest("input, select, textarea")) return;
  const action = ACTIONS[event.key] ?? (own ? SCROLLS[event.key] : undefined);
  if (!action) return;
  event.preventDefault();
  action();
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

function makeCards() {
  for (const card of data.cards) {
    const item = makeCard(card, watch);
    cards.set(card.row, { item, fill: fills.get(item) });
  }
  fitCards($("cards"));
  sortCards();
}

/** Makes the columns of a list as wide as its widest figure. */
function fitCards(list) {
  const widest = Math.max(...[...list.children, 0].map((item) => Number((item || list).querySelector(".sheet")?.getAttribute("width") ?? 0)));
  list.style.setProperty("--sheet", `${Math.min(widest, 600)}px`);
}

function fillForPrint() {
  document.querySelector(".facts").open = true;
  const printed = $("cards") ? [...$("cards").children].slice(0, PRINTED) : [];
  for (const [target, fill] of fills) if (!target.classList.contains("card") || target.classList.contains("family") || printed.includes(target)) fill();
}

function sortCards() {
  const byTime = $("order").value === "time", family = Number($("family")?.value ?? 0);
  const rows = data.cards.map((card) => card.row).filter((row) => !family || beats.family[row] === family);
  if (byTime) rows.sort((a, b) => a - b);
  $("cards").replaceChildren(...rows.map((row) => cards.get(row).item));
  const left = (family ? rowsOf.get(family) : flaggedRows).length - rows.length;
  $("card-count").textContent = `${rows.length} shown` + (left ? `, ${left} with lower scores left out` : "");
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
    if (data.cards.length) makeCards();
    listenToLinks();
    for (const id of ["order", "family"]) $(id)?.addEventListener("change", sortCards);
  }
  for (const row of document.querySelectorAll("[data-beat]")) {
    const cell = row.cells[0];
    cell.replaceChildren(html("a", { href: `#beat-${row.dataset.beat}`, textContent: cell.textContent }));
  }
  window.addEventListener("beforeprint", fillForPrint);
  for (const id of ["previous", "next"]) $(id).disabled = !flaggedRows.length;
  const buttons = { previous: "p", next: "n", in: "+", out: "-", true: "0", all: "w" };
  for (const [id, key] of Object.entries(buttons)) $(id).addEventListener("click", ACTIONS[key]);
  $("scroll").addEventListener("input", () => view.move(Number($("scroll").value)));
  document.addEventListener("keydown", onKey);
  const fit = () => {
    overview.resize($("overview").clientWidth);
    view.resize($("frame").clientWidth);
  };
  new ResizeObserver(fit).observe($("frame"));
  fit();
  const room = (window.innerHeight * 0.78 - TOP - BOTTOM) / (view.squares * 5); // so that many leads are seen at once
  view.zoom(MM_PER_SECOND * Math.min(MM, Math.max(room, 1.9)));
  view.move(0);
  followLink();
}

start();
