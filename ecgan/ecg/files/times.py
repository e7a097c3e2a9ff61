"""Time in a file of numbers: which columns are times or counters, and the sampling rate that they give.

What rises from row to row is a clock or a counter, whatever it is called; no lead does. The unit of times is what the
file says, or the only one under which their rate is that of an ECG.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.files.channels import Columns
from ecgan.errors import EcganError

F64 = NDArray[np.float64]

LOWEST_RATE, HIGHEST_RATE = 80.0, 50_000.0
"""Hz; no device records an ECG at less or more."""

_SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "sekunden"), 1.0),
    **dict.fromkeys(("ms", "msec", "millis", "millisecond", "milliseconds", "millisekunden"), 1e-3),
    **dict.fromkeys(("us", "µs", "μs", "usec", "microsecond", "microseconds"), 1e-6),
    **dict.fromkeys(("ns", "nsec", "nanosecond", "nanoseconds"), 1e-9),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86_400.0),
}
_TICKS = re.compile(r"s/([1-9]\d{0,5})")
"""Parts of a second, as of Hexoskin's "s/256"."""
_NO_UNIT = ("", "#", "-", "samples", "sample", "ticks", "hh:mm:ss", "date")
_WORDS = r"time|times|timestamp|timestamps|timer|zeit|uhrzeit|temps|tiempo|tempo|datetime|date|t"
_TIME = re.compile(rf"(.*[^a-z])?({_WORDS})([^a-z].*)?|\w*(timestamp|time)", re.IGNORECASE)
_SUFFIX = re.compile(r".*[ _/-](s|sec|seconds|ms|msec|us|µs|μs|ns)", re.IGNORECASE)
_ALONE = re.compile(r"seconds|milliseconds|microseconds|minutes|hours|ms|msec|sec|secs|min", re.IGNORECASE)
_SAMPLE = re.compile(r"(sample|samples|index)([ _]?(#|no|number|index))?", re.IGNORECASE)
_WHEN = re.compile(
    r"\[?(?:(?:[\w.,/-]+ +){1,4}|[\w.,/-]+[T_] *)?(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:[.,]\d+|:\d{3}(?:\d{3})?)?)"
    r"(?: ?([ap])\.?m\.?)?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?(?: [\d./-]+)?\]?",
    re.IGNORECASE,
)
_DAY, _HALF = 86_400.0, 43_200.0
_ENOUGH = 20
"""Fewer rows may rise by chance."""
_JITTER_S, _JITTER = 2.0, 0.05
"""How far times that come in packets may be from a rate that is given: seconds, and share of the rate."""
_CUT_OFF = 0.3
"""How far, in steps, times may be from the middle of where they should be, as are those that were cut off."""
_RARE = 0.05
"""Share of the steps in which a clock or counter may fall, where it begins again or is set."""


@dataclass(frozen=True)
class _Clock:
    """A column of times.

    Attributes:
        name: Of the column.
        ticks: The times, shape (T,).
        unit: Seconds in one tick; None where the file does not say.
        even: Whether each lies within half a step of where it should be.
        rate: Samples a tick, on average; 0 where it does not rise, or begins again.
        error: How far times are from where they should be, in steps.
    """

    name: str
    ticks: F64
    unit: float | None
    even: bool
    rate: float
    error: float

    @property
    def uncertainty(self) -> float:
        """Share by which the rate may be wrong because times were rounded."""
        return max(4 * self.error / max(len(self.ticks) - 1, 1), 1e-9)

    @property
    def counts(self) -> bool:
        """Whether it may as well count the samples, or packets of them."""
        steps = np.abs(np.diff(self.ticks))
        packets = not is_time(self.name) and bool(np.isin(steps, (0, 1)).all())
        return self.unit is None and (packets or (self.even and bool((steps == 1).all())))

    @property
    def falls(self) -> float:
        """In what share of its steps it falls."""
        return float((np.diff(self.ticks) < 0).mean()) if len(self.ticks) > 1 else 0.0

    @property
    def roughness(self) -> float:
        """Share by which the rate may be wrong because many samples have the same time."""
        steps = np.diff(self.ticks)
        packets = steps[steps > 0]
        return float(np.median(packets) / packets.sum()) if len(packets) and (steps == 0).any() else 0.0

    def rates(self) -> list[float]:
        """The rates in Hz that it may mean."""
        return [self.rate / unit for unit in ([self.unit] if self.unit else [1.0, 1e-3, 1e-6, 1e-9])]

    def plausible(self) -> list[float]:
        """Those of them at which an ECG is recorded; of a known unit each. 50,000 Hz is rather 50 Hz, of a watch."""
        most = HIGHEST_RATE * (1 - max(self.uncertainty, 1e-3))
        return [rate for rate in self.rates() if self.unit or LOWEST_RATE <= rate < most]


