"""Signal files of WFDB records, in the storage formats of the manual page signal(5) of the WFDB software package."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.files.channels import check_backed
from ecgan.ecg.files.wfdb_header import Signal
from ecgan.errors import EcganError

Bytes = NDArray[np.uint8]
Digital = NDArray[np.signedinteger]

PACKED = {"508": 8, "516": 16, "524": 24}
"""Bits a sample of the formats that are compressed (FLAC)."""

_AT_ONCE = 1 << 15
"""Rows of bytes, which a processor has at hand."""

_BITS = {
    "0": Fraction(0),
    "8": Fraction(8),
    "16": Fraction(16),
    "24": Fraction(24),
    "32": Fraction(32),
    "61": Fraction(16),
    "80": Fraction(8),
    "160": Fraction(16),
    "212": Fraction(12),
    "310": Fraction(32, 3),
    "311": Fraction(32, 3),
}
"""Bits a sample of the others."""

MISSING = {
    "16": -(2**15),
    "24": -(2**23),
    "32": -(2**31),
    "61": -(2**15),
    "80": -(2**7),
    "160": -(2**15),
    "212": -(2**11),
    "310": -(2**9),
    "311": -(2**9),
    "508": -(2**7),
    "516": -(2**15),
    "524": -(2**23),
}
"""The value that stands for a missing sample; in format 8 there is none."""


def bytes_of(storage: str, samples: int) -> int:
    """Return how many bytes that many samples take in a file that is not compressed."""
    if storage in ("310", "311"):
        whole, rest = divmod(samples, 3)
        return 4 * whole + {0: 0, 1: 2, 2: 4 if storage == "310" else 3}[rest]
    return int(-(-samples * _BITS[storage] // 8))


def frames_in(file: Path, group: Sequence[Signal]) -> int:
    """Return how many whole frames there are in the file of a group of signals."""
    first, frame = group[0], sum(signal.per_frame for signal in group)
    if first.storage in PACKED:
        with _flac(file) as sound:
            return max(0, int(sound.frames) - first.offset) // first.per_frame
    size = max(0, file.stat().st_size - first.offset)
    if first.storage in ("310", "311"):
        whole, rest = divmod(size, 4)
        return (3 * whole + (rest > 1) + (rest > 2 and first.storage == "311")) // frame
    return int(8 * size // (_BITS[first.storage] * frame))


def read_group(file: Path, group: Sequence[Signal], frames: int) -> list[Digital]:
    """Read the samples of all signals of one file, from its first frame on.

    Returns:
        The values of the converter of each signal, shape (frames * per_frame,).

    Raises:
        EcganError: The file is no compressed file, or holds other signals than the header says.
    """
    first = group[0]
    if first.storage in PACKED:
        return _read_flac(file, group, frames)
    counts = [signal.per_frame for signal in group]
    size = bytes_of(first.storage, frames * sum(counts))
    raw = np.fromfile(file, np.uint8, count=size, offset=first.offset)
    values = _DECODERS[first.storage](raw, frames * sum(counts)).reshape(frames, sum(counts))
    edges = np.cumsum([0, *counts])
    each = [values[:, a:b].reshape(-1) for a, b in pairwise(edges)]
    if first.storage == "8":
        return [np.cumsum(one, dtype=np.int64) + signal.initial for one, signal in zip(each, group, strict=True)]
    return each


def _little(kind: str) -> Callable[[Bytes, int], Digital]:
    return lambda raw, count: raw.view(kind)


def _shifted(kind: str, middle: int) -> Callable[[Bytes, int], Digital]:
    return lambda raw, count: raw.view(kind).astype(np.int32) - middle


def _three_bytes(raw: Bytes, count: int) -> Digital:
    wide = np.zeros((count, 4), dtype=np.uint8)
    wide[:, 1:] = raw.reshape(-1, 3)
    return wide.view("<i4")[:, 0] >> 8


def _twelve_bits(raw: Bytes, count: int) -> Digital:
    """Two samples in three bytes: the second byte holds the four high bits of both."""
    triples = _padded(raw, 3)
    pairs = np.empty((len(triples), 2), dtype=np.int16)
    for start in range(0, len(triples), _AT_ONCE):
        first, both, second = triples[start : start + _AT_ONCE].T.astype(np.int16)
        part = pairs[start : start + _AT_ONCE]
        part[:, 0] = _signed(first | (both & 0x0F) << 8, 12)
        part[:, 1] = _signed(second | (both & 0xF0) << 4, 12)
    return pairs.reshape(-1)[:count]


def _ten_bits_310(raw: Bytes, count: int) -> Digital:
    """Three samples in two words of 16 bits: bits 1 to 10 of each, and the five high bits of both."""
    words = _padded(raw, 4).view("<u2").astype(np.int32)
    low, high = words[:, 0], words[:, 1]
    triples = np.stack([low >> 1 & 0x3FF, high >> 1 & 0x3FF, low >> 11 | high >> 11 << 5], axis=1)
    return _signed(triples.reshape(-1)[:count], 10)


def _ten_bits_311(raw: Bytes, count: int) -> Digital:
    """Three samples in a word of 32 bits, from the lowest bit on."""
    words = _padded(raw, 4).view("<u4")[:, 0].astype(np.int64)
    triples = np.stack([words & 0x3FF, words >> 10 & 0x3FF, words >> 20 & 0x3FF], axis=1)
    return _signed(triples.reshape(-1)[:count], 10)


def _padded(raw: Bytes, width: int) -> Bytes:
    """Return whole rows of bytes; the last one may have been cut short where nothing of it is needed."""
    return (np.pad(raw, (0, -len(raw) % width)) if len(raw) % width else raw).reshape(-1, width)


def _signed(values: Digital, bits: int) -> Digital:
    middle = 1 << (bits - 1)
    return (values ^ middle) - middle


_DECODERS: dict[str, Callable[[Bytes, int], Digital]] = {
    "8": _little("i1"),
    "16": _little("<i2"),
    "24": _three_bytes,
    "32": _little("<i4"),
    "61": _little(">i2"),
    "80": _shifted("u1", 128),
    "160": _shifted("<u2", 32768),
    "212": _twelve_bits,
    "310": _ten_bits_310,
    "311": _ten_bits_311,
}


@contextmanager
def _flac(file: Path) -> Iterator[Any]:
    """Open a compressed file; what is wrong with it is one sentence."""
    import soundfile

    try:
        with soundfile.SoundFile(str(file), "r") as sound:
            yield sound
    except RuntimeError as error:  # of which `soundfile.SoundFileError` is one
        raise EcganError(f"the file {file} is damaged, or not compressed as its header says (FLAC).") from error


def _read_flac(file: Path, group: Sequence[Signal], frames: int) -> list[Digital]:
    """Read a compressed file, whose channels are the signals."""
    first = group[0]
    with _flac(file) as sound:
        bits = {"PCM_S8": 8, "PCM_16": 16, "PCM_24": 24}.get(sound.subtype, 32)
        if sound.format != "FLAC" or sound.channels != len(group) or bits > PACKED[first.storage]:
            raise EcganError(
                f"the file {file} holds {sound.channels} signals ({sound.format} {sound.subtype}); its header says"
                f" {len(group)} of {PACKED[first.storage]} bits."
            )
        count = frames * first.per_frame
        if sound.frames < first.offset + count:
            raise EcganError(
                f"the file {file} is cut off: it has {sound.frames:,} samples a signal, and its header asks for"
                f" {first.offset + count:,}."
            )
        check_backed(f"the file {file}", count * len(group), file.stat().st_size)
        sound.seek(first.offset)
        values = np.empty((count, len(group)), dtype=np.int32)
        for start in range(0, count, _BLOCK):
            if len(sound.read(out=values[start : start + _BLOCK])) < min(_BLOCK, count - start):
                raise EcganError(f"the file {file} is cut off, or damaged.")
    return list((values >> 32 - bits).T)


_BLOCK = 2**20  # libsndfile fails beyond 2**24 samples at once
