"""Conformance checks of how datasets cut recordings that are not theirs, for `ecgan score`."""

from dataclasses import replace
from typing import Any

import numpy as np

from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.samples import Samples
from ecgan.testing.check import ConformanceError, checks_of, expect, expect_equal, expect_refusal

SECONDS = 30.0
BORDER_S = 0.02
"""The first and the last R peak are so near the border that no window fits around them."""
MARKS_OFF_S, SAME = 0.01, 0.9
"""Marks that sit this far off make no difference to this share of beats at least, once they are aligned."""


def recordings_are_cut_as_described(subject: Any) -> None:
    """What `cut` gives has the documented shapes and types, and its positions are those of the recording."""
    record = _recording(subject)
    if record is None:
        return
    cut = _cut(subject, record)
    expect_equal(cut.signals.ndim, 3, "the number of dimensions of signals (n, C, L)")
    n, channels, length = cut.signals.shape
    expect(n > 0, f"expected samples from a recording of {SECONDS:g} s, found none")
    expect_equal(channels, len(record.leads), "C, the leads of the samples")
    expect(bool(np.isfinite(cut.signals).all()), "expected finite signals, found NaN or infinity")
    expect(cut.about.sampling_rate > 0, f"expected a sampling rate in Hz, found {cut.about.sampling_rate}")
    missing = sorted({"record", "sample", "time_s"} - set(cut.table))
    expect(not missing, f"expected the table to say where samples are from, found no {', '.join(missing)}")
    positions = cut.table["sample"].to_numpy()
    expect_equal((positions.shape, str(positions.dtype)), ((n,), "int64"), "shape and type of `sample` in the table")
    expect(bool((np.diff(positions) > 0).all()), f"expected ascending positions, found {positions.tolist()}")
    off = float(np.abs(cut.table["time_s"].to_numpy() - positions / record.sampling_rate).max(initial=0.0))
    text = f"expected `time_s` to be the position in seconds, found one that is {off:g} s off"
    expect(off < 0.1 / record.sampling_rate, text)
    centre = cut.about.centre
    if centre is not None:
        expect(0 <= centre < length, f"expected the R peak within 0 to {length - 1}, found {centre}")
        strange = sorted(set(positions.tolist()) - set(record.samples.tolist()))
        expect(not strange, f"expected positions that are R peaks of the recording, found {strange}")


def recordings_are_not_crossed_at_their_border(subject: Any) -> None:
    """No sample takes values from before the beginning or from behind the end; zeros at its end are padding."""
    record = _recording(subject)
    if record is None:
        return
    cut = _cut(subject, record)
    filled = np.abs(cut.signals).max(axis=1) > 0  # (n, C, L) → (n, L)
    last = filled.shape[1] - 1 - np.argmax(filled[:, ::-1], axis=1)
    centre = cut.length // 2 if cut.about.centre is None else cut.about.centre
    rate = record.sampling_rate
    starts = np.rint(cut.table["time_s"].to_numpy() * rate - centre * rate / cut.about.sampling_rate)
    expect(bool((starts >= 0).all()), f"expected starts within the recording, found {starts.min():g}")
    ends, steps = starts + last * rate / cut.about.sampling_rate, len(record.signals)
    text = f"expected samples that end within {steps} time steps, found one up to {ends.max():g}"
    expect(bool((ends < steps).all()), text)


def recordings_are_aligned_where_asked(subject: Any) -> None:
    """With `preprocess.align`, beats do not depend on where all marks sit, and the table has a column `shift`."""
    record, options = _recording(subject), _options(subject)
    if record is None or "align" not in type(options).model_fields or _cut(subject, record).about.centre is None:
        return
    expect("shift" not in _cut(subject, record).table, "expected no column shift where align is none, found one")
    off = round(MARKS_OFF_S * record.sampling_rate)
    beside = replace(record, samples=record.samples + off)
    for method in ("deflection", "template"):
        aligned = options.model_copy(update={"align": method})
        own, other = subject.cls().cut(record, aligned), subject.cls().cut(beside, aligned)
        for cut in (own, other):
            expect("shift" in cut.table, f"expected a column shift with align {method}, found none")
            expect_equal(str(cut.table["shift"].dtype), "int64", "the type of shift")
        places = dict(zip(own.table["sample"] + off, range(len(own)), strict=True))
        rows = [(places[at], row) for row, at in enumerate(other.table["sample"]) if at in places]
        same = [np.array_equal(own.signals[here], other.signals[there]) for here, there in rows]
        text = f"expected beats of marks that all sit {off} samples later to be the same with align {method}"
        expect(sum(same) > SAME * len(own), f"{text}, found {len(own) - sum(same)} of {len(own)} others")


