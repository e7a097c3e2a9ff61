"""Tiny files of hospitals' formats, written byte by byte from the numbers that they hold."""

import base64
import binascii
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


def wave(leads: int = 2, samples: int = 40) -> Counts:
    """Counts (T, C) of both signs, no two leads alike."""
    return np.array([[(7 * row * (lead + 3)) % 401 - 200 for lead in range(leads)] for row in range(samples)])


def ishne(
    counts: Counts,
    codes: Sequence[int] = (6, 11),
    nanovolts: Sequence[int] = (2500, 5000),
    rate: int = 200,
    promised: int | None = None,
    note: bytes = b"",
    crc: bool = False,
) -> bytes:
    """ISHNE Holter 1.0: counts (T, C) of int16, a resolution in nV for each lead."""
    header = bytearray(512)
    struct.pack_into("<iiii", header, 0, len(note), len(counts) if promised is None else promised, 522, 522 + len(note))
    struct.pack_into("<h", header, 16, 1)
    struct.pack_into("<h", header, 146, counts.shape[1])
    for lead in range(12):
        there = lead < counts.shape[1]
        struct.pack_into("<h", header, 148 + 2 * lead, codes[lead] if there else -9)
        struct.pack_into("<h", header, 196 + 2 * lead, nanovolts[lead] if there else -9)
    struct.pack_into("<h", header, 262, rate)
    checksum = binascii.crc_hqx(bytes(header) + note, 0xFFFF) if crc else 0
    return b"ISHNE1.0" + struct.pack("<H", checksum) + bytes(header) + note + counts.astype("<i2").tobytes()


def scp(
    counts: Counts,
    codes: Sequence[int] = (2, 3),
    nanovolts: int = 4880,
    interval_us: int = 2000,
    starts: Sequence[int] | None = None,
    first: int = 1,
    ends: int | None = None,
) -> bytes:
    """SCP-ECG (EN 1064): sections 0, 3 and 6, no compression, counts (T, C) of int16."""
    samples, leads = counts.shape
    begins = starts or [1] * leads
    last = [begin + samples - 1 if ends is None else ends for begin in begins]
    third = bytes([leads, 0x04 | leads << 3]) + b"".join(
        struct.pack("<IIB", begin, end, code) for begin, end, code in zip(begins, last, codes, strict=True)
    )
    waves = [counts[:, lead].astype("<i2").tobytes() for lead in range(leads)]
    sixth = struct.pack("<HHBB", nanovolts, interval_us, 0, 0) + b"".join(struct.pack("<H", len(w)) for w in waves)
    bodies = {3: third, 6: sixth + b"".join(waves)}
    length, at, pointers = 16 + 30, 6 + 16 + 30, struct.pack("<HII", 0, 46, 6 + first)
    for section, body in bodies.items():
        pointers += struct.pack("<HII", section, 16 + len(body), at + first)
        at += 16 + len(body)
    assert len(pointers) == length - 16
    parts = [_section(0, pointers)] + [_section(section, body) for section, body in bodies.items()]
    rest = struct.pack("<I", at) + b"".join(parts)
    return struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest


def heal_force(
    counts: Counts, nanovolts: int = 9524, rate: int = 150, marks: int = 2, cut: int = 0, first: int = 4501
) -> bytes:
    """A file of Heal Force's recorders: counts (T, C) within -512 to 511, T * C a multiple of four."""
    samples, leads = counts.shape
    third = bytes([leads, 4]) + struct.pack("<IIB", first, first + samples - 1, 5)
    words = b""
    for one, two, three, four in (counts + 512).reshape(-1, 4).tolist():
        last = four | marks << 10
        for value, nibble in ((one, last >> 8), (two, last >> 4 & 15), (three, last & 15)):
            words += struct.pack("<H", value | nibble << 10 | marks << 14)
    sixth = struct.pack("<HHBBH", nanovolts, rate, 0, 0, len(words)) + words
    parts = [(3, third + b"\0"), (6, sixth), (9, bytes(12))]
    length = 16 + 10 * (len(parts) + 1)
    pointers, body, at = struct.pack("<HII", 0, length, 6), b"", 6 + length
    for number, content in parts:
        head = struct.pack("<HHIBB", 0, number, 16 + len(content), 13, 13) + bytes(6)
        pointers += struct.pack("<HII", number, 16 + len(content), at)
        body += head + content
        at += 16 + len(content)
    whole = struct.pack("<HHIBB", 0, 0, length, 13, 13) + bytes(6) + pointers + body
    whole = struct.pack("<I", 0x72F00000) + whole
    return (struct.pack(">H", binascii.crc_hqx(whole, 0)) + whole + bytes(200))[: -cut or None]


