"""What a page embeds of a scored recording: signals and beats as small integers in base64, within stated bounds."""

import base64
import hashlib
import math
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.ecg.aami import MAPPINGS
from ecgan.reporting.deviation import deviation
from ecgan.reporting.fullest import fullest
from ecgan.reporting.recordings import NOISE, Explained, Family, ScoredRecording

MISSING: Final = -32768
"""Stands for a missing sample."""
FULL: Final = 6_000_000
"""Recordings of up to this many values (samples × leads) are embedded whole."""
ENVELOPE: Final = 2_500_000
"""Of longer ones, at most this many minima and maxima,"""
PIECES: Final = 2_500_000
"""and at most this many values at full resolution, around flagged beats."""
AROUND_S: Final = 2.0
"""Full resolution from this time before a flagged beat to as long after it, s."""
CARDS: Final = 1000
"""At most this many flagged beats with what the model made of them,"""
CARD_VALUES: Final = 1_500_000
"""and at most this many values in them."""
FAMILY_LEADS: Final = 3
"""Leads in which a family is drawn, those in which it differs most from the template."""
FAMILY_BEATS: Final = 40
"""At most this many beats of a family are drawn over each other,"""
FAMILY_VALUES: Final = 600_000
"""and at most this many values in all families together."""
SPREAD: Final = "standard deviation over folds"
_AT_ONCE: Final = 1 << 16
"""Values that are turned into integers at once: of a day there are many."""
_MICROVOLT: Final = 0.001
_SQUARE: Final = 0.5
"""Height of a large square of ECG paper, mV."""
WHOLE: Final = 10
"""A lead that needs at most so many large squares is on the paper whole; of another, all beats that can be read are,"""
TALLEST: Final = 20
"""on at most so many squares. What leaves the paper is marked."""
_USUAL: Final = (-0.25, 0.45)
"""A beat around its R peak, s; drawn where no sample says it better."""

_WAVE: Final = "QRS|P wave|ST–T"
_WAVES: Final = rf"((?:{_WAVE})(?:(?:, | and )(?:{_WAVE}))*)"
_UNLIKE: Final = re.compile(rf"{_WAVES} (?:somewhat )?unlike the record's")
_AS_USUAL: Final = re.compile(rf"{_WAVES} as usual")

I16 = NDArray[np.int16]
F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Packed:
    """What is embedded.

    Attributes:
        data: Facts and small lists, ready for JSON: no value that is not finite.
        blocks: Long arrays, little-endian bytes in base64, by name.
        pieces: Flagged beats around which the full resolution is there; None where it is there everywhere.
    """

    data: dict[str, Any]
    blocks: dict[str, str] = field(default_factory=dict)
    pieces: int | None = None


def pack(scored: ScoredRecording) -> Packed:
    """Pack a scored recording; the script of the page unpacks it."""
    rate, cards, parts = scored.record.sampling_rate, shown(scored), _components(scored.beats)
    signal, pieces = _signal(scored, cards)
    data = {
        "rate": rate,
        "length": len(scored.record.signals),
        "threshold": finite(scored.threshold),
        "unit": scored.unit,
        "noun": scored.noun,
        "leadNames": scored.leads,
        "around": _usual(scored, cards),
        "record": _key(scored),
        "name": scored.record.name,
        "components": [SPREAD if name == "score_std" else name.removeprefix("component_") for name in parts],
    }
    blocks: dict[str, str] = {}
    for packed in (signal, _beats(scored.beats), _cards(scored, cards), _template(scored), _families(scored)):
        data |= packed.data
        blocks |= packed.blocks
    return Packed(data, blocks, pieces)


def shown(scored: ScoredRecording) -> list[Explained]:
    """The flagged samples that are embedded: those with the highest scores, within the bounds."""
    values = np.cumsum([sum(trace.size for trace in _traces(sample)) for sample in scored.explained])
    return scored.explained[: min(CARDS, int(np.searchsorted(values, CARD_VALUES, side="right")))]


def kinds(reason: str) -> list[str]:
    """What of a family's reason others may share, for narrowing a list: without numbers, each wave by itself."""
    unlike = [f"{wave} unlike the record's" for waves in _UNLIKE.findall(reason) for wave in re.findall(_WAVE, waves)]
    rest = _AS_USUAL.sub("", _UNLIKE.sub("", reason)).split(", ")
    others = [re.sub(r"\d[\d.,]*", "…", re.sub(r"\d+ % ", "", part)).strip() for part in rest]
    return list(dict.fromkeys(part for part in (*others, *unlike) if part))