def is_when(cell: str) -> bool:
    """Whether a cell is a time of day or since the start: 0:01.250, 10:00:01,250, 2020-02-14T10:11:12.004Z."""
    return ":" in cell and bool(_WHEN.fullmatch(cell))


def without_time(where: str, columns: Columns, given: float | None) -> Columns:
    """Take times and counters out of the columns of a file, and settle its sampling rate.

    `given` is the rate in Hz that a user says: it counts where the file says none, or one that had to be guessed.

    Raises:
        EcganError: Rates contradict each other, times are not evenly spaced, or nothing is left.
    """
    if not len(columns.values) or not columns.names:
        raise EcganError(f"{where} has no samples.")
    columns = _without_end(columns)
    clocks = [_clock(name, _seconds_of(where, cells), 1.0) for name, cells in columns.texts.items()]
    leads = []
    for index, (name, unit) in enumerate(zip(columns.names, columns.units, strict=True)):
        values = columns.values[:, index]
        if _SAMPLE.fullmatch(name) and not (np.diff(values) < 0).any():
            if not (np.diff(values) == 1).all():
                raise EcganError(f"{where}: the column {name!r} does not count the samples one by one.")
        elif is_time(name) or _rises(values):
            clocks.append(_clock(name or str(index + 1), values, _unit_of(where, name, unit, given)))
        elif not _is_counter(values) and (name or not np.isnan(values).all() or len(columns.names) == 1):
            leads.append(index)
    if not leads:
        times = ", ".join(repr(clock.name) for clock in clocks)
        raise EcganError(f"{where} has no lead: what rises from row to row, as {times or 'its only column'}, is time.")
    rate = _settled(where, clocks, columns.sampling_rate, given)
    return replace(
        columns,
        values=columns.values[:, leads] if len(leads) < len(columns.names) else columns.values,
        names=[columns.names[index] for index in leads],
        units=[columns.units[index] for index in leads],
        sampling_rate=rate,
        texts={},
    )


def _without_end(columns: Columns) -> Columns:
    """Leave out rows without a value at the end, of spreadsheets; where there is no time they may be samples."""
    if not np.isnan(columns.values[-1]).all():
        return columns
    there = [~np.isnan(columns.values).all(axis=1), *(np.array(cells) != "" for cells in columns.texts.values())]
    filled = np.flatnonzero(np.any(there, axis=0))
    rows = int(filled[-1]) + 1 if len(filled) else 0
    values = columns.values[:rows]
    timed = any(is_time(name) or _rises(column) for name, column in zip(columns.names, values.T, strict=True))
    if not rows or not (timed or columns.texts):
        return columns
    return replace(columns, values=values, texts={name: cells[:rows] for name, cells in columns.texts.items()})


def agree(one: float, other: float, tolerance: float = 1e-3) -> bool:
    """Whether two rates are the same but for rounding."""
    return abs(one - other) <= max(tolerance, 1e-3) * max(one, other)


def contradiction(where: str, said: str, rate: float, given: float) -> EcganError:
    """Return the error of a rate that is given and a file that says another."""
    return EcganError(
        f"{where} has a sampling rate of {rate:.6g} Hz by {said}, and {given:.6g} Hz were given.",
        "Leave the given rate out if the file is right; else mend the file.",
    )