def _section(number: int, body: bytes) -> bytes:
    rest = struct.pack("<HIBB6x", number, 16 + len(body), 20, 20) + body
    return struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest


def dicom(
    counts: Counts,
    names: Sequence[str] = ("Lead II", "Lead V1"),
    sensitivity: str = "1.25",
    unit: str = "uV",
    correction: str = "1",
    baseline: str = "0",
    rate: str = "500",
    padding: int | None = None,
    syntax: str = "1.2.840.10008.1.2.1",
    claimed: int | None = None,
    junk: int = 0,
) -> bytes:
    """A DICOM waveform, Explicit VR Little Endian, one group of counts (T, C) of int16."""

    def code(tag: tuple[int, int], value: str, meaning: str) -> bytes:
        item = _element(0x0008, 0x0100, "SH", value) + _element(0x0008, 0x0102, "SH", "UCUM")
        return _sequence(*tag, [item + _element(0x0008, 0x0104, "LO", meaning)])

    channels = [
        code((0x003A, 0x0208), f"X{lead}", name)
        + _element(0x003A, 0x0210, "DS", sensitivity)
        + code((0x003A, 0x0211), unit, unit)
        + _element(0x003A, 0x0212, "DS", correction)
        + _element(0x003A, 0x0213, "DS", baseline)
        for lead, name in enumerate(names)
    ]
    group = (
        _element(0x003A, 0x0005, "US", struct.pack("<H", counts.shape[1]))
        + _element(0x003A, 0x0010, "UL", struct.pack("<I", len(counts) if claimed is None else claimed))
        + _element(0x003A, 0x001A, "DS", rate)
        + _sequence(0x003A, 0x0200, channels)
        + _element(0x5400, 0x1004, "US", struct.pack("<H", 16))
        + _element(0x5400, 0x1006, "CS", "SS")
        + (b"" if padding is None else _element(0x5400, 0x100A, "OW", struct.pack("<h", padding)))
        + _element(0x5400, 0x1010, "OW", counts.astype("<i2").tobytes())
    )
    meta = _element(0x0002, 0x0001, "OB", b"\0\1") + _element(0x0002, 0x0010, "UI", syntax)
    head = _element(0x0002, 0x0000, "UL", struct.pack("<I", len(meta)))
    body = _element(0x0008, 0x0060, "CS", "ECG") + _element(0x0009, 0x0010, "LO", "x") * junk
    return bytes(128) + b"DICM" + head + meta + body + _sequence(0x5400, 0x0100, [group])


def _element(group: int, number: int, kind: str, value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    raw += (b"\0" if kind in ("UI", "OB") else b" ") * (len(raw) % 2)
    long = kind in ("OB", "OW", "SQ")
    size = struct.pack("<HI", 0, len(raw)) if long else struct.pack("<H", len(raw))
    return struct.pack("<HH", group, number) + kind.encode() + size + raw


def _sequence(group: int, number: int, items: Sequence[bytes]) -> bytes:
    return _element(
        group, number, "SQ", b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item for item in items)
    )


def aecg(
    counts: Counts,
    names: Sequence[str] = ("MDC_ECG_LEAD_II", "MDC_ECG_LEAD_V1"),
    scale: str = "5",
    unit: str = "uV",
    origin: str = "0",
    step: str = "0.002",
    step_unit: str = "s",
    before: str = "",
) -> bytes:
    """HL7 annotated ECG (FDA): digits as text."""
    sequences = "".join(
        f'<component><sequence><code code="{name}"/><value xsi:type="SLIST_PQ"><origin value="{origin}" unit="{unit}"/>'
        f'<scale value="{scale}" unit="{unit}"/><digits>{" ".join(map(str, counts[:, lead].tolist()))}</digits>'
        "</value></sequence></component>"
        for lead, name in enumerate(names)
    )
    time = (
        '<component><sequence><code code="TIME_ABSOLUTE"/><value xsi:type="GLIST_TS"><head value="20200101"/>'
        f'<increment value="{step}" unit="{step_unit}"/></value></sequence></component>'
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{before}<AnnotatedECG xmlns="urn:hl7-org:v3"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><component><series><code code="RHYTHM"/>'
        f"<component><sequenceSet>{time}{sequences}</sequenceSet></component></series></component></AnnotatedECG>"
    ).encode()


