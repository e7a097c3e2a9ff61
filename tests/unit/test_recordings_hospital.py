"""Formats of hospitals and Holter devices: the numbers that went in come out in mV, and nothing harms."""

import base64
import importlib.util
import io
import re
import struct
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wfdb

from ecgan.ecg.files import hospital as reader
from ecgan.ecg.files.recordings import locate, read_recording
from ecgan.ecg.leads import derive_leads
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from tests import hospital as made
from tests.hospital import wave

pytest.importorskip("ecgdatakit")
pydicom = pytest.importorskip("pydicom")


def read(tmp_path: Path, content: bytes, name: str = "r.xml", **options: Any) -> Record:
    (tmp_path / name).write_bytes(content)
    return read_recording(tmp_path / name, **options)


def refusal(tmp_path: Path, content: bytes, name: str = "r.xml", **options: Any) -> str:
    with pytest.raises(EcganError) as caught:
        read(tmp_path, content, name, **options)
    assert name in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    ("make", "options", "name", "factors", "rate"),
    [
        (made.ishne, {}, "h.ecg", (2.5e-3, 5e-3), 200.0),
        (made.ishne, {"note": b"by hand", "crc": True}, "h.ecg", (2.5e-3, 5e-3), 200.0),
        (made.ishne, {"nanovolts": (1000, 32000), "rate": 1000}, "h", (1e-3, 0.032), 1000.0),
        (made.scp, {}, "s.scp", (4.88e-3, 4.88e-3), 500.0),
        (made.scp, {"nanovolts": 1000, "interval_us": 3906}, "s.SCP", (1e-3, 1e-3), 1e6 / 3906),
        (made.dicom, {}, "d.dcm", (1.25e-3, 1.25e-3), 500.0),
        (
            made.dicom,
            {"sensitivity": "2", "unit": "mV", "correction": "0.5", "rate": "257.5"},
            "IM1",
            (1.0, 1.0),
            257.5,
        ),
        (made.aecg, {}, "a.xml", (5e-3, 5e-3), 500.0),
        (
            made.aecg,
            {"scale": ".0025", "unit": "mV", "step": "3.90625", "step_unit": "ms"},
            "a.xml",
            (2.5e-3,) * 2,
            256.0,
        ),
        (made.aecg, {"step": "0.008", "scale": "2000", "unit": "nV"}, "a.xml", (2e-3, 2e-3), 125.0),
        (made.aecg, {"step": "0.00390", "scale": "1"}, "a.xml", (1e-3, 1e-3), 1 / 0.0039),
        (made.muse, {}, "m.xml", (4.88e-3, 4.88e-3), 500.0),
        (
            made.muse,
            {"scale": ".005", "unit": "MILLIVOLTS", "base": "2505", "exponent": "-1"},
            "m.xml",
            (5e-3, 5e-3),
            250.5,
        ),
        (made.philips, {}, "p.xml", (5e-3, 5e-3), 500.0),
        (made.philips, {"resolution": "2.5", "encoding": "utf-8", "rate": 1000}, "p.xml", (2.5e-3, 2.5e-3), 1000.0),
        (made.philips, {"compressed": made.xli(wave().T)}, "p.xml", (5e-3, 5e-3), 500.0),
    ],
)
def test_what_went_in_comes_out_in_millivolts(
    tmp_path: Path,
    make: Callable[..., bytes],
    options: dict[str, Any],
    name: str,
    factors: tuple[float, ...],
    rate: float,
) -> None:
    counts = wave()
    found = read(tmp_path, make(counts, **options), name)
    np.testing.assert_allclose(found.signals, counts * factors, rtol=1e-12, atol=1e-12)
    assert found.sampling_rate == pytest.approx(rate, rel=1e-9)
    assert found.leads == ["II", "V1"]
    assert found.warnings == []
    assert found.name == Path(name).stem


def test_codes_of_leads_are_their_names(tmp_path: Path) -> None:
    three = wave(3)
    assert read(tmp_path, made.ishne(three, (2, 9, 16), (1, 1, 1)), "h.ecg").leads == ["X", "aVL", "V6"]
    assert read(tmp_path, made.scp(three, (61, 64, 62)), "s.scp").leads == ["III", "aVF", "aVR"]
    names = ("MDC_ECG_LEAD_AVR", "MDC_ECG_LEAD_III", "MDC_ECG_LEAD_V3R")
    assert read(tmp_path, made.aecg(three, names)).leads == ["aVR", "III", "V3R"]


