// The line of a lead on a canvas, at whatever scale: samples, or the minimum and maximum in each column of pixels.

/** The coarsest level that is still finer than a pixel, or the finest there is. */
const levelFor = (levels, samplesPerPixel) => levels.findLast((level) => level.bin <= samplesPerPixel) ?? levels[0];

/**
 * Draws one lead.
 * @param place {left, right, x(sample), y(millivolts), samplesPerPixel, first}: where samples and values lie; `first` is the
 *   sample at the left edge.
 */
function drawTrace(ctx, lead, place) {
  const level = levelFor(lead.levels, place.samplesPerPixel);
  const close = place.samplesPerPixel < level.bin && level.bin > 1;
  ctx.lineJoin = "round";
  ctx.lineWidth = 1.3;
  ctx.strokeStyle = ctx.fillStyle = close ? COLOUR.between : COLOUR.signal;
  drawLevel(ctx, lead, level, 0, place);
  if (!close) return;
  ctx.strokeStyle = ctx.fillStyle = COLOUR.signal;
  const last = place.first + (place.right - place.left) * place.samplesPerPixel;
  for (const piece of lead.pieces) {
    if (piece.stop < place.first || piece.start > last) continue;
    clearStretch(ctx, lead, place, piece);
    drawLevel(ctx, lead, piece.level, piece.start, place);
  }
}

/** Minima and maxima give way where every sample is known. */
function clearStretch(ctx, lead, place, piece) {
  const left = Math.max(place.x(piece.start), place.left), right = Math.min(place.x(piece.stop), place.right);
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, place.top, right - left, place.bottom - place.top);
  ctx.clip();
  place.ground();
  ctx.restore();
}

function drawLevel(ctx, lead, level, start, place) {
  const value = (step) => place.y(lead.offset + lead.step * step);
  if (level.bin === 1 && place.samplesPerPixel < 2) drawSamples(ctx, level.low, start, place, value);
  else if (place.samplesPerPixel < level.bin) drawBins(ctx, level, place, value);
  else drawColumns(ctx, level, start, place, value);
}

/** Every sample, joined by lines; a missing one leaves a gap. */
function drawSamples(ctx, values, start, place, value) {
  const from = Math.max(0, Math.floor(place.first) - start - 1);
  const to = Math.min(values.length - 1, Math.ceil(place.first + (place.right - place.left) * place.samplesPerPixel) - start + 1);
  let pen = false;
  ctx.beginPath();
  for (let i = from; i <= to; i++) {
    if (values[i] === MISSING) pen = false;
    else {
      const x = place.x(start + i), y = value(values[i]);
      if (pen) ctx.lineTo(x, y);
      else ctx.moveTo(x, y);
      pen = true;
    }
  }
  ctx.stroke();
}

/** One vertical line in each column of pixels, joined to the one before. */
function drawColumns(ctx, level, start, place, value) {
  const perPixel = place.samplesPerPixel / level.bin, count = level.low.length;
  let pen = false;
  ctx.beginPath();
  for (let x = place.left; x < place.right; x++) {
    const at = (place.first + (x - place.left) * place.samplesPerPixel - start) / level.bin;
    const from = Math.max(0, Math.floor(at)), to = Math.min(count, Math.max(Math.floor(at + perPixel), Math.floor(at) + 1));
    let low = 32767, high = MISSING;
    for (let i = from; i < to; i++) {
      if (level.low[i] === MISSING) continue;
      if (level.low[i] < low) low = level.low[i];
      if (level.high[i] > high) high = level.high[i];
    }
    if (high === MISSING) pen = false;
    else {
      if (pen) ctx.lineTo(x + 0.5, value(high));
      else ctx.moveTo(x + 0.5, value(high) - 0.5);
      ctx.lineTo(x + 0.5, value(low) + 0.5);
      pen = true;
    }
  }
  ctx.stroke();
}

/** Bins wider than a pixel, each as a box from minimum to maximum. */
function drawBins(ctx, level, place, value) {
  const last = place.first + (place.right - place.left) * place.samplesPerPixel;
  const from = Math.max(0, Math.floor(place.first / level.bin)), to = Math.min(level.low.length, Math.ceil(last / level.bin));
  for (let i = from; i < to; i++) {
    if (level.low[i] === MISSING) continue;
    const x = place.x(i * level.bin), top = value(level.high[i]);
    ctx.fillRect(x, top, place.x((i + 1) * level.bin) - x + 0.5, Math.max(value(level.low[i]) - top, 1));
  }
}

/** Lowest and highest values of a stretch of a lead as it is drawn, each as [x, mV, x of its end]. */
function extremes(lead, place) {
  const level = levelFor(lead.levels, place.samplesPerPixel), value = (step) => lead.offset + lead.step * step;
  const from = Math.max(0, Math.floor(place.first / level.bin) - 1);
  const to = Math.min(level.low.length, Math.ceil((place.first + (place.right - place.left) * place.samplesPerPixel) / level.bin) + 1);
  const found = [];
  for (let i = from; i < to; i++) {
    if (level.low[i] === MISSING) continue;
    const ends = [i * level.bin, level.bin === 1 ? i : (i + 1) * level.bin].map((at) => Math.min(Math.max(place.x(at), place.left), place.right));
    found.push([ends[0], value(level.high[i]), ends[1]], [ends[0], value(level.low[i]), ends[1]]);
  }
  return found;
}

/** The median of numbers, of some of them where there are many. */
function middle(values) {
  const step = Math.max(1, Math.floor(values.length / 100));
  const some = values.filter((value, i) => value !== null && i % step === 0).sort((a, b) => a - b);
  return some.length ? some[some.length >> 1] : NaN;
}

/** Where the signal of a lead lies in a stretch of time, mV: its median; NaN where not every sample is in the page. */
function levelAt(lead, start, seconds) {
  const from = Math.max(Math.round(start * data.rate), 0), to = from + Math.round(seconds * data.rate);
  const piece = data.bin === 1 ? { start: 0, level: lead.levels[0] } : lead.pieces.find((one) => one.start <= from && one.stop >= to);
  if (!piece) return NaN;
  const steps = Array.from(piece.level.low.subarray(from - piece.start, to - piece.start), (value) => (value === MISSING ? null : value));
  return lead.offset + lead.step * middle(steps);
}
