// ECG paper, colours, times and numbers as text.

const MM = 96 / 25.4; // CSS pixels in a millimetre
const MM_PER_SECOND = 25, MM_PER_MILLIVOLT = 10;
const PAPER = { ground: "#fff9f7", small: "#f9d9d6", heavy: "#eda9a3", alone: "#f5cdc8" };
const PLAIN = { ground: "#ffffff", small: "#f3f4f6", heavy: "#dcdfe4" };
const COLOUR = {
  template: "#12967f", signal: "#111111", reconstruction: "#0057c2", error: "#8a3ab9", flag: "#d55e00", flagText: "#8f3900",
  text: "#2a1f1f", soft: "#6b5856", tick: "#5d6675", between: "#9aa3b0", rate: "#0072b2",
};
const FONT = '"DejaVu Sans", system-ui, sans-serif';
const STEPS = [0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400];

/** The shortest of the usual time steps that takes at least `pixels`. */
const timeStep = (perSecond, pixels) => STEPS.find((step) => step * perSecond >= pixels) ?? STEPS.at(-1);

/** Time as h:mm:ss, with tenths where `decimals` is 1. */
function clock(seconds, decimals = 0) {
  const scale = 10 ** decimals;
  const whole = Math.round(Math.max(seconds, 0) * scale);
  const minutes = Math.floor(whole / (60 * scale));
  const rest = ((whole % (60 * scale)) / scale).toFixed(decimals).padStart(decimals ? 3 + decimals : 2, "0");
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

function number(value) {
  if (value === null || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
  return text.replaceAll("-", "−");
}

/** What a sample is called, such as "Beat 12". */
const nameOf = (row) => `${data.noun[0].toUpperCase()}${data.noun.slice(1)} ${beats.number[row]}`;

const nounOf = (count) => (count === 1 ? data.noun : `${data.noun}s`);

const percent = (share) => `${Math.round(100 * share)} %`;

function scoreText(row) {
  if (Number.isNaN(beats.score[row])) return `not scored: ${data.reasons[beats.reason[row]] || "no reason given"}`;
  const reason = data.reasons[beats.reason[row]];
  if (reason) return `score ${number(beats.score[row])}: ${reason}, not flagged`;
  const sign = beats.flagged[row] ? "≥" : "<";
  return `score ${number(beats.score[row])}` + (data.threshold === null ? "" : ` ${sign} ${number(data.threshold)}`);
}

/**
 * What leaves a strip. Neighbours on one side are one mark, at the farthest of them.
 * @param points [x, value] or [x, value, x of its end]; null for what is missing.
 * @returns {side, from, to, x, value} of each mark; side is 1 above `high`, −1 below `low`.
 */
function leaving(points, low, high, near) {
  const found = [], last = new Map();
  for (const [x, value, end = x] of points.filter((point) => point && (point[1] > high || point[1] < low)).sort((a, b) => a[0] - b[0])) {
    const side = value > high ? 1 : -1, mark = last.get(side);
    if (mark && x - mark.to < near) {
      mark.to = Math.max(mark.to, end);
      if (side * (value - mark.value) > 0) Object.assign(mark, { x, value });
    } else {
      last.set(side, { side, from: x, to: end, x, value });
      found.push(last.get(side));
    }
  }
  return found;
}

/** The value at which something leaves the strip, as it is written there. */
const leavingText = (mark) => `${number(mark.value)} ${data.unit || "mV"}`.slice(0, 18);

/** Lines of a canvas in one colour: `across` at each x, `along` at each y; on whole pixels, so that they stay thin. */
function gridLines(ctx, colour, xs, ys, box) {
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.beginPath();
  for (const x of xs) {
    ctx.moveTo(Math.round(x) + 0.5, box.top);
    ctx.lineTo(Math.round(x) + 0.5, box.bottom);
  }
  for (const y of ys) {
    ctx.moveTo(box.left, Math.round(y) + 0.5);
    ctx.lineTo(box.right, Math.round(y) + 0.5);
  }
  ctx.stroke();
}

/** Numbers from `from` to `to` at multiples of `step`. */
function multiples(from, to, step) {
  const found = [];
  for (let i = Math.ceil(from / step - 1e-6); i * step <= to + 1e-9; i++) found.push(i * step);
  return found;
}

let printing = false;
const PRINTER = 3; // pixels for each of CSS, about 300 an inch

/** Makes a canvas as sharp as the screen or the printer; returns its context in CSS pixels. */
function sharpen(canvas, width, height) {
  const ratio = Math.min(printing ? PRINTER : window.devicePixelRatio || 1, 16000 / Math.max(width, height, 1));
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const ctx = canvas.getContext("2d");
  ctx.setTransform(w / width, 0, 0, h / height, 0, 0);
  return ctx;
}
