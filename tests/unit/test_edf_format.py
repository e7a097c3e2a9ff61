"""EDF, EDF+ C and D, BDF: a file made for each clause, and its values beside those that went in."""

import resource
import time
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgan.ecg.files.recordings import annotation_file, read_recording
from ecgan.errors import EcganError

RNG = np.random.default_rng(7)
VALUES = RNG.integers(-2000, 2000, (8, 50))
"""Of 8 data records of 50 samples."""

Field = str | bytes


def edf(
    path: Path,
    channels: list[dict[str, Field]] | None = None,
    data: list[np.ndarray] | None = None,
    *,
    width: int = 2,
    tail: bytes = b"",
    **main: Field,
) -> Path:
    """Write a file field by field: by default one signal, II, of `VALUES` at 1000 steps a mV and 100 Hz."""
    channels = channels or [{}]
    data = data or [VALUES] * len(channels)
    version = b"0" if width == 2 else b"\xffBIOSEMI"
    least, most = (-32768, 32767) if width == 2 else (-(2**23), 2**23 - 1)
    default = {
        "label": "II", "transducer": "", "unit": "mV", "p_min": str(least / 1000), "p_max": str(most / 1000),
        "d_min": str(least), "d_max": str(most), "filter": "", "count": None, "reserved": "",
    }  # fmt: skip
    sizes = dict(zip(default, (16, 80, 8, 8, 8, 8, 8, 80, 8, 32), strict=True))
    first = {
        "version": version, "patient": "X X X X", "recording": "Startdate X X X X", "date": "01.02.03",
        "time": "04.05.06", "size": str(256 * (len(channels) + 1)), "reserved": "", "records": str(len(data[0])),
        "duration": "0.5", "signals": str(len(channels)),
    } | main  # fmt: skip
    header = b"".join(
        filled(first[name], size) for name, size in zip(first, (8, 80, 80, 8, 8, 8, 44, 8, 8, 4), strict=True)
    )
    for name, size in sizes.items():
        for signal, values in zip(channels, data, strict=True):
            count = str(values.shape[1] // (width if values.dtype == np.uint8 else 1))
            header += filled((default | {"count": count} | signal)[name], size)
    parts = [one if one.dtype == np.uint8 else digits(one, width) for one in data]
    path.write_bytes(header + np.concatenate(parts, axis=1).tobytes() + tail)
    return path


def filled(field: Field, size: int) -> bytes:
    content = field if isinstance(field, bytes) else field.encode()
    return content[:size].ljust(size)


def digits(values: np.ndarray, width: int) -> np.ndarray:
    return values.astype("<i4")[..., np.newaxis].view(np.uint8)[..., :width].reshape(len(values), -1)


def notes(onsets: list[str], size: int = 20) -> np.ndarray:
    """The annotations of data records that begin at these times."""
    rows = [f"{onset}\x14\x14\0".encode().ljust(size, b"\0") for onset in onsets]
    return np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), size)


def refused(path: Path, **options: object) -> EcganError:
    with pytest.raises(EcganError) as caught:
        read_recording(path, **options)  # type: ignore[arg-type]
    return caught.value


def assert_read(path: Path, lead: str = "II") -> None:
    found = read_recording(path)
    assert (found.leads, found.sampling_rate) == ([lead], 100.0)
    np.testing.assert_allclose(found.signals[:, 0], VALUES.reshape(-1) / 1000, atol=1e-9)


@pytest.mark.parametrize(
    "main",
    [
        {},
        {"date": "", "time": ""},
        {"date": "99.99.99", "time": "24:61:77"},
        {"date": "1.1.2020", "time": "noon"},
        {"date": b"\xff\0\xff", "time": b"\x80"},
        {"patient": "Müller, Jürgen".encode("latin-1"), "recording": "Startdate 31-FEB-2020 Ä ß"},
        {"patient": b"\0\x01\xff", "recording": b""},
        {"size": "", "reserved": "EDF+C"},
        {"size": "many"},
        {"size": "99999"},
        {"duration": "0,5"},
        {"duration": "5e-1"},
        {"duration": ".5"},
        {"records": "8.0"},
        {"records": b"8\0\0\0\0\0\0\0"},
        {"signals": "1,0"},
        {"version": b"0\0\0\0\0\0\0\0"},
        {"reserved": "EDF+C anything"},
    ],
)
def test_no_field_that_is_not_needed_costs_the_ecg(tmp_path: Path, main: dict[str, Field]) -> None:
    assert_read(edf(tmp_path / "r.edf", **main))


