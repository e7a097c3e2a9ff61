"use strict";
// What the page holds, unpacked: signals and beats. Times are in seconds, positions in samples of the recording.

const MISSING = -32768;
const data = JSON.parse(document.getElementById("data").textContent);

/** A long array; its text is dropped once it is read. */
function block(name, Kind) {
  const element = document.getElementById(`data-${name}`);
  const text = atob(element.textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  element.remove();
  return new Kind(bytes.buffer);
}

const duration = data.length / data.rate;
const beats = {
  number: block("beat-number", Int32Array),
  sample: block("beat-sample", Int32Array),
  score: block("beat-score", Float64Array),
  flagged: block("beat-flagged", Uint8Array),
  family: block("beat-family", Uint16Array),
  symbol: block("beat-symbol", Uint16Array),
  reason: block("beat-reason", Uint16Array),
};
beats.count = beats.number.length;
const flaggedRows = [...beats.flagged.keys()].filter((row) => beats.flagged[row]);
const cardOf = new Map(data.cards.map((card) => [card.row, card]));
const cardValues = block("cards", Int16Array);
const templateValues = block("template", Int16Array);
const familyValues = block("families", Int16Array);

const timeOf = (row) => beats.sample[row] / data.rate;

/** Start and end of what the model was given for a beat. */
function span(row) {
  const card = cardOf.get(row);
  if (card) return [card.start, card.start + card.duration];
  return [timeOf(row) + data.around[0], timeOf(row) + data.around[1]];
}

/** Where one looks for it: at the R peak of a beat, in the middle of a window. */
function placeOf(row) {
  if (data.noun === "beat") return timeOf(row);
  const [start, stop] = span(row);
  return (start + stop) / 2;
}

/** First row whose beat is at `time` or later. */
function firstFrom(time) {
  let low = 0, high = beats.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timeOf(middle) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function nearestBeat(time) {
  const after = firstFrom(time);
  const candidates = [after - 1, after].filter((row) => row >= 0 && row < beats.count);
  return candidates.sort((a, b) => Math.abs(placeOf(a) - time) - Math.abs(placeOf(b) - time))[0];
}

// Each lead in levels from fine to coarse; a level holds minimum and maximum of every `bin` samples.

function coarser(level, times) {
  const count = Math.ceil(level.low.length / times);
  const low = new Int16Array(count).fill(MISSING), high = new Int16Array(count).fill(MISSING);
  for (let i = 0; i < level.low.length; i++) {
    if (level.low[i] === MISSING) continue;
    const to = Math.floor(i / times);
    if (low[to] === MISSING || level.low[i] < low[to]) low[to] = level.low[i];
    if (level.high[i] > high[to]) high[to] = level.high[i];
  }
  return { bin: level.bin * times, low, high };
}

function levelsOf(values, bin) {
  const half = values.length / 2;
  const finest = bin === 1 ? { bin, low: values, high: values } : { bin, low: values.subarray(0, half), high: values.subarray(half) };
  const levels = [finest];
  while (levels.at(-1).low.length > 4000) levels.push(coarser(levels.at(-1), 8));
  return levels;
}

/** Stretches at full resolution of a lead whose whole is there in minima and maxima only. */
function piecesOf(values) {
  let at = 0;
  return data.pieces.map(([start, stop]) => {
    const part = values.subarray(at, (at += stop - start));
    return { start, stop, level: { bin: 1, low: part, high: part } };
  });
}

function unpackLeads() {
  const signal = block("signal", Int16Array), pieces = block("pieces", Int16Array);
  const [size, room] = [signal, pieces].map((values) => values.length / data.leads.length);
  return data.leads.map((lead, i) => ({
    ...lead,
    levels: levelsOf(signal.subarray(i * size, (i + 1) * size), data.bin),
    pieces: piecesOf(pieces.subarray(i * room, (i + 1) * room)),
  }));
}

const leads = unpackLeads();