def test_offsets_belong_to_the_amplitude(tmp_path: Path) -> None:
    counts = wave()
    from_origin = read(tmp_path, made.aecg(counts, origin="40"))
    np.testing.assert_allclose(from_origin.signals, (5.0 * counts + 40) / 1000, atol=1e-12)
    from_baseline = read(tmp_path, made.dicom(counts, baseline="-300"), "d.dcm")
    np.testing.assert_allclose(from_baseline.signals, (1.25 * counts - 300) / 1000, atol=1e-12)
    from_zero = read(tmp_path, made.philips(counts, offset=2048))
    np.testing.assert_allclose(from_zero.signals, 5.0 * (counts - 2048) / 1000, atol=1e-12)


def test_marked_samples_are_missing(tmp_path: Path) -> None:
    counts = wave()
    counts[3:9, 0] = counts[20, 1] = -32768  # -163.84 mV at 5 µV a count
    off = read(tmp_path, made.ishne(counts, nanovolts=(5000, 5000)), "h.ecg")
    np.testing.assert_array_equal(np.isnan(off.signals), counts == -32768)
    np.testing.assert_allclose(off.signals[counts != -32768], 5e-3 * counts[counts != -32768])
    padded = read(tmp_path, made.dicom(counts, padding=-32768), "d.dcm")
    np.testing.assert_array_equal(np.isnan(padded.signals), counts == -32768)
    value = read(tmp_path, made.scp(counts), "s.scp")  # has no such mark: a value is a value
    assert np.isfinite(value.signals).all()


def test_leads_that_begin_later_lie_where_they_were_recorded(tmp_path: Path) -> None:
    counts = wave(samples=30)
    found = read(tmp_path, made.scp(counts, starts=[1, 31]), "s.scp")
    assert found.signals.shape == (60, 2)
    np.testing.assert_allclose(found.signals[:30, 0], 4.88e-3 * counts[:, 0])
    np.testing.assert_allclose(found.signals[30:, 1], 4.88e-3 * counts[:, 1])
    assert np.isnan(found.signals[30:, 0]).all()
    assert np.isnan(found.signals[:30, 1]).all()


def test_the_calibration_pulse_of_carts_is_no_beat(tmp_path: Path) -> None:
    counts = wave(leads=3, samples=1000)
    counts[800:] = 0
    counts[850:950] = 200
    names = ("I", "II", "V1")
    found = read(tmp_path, made.philips(counts, names))
    assert np.isnan(found.signals[800:]).all()
    np.testing.assert_allclose(found.signals[:800], 5e-3 * counts[:800])
    assert "0.4 s" in found.warnings[0]
    counts[:, 2] += 1  # a lead that differs to the end: no pulse
    assert np.isfinite(read(tmp_path, made.philips(counts, names)).signals).all()


def test_a_format_is_told_by_content(tmp_path: Path) -> None:
    counts = wave()
    files = {
        "ishne": made.ishne(counts),
        "scp": made.scp(counts),
        "dicom": made.dicom(counts),
        "aecg": made.aecg(counts, before="<!-- AnnotatedECG of RestingECG -->" * 30),
        "muse": made.muse(counts),
        "philips": made.philips(counts),
    }
    for kind, content in files.items():
        for ending in (".ecg", ".scp", ".dcm", ".xml", ".XML", "", ".export"):
            file = tmp_path / f"{kind}{ending}"
            file.write_bytes(content)
            assert locate(file).format == kind, file.name
            file.unlink()
    for name, content in {
        "empty.ecg": b"",
        "short.ecg": b"ISHNE1.0" + bytes(64),
        "zeros.scp": bytes(600),
        "zeros.dcm": bytes(600),
        "page.xml": b"<html><body>RestingECG AnnotatedECG</body></html>",
        "stub.xml": b"<AnnotatedECG/>",
        "text.xml": b"see <AnnotatedECG >",
    }.items():
        assert "ISHNE" in refusal(tmp_path, content, name)


def test_an_annotation_file_with_such_an_ending_stays_one(tmp_path: Path) -> None:
    wfdb.wrsamp("f1", fs=250, units=["mV"], sig_name=["ECG"], d_signal=wave(1), fmt=["16"], adc_gain=[200.0],
                baseline=[0], write_dir=str(tmp_path))  # fmt: skip
    wfdb.wrann("f1", "ecg", sample=np.array([5, 20]), symbol=["N", "V"], write_dir=str(tmp_path))
    assert locate(tmp_path / "f1.ecg").format == "wfdb"
    assert read_recording(tmp_path / "f1", annotator="ecg").symbols == ["N", "V"]