@pytest.mark.parametrize(
    ("signal", "lead", "factor"),
    [
        ({"label": "ECG aVR", "transducer": "\xc4gCl".encode("latin-1"), "filter": b"HP:\xb0"}, "ECG aVR", 1),
        ({"unit": "mV "}, "II", 1),
        ({"unit": "uV"}, "II", 1e-3),
        ({"unit": b"\xb5V"}, "II", 1e-3),
        ({"unit": b"\xe6V"}, "II", 1e-3),
        ({"unit": "μV".encode("gbk")}, "II", 1e-3),
        ({"unit": "μV".encode("shift-jis")}, "II", 1e-3),
        ({"unit": "µV"}, "II", 1e-3),
        ({"unit": "μV"}, "II", 1e-3),
        ({"unit": "V"}, "II", 1e3),
        ({"unit": "microvolt"}, "II", 1e-3),
        ({"unit": "milliV"}, "II", 1),
        ({"unit": "uVolt"}, "II", 1e-3),
        ({"unit": "(uV)"}, "II", 1e-3),
        ({"unit": "mkV"}, "II", 1e-3),
        ({"unit": "мкВ"}, "II", 1e-3),
        ({"unit": b"nV\0\0"}, "II", 1e-6),
        ({"p_min": "-32,768", "p_max": "32,767"}, "II", 1),
        ({"p_min": "32.768", "p_max": "-32.767"}, "II", -1),
        ({"p_min": "-6.5536", "p_max": "6.5534"}, "II", 0.2),
        ({"label": "Ableitung Ⅱ"}, "Ableitung Ⅱ", 1),
        ({"label": "Dérivation".encode("latin-1")}, "Dérivation", 1),
        ({"reserved": b"\xff" * 32}, "II", 1),
    ],
)
def test_fields_of_a_signal_in_all_shapes(tmp_path: Path, signal: dict[str, Field], lead: str, factor: float) -> None:
    found = read_recording(edf(tmp_path / "r.edf", [signal]))
    assert found.leads == [lead]
    np.testing.assert_allclose(found.signals[:, 0], VALUES.reshape(-1) / 1000 * factor, atol=1e-9)


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"p_min": "5", "p_max": "5"}, ("physical", "'5'")),
        ({"p_min": "", "p_max": "?"}, ("physical", "'?'")),
        ({"d_min": "1", "d_max": "1"}, ("digital", "'1'")),
        ({"p_max": "nan"}, ("physical", "nan")),
        ({"d_min": "1e999999"}, ("digital", "1e999999")),
    ],
)
def test_a_channel_without_a_range_is_fatal_only_if_it_is_asked_for(
    tmp_path: Path, other: dict[str, Field], named: tuple[str, str]
) -> None:
    pleth = edf(tmp_path / "pleth.edf", [{"label": "Pleth", "unit": "%"} | other, {}])
    assert_read(pleth)
    second = edf(tmp_path / "second.edf", [{}, {"label": "V5"} | other])
    assert_read(second)
    assert all(word in read_recording(second).left_out["V5"] for word in named)
    error = refused(edf(tmp_path / "only.edf", [{"label": "V5"} | other]))
    assert all(word in error.message for word in (*named, "V5"))
    assert "damaged" not in error.message


def test_other_signals_may_have_any_rate_and_none(tmp_path: Path) -> None:
    others = [RNG.integers(0, 9, (8, count)) for count in (1, 7, 0)]
    labels = [{"label": label, "unit": unit} for label, unit in (("Temp", "C"), ("Resp", "bpm"), ("ECG 9", "mV"))]
    path = edf(tmp_path / "r.edf", [labels[0], {}, *labels[1:]], [others[0], VALUES, *others[1:]])
    assert_read(path)
    assert "no samples" in read_recording(path).left_out["ECG 9"]


def test_bdf_has_samples_of_24_bits(tmp_path: Path) -> None:
    values = RNG.integers(-(2**23), 2**23, (8, 50))
    found = read_recording(edf(tmp_path / "r.bdf", data=[values], width=3))
    np.testing.assert_allclose(found.signals[:, 0], values.reshape(-1) / 1000, atol=1e-2)
    plus = edf(tmp_path / "p.bdf", [{}, {"label": "BDF Annotations", "unit": "mV"}], [values, values], width=3)
    assert read_recording(plus).leads == ["II"]


