"""Headers of WFDB records (.hea), field by field as in the manual page header(5) of the WFDB software package."""

import math
import re
import unicodedata
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ecgan.ecg.files.channels import check_rate
from ecgan.ecg.files.names import beside, existing, in_any_case, is_file, is_there
from ecgan.errors import EcganError
from ecgan.files import read_bytes

STORAGE = ("0", "8", "16", "24", "32", "61", "80", "160", "212", "310", "311", "508", "516", "524")
"""Storage formats; 0 is that of a signal that is not stored."""

NOTHING = "~"
"""What stands for a gap in a list of segments, and for the file of a signal that a segment lacks."""

_DEFAULT_RATE, _DEFAULT_GAIN, _DEFAULT_UNIT = 250.0, 200.0, "mV"
_LARGEST = 2**22
"""Bytes; a record of 100,000 segments has a header of 2 MB."""
_MOST_SIGNALS, _MOST_SEGMENTS = 10_000, 100_000

_FLOAT = r"[+-]?(?:\d{1,300}\.?\d{0,300}|\.\d{1,300})(?:[eE][+-]?\d{1,4})?"
_STORED = re.compile(rf"\s+({'|'.join(STORAGE)})((?:[x:+]-?\d+)*)(?=\s|$)")
_NAME = re.compile(r"\S+|.*\.[a-zA-Z]\w{0,7}")
"""What is likely to be the name of a signal file: it has no blanks, or an ending."""
_FORMAT = re.compile(r"\s+(\S+)")
_GAIN = re.compile(rf"({_FLOAT})(?:\(({_FLOAT})\))?(?:/(\S*))?$")


@dataclass(frozen=True)
class Signal:
    """One signal of a header.

    Attributes:
        file: Name of its file, as it is written.
        storage: Storage format, one of `STORAGE`.
        per_frame: Samples in a frame.
        skew: Frames of the file before the first one of the record.
        offset: Bytes of the file before the first sample; in a compressed file samples.
        gain: Steps of the converter in one unit.
        baseline: Value of the converter at 0 units.
        unit: Physical unit.
        initial: Value before the first difference, in storage format 8.
        checksum: Sum of all samples of the file modulo 65536, if it is said; not 0, which stands for none as well.
        name: Description, mostly the name of the lead; "" where there is none.
        problem: Why its values are not known, "" if they are.
    """

    file: str
    storage: str
    per_frame: int
    skew: int
    offset: int
    gain: float
    baseline: float
    unit: str
    initial: int
    checksum: int | None
    name: str
    problem: str


@dataclass(frozen=True)
class Segment:
    """One line of the header of a record of several segments: the segment's record, and frames if they are said."""

    name: str
    frames: int | None


@dataclass(frozen=True)
class Header:
    """A header.

    Attributes:
        file: Where it was read.
        rate: Frames a second, Hz; None where it is not said.
        frames: Number of frames; None where it is not said.
        signals: The signals of a record of one segment.
        segments: The segments of a record of several; None: it is of one.
        comments: The lines of comment, without the mark.
    """

    file: Path
    rate: float | None
    frames: int | None
    signals: list[Signal]
    segments: list[Segment] | None
    comments: list[str]

    @property
    def name(self) -> str:
        """What to call it: "record", and the name of the file."""
        return f"record {self.file.stem}"

    @property
    def fs(self) -> float:
        """Frames a second, Hz; what the format has for a header that does not say it."""
        return _DEFAULT_RATE if self.rate is None else self.rate

    @property
    def is_layout(self) -> bool:
        """Whether the segment only lists what signals a record has, and holds none."""
        return not self.frames and all(signal.file == NOTHING for signal in self.signals)


