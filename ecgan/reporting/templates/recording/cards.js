// A flagged beat on a sheet of its own: signal and reconstruction, the area between them, the error beneath each lead and
// its share in each stretch of time. Drawn as SVG in millimetres of paper.

const SVG = "http://www.w3.org/2000/svg";
const SHOWN_LEADS = 3, PULSE = 10, NARROWEST = 40, TALLEST = 20, ZOOM = 5.6; // ZOOM: pixels a millimetre on the screen
const TALLEST_ERROR = 15, LABEL = 11; // millimetres: the area of the error; room for the value of a mark

function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function html(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Values of a lead of a card as numbers; null where one is missing. */
function values(card, trace, lead) {
  const from = card.at + (trace * card.leads + lead) * card.steps;
  return Array.from(cardValues.subarray(from, from + card.steps), (step) => (step === MISSING ? null : card.offset + card.step * step));
}

/** The record's own template of a lead as values, or that of a mode, from 1; null where there is none. */
function templateOf(lead, mode = 0) {
  const own = data.template;
  if (!own || lead >= own.leads) return null;
  const at = mode * own.leads + lead, steps = templateValues.subarray(at * own.steps, (at + 1) * own.steps);
  return Array.from(steps, (step) => (step === MISSING ? null : own.offset + own.step * step));
}

/** The template beneath a card: as many steps, moved to where its wave lies. */
function templateBeneath(card, lead) {
  const usual = templateOf(lead);
  if (!usual || usual.length !== card.steps) return null;
  const shift = Math.round((card.shift * card.steps) / card.duration);
  return usual.map((_, i) => usual[i - shift] ?? null);
}

/** Leads that a card shows: those with the largest share of the error, in their own order. */
function shownLeads(card) {
  const all = Array.from({ length: card.leads }, (_, lead) => lead);
  const share = (lead) => card.shares[lead] ?? 0;
  return all.sort((a, b) => share(b) - share(a) || a - b).slice(0, SHOWN_LEADS).sort((a, b) => a - b);
}

/** Lowest and highest value of some lines, and all of their values. */
function rangeOf(lines) {
  const all = lines.flat().filter((value) => value !== null);
  return { all, low: all.reduce((a, b) => Math.min(a, b), Infinity), high: all.reduce((a, b) => Math.max(a, b), -Infinity) };
}

function readCard(card) {
  return shownLeads(card).map((lead) => {
    const signal = values(card, 0, lead);
    const reconstruction = card.traces > 1 ? values(card, 1, lead) : null;
    const error = reconstruction && signal.map((value, i) => (value === null || reconstruction[i] === null ? null : Math.abs(value - reconstruction[i])));
    const template = templateBeneath(card, lead);
    return { lead, signal, template, reconstruction, error, ...rangeOf([signal, reconstruction ?? [], template ?? []]) };
  });
}

const fives = (length) => 5 * Math.max(1, Math.ceil(length / 5 - 1e-9));

/** Millimetres for a second and for a unit: those of ECG paper for mV, otherwise what fills the sheet. */
function scaleOf(card, traces) {
  if (data.unit === "mV") return { second: MM_PER_SECOND, unit: MM_PER_MILLIVOLT, paper: true };
  const range = Math.max(...traces.map((trace) => (trace.high > trace.low ? trace.high - trace.low : 0)));
  return { second: NARROWEST / card.duration, unit: range > 0 ? 20 / range : 1, paper: false };
}

/** Where everything of a card is, with all leads or `only` one. */
function layout(card, only) {
  const all = readCard(card), traces = only === undefined ? all : all.filter((trace) => trace.lead === only);
  return arrange(card, timeOf(card.row) - card.start, traces, scaleOf(card, all));
}

/** Where lines are: the paper's size, time zero (`before` seconds from the first step), and for each lead its zero, upper and lower edge, zero of the error. */
function arrange(card, before, traces, scale) {
  const peak = before * scale.second;
  const start = scale.paper ? PULSE + ((((-peak % 5) + 5) % 5)) : PULSE / 2;
  const width = Math.max(fives(start + card.duration * scale.second + 1), NARROWEST);
  let y = 0;
  const strips = traces.map((trace) => {
    const strip = { ...trace, ...stripOf(trace, scale, y) };
    y = strip.end;
    return strip;
  });
  return { card, scale, start, width, peak: start + peak, strips, paperHeight: y, height: y + (card.regions.length ? 8 : 0) + 5 };
}

/** From and to which square the paper reaches: all values, or as many as fit on the tallest strip. */
function squaresOf({ all, low, high }, square) {
  let [below, above] = [Math.floor(low / square + 1e-9), Math.ceil(high / square - 1e-9)], most = 0;
  if (above - below <= TALLEST) return [below, above];
  const sorted = all.map((value) => value / square).sort((a, b) => a - b);
  for (let from = 0, to = 0; from < sorted.length; from++) {
    const bottom = Math.floor(sorted[from]);
    while (to < sorted.length && sorted[to] <= bottom + TALLEST) to++;
    if (to - from > most) [most, below, above] = [to - from, bottom, Math.max(Math.ceil(sorted[to - 1]), bottom + 1)];
  }
  return [below, above];
}

function stripOf(trace, scale, top) {
  if (!(trace.high >= trace.low)) return { top, zero: top + 10, origin: 0, bottom: top + 15, end: top + 15, base: null };
  const square = 5 / scale.unit;
  let [below, above] = squaresOf(trace, square);
  const origin = below <= 0 && above >= 0 ? 0 : below;
  if (scale.paper) above = Math.max(above, origin + 2); // room for the calibration pulse
  const bottom = top + 5 + (above - below) * 5;
  const error = trace.error ? Math.min(trace.error.reduce((a, b) => Math.max(a, b ?? 0), 0) * scale.unit, TALLEST_ERROR) : 0;
  const base = trace.error ? bottom + fives(error) : null;
  return { top, bottom, zero: top + 5 + (above - origin) * 5, origin: origin * square, base, end: base ?? bottom };
}

const f = (value) => String(Number(value.toFixed(2)));

/** Path through the points that are there; null breaks it. */
function line(points) {
  let pen = false, path = "";
  for (const point of points) {
    if (point) path += `${pen ? "L" : "M"}${f(point[0])} ${f(point[1])}`;
    pen = Boolean(point);
  }
  return path;
}

/** Closed paths between two lines, one for each stretch in which both are there. */
function between(upper, lower) {
  let path = "", run = [];
  const close = () => {
    if (run.length > 1) path += `${line([...run.map((i) => upper[i]), ...run.reverse().map((i) => lower[i])])}Z`;
    run = [];
  };
  upper.forEach((point, i) => (point && lower[i] ? run.push(i) : close()));
  close();
  return path;
}

function gridPath(width, height, step) {
  let path = "";
  for (let x = 0; x <= width + 1e-9; x += step) path += `M${x} 0V${height}`;
  for (let y = 0; y <= height + 1e-9; y += step) path += `M0 ${y}H${width}`;
  return path;
}

function drawGround(svg, sheet) {
  const colours = sheet.scale.paper ? PAPER : PLAIN;
  svg.append(
    element("rect", { width: sheet.width, height: sheet.paperHeight, fill: colours.ground }),
    element("path", { d: gridPath(sheet.width, sheet.paperHeight, 1), stroke: colours.small, "stroke-width": 0.12 }),
    element("path", { d: gridPath(sheet.width, sheet.paperHeight, 5), stroke: colours.heavy, "stroke-width": 0.22 }),
  );
}

/** The template as a broad pale line with a thin one in it: seen beneath any other, and in black and white. */
function beneath(d) {
  const drawn = element("g", { class: "template", fill: "none", stroke: COLOUR.template, "stroke-linejoin": "round" });
  drawn.append(element("path", { d, "stroke-width": 1.3, "stroke-opacity": 0.28 }), element("path", { d, "stroke-width": 0.2 }));
  return drawn;
}

/** Where the values of a line lie on the paper of a strip. */
function pointsOf({ scale, card, start }, strip, values) {
  const x = (i) => start + ((i * card.duration) / card.steps) * scale.second;
  const y = (value) => Math.min(Math.max(strip.zero - (value - strip.origin) * scale.unit, strip.top), strip.bottom);
  return values.map((value, i) => (value === null ? null : [x(i), y(value)]));
}

function drawStrip(svg, sheet, strip) {
  const { scale, card } = sheet;
  const x = (i) => sheet.start + ((i * card.duration) / card.steps) * scale.second;
  const points = (trace) => pointsOf(sheet, strip, trace);
  const path = (d, colour, width) => element("path", { d, fill: "none", stroke: colour, "stroke-width": width, "stroke-linejoin": "round" });
  const signal = points(strip.signal);
  if (strip.template) svg.append(beneath(line(points(strip.template))));
  if (strip.reconstruction) {
    const reconstruction = points(strip.reconstruction);
    const up = (value) => strip.base - Math.min(value * scale.unit, TALLEST_ERROR);
    const error = strip.error.map((value, i) => (value === null ? null : [x(i), up(value)]));
    const floor = error.map((point) => point && [point[0], strip.base]);
    svg.append(
      element("path", { d: between(signal, reconstruction), fill: COLOUR.error, "fill-opacity": 0.28 }),
      element("path", { d: between(error, floor), fill: COLOUR.error, "fill-opacity": 0.45, stroke: COLOUR.error, "stroke-width": 0.16 }),
      path(line(signal), COLOUR.signal, 0.42),
      path(line(reconstruction), COLOUR.reconstruction, 0.32),
    );
  } else svg.append(path(line(signal), COLOUR.signal, 0.42));
  drawPulse(svg, sheet, strip);
  markStrip(svg, sheet, strip, [strip.signal, strip.reconstruction ?? [], strip.template ?? []]);
}

/** Arrows where lines leave the paper of a strip, or the error its room, with how far they go. */
function markStrip(svg, { scale, card, start, width }, strip, lines) {
  const x = (i) => start + ((i * card.duration) / card.steps) * scale.second;
  const points = (values) => values.map((value, i) => (value === null ? null : [x(i), value]));
  const edge = (y) => strip.origin + (strip.zero - y) / scale.unit, slack = 0.01 / scale.unit;
  const arrow = (mark, y, words) => {
    const down = mark.side, text = `${words}${leavingText(mark)}`, right = mark.x + 1.6 + text.length * 1.35 < width;
    const made = element("g", { class: "leaves", fill: COLOUR.text, stroke: "#ffffff", "stroke-width": 0.5, "paint-order": "stroke", "stroke-linejoin": "round" });
    made.append(
      element("path", { d: `M${f(mark.x)} ${f(y + 0.2 * down)}l-1 ${2 * down}h2Z` }),
      element("text", { x: f(mark.x + (right ? 1.5 : -1.5)), y: f(y + (down > 0 ? 2.4 : -0.5)), "font-size": 2.1, "font-weight": "bold", "text-anchor": right ? "start" : "end" }, text),
    );
    svg.append(made);
  };
  for (const mark of leaving(lines.flatMap(points), edge(strip.bottom) - slack, edge(strip.top) + slack, LABEL)) arrow(mark, mark.side > 0 ? strip.top : strip.bottom, "");
  if (!strip.error) return;
  const error = leaving(points(strip.error), -Infinity, TALLEST_ERROR / scale.unit + slack, LABEL);
  for (const mark of error) arrow(mark, strip.base - TALLEST_ERROR, "error ");
}

/** The calibration pulse on ECG paper, and what the lead is called. */
function drawPulse(svg, sheet, strip) {
  if (sheet.scale.paper) {
    const xs = [1, 2, 2, 7, 7, 8], pulse = [0, 0, 1, 1, 0, 0].map((mv, i) => [xs[i], strip.zero - mv * sheet.scale.unit]);
    svg.append(element("path", { d: line(pulse), fill: "none", stroke: COLOUR.signal, "stroke-width": 0.32, "stroke-linejoin": "round" }));
  }
  writeStrip(svg, sheet, strip);
}

function writeStrip(svg, sheet, strip) {
  const name = (data.leadNames[strip.lead] ?? `channel ${strip.lead + 1}`).slice(0, 12);
  svg.append(element("text", { x: 1, y: strip.top + 3.4, "font-size": 2.6, "font-weight": "bold", fill: COLOUR.text }, name));
  if (sheet.scale.paper || !(strip.high >= strip.low)) return;
  for (const value of new Set([strip.high, strip.low])) {
    const y = strip.zero - (value - strip.origin) * sheet.scale.unit;
    const text = `${number(value)} ${data.unit}`.slice(0, 18);
    svg.append(element("text", { x: sheet.width - 0.5, y: y + 0.8, "font-size": 2.2, fill: COLOUR.soft, "text-anchor": "end" }, text));
  }
}

/** Share of the error in each region: the darker, the more; beneath it seconds from the R peak. */
function drawRegions(svg, sheet) {
  const top = sheet.paperHeight + 0.7;
  for (const [name, start, stop, share] of sheet.card.regions) {
    const x = sheet.start + start * sheet.scale.second, width = (stop - start) * sheet.scale.second;
    const box = element("rect", { x: f(x), y: f(top), width: f(width), height: 4.2, fill: COLOUR.error, "fill-opacity": f(0.06 + 0.6 * share), stroke: COLOUR.error, "stroke-width": 0.12 });
    box.append(element("title", {}, `${name}: ${percent(share)} of the squared error`));
    svg.append(box);
    const narrow = width < 7, beneath = width < 4; // a QRS complex is 3 mm wide on paper: its share stands beneath
    if (beneath && name !== "QRS") continue;
    const text = { x: f(x + width / 2), y: f(top + (beneath ? 6.8 : 3)), "font-size": narrow && !beneath ? 1.9 : 2.3, "text-anchor": "middle", fill: COLOUR.text };
    svg.append(element("text", text, (beneath ? "QRS " : "") + percent(share).replace(" ", narrow && !beneath ? "" : "\u2009")));
  }
}

function drawSeconds(svg, sheet) {
  const long = sheet.card.duration > 2 || data.noun !== "beat", step = timeStep(sheet.scale.second, 9);
  const zero = long ? sheet.start : sheet.peak, end = sheet.start + sheet.card.duration * sheet.scale.second;
  for (const time of multiples((sheet.start - zero) / sheet.scale.second, (end - zero) / sheet.scale.second, step)) {
    const x = zero + time * sheet.scale.second, text = (Math.abs(time) < 1e-9 ? (long ? "0 s" : "R") : `${time.toFixed(step < 1 ? 1 : 0)} s`).replace("-", "−");
    svg.append(element("text", { x: f(x), y: sheet.height - 1, "font-size": 2.3, "text-anchor": "middle", fill: COLOUR.soft }, text));
  }
}

/** The frame of a figure has its final size at once; its paper, what `draw` draws and its times follow by `fill`. */
function frame(sheet, label) {
  const svg = element("svg", { class: "sheet", viewBox: `-0.2 -0.2 ${sheet.width + 0.4} ${sheet.height + 0.2}`, width: f((sheet.width + 0.4) * ZOOM), height: f((sheet.height + 0.2) * ZOOM), role: "img", "font-family": FONT });
  svg.style.setProperty("--width", sheet.width + 0.4); // millimetres: printed true to scale
  svg.setAttribute("aria-label", label);
  const fill = (draw) => {
    if (svg.childElementCount) return;
    drawGround(svg, sheet);
    draw();
    drawRegions(svg, sheet);
    drawSeconds(svg, sheet);
  };
  return { svg, fill };
}

/** All leads of a card beneath each other, or `only` one. */
function cardFigure(card, only) {
  const sheet = layout(card, only), { svg, fill } = frame(sheet, describe(card));
  return { svg, fill: () => fill(() => sheet.strips.forEach((strip) => drawStrip(svg, sheet, strip))) };
}

function describe(card) {
  const kind = card.traces > 1 ? "signal and reconstruction" : "signal";
  return `${kind} of ${data.noun} ${beats.number[card.row]}. ${whereText(card)}`;
}

/** Where it deviates, in words. */
function whereText(card) {
  if (!card.regions.length) return "";
  const most = (parts, share) => parts.reduce((a, b) => (share(b) > share(a) ? b : a));
  const [name, , , share] = most(card.regions, (region) => region[3]);
  let text = `${percent(share)} of the squared error ${/^\d/.test(name) ? "from" : /^QRS/.test(name) ? "in the" : ""} ${name}`.replace("  ", " ");
  if (card.leads > 1) {
    const lead = most([...card.shares.keys()], (i) => card.shares[i]);
    text += `, ${percent(card.shares[lead])} in ${data.leadNames[lead] ?? `channel ${lead + 1}`}`;
  }
  if (card.leads > SHOWN_LEADS) text += `; ${SHOWN_LEADS} of ${card.leads} leads shown`;
  return text;
}

function componentText(card) {
  return data.components.map((name, i) => `${name} ${number(card.components[i])}`).join(" · ");
}

function annotated(row) {
  const symbol = data.symbols[beats.symbol[row]];
  return symbol ? ` · annotated ${symbol}` : "";
}

/** A card of the list; `watch` draws its figure once it is in sight. */
function makeCard(card, watch) {
  const row = card.row, { svg, fill } = cardFigure(card);
  const link = html("a", { href: `#beat-${beats.number[row]}`, textContent: nameOf(row) });
  const text = html("div", { className: "text" }, html("h3", {}, link, ` · ${clock(timeOf(row), 1)}`), html("p", { textContent: scoreText(row) + annotated(row) }));
  if (beats.family[row]) text.querySelector("h3").append(` · family ${beats.family[row]}`);
  const item = html("li", { className: "card" }, text, svg);
  const below = html("div", { className: "text" });
  if (card.regions.length) below.append(html("p", { className: "where", textContent: whereText(card) }));
  if (data.components.length > 1) below.append(html("p", { className: "parts", textContent: componentText(card) }));
  item.append(below);
  item.dataset.row = row;
  watch(item, fill);
  return item;
}
