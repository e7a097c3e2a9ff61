"""Text, arrays and workbooks with bytes changed, moved, repeated: one sentence, in bounded time; fixed seeds."""

import io
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecgan.datasets.sample_tables import read_samples
from ecgan.datasets.shaoxing_files import read_diagnostics
from ecgan.ecg.files.recordings import read_recording
from ecgan.errors import EcganError

VALUES = np.round(np.random.default_rng(1).normal(0, 0.4, 40), 3)
ROUNDS = 120
PARTS = [b",", b";", b"\t", b" ", b"\n", b"\r", b'"', b"#", b"=", b":", b"1e308", b"nan", b"0,5", b"\0", b"\xff", b"{"]
PARTS += [b"Interval=\t0 s\n", b"fs,0\n", b"12:99:99", b"\n" * 99, b"9" * 40, b"\xe2\x80\xa8", b"ChannelTitle=\t"]


def rows(separator: str, *columns: object, decimal: str = ".") -> bytes:
    lines = zip(*columns, strict=True)  # type: ignore[call-overload]
    return "".join(separator.join(map(str, line)).replace(".", decimal) + "\n" for line in lines).encode()


def texts() -> list[bytes]:
    times = [f"{number / 250:.3f}" for number in range(40)]
    about = b'# {"a": {"sensor": ["ECGBIT"], "sampling rate": 360, "resolution": [4, 10], "column": ["nSeq", "A1"]}}\n'
    return [
        b"time,II (mV)\n" + rows(",", times, VALUES),
        b"Zeit;I;II\n" + rows(";", times, VALUES, VALUES, decimal=","),
        b"Name,X\nSample Rate,512 hertz\n\nLead,Lead I\nUnit,uV\n" + rows(",", VALUES),
        b"# OpenSignals Text File Format\n" + about + b"# EndOfHeader\n" + rows("\t", range(40), range(500, 540)),
        b"Interval=\t0.002 s\nChannelTitle=\tECG\nRange=\t10.0 mV\n" + rows("\t", times, VALUES),
        b"time ecg\n" + rows(" ", [f"23:59:{number + 20}.000" for number in range(40)], VALUES),
    ]


def arrays() -> list[bytes]:
    return [stored(array) for array in (VALUES, VALUES.reshape(2, 20), (VALUES * 100).astype(np.int16))]


def stored(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def archives() -> list[bytes]:
    found = []
    for more in ({"signal": VALUES, "fs": 250, "leads": ["II"], "unit": "mV"}, {"data": VALUES.reshape(8, 5)}):
        buffer = io.BytesIO()
        np.savez(buffer, **more)  # type: ignore[arg-type]
        found.append(buffer.getvalue())
    return found


def workbooks() -> list[bytes]:
    buffer = io.BytesIO()
    table = pd.DataFrame({"FileName": [f"JS{number}" for number in range(9)], "Rhythm": ["SR"] * 9})
    table.to_excel(buffer, index=False)
    return [buffer.getvalue()]


def changed(content: bytes, rng: np.random.Generator) -> bytes:
    found = bytearray(content)
    for _ in range(rng.integers(1, 6)):
        at = int(rng.integers(len(found) + 1))
        end = min(len(found), at + int(rng.integers(1, 120)))
        kind = rng.integers(5)
        if kind == 0:
            found[at:end] = b""
        elif kind == 1:
            found[at:at] = found[at:end]
        elif kind == 2:
            found[at:at] = PARTS[int(rng.integers(len(PARTS)))]
        else:
            found[at : at + 1] = bytes([int(rng.integers(256))])
    return bytes(found)


def packed_anew(content: bytes, rng: np.random.Generator) -> bytes:
    """Change what is in the members of an archive, not the archive itself."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            new.writestr(name, changed(old.read(name), rng) if rng.random() < 0.4 else old.read(name))
    return buffer.getvalue()


@pytest.mark.parametrize(("suffix", "whole"), [("csv", texts), ("npy", arrays), ("npz", archives), ("xlsx", workbooks)])
def test_nothing_but_one_sentence_comes_of_damaged_tables(tmp_path: Path, suffix: str, whole: object) -> None:
    rng = np.random.default_rng(7)
    files = whole()  # type: ignore[operator]
    file = tmp_path / f"r.{suffix}"
    for number in range(ROUNDS):
        content = files[number % len(files)]
        inside = suffix in ("npz", "xlsx") and number % 3
        file.write_bytes(packed_anew(content, rng) if inside else changed(content, rng))
        since = time.process_time()
        for reader in ("table",) if suffix == "xlsx" else ("recording", "samples"):
            expect_sentence(reader, file, number)
        assert time.process_time() - since < 2


def expect_sentence(reader: str, file: Path, number: int) -> None:
    try:
        if reader == "table":
            read_diagnostics(file)
        elif reader == "samples":
            read_samples(file, None)
        else:
            read_recording(file, sampling_rate=250 if number % 2 else None)
    except EcganError as error:
        message = error.message
        if not message or "\n" in message or len(message) > 700:
            pytest.fail(f"no sentence: {message!r}")