def read_header(file: Path, hint: str) -> Header:
    """Read a header; the hint says what the user can do about one that is missing or damaged.

    Date, time and counters are not looked at. What is wrong with the values of one signal is kept with it.

    Raises:
        EcganError: It is not there, is no header, or says two different things of one.
    """
    file = in_any_case(existing(file))
    if not is_file(file):
        raise EcganError(f"the file {file} is not there.", hint)
    lines, comments = _lines(file, hint)
    if not lines:
        raise EcganError(f"the header {file} is damaged: it is empty.", hint)
    segments, count, rest = _record_line(file, lines[0], len(lines) - 1)
    rate, frames = _rate_and_frames(file, rest, hint)
    if len(lines) - 1 != (count if segments is None else segments):
        counted = f"{count:,} signals" if segments is None else f"{segments:,} segments"
        raise EcganError(
            f"the header {file} counts {counted} and lists {len(lines) - 1:,}: it is damaged, or one is lost.",
            hint,
        )
    kind, most = ("signals", _MOST_SIGNALS) if segments is None else ("segments", _MOST_SEGMENTS)
    if len(lines) - 1 > most:
        raise EcganError(f"the header {file} lists {len(lines) - 1:,} {kind}; at most {most:,} are read.")
    if segments is not None:
        return Header(file, rate, frames, [], _segments(file, lines[1:]), comments)
    return Header(file, rate, frames, [_signal(file, line) for line in lines[1:]], None, comments)


def segment_names(file: Path) -> list[str]:
    """Return the names of a record's segments, as far as its header lists any."""
    try:
        lines, _ = _lines(file, "")
    except (EcganError, OSError):
        return []
    if not lines or not re.search(r"/\d+(\s|$)", lines[0]):
        return []
    return [segment.name for segment in _segments(file, lines[1:]) if segment.name != NOTHING]