def is_time(name: str) -> bool:
    """Whether a column is called as times are."""
    return bool(_TIME.fullmatch(name) or _ALONE.fullmatch(name))


def is_unit(text: str) -> bool:
    """Whether a text is a unit of time."""
    return seconds_in(text) is not None


def seconds_in(unit: str) -> float | None:
    """Return how many seconds a unit is; None for what is no unit of time."""
    plain = unit.strip().casefold()
    ticks = _TICKS.fullmatch(plain)
    return 1 / int(ticks[1]) if ticks else _SECONDS.get(plain)


def _rises(values: F64) -> bool:
    """Whether a column rises, or falls, from row to row as no lead does; packets of equal times count."""
    there = values[np.isfinite(values)]
    if len(there) < max(_ENOUGH, len(values) // 2):
        return False
    steps = np.diff(there)
    if steps.sum() < 0:
        steps = -steps
    if not (steps >= 0).all() or there[0] == there[-1]:
        return False
    if (steps > 0).all():
        return True
    line = there - there[0] - (there[-1] - there[0]) * np.linspace(0, 1, len(there))
    return bool(np.abs(line).max() < 0.05 * abs(there[-1] - there[0]))


def _is_counter(values: F64) -> bool:
    """Whether a column counts one by one and begins again, such as the number of a packet's sample, or is such a clock.

    A clock rises in most steps and falls in very few, where its counter is full or it is set; no lead does.
    """
    steps = np.diff(values[np.isfinite(values)])
    if len(steps) + 1 < max(_ENOUGH, len(values) // 2):
        return False
    moves = steps[steps != 0]
    back = moves[moves != 1]
    counts = 0 < len(back) < len(moves) / 3 and back[0] < -1 and bool((back == back[0]).all())
    falls = float((steps < 0).mean())
    return counts or (0 < falls <= _RARE and float((steps > 0).mean()) > 0.5)


def _unit_of(where: str, name: str, unit: str, given: float | None) -> float | None:
    """Return the seconds in one tick, None where nobody says."""
    alone, suffix = _ALONE.fullmatch(name), _SUFFIX.fullmatch(name)
    said = (unit or (suffix[1] if suffix else "") or (name if alone else "")).strip().casefold()
    if (seconds := seconds_in(said)) is not None:
        return seconds
    if said in _NO_UNIT or given is not None or not is_time(name):
        return None
    raise EcganError(
        f"{where}: times are in {said!r}; expected seconds or milliseconds.", "Name the column time_s or ms."
    )


def _clock(name: str, ticks: F64, unit: float | None) -> _Clock:
    steps = len(ticks) - 1
    falls = int((np.diff(ticks) < 0).sum())
    if steps < 1 or not np.isfinite(ticks).all() or ticks[-1] <= ticks[0] or 0 < falls <= _RARE * steps:
        return _Clock(name, ticks, unit, False, 0.0, 0.0)
    step = float(ticks[-1] - ticks[0]) / steps
    off = (ticks - ticks[0] - step * np.arange(len(ticks))) / step
    error = float(np.abs(off).max())
    return _Clock(name, ticks, unit, error < 0.5 or (error < 1 and _spread(off) < _CUT_OFF), 1 / step, error)


def _spread(off: F64) -> float:
    """Return how far numbers (T,) are from the middle of the line through them."""
    place = np.arange(len(off)) - (len(off) - 1) / 2
    return float(np.ptp(off - place * float(place @ off) / float(place @ place))) / 2


def _settled(where: str, clocks: Sequence[_Clock], header: float | None, given: float | None) -> float | None:
    """Return the sampling rate; None where nobody says it."""
    if header is not None and given is not None and not agree(header, given):
        raise contradiction(where, "its header", header, given)
    wanted = given if given is not None else header
    clocks = sorted(clocks, key=lambda clock: (not clock.even, clock.unit is None, clock.error))
    for clock in clocks[1:]:
        known = clock.unit and clock.even and clocks[0].unit
        if known and not agree(clock.rates()[0], clocks[0].rates()[0], 0.01):
            raise EcganError(
                f"{where}: by the column {clocks[0].name!r} the sampling rate is {clocks[0].rates()[0]:.6g} Hz, by"
                f" {clock.name!r} {clock.rates()[0]:.6g} Hz.",
                "Keep the column that is right.",
            )
    times = [clock for clock in clocks if not clock.counts]
    if not times:
        return wanted
    clock = times[0]
    if clock.falls > _RARE and (clock.unit is not None or is_time(clock.name)):
        raise EcganError(
            f"{where}: the rows are not in the order of time: the column {clock.name!r} falls in {clock.falls:.0%} of"
            " its steps.",
            "Sort the rows by time.",
        )
    if wanted is not None:
        _compare(where, clock, wanted)
        return wanted
    if not clock.even:
        raise _uneven(where, clock)
    rates = clock.plausible()
    if not rates:
        raise EcganError(
            f"{where}: no sampling rate can be had from the column {clock.name!r}: its steps are {1 / clock.rate:.4g},"
            f" and in no unit of time that is a rate from {LOWEST_RATE:g} to {HIGHEST_RATE:,.0f} Hz.",
            "Name its unit in the header, as in time_s or time_ms, or give the sampling rate.",
        )
    return _rounded(rates[0], clock.uncertainty)


def _compare(where: str, clock: _Clock, wanted: float) -> None:
    """Refuse times that contradict a rate; those in packets, or whose unit nobody knows, only tell it roughly."""
    if clock.even:
        rates, tolerance = clock.rates(), clock.uncertainty
    else:
        rates, tolerance = clock.rates() if clock.rate else [], max(_JITTER, clock.roughness)
    if not rates or any(agree(rate, wanted, tolerance) for rate in rates):
        fitting = [rate for rate in rates if agree(rate, wanted, tolerance)]
        if not clock.even and fitting and clock.error / fitting[0] > _JITTER_S:
            raise _uneven(where, clock)
        return
    told = clock.plausible()
    if told:
        raise contradiction(where, f"the column {clock.name!r}", _rounded(told[0], tolerance), wanted)


def _uneven(where: str, clock: _Clock) -> EcganError:
    steps = np.diff(clock.ticks)
    if not clock.rate:
        return EcganError(
            f"{where}: no sampling rate can be had from the time column {clock.name!r}.", "Give the sampling rate."
        )
    unit = "" if clock.unit is None else " s"
    row = int(np.argmax(np.abs(steps - np.median(steps))))
    before, after = (clock.ticks[row : row + 2] * (clock.unit or 1.0)).tolist()
    packets = bool((steps == 0).any())
    return EcganError(
        f"{where}: the time column is not evenly spaced: from {before:.6g}{unit} to {after:.6g}{unit}"
        f" after row {row + 1}, {(clock.unit or 1.0) / clock.rate:.4g}{unit} on average.",
        "Equal times do not tell the sampling rate: give it."
        if packets
        else "Cut the recording at its gaps, or resample it."
        if steps.max() > 2 * np.median(steps)
        else "If only its times are inexact, give the sampling rate; else resample it.",
    )


def _rounded(rate: float, uncertainty: float) -> float:
    """Return the whole number of Hz if there is one within the uncertainty that the rounding of times leaves."""
    return float(round(rate)) if abs(rate - round(rate)) <= uncertainty * rate else rate


def _seconds_of(where: str, cells: Sequence[str]) -> F64:
    """Return times of day in seconds, shape (T,); behind midnight they go on."""
    seconds = np.empty(len(cells))
    for row, cell in enumerate(cells):
        if not cell:
            seconds[row] = np.nan
            continue
        if (found := _WHEN.fullmatch(cell)) is None:
            raise EcganError(f"{where}, row {row + 1} of the data: {cell[:40]!r} is no time such as 0:01.250.")
        hours = int(found[1] or 0) % 12 + 12 * (found[4].casefold() == "p") if found[4] else int(found[1] or 0)
        seconds[row] = 3600.0 * hours + 60.0 * int(found[2]) + float(re.sub("[,:]", ".", found[3]))
    return seconds + _DAY * np.cumsum(np.diff(seconds, prepend=seconds[:1]) < -_HALF)