@pytest.mark.parametrize(
    ("records", "tail", "count", "warned"),
    [
        ("-1", b"", 8, True),
        ("0", b"", 8, True),
        ("", b"", 8, True),
        ("-1", b"?" * 99, 8, True),
        ("8", b"?", 8, True),
        ("8", b"?" * 250, 8, True),
        ("5", b"", 5, True),
        ("8", b"", 8, False),
    ],
)
def test_the_number_of_data_records_and_what_is_there(
    tmp_path: Path, records: str, tail: bytes, count: int, warned: bool
) -> None:
    found = read_recording(edf(tmp_path / "r.edf", records=records, tail=tail))
    np.testing.assert_allclose(found.signals[:, 0], VALUES[:count].reshape(-1) / 1000, atol=1e-9)
    assert bool(found.warnings) == warned


@pytest.mark.parametrize("count", ["0", "10"])
def test_a_signal_that_has_more_samples_than_its_header_says_is_refused(tmp_path: Path, count: str) -> None:
    """All that follows it would be read from the wrong place."""
    path = edf(tmp_path / "r.edf", [{}, {"label": "V1", "count": count}], [VALUES, VALUES])
    assert "contradicts itself" in refused(path).message


@pytest.mark.parametrize(
    ("main", "words"),
    [
        ({"version": "1"}, ("no EDF file",)),
        ({"records": "9"}, ("cut off", "9")),
        ({"records": "some"}, ("number of data records", "'some'")),
        ({"signals": "0"}, ("0 signals",)),
        ({"signals": "9"}, ("cut off", "9 signals")),
        ({"signals": "x"}, ("number of signals", "'x'")),
        ({"duration": "0"}, ("'0'", "sampling rate")),
        ({"duration": "long"}, ("'long'",)),
        ({"duration": "-1"}, ("'-1'",)),
        ({"duration": "NaN"}, ("'NaN'",)),
        ({"duration": "1E-9999"}, ("'1E-9999'",)),
    ],
)
def test_fields_that_are_needed_are_named(tmp_path: Path, main: dict[str, Field], words: tuple[str, ...]) -> None:
    path = edf(tmp_path / "r.edf", **main)
    error = refused(path) if main != {"signals": "9"} else refused(cut(path, 600))
    assert all(word in error.message for word in words)


def cut(path: Path, size: int) -> Path:
    path.write_bytes(path.read_bytes()[:size])
    return path


def test_a_count_of_samples_that_is_no_number_is_named(tmp_path: Path) -> None:
    for count in ("?", "-5", "1.5"):
        message = refused(edf(tmp_path / "r.edf", [{"label": "Resp", "count": count}, {}])).message
        assert all(word in message for word in ("Resp", count))


@pytest.mark.parametrize(
    ("onsets", "gaps"),
    [
        ([0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5], [0] * 8),
        ([0, 0.5, 3, 3.5, 4, 60, 60.5, 61], [0, 0, 200, 200, 200, 5750, 5750, 5750]),
        ([7.25, 7.75, 10.25, 10.75, 11.25, 11.75, 12.25, 12.76], [0, 0, 200, 200, 200, 200, 200, 201]),
        ([0, 0.498, 1.003, 1.501, 2, 2.504, 3, 3.5], [0] * 8),
    ],
)
@pytest.mark.parametrize("kind", ["EDF+D", "edf+d"])
def test_gaps_of_a_discontinuous_file_are_missing_samples(
    tmp_path: Path, onsets: list[float], gaps: list[int], kind: str
) -> None:
    marks = notes([f"+{onset:g}" for onset in onsets])
    path = edf(tmp_path / "r.edf", [{}, {"label": "EDF Annotations", "unit": ""}], [VALUES, marks], reserved=kind)
    found = read_recording(path)
    expected = np.full(400 + gaps[-1], np.nan)
    for number, gap in enumerate(gaps):
        expected[number * 50 + gap : number * 50 + gap + 50] = VALUES[number] / 1000
    np.testing.assert_allclose(found.signals[:, 0], expected, atol=1e-9)