def test_edf_under_another_name(tmp_path: Path) -> None:
    pyedflib = pytest.importorskip("pyedflib")
    with pyedflib.EdfWriter(str(tmp_path / "r.edf"), 1) as file:
        file.setSignalHeader(0, {"label": "ECG", "dimension": "mV", "sample_frequency": 100, "physical_max": 5,
                                 "physical_min": -5, "digital_max": 32767, "digital_min": -32768,
                                 "transducer": "", "prefilter": ""})  # fmt: skip
        file.writeSamples([np.sin(np.arange(200) / 9)])
    (tmp_path / "r.edf").rename(tmp_path / "r.rec")
    found = read_recording(tmp_path / "r.rec")
    np.testing.assert_allclose(found.signals[:, 0], np.sin(np.arange(200) / 9), atol=2e-4)


def test_matlab_files_of_challenges_need_their_header(tmp_path: Path) -> None:
    values = wave(samples=50).astype("<i2")
    element = struct.pack("<IIII", 0, 0, 0, 0)  # MATLAB 4: type, rows, columns, imaginary; name
    header = struct.pack("<IIIII", 30, 2, 50, 0, 4) + b"val\0"
    assert len(header) == 24
    del element
    (tmp_path / "A1.mat").write_bytes(header + values.tobytes())
    message = refusal(tmp_path, (tmp_path / "A1.mat").read_bytes(), "A1.mat")
    assert "A1.hea" in message
    checks = [int(np.sum(values[:, lead], dtype=np.int64)) % 65536 for lead in range(2)]
    (tmp_path / "A1.hea").write_text(
        "A1 2 500 50 12-Mar-2020 10:00:00\n"
        + "".join(
            f"A1.mat 16+24 1000/mV 16 0 {values[0, lead]} {check} 0 {name}\n"
            for lead, (name, check) in enumerate(zip(("I", "II"), checks, strict=True))
        )
        + "#Age: 74\n"
    )
    for name in ("A1.hea", "A1.mat", "A1"):
        found = read_recording(tmp_path / name)
        np.testing.assert_allclose(found.signals, values / 1000.0)
        assert (found.sampling_rate, found.leads) == (500.0, ["I", "II"])


def test_a_unit_that_the_file_does_not_say_is_asked_for(tmp_path: Path) -> None:
    bare = made.ishne(wave(), nanovolts=(0, 0))
    assert "II (no unit)" in refusal(tmp_path, bare, "h.ecg")
    np.testing.assert_allclose(read(tmp_path, bare, "h.ecg", unit="uV").signals, wave() / 1000.0)
    bare = made.muse(wave(), unit="")
    assert "(no unit)" in refusal(tmp_path, bare)


def test_what_a_file_lacks_is_remarked(tmp_path: Path) -> None:
    (shorter,) = read(tmp_path, made.ishne(wave(), promised=5000), "h.ecg").warnings
    assert "40" in shorter
    assert "5,000" in shorter
    content = bytearray(made.scp(wave()))
    content[-1] ^= 1
    (checksum,) = read(tmp_path, bytes(content), "s.scp").warnings
    assert "CRC" in checksum
    content = bytearray(made.ishne(wave(), crc=True))
    content[40] ^= 1
    (checksum,) = read(tmp_path, bytes(content), "h.ecg").warnings
    assert "checksum" in checksum


