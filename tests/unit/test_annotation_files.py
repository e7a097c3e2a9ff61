"""The clauses of annot(5): a file made for each, word by word, and what was put into it."""

import time
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgan.ecg.files.annotations import annotation_bytes, read_annotations
from ecgan.errors import EcganError

N, V, NOTE = 1, 5, 22
SKIP, NUM, SUB, CHN, AUX = 59, 60, 61, 62, 63


def word(code: int, value: int = 0) -> bytes:
    return (code << 10 | value).to_bytes(2, "little")


def skip(samples: int) -> bytes:
    high, low = divmod(samples % 2**32, 2**16)
    return word(SKIP) + high.to_bytes(2, "little") + low.to_bytes(2, "little")


def aux(text: str) -> bytes:
    content = text.encode()
    return word(AUX, len(content)) + content + b"\0" * (len(content) % 2)


END = b"\0\0"


def read(folder: Path, *content: bytes) -> list[tuple[int, str, str]]:
    file = folder / "r.atr"
    file.write_bytes(b"".join(content))
    found = read_annotations(file, "")
    assert found.samples.dtype == np.int64
    return list(zip(found.samples.tolist(), found.symbols, found.notes, strict=True))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([], []),
        ([word(N, 5), word(V, 1023)], [(5, "N", ""), (1028, "V", "")]),
        ([skip(100_000), word(N, 5), word(V, 7)], [(100_005, "N", ""), (100_012, "V", "")]),
        ([skip(2**31 - 1), word(N), skip(2**31 - 1), word(V)], [(2**31 - 1, "N", ""), (2**32 - 2, "V", "")]),
        ([word(N, 900), skip(-400), word(V, 3), word(N, 900)], [(900, "N", ""), (503, "V", ""), (1403, "N", "")]),
        ([skip(4), skip(5), word(N, 1)], [(10, "N", "")]),
        ([word(N, 5), word(SUB, 1), word(CHN, 2), word(NUM, 3), word(V, 5)], [(5, "N", ""), (10, "V", "")]),
        ([word(28, 5), aux("(AFIB"), word(N, 5)], [(5, "+", "(AFIB"), (10, "N", "")]),
        ([word(28, 5), aux("(N"), word(N, 5), aux("x" * 255)], [(5, "+", "(N"), (10, "N", "x" * 255)]),
        ([word(28, 5), word(SUB, 1), aux("(B\0"), word(N, 5)], [(5, "+", "(B"), (10, "N", "")]),
        ([word(N, 5), word(AUX), word(N, 5)], [(5, "N", ""), (10, "N", "")]),
        ([skip(-1), word(0, 1), word(N, 5)], [(5, "N", "")]),
        ([word(N, 5), word(50, 5), word(N, 5)], [(5, "N", ""), (10, "", ""), (15, "N", "")]),
        ([word(NOTE), aux("## time resolution: 1000"), word(N, 5)], [(5, "N", "")]),
        ([word(NOTE, 1), aux("## time resolution: 1000")], [(1, '"', "## time resolution: 1000")]),
        ([word(NOTE), aux("an ordinary note"), word(N, 5)], [(0, '"', "an ordinary note"), (5, "N", "")]),
        ([aux("about nothing"), word(N, 5)], [(5, "N", "")]),
    ],
)
def test_mit_format(tmp_path: Path, content: list[bytes], expected: list[tuple[int, str, str]]) -> None:
    assert read(tmp_path, *content, END) == expected
    assert read(tmp_path, *content, END, b"\0" * 10) == expected


@pytest.mark.parametrize(
    ("text", "rate"), [("360", 360.0), ("128.5", 128.5), ("1e3", 1000.0), ("0", None), ("?", None)]
)
def test_the_time_resolution_is_that_of_the_file(tmp_path: Path, text: str, rate: float | None) -> None:
    read(tmp_path, word(NOTE), aux(f"## time resolution: {text}"), word(N, 5), END)
    assert read_annotations(tmp_path / "r.atr", "").sampling_rate == rate


def test_symbols_that_a_file_defines(tmp_path: Path) -> None:
    lines = ["## annotation type definitions", "45 K a beat of my own", "1 n", "## end of definitions"]
    notes = [part for line in lines for part in (word(NOTE), aux(line))]
    assert read(tmp_path, *notes, word(45, 5), word(1, 5), END) == [(5, "K", ""), (10, "n", "")]