def muse(
    counts: Counts,
    names: Sequence[str] = ("II", "V1"),
    scale: str = "4.88",
    unit: str = "MICROVOLTS",
    base: str = "500",
    exponent: str = "0",
    before: str = '<!DOCTYPE RestingECG SYSTEM "restecg.dtd">',
) -> bytes:
    """A GE MUSE export: little-endian int16 in Base64, beside a median beat of other numbers."""

    def waveform(kind: str, values: Counts) -> str:
        leads = "".join(
            f"<LeadData><LeadByteCountTotal>{2 * len(values)}</LeadByteCountTotal>"
            f"<LeadAmplitudeUnitsPerBit>{scale}</LeadAmplitudeUnitsPerBit><LeadAmplitudeUnits>{unit}</LeadAmplitudeUnits>"
            f"<LeadID>{name}</LeadID><WaveFormData>{_base64(values[:, lead])}</WaveFormData></LeadData>"
            for lead, name in enumerate(names)
        )
        about = f"<SampleBase>{base}</SampleBase><SampleExponent>{exponent}</SampleExponent>"
        return f"<Waveform><WaveformType>{kind}</WaveformType>{about}{leads}</Waveform>"

    return (
        f'<?xml version="1.0" encoding="ISO-8859-1"?>\n{before}<RestingECG><TestDemographics><SiteName>Köln</SiteName>'
        f"</TestDemographics>{waveform('Median', 3 * counts[:5])}{waveform('Rhythm', counts)}</RestingECG>"
    ).encode("latin-1")


def philips(
    counts: Counts,
    names: Sequence[str] = ("II", "V1"),
    resolution: str = "5",
    rate: int = 500,
    offset: int = 0,
    compressed: bytes | None = None,
    encoding: str = "utf-16",
    channels: str = "",
) -> bytes:
    """A Philips export: one lead after the other, little-endian int16 in Base64, or what is compressed already."""
    text = _base64(counts.T.reshape(-1)) if compressed is None else base64.b64encode(compressed).decode()
    method = "Uncompressed" if compressed is None else "XLI"
    labels = f'leadlabels="{" ".join(names)}" numberofleads="{len(names)}"' if not channels else ""
    allocated = f"<numberchannelsallocated>{channels}</numberchannelsallocated>" if channels else ""
    return (
        f'<?xml version="1.0" encoding="{encoding}"?>\n<restingecgdata xmlns="http://www3.medical.philips.com">'
        "<documentinfo><documenttype>PhilipsECG</documenttype><documentversion>1.04</documentversion></documentinfo>"
        f"<dataacquisition><signalcharacteristics><samplingrate>{rate}</samplingrate><signaloffset>{offset}</signaloffset>"
        f"<resolution>{resolution}</resolution>{allocated}</signalcharacteristics></dataacquisition><waveforms>"
        f'<parsedwaveforms dataencoding="Base64" compression="{method}" {labels}'
        f' durationperchannel="{1000 * len(counts) / rate:g}">{text}</parsedwaveforms></waveforms></restingecgdata>'
    ).encode(encoding)


def xli(waves: Sequence[Counts]) -> bytes:
    """What Philips calls XLI: second differences of waves (T,), all high bytes and then all low ones, as LZW codes."""
    packed = b""
    for wave_ in waves:
        bent = 2 * wave_[1:-1] - wave_[:-2] - wave_[2:]  # of samples 1 to T - 2
        words = np.concatenate([wave_[:2], bent[1:] + 64, [64]]) & 0xFFFF
        chunk = lzw([*(words >> 8).tolist(), *(words & 0xFF).tolist()])
        packed += struct.pack("<IHh", len(chunk), 0, int(bent[0])) + chunk
    return packed


def lzw(codes: Sequence[int]) -> bytes:
    """Codes of ten bits, most significant bit first."""
    bits = "".join(f"{code:010b}" for code in codes)
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _base64(values: NDArray[Any]) -> str:
    return base64.b64encode(values.astype("<i2").tobytes()).decode()
