"""A made-up scored recording: a train of pulses, some of which a made-up model found unlike the rest."""

import base64
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd

from ecgan.ecg.records import Record
from ecgan.reporting.recordings import Explained, Family, Normal, ScoredRecording
from ecgan.scoring.episodes import episodes_of

BEFORE, AFTER = 60, 100


def scored_recording(
    *, seconds=30.0, rate=250.0, leads=2, flagged=0.2, reconstruct=True, unit="mV", explained=None, gap=None,
    beats=True, name="made up", lead_names=None, reason="the window crosses the border of the recording", symbol="N",
    facts=None, noun="beat", families=0,
):  # fmt: skip
    """`flagged` is a share of the scored beats; `gap` = (from, to) in seconds is missing in the first lead.

    With `families` the flagged beats are so many families in turn, their beats 0.5 mV above their mean, and the first
    lead's template is 0.2 mV high.
    """
    rng = np.random.default_rng(3)
    length = round(seconds * rate)
    peaks = np.arange(20, length, round(0.8 * rate)) if beats else np.empty(0, np.int64)
    signals = np.round(0.05 * rng.standard_normal((length, leads)), 4)
    for peak in peaks:
        at = np.arange(max(peak - 10, 0), min(peak + 10, length))
        signals[at] += np.exp(-((at - peak) ** 2) / 18.0)[:, None]
    if gap:
        signals[round(gap[0] * rate) : round(gap[1] * rate), 0] = np.nan
    inside = (peaks >= BEFORE) & (peaks + AFTER <= length)
    complete = np.array([np.isfinite(signals[p - BEFORE : p + AFTER]).all() for p in peaks], dtype=bool)
    scores = np.where(inside & complete, rng.random(len(peaks)), np.nan)
    threshold = float(np.nanquantile(scores, 1 - flagged)) if flagged and beats else 2.0
    reasons = np.where(~inside, reason, np.where(complete, "", "samples are missing")).astype(object)
    frame = pd.DataFrame({
        "number": np.arange(1, len(peaks) + 1), "sample": peaks, "time_s": peaks / rate,
        "symbol": [symbol] * len(peaks), "score": scores, "flagged": scores >= threshold, "family": 0,
        "reason": reasons,
        "component_reconstruction": scores / 2, "component_discrimination": scores / 3,
    })  # fmt: skip
    rows = [int(row) for row in np.argsort(-np.nan_to_num(scores, nan=-1), kind="stable") if frame["flagged"][row]]
    names = lead_names or ["MLII", "V1", "V2", "V3", "V4", "V5", "V6", "I", "II", "III", "aVR", "aVL"][:leads]
    record = Record(name, signals, rate, names, peaks.astype(np.int64), [symbol] * len(peaks))
    samples = [_explained(signals, int(peaks[row]), row, rate, reconstruct) for row in rows[:explained]]
    scored = ScoredRecording(
        record, list(names), "a model", "mitbih", "lambda_grid", threshold, frame, samples, unit,
        {"peaks": "annotations (atr)"} if facts is None else facts, noun,
    )  # fmt: skip
    return with_families(scored, families) if families else scored


def with_families(scored, count):
    """The same with families, episodes and what was taken for normal."""
    rate, leads = scored.record.sampling_rate, len(scored.leads)
    template = np.zeros((BEFORE + AFTER, leads), np.float32)
    template[BEFORE, 0] = 0.2
    normal = Normal(template, BEFORE / rate, (BEFORE + AFTER) / rate, 30, 0.8, 75.0, 90.0, 0.03)
    flagged = np.flatnonzero(scored.beats["flagged"])
    found = []
    for number in range(1, count + 1):
        rows = flagged[number - 1 :: count]
        scores = scored.beats["score"].to_numpy()[rows]
        mean = template + np.float32(number)
        drawn = np.repeat(mean[None] + np.float32(0.5), min(len(rows), 40), axis=0)
        reason = f"comes {10 * number} % early"
        found.append(Family(number, rows, scores.mean(), scores.max(), number / 10, reason, mean, drawn))
        scored.beats.loc[rows, "family"] = number
    episodes = episodes_of(scored.beats, found, scored.noun)
    return replace(scored, columns=scored.beats, families=found, normal=normal, episodes=episodes)


def _explained(signals, peak, row, rate, reconstruct):
    """A flagged sample whose reconstruction misses by 0.3 within 20 ms of the R peak in the first lead only."""
    signal = signals[peak - BEFORE : peak + AFTER].astype(np.float32)
    reconstruction = signal.copy()
    reconstruction[BEFORE - 5 : BEFORE + 6, 0] -= 0.3
    return Explained(
        row, (peak - BEFORE) / rate, (BEFORE + AFTER) / rate, signal, reconstruction if reconstruct else None
    )


def _refuse(text):
    raise AssertionError(f"{text} is no JSON")


def embedded(page):
    """What the script of the page reads: its facts, and its blocks as bytes."""
    facts = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1]
    blocks = re.findall(r'<script type="application/octet-stream" id="data-([a-z-]+)">(.*?)</script>', page, re.DOTALL)
    assert [name for name, _ in blocks] == [
        "signal", "pieces", "beat-number", "beat-sample", "beat-score", "beat-flagged", "beat-family", "beat-symbol",
        "beat-reason", "cards", "template", "families",
    ]  # fmt: skip
    return json.loads(facts, parse_constant=_refuse), {
        name: base64.b64decode(text, validate=True) for name, text in blocks
    }


def decoded(values, lead):
    """Steps of a lead as a signal; NaN where they say that a sample is missing."""
    return np.where(values == -32768, np.nan, lead["offset"] + lead["step"] * values.astype(np.float64))
