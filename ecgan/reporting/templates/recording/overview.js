// The whole recording as a strip: heart rate, scores, flagged beats, and what the main view shows of it.

const LANES = { rate: [28, 58], score: [78, 122], marks: [127, 139] };
const OVERVIEW_HEIGHT = 144;

class Overview {
  constructor(canvas, view) {
    Object.assign(this, { canvas, view, width: 800, height: OVERVIEW_HEIGHT });
    this.rates = Float32Array.from({ length: beats.count }, (_, row) => this.rateAt(row));
    this.rateRange = this.range(this.rates.filter((rate) => rate > 0), 0.02, 0.98, [50, 100]);
    const scores = beats.score.filter((score) => Number.isFinite(score));
    const reach = data.threshold === null ? [0, 1] : [data.threshold, data.threshold];
    this.scoreRange = this.range(scores, 0.001, 0.995, reach);
    this.listen();
  }

  /** Beats a minute since the beat before; 0 behind a pause of more than 3 s, where beats may be missing. */
  rateAt(row) {
    const interval = row && data.noun === "beat" ? timeOf(row) - timeOf(row - 1) : 0;
    return interval > 0 && interval <= 3 ? 60 / interval : 0;
  }

  /** What an axis covers: quantiles of the values and all of `reach`, with a margin. */
  range(values, from, to, reach) {
    const sorted = Float64Array.from(values).sort();
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
    const low = Math.min(sorted.length ? at(from) : reach[0], reach[0]);
    const high = Math.max(sorted.length ? at(to) : reach[1], reach[1]);
    const margin = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
    return [low - margin, high + margin];
  }

  x(time) { return (time / Math.max(duration, 1e-9)) * this.width; }

  y(value, [low, high], [top, bottom]) {
    return bottom - Math.min(Math.max((value - low) / (high - low), 0), 1) * (bottom - top);
  }

  resize(width) {
    if (width > 0) this.width = width;
    this.drawStrip();
    this.draw();
  }

  /** What scrolling does not change, on a canvas of its own. */
  drawStrip() {
    this.strip = document.createElement("canvas");
    const ctx = sharpen(this.strip, this.width, this.height);
    ctx.fillStyle = "#ffffff";
    ctx.fillRect(0, 0, this.width, this.height);
    this.drawTimes(ctx);
    this.drawRate(ctx);
    this.drawScores(ctx);
    this.drawMarks(ctx);
    this.drawNames(ctx);
  }

  draw() {
    const ctx = sharpen(this.canvas, this.width, this.height);
    ctx.drawImage(this.strip, 0, 0, this.width, this.height);
    this.drawWindow(ctx);
    this.canvas.setAttribute("aria-valuemin", "0");
    this.canvas.setAttribute("aria-valuemax", duration.toFixed(1));
    this.canvas.setAttribute("aria-valuenow", this.view.start.toFixed(1));
    this.canvas.setAttribute("aria-valuetext", this.view.words());
  }

  drawTimes(ctx) {
    const step = timeStep(this.width / Math.max(duration, 1e-9), 84);
    const times = multiples(step, duration, step);
    gridLines(ctx, "#e6e9ee", times.map((time) => this.x(time)), [63], { left: 0, right: this.width, top: 0, bottom: this.height });
    ctx.font = `11px ${FONT}`;
    ctx.fillStyle = COLOUR.tick;
    for (const time of times) if (this.x(time) < this.width - 60) ctx.fillText(clock(time), this.x(time) + 3, 10);
  }

  /** Mean heart rate of each column of pixels, joined where beats follow each other. */
  drawRate(ctx) {
    ctx.strokeStyle = COLOUR.rate;
    ctx.lineWidth = 1.2;
    ctx.beginPath();
    let column = null, pen = false;
    const flush = () => {
      if (!column) return;
      const y = this.y(column.sum / column.count, this.rateRange, LANES.rate);
      if (pen) ctx.lineTo(column.x + 0.5, y);
      else ctx.moveTo(column.x, y);
      pen = true;
    };
    this.rates.forEach((rate, row) => {
      const x = Math.floor(this.x(timeOf(row)));
      if (!rate) {
        flush();
        [column, pen] = [null, false];
      } else if (column && column.x === x) {
        column.sum += rate;
        column.count += 1;
      } else {
        flush();
        column = { x, sum: rate, count: 1 };
      }
    });
    flush();
    ctx.stroke();
  }

