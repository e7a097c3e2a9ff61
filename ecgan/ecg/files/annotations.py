"""Annotation files, MIT and AHA format, as in the manual page annot(5) of the WFDB software package."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.files.names import is_file
from ecgan.errors import EcganError

_LARGEST = 2**23
"""Bytes; a day of annotated beats has 250,000."""

_SYMBOLS = ' NLRaVFJASEj/Q~.|.sT*D"=pB^t+u?![]en@xf()r'
"""Symbol of each code of an annotation, by its number; 0 marks nothing."""
_AHA = {"N": "N", "V": "V", "F": "F", "E": "E", "P": "/", "Q": "Q", "R": "r", "U": "~", "[": "[", "]": "]", "O": ""}
_SKIP, _NUM, _SUB, _CHN, _AUX = range(59, 64)
_WORD = 1023  # samples that one word says at most
_RESOLUTION = re.compile(r"## time resolution:\s*(\d+(?:\.\d+)?(?:[eE][+-]?\d{1,2})?)")
_DEFINITION = re.compile(r"(\d{1,2})\s+(\S+)")


@dataclass(frozen=True)
class Annotations:
    """An annotation file.

    Attributes:
        samples: Position of each annotation, int64, shape (m,).
        symbols: Its symbol, length m.
        notes: Its text, length m, mostly empty.
        sampling_rate: Hz of the positions; None: they count the frames of the record.
    """

    samples: NDArray[np.int64]
    symbols: list[str]
    notes: list[str]
    sampling_rate: float | None


@dataclass(frozen=True)
class _Mark:
    sample: int
    code: int
    symbol: str
    note: str


def read_annotations(file: Path, hint: str) -> Annotations:
    """Read an annotation file; the hint says what the user can do about one that is missing or damaged.

    Notes at sample 0 that say the time resolution, or define symbols, are understood and no annotations.

    Raises:
        EcganError: It is not there, cut off or damaged.
    """
    if not is_file(file):
        raise EcganError(f"the file {file} is not there.", hint)
    if file.stat().st_size > _LARGEST:
        raise EcganError(
            f"the annotation file {file} has {file.stat().st_size:,} bytes; at most {_LARGEST:,} are read."
        )
    content = file.read_bytes()
    if content[:1] == b"\0" and content[1:2] and content[1:2] in b"NVFEPQRU":
        marks, rate = list(_aha(file, content, hint)), None
    else:
        marks, rate = _understood(list(_mit(file, content, hint)))
    return Annotations(
        samples=np.array([mark.sample for mark in marks], dtype=np.int64),
        symbols=[mark.symbol for mark in marks],
        notes=[mark.note for mark in marks],
        sampling_rate=rate,
    )


def annotation_bytes(
    samples: NDArray[np.int64], symbols: Sequence[str], notes: Sequence[str], sampling_rate: float
) -> bytes:
    """Return an annotation file in MIT format that says its sampling rate; the words are those of `_mit`.

    Args:
        samples: Position of each annotation, ascending, (m,).
        symbols: Its symbol, length m.
        notes: Its text, length m, ASCII; more than 255 characters are cut off.
        sampling_rate: Hz of the positions.
    """
    codes = {symbol: code for code, symbol in enumerate(_SYMBOLS) if code}
    rate = int(sampling_rate) if sampling_rate == int(sampling_rate) else sampling_rate
    parts = [_word(codes['"'], 0), _note(f"## time resolution: {rate}"), _skip(-1), _word(0, 1)]
    for gap, symbol, note in zip(np.diff(samples, prepend=0).tolist(), symbols, notes, strict=True):
        near = gap <= _WORD
        parts += [b"" if near else _skip(gap), _word(codes[symbol], gap if near else 0), _note(note)]
    return b"".join([*parts, _word(0, 0)])


def _word(code: int, value: int) -> bytes:
    return (code << 10 | value).to_bytes(2, "little")


def _skip(samples: int) -> bytes:
    """A longer way: two words, the high one first."""
    value = samples & 0xFFFFFFFF
    return _word(_SKIP, 0) + (value >> 16).to_bytes(2, "little") + (value & 0xFFFF).to_bytes(2, "little")


def _note(text: str) -> bytes:
    told = text.encode("ascii", errors="replace")[:255]
    return _word(_AUX, len(told)) + told + b"\0" * (len(told) % 2) if told else b""


def _mit(file: Path, content: bytes, hint: str) -> Iterator[_Mark]:
    """Yield the annotations of words of 16 bits: a code of 6 bits, and of 10 bits the samples since the last one."""
    if len(content) % 2:
        raise EcganError(f"the annotation file {file} is damaged or cut off: it has {len(content):,} bytes.", hint)
    words = memoryview(np.frombuffer(content, dtype="<u2").astype(np.uint16).data)
    at, position, last = 0, 0, None
    while at < len(words) and words[at]:
        code, value = words[at] >> 10, words[at] & 1023
        at += 1
        if code == _SKIP:
            skipped = words[at] << 16 | words[at + 1] if at + 1 < len(words) else 0
            position += skipped - (skipped >> 31 << 32)
            at += 2
        elif code == _AUX:
            size = value & 255
            text = content[2 * at : 2 * at + size].decode("utf-8", errors="replace").rstrip("\0")
            last = None if last is None else _Mark(last.sample, last.code, last.symbol, text)
            at += (size + 1) // 2
        elif code < _SKIP:
            if last is not None and last.code:
                yield last
            position += value
            last = _Mark(position, code, _SYMBOLS[code : code + 1], "")
    if at >= len(words):
        raise EcganError(f"the annotation file {file} is cut off: its end mark is missing.", hint)
    if any(content[2 * at :]):
        raise EcganError(f"the annotation file {file} is damaged: its end mark is followed by others.", hint)
    if last is not None and last.code:
        yield last


def _understood(marks: list[_Mark]) -> tuple[list[_Mark], float | None]:
    """Take out the notes at the beginning that tell of the file itself.

    Returns:
        The annotations, with the symbols that the file defines, and Hz of their positions.
    """
    rate, symbols, defining, count = None, dict[int, str](), False, 0
    for mark in marks:
        if mark.sample or mark.symbol != '"' or not (defining or mark.note.startswith("## ")):
            break
        count += 1
        if found := _RESOLUTION.match(mark.note):
            rate = float(found[1]) or None
        elif mark.note.startswith("##"):
            defining = "annotation type definitions" in mark.note
        elif defined := _DEFINITION.match(mark.note):
            symbols[int(defined[1])] = defined[2]
    if not symbols:
        return marks[count:], rate
    named = [_Mark(one.sample, one.code, symbols.get(one.code, one.symbol), one.note) for one in marks[count:]]
    return named, rate


def _aha(file: Path, content: bytes, hint: str) -> Iterator[_Mark]:
    """Yield the annotations of 16 bytes: 0, a letter, the position as two words with the high one first, and a text."""
    for start in range(0, len(content), 16):
        one = content[start : start + 16]
        if one[0] == 0xFF:
            return
        letter = chr(one[1]) if len(one) == 16 and not one[0] else ""
        if letter not in _AHA or not letter:
            break
        high, low = (int.from_bytes(one[at : at + 2], "little") for at in (2, 4))
        position = high << 16 | low
        note = one[10:].split(b"\0")[0].decode("latin-1")
        yield _Mark(position - (position >> 31 << 32), -1, _AHA[letter], note)
    raise EcganError(f"the annotation file {file} (AHA format) is damaged or cut off at byte {start:,}.", hint)