def recordings_are_cut_the_same_again(subject: Any) -> None:
    """The same recording gives the same samples, and is left as it was."""
    record, again = _recording(subject), _recording(subject)
    if record is None or again is None:
        return
    first, second = _cut(subject, record), _cut(subject, record)
    unharmed = np.array_equal(record.signals, again.signals) and np.array_equal(record.samples, again.samples)
    expect(unharmed, "expected the recording to be left as it was, found that cut changes it")
    same = np.array_equal(first.signals, second.signals) and first.table.equals(second.table)
    expect(same, "expected signals and table to be the same when a recording is cut again, found other values")


def recordings_without_beats_are_no_crash(subject: Any) -> None:
    """A recording without R peaks, and one of a few time steps, give no samples or a message."""
    record = _recording(subject)
    if record is None:
        return
    none = replace(record, samples=np.zeros(0, dtype=np.int64), symbols=[])
    short = replace(record, signals=record.signals[:3], samples=np.ones(1, dtype=np.int64), symbols=["N"])
    for what, given in (("without R peaks", none), ("of three time steps", short)):
        try:
            found = _cut(subject, given)
        except EcganError:
            continue
        except Exception as error:
            text = (
                f"expected a recording {what} to give nothing or an EcganError, found {type(error).__name__}: {error}"
            )
            raise ConformanceError(text) from error
        whole = len(found.signals) == len(found.table)
        expect(whole, f"expected a recording {what} to give as many samples as rows of the table, found other numbers")


def recordings_are_refused_where_there_are_none(subject: Any) -> None:
    """A dataset that does not consist of recordings says so when one is to be cut."""
    if _recording(subject) is None:
        record = toy_recording(100.0, ["I"])
        expect_refusal(lambda: _cut(subject, record), (EcganError,), "a recording without a recording_rate")


def toy_recording(rate: float, leads: list[str]) -> Record:
    """Return 30 s of pulses on noise at irregular times, the first and last at the very border.

    Args:
        rate: Hz.
        leads: Lead names; each lead has pulses of its own height.
    """
    rng = np.random.default_rng([int(rate), len(leads)])
    times = np.cumsum(rng.uniform(0.6, 1.0, int(SECONDS)))
    times = np.concatenate([[BORDER_S], times[times < SECONDS - 0.5], [SECONDS - BORDER_S]])
    seconds = np.arange(int(SECONDS * rate)) / rate
    pulses = np.exp(-0.5 * ((seconds[:, None] - times) / 0.02) ** 2).sum(axis=1)
    height = np.linspace(1.0, 0.5, len(leads))
    signals = pulses[:, None] * height + rng.normal(0, 0.02, (len(seconds), len(leads)))  # (T, C)
    samples = np.rint(times * rate).astype(np.int64)
    return Record("toy", signals, float(rate), list(leads), samples, ["N"] * len(samples))


def _options(subject: Any) -> Any:
    return subject.cls.Preprocess.model_validate(subject.given.get("preprocess", {}))


def _recording(subject: Any) -> Record | None:
    """Return a recording at the dataset's rate, or None where it has none."""
    options = _options(subject)
    rate = subject.cls().recording_rate(options)
    expect(rate is None or rate > 0, f"expected recording_rate to be Hz or None, found {rate}")
    return None if rate is None else toy_recording(float(rate), list(getattr(options, "leads", None) or ["I"]))


def _cut(subject: Any, record: Record) -> Samples:
    cut: Samples = subject.cls().cut(record, _options(subject))
    return cut


RECORDINGS = checks_of(__name__)