BOMB = struct.pack("<IHh", 250_000, 0, 0) + made.lzw([65, *range(256, 1023), *[1022] * 199_000])
"""250 kB that unpack to 150 MB: each of Philips's codes stands for up to 768 bytes."""
ENTITIES = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("cut.ecg", made.ishne(wave())[:523], "ISHNE"),
        ("leads.ecg", made.ishne(wave())[:156] + struct.pack("<h", 999) + made.ishne(wave())[158:], "999"),
        ("cut.scp", made.scp(wave())[:-20], "cut off"),
        ("from_0.scp", made.scp(wave(), first=0), "byte 0"),
        ("claims.scp", made.scp(wave(), ends=4_000_000_000), "4,000,000,000"),
        ("cut.dcm", made.dicom(wave())[:-40], "DICOM"),
        ("claims.dcm", made.dicom(wave(), claimed=2**31), "DICOM"),
        ("bomb.dcm", made.dicom(wave(), junk=450_000), "beside its waves"),
        ("deflated.dcm", made.dicom(wave(), syntax="1.2.840.10008.1.2.1.99"), "deflated"),
        ("odd.xml", made.aecg(wave())[:-30], "aECG"),
        ("numbers.xml", made.aecg(wave()).replace(b"<digits>", b"<digits>eleven ", 1), "aECG"),
        ("step.xml", made.aecg(wave(), step_unit="furlong"), "furlong"),
        ("entities.xml", made.aecg(wave(), before=ENTITIES), "entity"),
        ("outside.xml", made.aecg(wave(), before=OUTSIDE), "entity"),
        ("entities_m.xml", made.muse(wave(), before=ENTITIES), "entity"),
        ("outside_m.xml", made.muse(wave(), before=OUTSIDE), "entity"),
        ("elements.xml", made.aecg(wave(), before="") + b"<a/>" * 500_000, "elements"),
        ("digits.xml", made.aecg(wave()).replace(b"<digits>", b"<digits>" + b"1 " * 9_000_000, 1), "numbers"),
        ("rate.xml", made.muse(wave(), exponent="999999999"), "MUSE"),
        ("base.xml", made.muse(wave(), base="-5"), "SampleBase"),
        ("payload.xml", made.muse(wave()).replace(b"<WaveFormData>", b"<WaveFormData>!", 1), "Base64"),
        ("channels.xml", made.philips(wave(), channels="999999999"), "numberchannelsallocated"),
        ("bomb.xml", made.philips(wave(), compressed=BOMB), "unpack"),
        ("codes.xml", made.philips(wave(), compressed=struct.pack("<IHh", 10, 0, 0) + made.lzw([600] * 8)), "Philips"),
    ],
)  # fmt: skip
def test_what_is_damaged_or_harmful_is_one_sentence_and_little_memory(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    size = len(content)
    tracemalloc.start()
    try:
        message = refusal(tmp_path, content, name)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert words in message
    assert "root:" not in message
    assert not re.search(r"Traceback|\n", message)
    assert peak < 100e6 + 3 * size


def test_a_file_beyond_its_limit_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {kind: reader.Format(one.title, one.module, one.decoder, 500) for kind, one in reader.KINDS.items()}
    monkeypatch.setattr(reader, "KINDS", small)
    monkeypatch.setattr(reader, "_decoded", lambda *_: pytest.fail("decoded"))
    assert "at most" in refusal(tmp_path, made.scp(wave(samples=400)), "s.scp")


def test_without_the_extra_one_sentence_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        if name.split(".")[0] in ("ecgdatakit", "pydicom"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return importlib.import_module(name)

    monkeypatch.setattr("ecgan.errors.importlib", type("Modules", (), {"import_module": staticmethod(missing)}))
    for name, content in {"h.ecg": made.ishne(wave()), "d.dcm": made.dicom(wave())}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(EcganError) as caught:
            read_recording(tmp_path / name)
        assert name in caught.value.message
        assert "pip install 'ecgan[formats]'" in caught.value.hint


def limb_leads(samples: int = 400) -> np.ndarray:
    """Counts (T, 3) of leads I, II and III, rounded by themselves."""
    beat = np.exp(-(((np.arange(samples) % 130 - 40) / 3.0) ** 2))
    one, two = 60 * beat - 5, 110 * beat + 20 * np.sin(np.arange(samples) / 25)
    return np.rint(np.column_stack([one, two, two - one])).astype(np.int64)


@pytest.mark.parametrize("marks", [0, 1, 2, 3])
def test_a_recorder_that_packs_twelve_bits_is_read_without_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marks: int
) -> None:
    monkeypatch.setitem(sys.modules, "ecgdatakit", None)
    counts = limb_leads()
    found = read(tmp_path, made.heal_force(counts, nanovolts=9524, rate=150, marks=marks), "1.SCP")
    np.testing.assert_allclose(found.signals, counts * 9.524e-3, atol=1e-12)
    assert (found.leads, found.sampling_rate) == (["I", "II", "III"], 150)
    assert len(found.warnings) == 1
    other = wave(4, 100) + 300  # to the ends of the range, and no limb leads
    found = read(tmp_path, made.heal_force(other - 12, nanovolts=5000, rate=250), "2.scp")
    np.testing.assert_allclose(found.signals, (other - 12) * 5e-3, atol=1e-12)
    assert (found.leads, found.sampling_rate) == (["1", "2", "3", "4"], 250)


def test_three_leads_that_are_no_limb_leads_have_no_names(tmp_path: Path) -> None:
    counts = limb_leads()
    assert read(tmp_path, made.heal_force(counts[:, [1, 0, 2]]), "1.scp").leads == ["1", "2", "3"]
    assert read(tmp_path, made.heal_force(np.full((40, 3), 7)), "1.scp").leads == ["1", "2", "3"]


def test_damage_of_such_a_file_is_told(tmp_path: Path) -> None:
    whole = made.heal_force(limb_leads())
    flipped = bytearray(whole)
    flipped[300] ^= 1
    assert any("checksum" in text for text in read(tmp_path, bytes(flipped), "1.scp").warnings)
    assert "cut off" in refusal(tmp_path, made.heal_force(limb_leads(), cut=400), "1.scp")
    for changes in ({"rate": 2000}, {"nanovolts": 0}):
        assert "not those of a Heal Force" in refusal(tmp_path, made.heal_force(limb_leads(), **changes), "1.scp")
    fewer = whole.replace(struct.pack("<II", 4501, 4900), struct.pack("<II", 4601, 4900))
    assert "300 samples of 3 leads" in refusal(tmp_path, fewer, "1.scp")


def part_of(content: bytes, begin: bytes, end: bytes) -> bytes:
    return content[content.index(begin) : content.rindex(end) + len(end)]


def several_dicom(*parts: tuple[str, bytes]) -> bytes:
    """One file with the multiplex groups of several, under these labels."""
    read_all = [(label, pydicom.dcmread(io.BytesIO(content))) for label, content in parts]
    for label, one in read_all:
        one.WaveformSequence[0].MultiplexGroupLabel = label
    whole = read_all[0][1]
    whole.WaveformSequence.extend(one.WaveformSequence[0] for _, one in read_all[1:])
    out = io.BytesIO()
    whole.save_as(out)
    return out.getvalue()


def several_aecg(*parts: bytes) -> bytes:
    begin, end = b"<component><series>", b"</series></component>"
    series = b"".join(part_of(content, begin, end) for content in parts)
    return parts[0].replace(part_of(parts[0], begin, end), series)


def several_muse(*parts: bytes) -> bytes:
    waves = b"".join(part_of(content, b"<Waveform><WaveformType>Rhythm", b"</Waveform>") for content in parts)
    return parts[0].replace(part_of(parts[0], b"<Waveform><WaveformType>Rhythm", b"</Waveform>"), waves)


def test_of_several_recordings_in_a_file_the_longest_is_read_and_the_others_named(tmp_path: Path) -> None:
    short, long, other = wave(2, 30), wave(2, 90) + 3, wave(2, 60)
    beat = made.aecg(wave(2, 500)).replace(b'"RHYTHM"', b'"REPRESENTATIVE_BEAT"')
    files = {
        "a.dcm": several_dicom(
            ("RHYTHM A", made.dicom(short)), ("RHYTHM B", made.dicom(long)), ("MEDIAN BEAT", made.dicom(wave(2, 500)))
        ),
        "p.dcm": several_dicom(("PRESSURE", made.dicom(wave(2, 500), unit="mm[Hg]")), ("RHYTHM B", made.dicom(long))),
        "a.xml": several_aecg(made.aecg(short), made.aecg(long, step="0.004"), beat),
        "m.xml": several_muse(made.muse(short), made.muse(long), made.muse(other, base="5000", exponent="-1")),
    }
    expected = {"a.dcm": (1.25e-3, 500), "p.dcm": (1.25e-3, 500), "a.xml": (5e-3, 250), "m.xml": (4.88e-3, 500)}
    for name, content in files.items():
        found = read(tmp_path, content, name)
        factor, rate = expected[name]
        np.testing.assert_allclose(found.signals, long * factor, err_msg=name)
        assert found.sampling_rate == rate
        (told,) = found.warnings
        assert "PRESSURE (1 s" in told if name == "p.dcm" else "(0.06 s, 2 leads)" in told, told
        assert not re.search("MEDIAN|REPRESENTATIVE", told)


@pytest.mark.parametrize(("base", "exponent", "rate"), [("500", "ì", 500), ("5000", "-1", 500), ("2,5", "2", 250)])
def test_the_rate_of_muse_is_a_base_and_an_exponent(tmp_path: Path, base: str, exponent: str, rate: float) -> None:
    assert read(tmp_path, made.muse(wave(), base=base, exponent=exponent)).sampling_rate == rate


def test_recordings_as_long_as_each_other_are_read_in_their_order(tmp_path: Path) -> None:
    one, two = wave(2, 50), wave(2, 50) + 9
    found = read(tmp_path, several_muse(made.muse(one), made.muse(two)))
    np.testing.assert_allclose(found.signals, one * 4.88e-3)
    found = read(tmp_path, several_aecg(made.aecg(one), made.aecg(two)))
    np.testing.assert_allclose(found.signals, one * 5e-3)


def lead_data(name: str, values: np.ndarray, scale: str = "4.88") -> str:
    """LeadData as MUSE writes it, with every element that its exports have, in Base64 of many lines."""
    content = values.astype("<i2").tobytes()
    said = {
        "LeadByteCountTotal": len(content),
        "LeadTimeOffset": 0,
        "LeadSampleCountTotal": len(values),
        "LeadAmplitudeUnitsPerBit": scale,
        "LeadAmplitudeUnits": "MICROVOLTS",
        "LeadHighLimit": 32767,
        "LeadLowLimit": -32768,
        "LeadID": name,
        "LeadOffsetFirstSample": 0,
        "FirstSampleBaseline": 0,
        "LeadSampleSize": 2,
        "LeadOff": "FALSE",
        "BaselineSway": "FALSE",
        "LeadDataCRC32": zlib.crc32(content),
        "WaveFormData": "\n" + base64.encodebytes(content).decode(),
    }
    inner = "".join(f"      <{key}>{value}</{key}>\n" for key, value in said.items())
    return f"   <LeadData>\n{inner}   </LeadData>\n"


def test_a_whole_export_of_muse_has_twelve_leads(tmp_path: Path) -> None:
    names = ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"]
    counts, beat = wave(8, 5000) - 20, wave(8, 600) * 2

    def waveform(kind: str, values: np.ndarray) -> str:
        leads = "".join(lead_data(name, values[:, index]) for index, name in enumerate(names))
        head = {"WaveformType": kind, "WaveformStartTime": 0, "NumberofLeads": 8, "SampleType": "CONTINUOUS_SAMPLES"}
        head |= {"SampleBase": 500, "SampleExponent": 0, "HighPassFilter": 16, "LowPassFilter": 150, "ACFilter": 50}
        return (
            "<Waveform>\n" + "".join(f"<{key}>{value}</{key}>\n" for key, value in head.items()) + leads + "</Waveform>"
        )

    text = (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n<RestingECG>\n'
        "<MuseInfo><MuseVersion>9.0.9.18167</MuseVersion></MuseInfo><PatientDemographics><PatientID>1</PatientID>"
        "</PatientDemographics><TestDemographics><DataType>RESTING</DataType><Site>1</Site></TestDemographics>"
        "<RestingECGMeasurements><VentricularRate>60</VentricularRate></RestingECGMeasurements>"
        f"{waveform('Median', beat)}{waveform('Rhythm', counts)}</RestingECG>"
    )
    found = read(tmp_path, text.encode("latin-1"))
    assert (found.leads, found.sampling_rate, found.warnings) == (names, 500, [])
    np.testing.assert_allclose(found.signals, counts * 4.88e-3)
    limbs = ["III", "aVR", "aVL", "aVF"]
    signals, added = derive_leads(found.signals, found.leads, limbs)
    one, two = counts[:, 0] * 4.88e-3, counts[:, 1] * 4.88e-3
    assert added == limbs
    derived = np.column_stack([two - one, -(one + two) / 2, one - two / 2, two - one / 2])
    np.testing.assert_allclose(signals[:, 8:], derived, atol=1e-12)
    flipped = text.replace("<LeadDataCRC32>", "<LeadDataCRC32>1", 1)
    assert any("CRC32" in told for told in read(tmp_path, flipped.encode("latin-1")).warnings)
    shifted = text.replace("<FirstSampleBaseline>0", "<FirstSampleBaseline>7").encode("latin-1")
    assert any("FirstSampleBaseline" in told for told in read(tmp_path, shifted).warnings)
    uneven = text.replace("<LeadSampleCountTotal>5000", "<LeadSampleCountTotal>4999", 1).encode("latin-1")
    assert "LeadSampleCountTotal" in refusal(tmp_path, uneven)
