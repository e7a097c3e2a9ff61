"""Headers and annotations of which bytes are changed at random: read, or refused in a sentence, and nothing else."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgan.ecg.files.recordings import read_recording
from ecgan.ecg.records import Record, write_record
from ecgan.errors import EcganError

COUNT = 250
PIECES = [
    b"", b" ", b"\n", b"/", b"~", b"-", b"x", b":", b"+", b"#", b"0", b"1", b"99999999", b"1e9", b"-1", b"\0", b"\xff",
    b"\xb5", b"(", b")", b"..", b"../r", b"r", b"r.dat", b"16", b"212", b"516", b"nan", b"inf", b",", b"EDF+D", b"+1",
    b"\x14", b"\x14\x14\0", b"\x15", b"\xfc", b"\xec", b"M", b"\0N", b"8", b"mV", b"ECG", "é".encode(),
]  # fmt: skip


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes changed, left out, doubled, or replaced by pieces that mean something."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        at, kind = int(rng.integers(0, len(changed) + 1)), int(rng.integers(0, 6))
        size = int(rng.integers(0, 12))
        if kind == 0:
            changed[at : at + 1] = bytes([int(rng.integers(0, 256))])
        elif kind == 1:
            changed[at : at + size] = PIECES[int(rng.integers(0, len(PIECES)))]
        elif kind == 2:
            del changed[at : at + size]
        elif kind == 3:
            changed[at:at] = changed[at : at + 4 * size]
        elif kind == 4:
            piece = PIECES[int(rng.integers(0, len(PIECES)))]
            changed[at : at + max(len(piece), 8)] = piece.ljust(8)
        else:
            del changed[max(0, len(changed) - size) :]
    return bytes(changed)


def wfdb_record(folder: Path) -> tuple[Path, Path, Path]:
    samples = np.array([18, 300, 700], dtype=np.int64)
    signals = np.sin(np.arange(1600).reshape(800, 2) / 9)
    write_record(folder, Record("r", signals, 360.0, ["MLII", "V1"], samples, ["+", "N", "V"], ["(N", "", ""]))
    header = (folder / "r.hea").read_text().split("\n", 1)[1]
    (folder / "s.hea").write_text(f"s 2 360\n{header}")
    (folder / "m.hea").write_text("m/3 2 360 2400 12:00:00 01/02/2003\nr 800\n~ 800\ns\n# a comment\n")
    return folder / "r.hea", folder / "m.hea", folder / "r.atr"


def edf_file(folder: Path) -> Path:
    signals = [b"II", b"EDF Annotations"]
    sizes = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
    fields = [signals, [b"", b""], [b"uV", b""], [b"-100"] * 2, [b"100"] * 2, [b"-99"] * 2, [b"99"] * 2, [b"", b""]]
    fields += [[b"50", b"5"], [b"", b""]]
    main = [b"0", b"X", b"X", b"01.02.03", b"04.05.06", b"768", b"EDF+D", b"4", b"1", b"2"]
    content = b"".join(one.ljust(size) for one, size in zip(main, (8, 80, 80, 8, 8, 8, 44, 8, 8, 4), strict=True))
    content += b"".join(one.ljust(size) for field, size in zip(fields, sizes, strict=True) for one in field)
    for onset in (0, 1, 5, 6):
        content += np.arange(50, dtype="<i2").tobytes() + f"+{onset}\x14\x14".encode().ljust(10, b"\0")
    (folder / "r.edf").write_bytes(content)
    return folder / "r.edf"


def compressed(folder: Path) -> tuple[Path, Path]:
    signal = np.random.default_rng(0).integers(-99, 99, (500, 2))
    options = {"fmt": ["516"] * 2, "adc_gain": [50.0] * 2, "baseline": [0] * 2, "write_dir": str(folder)}
    wfdb.wrsamp("f", 250, ["mV"] * 2, ["I", "II"], d_signal=signal, **options)
    return folder / "f.dat", folder / "f.hea"


def attempts(file: Path, seed: int, count: int) -> Iterator[None]:
    """The file with changes, again and again; at the end as it was."""
    content, rng = file.read_bytes(), np.random.default_rng(seed)
    for _ in range(count):
        file.write_bytes(mutated(content, rng))
        yield
    file.write_bytes(content)


def either(read: Callable[[], Record]) -> bool:
    """Whether it is read; anything but an `EcganError` fails, and so does waiting."""
    start = time.perf_counter()
    try:
        record = read()
    except EcganError:
        return False
    finally:
        assert time.perf_counter() - start < 5
    assert record.signals.shape[1] == len(record.leads) > 0
    assert not len(record.samples) or 0 <= record.samples.min() <= record.samples.max() < len(record.signals)
    return True


@pytest.mark.parametrize("which", ["header", "segments", "annotations", "edf", "flac"])
def test_a_file_with_changes_is_read_or_refused_in_a_sentence(tmp_path: Path, which: str) -> None:
    header, master, marks = wfdb_record(tmp_path)
    changed, path = {
        "header": (header, header),
        "segments": (master, master),
        "annotations": (marks, header),
        "edf": (file := edf_file(tmp_path), file),
        "flac": compressed(tmp_path),
    }[which]
    annotator = "atr" if which == "annotations" else None
    outcomes = [either(lambda: read_recording(path, annotator=annotator)) for _ in attempts(changed, 15, COUNT)]
    assert 0 < sum(outcomes) < COUNT