  drawScores(ctx) {
    const size = beats.count > this.width / 4 ? 2 : 4;
    for (const kind of [0, 1]) {
      ctx.fillStyle = kind ? COLOUR.flag : "#7d8796";
      for (let row = 0; row < beats.count; row++) {
        if (Number.isNaN(beats.score[row]) || beats.flagged[row] !== kind) continue;
        ctx.fillRect(this.x(timeOf(row)) - size / 2, this.y(beats.score[row], this.scoreRange, LANES.score) - size / 2, size, size);
      }
    }
    if (data.threshold === null) return;
    const y = Math.round(this.y(data.threshold, this.scoreRange, LANES.score)) + 0.5;
    ctx.strokeStyle = COLOUR.text;
    ctx.lineWidth = 1;
    ctx.setLineDash([5, 4]);
    ctx.beginPath();
    ctx.moveTo(0, y);
    ctx.lineTo(this.width, y);
    ctx.stroke();
    ctx.setLineDash([]);
  }

  /** Flagged beats as bars, beats without a score as dots; where a column of pixels holds many, their share. */
  drawMarks(ctx) {
    const [top, bottom] = LANES.marks;
    if (beats.count > 8 * this.width) return this.drawShares(ctx, top, bottom);
    for (let row = 0; row < beats.count; row++) {
      const x = this.x(timeOf(row));
      if (beats.flagged[row]) {
        ctx.fillStyle = COLOUR.flag;
        ctx.fillRect(x - 0.75, top, 1.5, bottom - top);
      } else if (Number.isNaN(beats.score[row])) {
        ctx.fillStyle = COLOUR.tick;
        ctx.fillRect(x - 0.5, bottom - 3, 1, 3);
      }
    }
  }

  drawShares(ctx, top, bottom) {
    const all = new Uint32Array(Math.ceil(this.width) + 1), flagged = new Uint32Array(all.length);
    for (let row = 0; row < beats.count; row++) {
      const x = Math.min(Math.max(Math.floor(this.x(timeOf(row))), 0), all.length - 1);
      all[x] += 1;
      flagged[x] += beats.flagged[row];
    }
    ctx.fillStyle = COLOUR.flag;
    flagged.forEach((count, x) => {
      const height = count && Math.max(2, (count / all[x]) * (bottom - top));
      ctx.fillRect(x, bottom - height, 1, height);
    });
  }

  drawNames(ctx) {
    const [low, high] = this.rateRange.map(Math.round);
    ctx.font = `11px ${FONT}`;
    ctx.lineWidth = 3;
    ctx.strokeStyle = "#ffffffd0";
    ctx.fillStyle = COLOUR.text;
    const names = [["score", 75]];
    if (data.noun === "beat") names.push([`heart rate ${Math.max(low, 0)}–${high}/min`, 24]);
    for (const [text, y] of names) {
      ctx.strokeText(text, 4, y);
      ctx.fillText(text, 4, y);
    }
  }

  drawWindow(ctx) {
    const left = this.x(this.view.start), right = this.x(Math.min(this.view.start + this.view.seconds, duration));
    const width = Math.max(right - left, 5), from = Math.min(left, this.width - width);
    ctx.fillStyle = "#0060a822";
    ctx.fillRect(from, 0, width, this.height);
    ctx.strokeStyle = "#0060a8";
    ctx.lineWidth = 1.5;
    ctx.strokeRect(from + 0.75, 0.75, width - 1.5, this.height - 1.5);
  }

  listen() {
    const go = (event) => {
      const box = this.canvas.getBoundingClientRect();
      this.view.centre(((event.clientX - box.left) / box.width) * duration);
    };
    let down = false;
    this.canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      down = true;
      this.canvas.setPointerCapture(event.pointerId);
      go(event);
    });
    this.canvas.addEventListener("pointermove", (event) => down && go(event));
    for (const end of ["pointerup", "pointercancel"]) this.canvas.addEventListener(end, () => (down = false));
  }
}