@pytest.mark.parametrize("seed", range(5))
def test_the_second_reader_agrees(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = np.sort(rng.integers(0, 10 ** (2 + seed), 300))
    symbols = [str(symbol) for symbol in rng.choice(list('NLRaVFJASEj/Q~|sT*D"=pB^t+u?![]en@xf()r'), 300)]
    notes = ["note" * int(number) if symbol == "+" else "" for number, symbol in zip(samples % 9, symbols, strict=True)]
    more = {"fs": 250} if seed % 2 else {}
    kind = {"num": rng.integers(0, 9, 300), "chan": rng.integers(0, 2, 300), "subtype": rng.integers(-3, 3, 300)}
    wfdb.wrann("r", "atr", samples, symbols, aux_note=notes, write_dir=str(tmp_path), **kind, **more)
    found, theirs = read_annotations(tmp_path / "r.atr", ""), wfdb.rdann(str(tmp_path / "r"), "atr")
    assert found.samples.tolist() == samples.tolist() == theirs.sample.tolist()
    assert found.symbols == symbols == list(theirs.symbol)
    assert found.notes == notes
    assert found.sampling_rate == more.get("fs")


def aha(code: str, sample: int, number: int = 1, note: bytes = b"") -> bytes:
    high, low = divmod(sample % 2**32, 2**16)
    place = high.to_bytes(2, "little") + low.to_bytes(2, "little")
    return b"\0" + code.encode() + place + number.to_bytes(2, "little") + b"\0\1" + note.ljust(6, b"\0")


def test_aha_format(tmp_path: Path) -> None:
    codes = {"N": "N", "V": "V", "F": "F", "E": "E", "P": "/", "Q": "Q", "R": "r", "U": "~", "[": "[", "]": "]"}
    content = [aha(code, 70_000 * number, number) for number, code in enumerate(codes, start=1)]
    found = read(tmp_path, *content, b"\xff" * 864)
    assert found == [(70_000 * number, symbol, "") for number, symbol in enumerate(codes.values(), start=1)]
    assert read(tmp_path, aha("N", 7, note=b"abc"), b"\xff")[0] == (7, "N", "abc")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        word(N, 5),
        word(N, 5)[:1],
        word(N, 5) + skip(7)[:4],
        word(N, 5) + aux("a long note")[:8],
        word(N, 5) + END + word(V, 5) + END,
        aha("N", 5),
        aha("N", 5)[:9],
        aha("N", 5) + aha("?", 5) + b"\xff" * 16,
        b"\xff" * 100,
    ],
)
def test_a_file_that_is_cut_off_or_damaged_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(EcganError, match=r"r\.atr.*(cut off|damaged)"):
        read(tmp_path, content)


def test_a_file_as_large_as_no_annotations_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "r.atr").open("wb") as file:
        file.truncate(2**40)
    start = time.perf_counter()
    with pytest.raises(EcganError, match="bytes"):
        read_annotations(tmp_path / "r.atr", "")
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("rate", [360.0, 250.0, 256.5])
def test_what_is_written_is_what_wfdb_writes(tmp_path: Path, rate: float) -> None:
    rng = np.random.default_rng(0)
    samples = np.cumsum(np.append(rng.integers(1, 5000, 60), [1023, 1024, 1, 9_000_000]))
    symbols = [str(rng.choice(list('NQ?"V'))) for _ in samples]
    notes = [f"score {value:.4g}{' flagged' * int(value > 0.5)}" for value in rng.random(len(samples))]
    whole = int(rate) if rate == int(rate) else rate
    wfdb.wrann("r", "ecgan", samples, symbols, aux_note=notes, fs=whole, write_dir=str(tmp_path))
    written = annotation_bytes(samples, symbols, notes, rate)
    assert written == (tmp_path / "r.ecgan").read_bytes()
    (tmp_path / "own.ecgan").write_bytes(written)
    found = read_annotations(tmp_path / "own.ecgan", "")
    assert (found.samples.tolist(), found.symbols, found.notes) == (samples.tolist(), symbols, notes)
    assert found.sampling_rate == rate


def test_a_long_note_is_cut_off_and_none_is_no_note(tmp_path: Path) -> None:
    (tmp_path / "own.ecgan").write_bytes(annotation_bytes(np.array([5, 90]), ["N", "Q"], ["ä" + "x" * 400, ""], 360.0))
    assert read_annotations(tmp_path / "own.ecgan", "").notes == ["?" + "x" * 254, ""]