def _lines(file: Path, hint: str) -> tuple[list[str], list[str]]:
    """Return the lines that say something, and the comments."""
    content = read_bytes(file, _LARGEST, hint)
    try:
        text = content.decode("utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if "\0" in text:
        raise EcganError(f"the header {file} is damaged: it is no text.", hint)
    lines = [line for one in text.replace("\r", "\n").split("\n") if (line := one.strip())]
    comments = [line.lstrip("#").strip() for line in lines if line.startswith("#")]
    return [line for line in lines if not line.startswith("#")], comments


def _record_line(file: Path, line: str, listed: int) -> tuple[int | None, int, list[str]]:
    """Split the first line into number of segments, number of signals, and the fields behind them.

    A record's name may hold blanks. The stem of the file says where it ends, else the number of lines that follow does.
    In front of it there may be folders: `mitdb/100` is record 100, not a record of 100 segments.
    """
    stem = unicodedata.normalize("NFC", file.stem)
    composed = unicodedata.normalize("NFC", line)
    path = re.match(rf"(?:[^\s/]+/)*{re.escape(stem)}(?=[/\s]|$)", composed)
    if path is not None:
        words = f"record{composed[path.end() :]}".split()
    else:
        words = line.split()
        fitting = [at for at in range(min(8, len(words))) if _fits(words[at:], listed)]
        words = words[fitting[0] if fitting else 0 :]
    number = re.fullmatch(r".*/(\d{1,9})", words[0])
    if len(words) < 2 or not re.fullmatch(r"\d{1,9}", words[1]):
        found = words[1][:20] if len(words) > 1 else ""
        raise EcganError(
            f"the header {file} is damaged, or none of a WFDB record: its number of signals is {found!r}.",
            "Its first line is: name, number of signals, sampling rate, number of samples.",
        )
    return int(number[1]) if number else None, int(words[1]), words[2:]


def _fits(words: list[str], listed: int) -> bool:
    """Whether a record line that begins here counts as many signals, or segments, as are listed."""
    if len(words) < 2 or not re.fullmatch(r"\d{1,9}", words[1]):
        return False
    segments = re.fullmatch(r".*/(\d{1,9})", words[0])
    return listed == int(segments[1] if segments else words[1])


def _rate_and_frames(file: Path, words: list[str], hint: str) -> tuple[float | None, int | None]:
    """Read the sampling rate, before a slash and a counter's, and the length; a time in its place is none."""
    rate, frames = None, None
    if words:
        found = re.fullmatch(rf"({_FLOAT})(?:/.*)?", words[0])
        if not found:
            raise EcganError(f"the header {file} says a sampling rate of {words[0][:20]!r}, which is no number.", hint)
        rate = check_rate(f"the header {file}", float(found[1]))
    if len(words) > 1 and not re.search(r"[:/]|\d-", words[1]):
        if not re.fullmatch(r"\d{1,18}(\.0*)?", words[1]):
            raise EcganError(f"the header {file} says a number of samples of {words[1][:20]!r}.", hint)
        frames = int(words[1].split(".")[0]) or None
    return rate, frames


def _segments(file: Path, lines: Sequence[str]) -> list[Segment]:
    """Read the lines of segments: a name, in which there may be blanks, and a number of frames."""
    segments = []
    for line in lines:
        found = re.fullmatch(r"(.*\S)\s+(\d{1,18})", line)
        if found is None or is_there(file.parent / f"{line}.hea"):
            segments.append(Segment(line, None))
        else:
            segments.append(Segment(found[1], int(found[2]) or None))
    return segments


def _signal(file: Path, line: str) -> Signal:
    """Read a line of a signal; behind its file name, in which there may be blanks, every field may be missing."""
    name, storage, extra, rest = _stored(file, line)
    per_frame, skew, offset = (_extra(file, name, extra, mark) for mark in "x:+")
    words, numbers = rest.split(None, 1), list[int]()
    gain, baseline, unit, problem = _DEFAULT_GAIN, None, _DEFAULT_UNIT, ""
    if words:
        rest = words[1] if len(words) > 1 else ""
        found = _GAIN.match(words[0])
        if found:
            gain, unit = float(found[1]) or _DEFAULT_GAIN, found[3] or _DEFAULT_UNIT
            baseline = None if found[2] is None else float(found[2])
        if not found or not math.isfinite(gain) or not math.isfinite(baseline or 0.0):
            problem = f"the header {file.name} says a gain of {words[0][:30]!r}"
    while len(numbers) < 5 and (number := re.match(r"([+-]?\d{1,18})(?:\.0*)?(?:\s+|$)", rest)):
        numbers.append(int(number[1]))
        rest = rest[number.end() :]
    zero = numbers[1] if len(numbers) > 1 else 0
    return Signal(
        file=name,
        storage=storage,
        per_frame=per_frame or 1,
        skew=skew,
        offset=offset,
        gain=gain,
        baseline=zero if baseline is None else baseline,
        unit=unit,
        initial=numbers[2] if len(numbers) > 2 else zero,
        checksum=(numbers[3] or None) if len(numbers) > 3 else None,  # 0 of programs that compute none
        name=rest.strip(),
        problem=problem,
    )


def _stored(file: Path, line: str) -> tuple[str, str, str, str]:
    """Split a signal's line at its storage format: file name, format, what is added to it, and the rest."""
    places = list(islice(_STORED.finditer(line), 8))
    there = (found for found in places if len(places) > 1 and _is_beside(file, line[: found.start()]))
    likely = (found for found in places if _NAME.fullmatch(line, 0, found.start()))
    if found := next(there, None) or next(likely, None):
        return line[: found.start()], found[1], found[2], line[found.end() :].strip()
    other = _FORMAT.search(line)
    what = f"the storage format {other[1][:20]!r}, which WFDB does not have" if other else "no storage format"
    raise EcganError(
        f"the header {file} gives the signal file {line.split()[0][:80]} {what}.",
        f"Formats are {', '.join(STORAGE[1:])}.",
    )


def _is_beside(file: Path, name: str) -> bool:
    try:
        return is_file(beside(file, name))
    except EcganError:
        return False


def _extra(file: Path, name: str, extra: str, mark: str) -> int:
    """Read what is added to a storage format: xSAMPLES a frame, :SKEW, +OFFSET."""
    found = re.search(rf"{re.escape(mark)}(-?\d+)", extra)
    if found is None:
        return 0
    if not re.fullmatch(r"\d{1,12}", found[1]):
        what = {"x": "samples a frame", ":": "a skew", "+": "a byte offset"}[mark]
        raise EcganError(f"the header {file} says of {name[:80]} {what} of {found[1][:20]}.", "It is from 0 to 10^12.")
    return int(found[1])
