// The main view: leads beneath each other on ECG paper, in true proportions as long as it is paper; farther out only time
// is squeezed.

const LEAST_PAPER = 0.4 * MM; // pixels a millimetre; with less of them squares cannot be told apart
const MOST = 4 * MM;
const TOP = 30, BOTTOM = 24;
const NEAR = 62, SLACK = 0.005; // pixels: room for the value of a mark; mV: what is no more beyond an edge lies on it

class View {
  /** @param changed Called whenever something else is shown. @param chose Called with the row of a beat clicked at. */
  constructor(canvas, changed, chose) {
    Object.assign(this, { canvas, changed, chose, start: 0, perSecond: MM_PER_SECOND * MM, chosen: null, width: 800 });
    this.squares = leads.reduce((sum, lead) => sum + lead.squares, 0);
    this.listen();
  }

  get millimetre() { return Math.min(Math.max(this.perSecond / MM_PER_SECOND, LEAST_PAPER), MOST); }
  get paper() { return this.perSecond >= MM_PER_SECOND * LEAST_PAPER * 0.999; }
  get gutter() { return Math.max(46, 10 * this.millimetre); }
  get seconds() { return Math.max(this.width - this.gutter, 1) / this.perSecond; }
  get height() { return Math.round(TOP + this.squares * 5 * this.millimetre + BOTTOM); }

  x(time) { return this.gutter + (time - this.start) * this.perSecond; }
  time(x) { return this.start + (x - this.gutter) / this.perSecond; }

  resize(width) {
    if (width > 0) this.width = width;
    this.move(this.start);
  }

  move(start) {
    this.start = Math.min(Math.max(start, 0), Math.max(duration - this.seconds, 0));
    this.request();
  }

  centre(time) { this.move(time - this.seconds / 2); }

  /** Zooms to `perSecond` pixels a second; the time at `x` stays where it is. */
  zoom(perSecond, x = this.gutter + (this.width - this.gutter) / 2) {
    const time = this.time(x);
    const least = Math.min((this.width - this.gutter) / Math.max(duration, 1e-9), MM_PER_SECOND * MOST);
    this.perSecond = Math.min(Math.max(perSecond, least), MM_PER_SECOND * MOST);
    this.move(time - (x - this.gutter) / this.perSecond);
  }

  /** Shows a stretch of time. */
  show(start, seconds) {
    this.zoom((this.width - this.gutter) / Math.max(seconds, 0.1));
    this.move(start);
  }

  choose(row) {
    this.chosen = row;
    this.request();
  }

  /** Where one is and how large it is, in words. */
  words() {
    const end = Math.min(this.start + this.seconds, duration);
    const decimals = this.seconds < 120 ? 1 : 0;
    const scale = this.perSecond / (MM_PER_SECOND * MM);
    const size = this.paper ? `25 mm/s · 10 mm/mV · ${Math.round(100 * scale)} %` : `time squeezed to ${number(this.perSecond / this.millimetre)} mm/s · 10 mm/mV`;
    return `${clock(this.start, decimals)} – ${clock(end, decimals)} of ${clock(duration)} · ${size}`;
  }