def finite(value: Any) -> float | None:
    """A number as JSON knows it; None for one that is not finite."""
    return float(value) if math.isfinite(value) else None


def quantise(values: NDArray[Any], smallest: float | None = None) -> tuple[I16, float, float]:
    """Write values as `offset + step · q` with 16-bit integers q.

    Args:
        values: Any shape; MISSING stands for what is not finite.
        smallest: The step, if all values fit; the offset is 0 then. Otherwise, and without it, the smallest step that
            fits between the smallest and the largest value.

    Returns:
        q, step and offset.
    """
    values = np.asarray(values, dtype=np.float64)
    there = np.isfinite(values)
    low = float(values.min(where=there, initial=np.inf))
    high = float(values.max(where=there, initial=-np.inf))
    if low > high:
        return np.full(values.shape, MISSING, np.int16), smallest or 1.0, 0.0
    if smallest is not None and max(-low, high) <= 32767 * smallest:
        step, offset = smallest, 0.0
    else:
        step, offset = (high / 2 - low / 2) / 32767 or 1.0, low / 2 + high / 2
    flat, known, steps = values.reshape(-1), there.reshape(-1), np.full(values.size, MISSING, np.int16)
    for start in range(0, len(flat), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        found = np.rint((np.where(known[part], flat[part], offset) - offset) / step).clip(-32767, 32767)
        steps[part] = np.where(known[part], found, MISSING).astype(np.int16)
    return steps.reshape(values.shape), step, offset


def envelope(steps: I16, size: int) -> I16:
    """Minimum and maximum of every `size` samples, shape (2, ceil(T / size)); MISSING where all are missing."""
    count = -(-len(steps) // size)
    padded = np.full(count * size, MISSING, np.int16)
    padded[: len(steps)] = steps
    bins = padded.reshape(count, size)
    high = bins.max(axis=1)
    low = np.where(bins == MISSING, 32767, bins).min(axis=1)
    return np.stack([np.where(high == MISSING, MISSING, low), high]).astype(np.int16)


def _signal(scored: ScoredRecording, cards: list[Explained]) -> tuple[Packed, int | None]:
    """The leads, each with its scale and its place on the paper; how many flagged beats have a piece of their own."""
    signals, rate = scored.record.signals, scored.record.sampling_rate
    length, width = signals.shape
    size, intervals, pieces = 1, np.empty((0, 2), np.int64), None
    if length * width > FULL:
        size = -(-2 * length * width // ENVELOPE)
        intervals, pieces = _around_flagged(scored.beats, round(AROUND_S * rate), length, PIECES // width)
    leads, whole, parts, read = [], [], [], _read(scored, _usual(scored, cards))
    for lead in range(width):
        steps, step, offset = quantise(signals[:, lead], _MICROVOLT)
        base, squares = _paper(signals[:, lead], read)
        leads.append({
            "name": scored.record.leads[lead], "model": scored.leads[lead] if lead < len(scored.leads) else "",
            "step": step, "offset": offset, "base": base, "squares": squares,
        })  # fmt: skip
        whole.append(steps if size == 1 else envelope(steps, size).ravel())
        parts += [steps[start:stop] for start, stop in intervals]
    blocks = {"signal": _base64(whole, "<i2"), "pieces": _base64(parts, "<i2")}
    return Packed({"leads": leads, "bin": size, "pieces": intervals.tolist()}, blocks), pieces


def _paper(values: F64, read: NDArray[np.bool_]) -> tuple[float, int]:
    """Lower edge, mV, and height, large squares, of the paper that a lead needs; `read` is where its beats are."""
    there = np.isfinite(values)
    if not there.any():
        return -2 * _SQUARE, 4
    below, above = _squares(values, there)
    if above - below > WHOLE and (there & read).any():
        there &= read
        below, above = _squares(values, there)
    if above - below > TALLEST:
        below, above = fullest(_extremes(values[there]), _SQUARE, TALLEST)
    above = max(above, below + 4)
    return below * _SQUARE, above - below


def _squares(values: F64, there: NDArray[np.bool_]) -> tuple[int, int]:
    """The squares from the lowest to the highest value, with a little room."""
    low, high = values.min(where=there, initial=np.inf), values.max(where=there, initial=-np.inf)
    return math.floor(low / _SQUARE - 0.2), math.ceil(high / _SQUARE + 0.2)


def _extremes(values: F64, most: int = 200_000) -> F64:
    """Lowest and highest of neighbours, `most` or fewer of each."""
    starts = np.arange(0, len(values), -(-len(values) // most))
    return np.concatenate([np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)])


def _read(scored: ScoredRecording, around: list[float]) -> NDArray[np.bool_]:
    """Which samples of the recording belong to a beat that is not noise, (T,)."""
    length, rate = len(scored.record.signals), scored.record.sampling_rate
    peaks = scored.beats.loc[scored.beats["reason"] != NOISE, "sample"].to_numpy(np.int64)
    ends = np.zeros(length + 1, np.int32)
    for side, seconds in zip((1, -1), around, strict=True):
        np.add.at(ends, np.clip(peaks + round(seconds * rate), 0, length), side)
    return np.asarray(np.cumsum(ends, out=ends)[:-1] > 0)  # in place: a day is long


def _around_flagged(beats: pd.DataFrame, radius: int, length: int, room: int) -> tuple[NDArray[np.int64], int]:
    """Stretches around the flagged beats with the highest scores, as many as there is room for; shape (m, 2)."""
    flagged = beats[beats["flagged"].astype(bool)].sort_values("score", ascending=False, kind="stable")
    positions = flagged["sample"].to_numpy(np.int64)

    def stretches(count: int) -> NDArray[np.int64]:
        at = np.sort(positions[:count])
        starts, stops = np.maximum(at - radius, 0), np.minimum(at + radius, length)
        if not len(at):
            return np.empty((0, 2), np.int64)
        new = np.flatnonzero(starts[1:] > stops[:-1]) + 1
        return np.stack([starts[np.r_[0, new]], stops[np.r_[new - 1, len(at) - 1]]], axis=1)

    def samples(count: int) -> int:
        return int(np.diff(stretches(count), axis=1).sum())

    count = bisect_right(range(len(positions) + 1), room, key=samples) - 1
    return stretches(count), count


def _beats(beats: pd.DataFrame) -> Packed:
    """Every beat: number, position, score, whether it is flagged, its family, its symbol and why it has no score.

    Symbols have their classes by AAMI EC57; what stands for none is a class of its own.
    """
    data, blocks = {}, {}
    kinds = {"number": "<i4", "sample": "<i4", "score": "<f8", "flagged": "|u1", "family": "<u2"}
    for name, kind in kinds.items():
        blocks[f"beat-{name}"] = _base64([beats[name].to_numpy()], kind)
    named = {symbol: name for name, symbols in MAPPINGS["aami"].items() for symbol in symbols}
    for name in ("symbol", "reason"):
        words, codes = np.unique(beats[name].fillna("").astype(str).to_numpy(dtype=object), return_inverse=True)
        data[f"{name}s"] = [str(word) for word in words]
        blocks[f"beat-{name}"] = _base64([codes.ravel()], "<u2")
    data["classes"] = [named.get(symbol, symbol) for symbol in data["symbols"]]
    return Packed(data, blocks)


def _cards(scored: ScoredRecording, cards: list[Explained]) -> Packed:
    """Flagged beats with their signal, what the model made of it, and where the two differ."""
    peaks = scored.beats["sample"].to_numpy(np.int64) / scored.record.sampling_rate
    components = scored.beats[_components(scored.beats)].to_numpy(np.float64)
    smallest = _MICROVOLT if scored.unit == "mV" else None
    rows, values, at = [], [], 0
    for sample in cards:
        steps, step, offset = quantise(np.stack([trace.T for trace in _traces(sample)]), smallest)  # (1 or 2, C, L)
        split = deviation(sample, float(peaks[sample.row]) if scored.noun == "beat" else None)
        rows.append({
            "row": sample.row, "start": sample.start_s, "duration": sample.duration_s, "shift": sample.shift_s,
            "at": at, "traces": len(steps), "leads": sample.signal.shape[1], "steps": len(sample.signal),
            "step": step, "offset": offset,
            "regions": [[r.name, round(r.start_s, 4), round(r.stop_s, 4), round(r.share, 4)] for r in split.regions],
            "shares": [round(share, 4) for share in split.leads],
            "components": [finite(value) for value in components[sample.row]],
        })  # fmt: skip
        values.append(steps.ravel())
        at += steps.size
    return Packed({"cards": rows}, {"cards": _base64(values, "<i2")})


def _template(scored: ScoredRecording) -> Packed:
    """What was taken for normal, lead by lead, and behind it what competes for that; null where nothing was."""
    normal = scored.normal
    if normal is None:
        return Packed({"template": None}, {"template": ""})
    all_of = np.stack([normal.template.T, *(mode.template.T for mode in normal.modes)])  # (1 + modes, C, L)
    steps, step, offset = quantise(all_of, _MICROVOLT if scored.unit == "mV" else None)
    told = {
        "leads": steps.shape[1], "steps": steps.shape[2], "modes": len(normal.modes), "step": step, "offset": offset,
        "before": normal.before_s, "duration": normal.duration_s,
    }  # fmt: skip
    return Packed({"template": told}, {"template": _base64([steps.ravel()], "<i2")})


def _families(scored: ScoredRecording) -> Packed:
    """Families: in each of the leads that are drawn its mean, then some of its beats, moved onto it."""
    told, values, at = [], [], 0
    for family in scored.families:
        leads = _family_leads(scored, family)
        room = FAMILY_VALUES // (len(scored.families) * len(leads) * len(family.mean)) - 1
        some = family.drawn[: max(min(room, FAMILY_BEATS), 0), :, leads].transpose(0, 2, 1)  # (m, leads, L)
        mean = family.mean[:, leads].T
        some = some + (mean.mean(axis=1) - some.mean(axis=2))[:, :, None]
        drawn = np.concatenate([mean[None], some]).transpose(1, 0, 2)  # (leads, 1 + m, L)
        steps, step, offset = quantise(drawn, _MICROVOLT if scored.unit == "mV" else None)
        told.append({
            "number": family.number, "leads": leads, "traces": steps.shape[1], "at": at, "step": step, "offset": offset,
            "beats": len(family.rows), "first": int(scored.beats["number"].iloc[family.rows[0]]),
            "score": finite(family.score), "reason": family.reason, "kinds": kinds(family.reason),
            "decision": family.decision,
        })  # fmt: skip
        values.append(steps.ravel())
        at += steps.size
    return Packed({"families": told}, {"families": _base64(values, "<i2")})


def _family_leads(scored: ScoredRecording, family: Family) -> list[int]:
    """The leads in which its mean differs most from the template, in their order."""
    usual = np.zeros_like(family.mean) if scored.normal is None else scored.normal.template
    differs = np.square(family.mean.astype(np.float64) - usual).sum(axis=0)
    return sorted(np.argsort(-differs, kind="stable")[:FAMILY_LEADS].tolist())


def _key(scored: ScoredRecording) -> str:
    """What a browser keeps decisions under: another recording, or other families of it, have another."""
    text = f"{scored.record.name} {scored.model} {scored.strategy} {scored.threshold!r}"
    digest = hashlib.sha256(text.encode(errors="surrogatepass"))
    for name in ("sample", "family"):
        digest.update(scored.beats[name].to_numpy(np.int64).tobytes())
    return digest.hexdigest()[:16]


def _usual(scored: ScoredRecording, cards: list[Explained]) -> list[float]:
    """From where to where a sample reaches around its R peak, s: the median of those that are known."""
    if not cards:
        return list(_USUAL)
    peaks = scored.beats["sample"].to_numpy()[[sample.row for sample in cards]] / scored.record.sampling_rate
    starts = np.array([sample.start_s for sample in cards]) - peaks
    stops = starts + [sample.duration_s for sample in cards]
    return [round(float(np.median(starts)), 4), round(float(np.median(stops)), 4)]


def _traces(sample: Explained) -> list[NDArray[np.float32]]:
    return [sample.signal] if sample.reconstruction is None else [sample.signal, sample.reconstruction]


def _components(beats: pd.DataFrame) -> list[str]:
    spread = ["score_std"] if "score_std" in beats.columns else []
    return [name for name in beats.columns if name.startswith("component_")] + spread


def _base64(parts: list[NDArray[Any]], kind: str) -> str:
    joined = np.concatenate([np.empty(0, kind), *parts], dtype=kind, casting="unsafe")
    return base64.b64encode(joined.tobytes()).decode()