@pytest.mark.parametrize(
    ("onsets", "words"),
    [
        ([0, 0.5, 0.9, 1.5, 2, 2.5, 3, 3.5], ("record 3", "0.9")),
        ([0, 0.5, 0.2, 1.5, 2, 2.5, 3, 3.5], ("record 3", "0.2")),
        ([0, 0.5, 1, 1.5, 2, 2.5, 3, "x"], ("record 8",)),
        ([0, 0.5, 1, 1.5, 2, 2.5, 3, 999999999], ("claims", "values")),
        ([0, 0.5, 1, 1.5, 2, 2.5, 3, 400000], ("claims", "values")),
    ],
)
def test_a_discontinuous_file_whose_times_make_no_sense(
    tmp_path: Path, onsets: list[object], words: tuple[str, ...]
) -> None:
    marks = notes([f"+{onset}" for onset in onsets])
    path = edf(tmp_path / "r.edf", [{}, {"label": "EDF Annotations", "unit": ""}], [VALUES, marks], reserved="EDF+D")
    assert all(word in refused(path).message for word in words)
    assert "EDF Annotations" in refused(edf(tmp_path / "r.edf", reserved="EDF+D")).message


@pytest.mark.parametrize(("recording", "name"), [("R.EDF", "r.edf.qrs"), ("R.EDF", "R.QRS"), ("r.edf", "r.QRS")])
def test_annotations_may_be_named_in_letters_of_another_size(tmp_path: Path, recording: str, name: str) -> None:
    edf(tmp_path / recording)
    wfdb.wrann("x", "qrs", np.array([100, 300]), ["N", "V"], write_dir=str(tmp_path))
    (tmp_path / "x.qrs").rename(tmp_path / name)
    assert read_recording(tmp_path / recording, annotator="qrs").samples.tolist() == [100, 300]


@pytest.mark.parametrize("name", ["r.edf.qrs", "r.qrs"])
def test_annotations_are_named_after_the_file_or_its_stem(tmp_path: Path, name: str) -> None:
    edf(tmp_path / "r.edf")
    wfdb.wrann("x", "qrs", np.array([100, 300, 401]), ["N", "V", "N"], write_dir=str(tmp_path))
    (tmp_path / "x.qrs").rename(tmp_path / name)
    found = read_recording(tmp_path / "r.edf", annotator="qrs")
    assert (found.samples.tolist(), found.symbols, len(found.warnings)) == ([100, 300], ["N", "V"], 1)
    assert annotation_file(tmp_path / "r.edf", "qrs") == tmp_path / name
    with pytest.raises(EcganError, match="other annotators: qrs"):
        read_recording(tmp_path / "r.edf", annotator="atr")


@pytest.mark.parametrize("plus", [False, True])
@pytest.mark.parametrize("kind", ["edf", "bdf"])
def test_the_second_reader_agrees(tmp_path: Path, kind: str, plus: bool) -> None:
    """What the package pyedflib writes has the values and the rate that it reads."""
    pyedflib = pytest.importorskip("pyedflib")
    file = getattr(pyedflib, f"FILETYPE_{kind.upper()}{'PLUS' if plus else ''}")
    writer = pyedflib.EdfWriter(str(tmp_path / f"r.{kind}"), 2, file_type=file)
    for index, unit in enumerate(("uV", "mV")):
        extremes = {"physical_min": -3.3, "physical_max": 4.7, "digital_min": -20000, "digital_max": 30000}
        head = {"label": f"V{index}", "dimension": unit, "sample_frequency": 250, "transducer": "", "prefilter": ""}
        writer.setSignalHeader(index, head | extremes)
    writer.writeSamples([RNG.uniform(-3, 4, 1000), RNG.uniform(-3, 4, 1000)])
    writer.close()
    found = read_recording(tmp_path / f"r.{kind}")
    with pyedflib.EdfReader(str(tmp_path / f"r.{kind}")) as reader:
        theirs = np.stack([reader.readSignal(0) / 1000, reader.readSignal(1)], axis=1)
        assert found.sampling_rate == reader.getSampleFrequency(0)
    np.testing.assert_allclose(found.signals, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("signals", "main"),
    [
        ([{"count": "99999999"}], {}),
        ([{}], {"records": "99999999"}),
        ([{}], {"signals": "9999"}),
        ([{"count": "9E99"}], {"records": "-1"}),
        ([{}], {"records": "9E99"}),
    ],
)
def test_nothing_is_made_room_for_on_the_word_of_a_header(
    tmp_path: Path, signals: list[dict[str, Field]], main: dict[str, Field]
) -> None:
    path = edf(tmp_path / "r.edf", signals, **main)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    refused(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB
    assert time.perf_counter() - start < 5