  request() {
    this.changed();
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      this.draw();
    });
  }

  draw() {
    this.canvas.style.height = `${this.height}px`;
    const ctx = sharpen(this.canvas, this.width, this.height);
    ctx.fillStyle = "#ffffff";
    ctx.fillRect(0, 0, this.width, this.height);
    this.drawPaper(ctx);
    this.drawSpans(ctx);
    this.drawTimes(ctx);
    let top = TOP;
    this.marks = []; // what leaves the paper
    for (const lead of leads) {
      const bottom = top + lead.squares * 5 * this.millimetre;
      this.drawLead(ctx, lead, top, bottom);
      top = bottom;
    }
    this.drawBeats(ctx);
  }

  drawPaper(ctx) {
    const colours = this.paper ? PAPER : PLAIN, mm = this.millimetre;
    const right = Math.min(this.x(duration), this.width);
    const box = { left: 0, right, top: TOP, bottom: this.height - BOTTOM };
    ctx.fillStyle = colours.ground;
    ctx.fillRect(0, box.top, right, box.bottom - box.top);
    const lines = (time, height, colour) => {
      const xs = multiples(this.time(0), this.time(right), time).map((at) => this.x(at));
      gridLines(ctx, colour, xs, multiples(0, this.squares * 5, height).map((at) => TOP + at * mm), box);
    };
    if (!this.paper) return lines(timeStep(this.perSecond, 60) / 2, 10, colours.heavy);
    const fine = mm >= 2.4; // without the small squares the large ones need less weight
    if (fine) lines(0.04, 1, colours.small);
    return lines(0.2, 5, fine ? colours.heavy : colours.alone);
  }

  drawTimes(ctx) {
    const step = timeStep(this.perSecond, 76);
    ctx.font = `12px ${FONT}`;
    ctx.fillStyle = COLOUR.soft;
    ctx.textAlign = "center";
    for (const time of multiples(this.start, Math.min(this.start + this.seconds, duration), step)) {
      const x = this.x(time);
      ctx.fillRect(Math.round(x), this.height - BOTTOM, 1, 5);
      if (x < this.width - 24) ctx.fillText(clock(time, step < 1 ? 1 : 0), x, this.height - 7);
    }
    ctx.textAlign = "left";
  }

  drawLead(ctx, lead, top, bottom) {
    const mm = this.millimetre, samplesPerPixel = data.rate / this.perSecond, left = this.gutter;
    const place = {
      left, right: Math.min(this.width, this.x(duration)), top, bottom, samplesPerPixel, first: this.start * data.rate,
      x: (sample) => this.x(sample / data.rate),
      y: (value) => Math.min(Math.max(bottom - (value - lead.base) * MM_PER_MILLIVOLT * mm, top), bottom),
      ground: () => { this.drawPaper(ctx); this.drawSpans(ctx); },
    };
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top - 1, this.width - left, bottom - top + 2);
    ctx.clip();
    const beneath = this.paper ? this.drawTemplates(ctx, lead, place) : [];
    drawTrace(ctx, lead, place);
    ctx.restore();
    const points = extremes(lead, place).concat(beneath.filter(([x]) => x >= left && x <= place.right));
    for (const mark of leaving(points, lead.base - SLACK, lead.base + lead.squares / 2 + SLACK, NEAR)) this.drawMark(ctx, lead, place, mark);
    this.drawGutter(ctx, lead, top, place.y);
  }

  /** An arrow where the line leaves the paper, and how far it goes. */
  drawMark(ctx, lead, { left, right, top, bottom }, mark) {
    const up = mark.side > 0, edge = up ? top : bottom, down = up ? 1 : -1;
    const x = Math.min(Math.max(mark.x, left + 5), right - 5), text = leavingText(mark);
    this.marks.push({ ...mark, lead: lead.name, text });
    ctx.font = `bold 11px ${FONT}`;
    ctx.fillStyle = COLOUR.text;
    ctx.strokeStyle = "#ffffff";
    ctx.lineWidth = 3;
    ctx.lineJoin = "round";
    ctx.beginPath();
    ctx.moveTo(x, edge + down);
    ctx.lineTo(x - 5, edge + 8 * down);
    ctx.lineTo(x + 5, edge + 8 * down);
    ctx.closePath();
    const beside = x + 8 + ctx.measureText(text).width < right ? x + 8 : x - 8 - ctx.measureText(text).width;
    const base = up ? edge + 10 : edge - 2;
    ctx.stroke();
    ctx.fill();
    ctx.strokeText(text, beside, base);
    ctx.fillText(text, beside, base);
  }

  /** The record's own template beneath each flagged beat, on the level of the signal there; returns its points. */
  drawTemplates(ctx, lead, place) {
    const usual = data.unit === "mV" ? templateOf(leads.indexOf(lead)) : null;
    const drawn = [];
    if (!usual) return drawn;
    const [first, last] = this.visible(), step = data.template.duration / usual.length;
    ctx.strokeStyle = COLOUR.template;
    for (let row = first; row < last; row++) {
      if (!beats.flagged[row]) continue;
      const start = timeOf(row) - data.template.before + (cardOf.get(row)?.shift ?? 0);
      const level = levelAt(lead, start, data.template.duration) - middle(usual);
      if (!Number.isFinite(level)) continue;
      ctx.beginPath();
      usual.forEach((value, i) => {
        if (value === null) return;
        drawn.push([this.x(start + i * step), value + level]);
        ctx.lineTo(drawn.at(-1)[0], place.y(value + level));
      });
      for (const [width, alpha] of [[5, 0.28], [0.9, 1]]) {
        Object.assign(ctx, { lineWidth: width, globalAlpha: alpha });
        ctx.stroke();
      }
      ctx.globalAlpha = 1;
    }
    return drawn;
  }

  /** Name of a lead and the calibration pulse, 1 mV high and 0.2 s long at the scale of the signal. */
  drawGutter(ctx, lead, top, y) {
    const mm = this.millimetre, zero = Math.max(lead.base, Math.min(0, lead.base + (lead.squares - 2) / 2));
    const bottom = top + lead.squares * 5 * mm;
    const xs = [1, 2, 2, 7, 7, 8].map((at) => at * mm + Math.max(0, this.gutter - 10 * mm) / 2);
    ctx.strokeStyle = COLOUR.signal;
    ctx.lineWidth = 1.3;
    ctx.beginPath();
    [0, 0, 1, 1, 0, 0].forEach((height, i) => ctx.lineTo(xs[i], Math.min(y(zero + height), bottom - 1)));
    ctx.stroke();
    const name = lead.model && lead.model !== lead.name ? `${lead.name} (as ${lead.model})` : lead.name;
    ctx.font = `bold 13px ${FONT}`;
    ctx.lineWidth = 4;
    ctx.strokeStyle = "#fff9f7e0";
    ctx.strokeText(name, 5, top + 15, this.width - 10);
    ctx.fillStyle = COLOUR.text;
    ctx.fillText(name, 5, top + 15, this.width - 10);
  }

  /** First row of the beats that may be seen, and the one behind the last. */
  visible() {
    const margin = Math.max(Math.abs(data.around[0]), Math.abs(data.around[1]), 2);
    const from = firstFrom(this.start - margin), to = firstFrom(this.start + this.seconds + margin);
    return [from, to];
  }

  /** Shades flagged beats and the chosen one. */
  drawSpans(ctx) {
    const bottom = this.height - BOTTOM;
    const shade = (row, from, colour, edge, thick) => {
      const [start, stop] = span(row);
      const left = Math.max(this.x(start), from), right = Math.min(Math.max(this.x(stop), left + 1), this.width);
      if (this.x(stop) < from + 0.5 || right < left) return from;
      ctx.fillStyle = colour;
      ctx.fillRect(left, TOP, right - left, bottom - TOP);
      ctx.fillStyle = edge;
      ctx.fillRect(left, TOP - 3, right - left, thick);
      return right;
    };
    let from = this.gutter; // where beats overlap, the shade stays even
    const [first, last] = this.visible();
    for (let row = first; row < last; row++) if (beats.flagged[row]) from = shade(row, from, "#d55e0024", COLOUR.flag, 3);
    if (this.chosen === null) return;
    const flagged = beats.flagged[this.chosen];
    shade(this.chosen, this.gutter, flagged ? "#d55e0030" : "#0072b222", flagged ? COLOUR.flag : COLOUR.rate, 6);
  }

  /** Ticks and texts above the paper; a text is left out where there is no room. */
  drawBeats(ctx) {
    const [first, last] = this.visible();
    const room = (this.seconds * this.perSecond) / Math.max(last - first, 1);
    let ticked = -1, free = this.gutter;
    ctx.textAlign = "center";
    for (let row = first; row < last; row++) {
      const x = this.x(timeOf(row)), flagged = beats.flagged[row];
      if (x < this.gutter || x > this.width || (!flagged && room < 4)) continue;
      if (Math.round(x) === ticked) continue;
      ticked = Math.round(x);
      ctx.fillStyle = flagged ? COLOUR.flag : COLOUR.tick;
      ctx.fillRect(ticked, TOP - 8, flagged ? 2 : 1, 8);
      if (x > free + 3) free = this.write(ctx, row, x, free);
    }
    ctx.textAlign = "left";
  }

  /** Writes the longest text above a beat that fits; returns where the next may begin. */
  write(ctx, row, x, free) {
    const flagged = beats.flagged[row], next = row + 1;
    const end = Math.min(this.width, next < beats.count && beats.flagged[next] ? this.x(timeOf(next)) - 6 : Infinity);
    ctx.font = `${flagged ? "bold " : ""}12px ${FONT}`;
    const half = (text) => ctx.measureText(text).width / 2 + 3;
    const text = this.labels(row).find((label) => x - half(label) >= free && x + half(label) <= end);
    if (!text) return free;
    ctx.fillStyle = flagged ? COLOUR.flagText : COLOUR.tick;
    ctx.fillText(text, x, TOP - 12);
    return x + half(text);
  }

  /** What may stand above a beat, the longest first. */
  labels(row) {
    const symbol = data.symbols[beats.symbol[row]].slice(0, 4), name = String(beats.number[row]);
    if (!beats.flagged[row]) return [Number.isNaN(beats.score[row]) ? "×" : symbol];
    return [`${name}: ${number(beats.score[row])}${symbol ? ` ${symbol}` : ""}`, `${name}${symbol ? ` ${symbol}` : ""}`, name];
  }

  listen() {
    const { canvas } = this;
    let from = null, moved = false;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      from = { x: event.clientX, start: this.start };
      moved = false;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!from) return;
      moved ||= Math.abs(event.clientX - from.x) > 3;
      canvas.classList.toggle("dragged", moved);
      if (moved) this.move(from.start - (event.clientX - from.x) / this.perSecond);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, (event) => {
        if (from && !moved && end === "pointerup") this.click(event);
        from = null;
        canvas.classList.remove("dragged");
      });
    }
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  click(event) {
    const row = nearestBeat(this.time(event.clientX - this.canvas.getBoundingClientRect().left));
    if (row !== undefined) this.chose(row);
  }

  wheel(event) {
    const pixels = event.deltaMode === 1 ? 30 : event.deltaMode === 2 ? 600 : 1;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.zoom(this.perSecond * Math.exp(-event.deltaY * pixels * 0.0025), event.clientX - this.canvas.getBoundingClientRect().left);
      return;
    }
    const across = event.shiftKey && !event.deltaX ? event.deltaY : event.deltaX;
    const by = across || (document.activeElement === this.canvas ? event.deltaY : 0);
    const before = this.start;
    if (by) this.move(this.start + (by * pixels) / this.perSecond);
    if (this.start !== before) event.preventDefault();
  }
}
