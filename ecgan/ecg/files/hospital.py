"""Recordings of hospitals and Holter devices: ISHNE, SCP-ECG, DICOM, HL7 aECG, GE MUSE and Philips XML.

They are told apart by their content and decoded by ecgdatakit, which is an extra. What its decoders would make room for
is bounded here first, and its counts are turned into mV here.
"""

import base64
import importlib
import importlib.util
import mmap
import re
import struct
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.files.channels import Channels, assemble, check_size, choose_ecg, no_ecg
from ecgan.ecg.files.heal_force import is_heal_force, read_heal_force
from ecgan.ecg.files.names import is_file
from ecgan.ecg.files.series import longest_only, number_in
from ecgan.errors import EcganError, first_line, needed

F64 = NDArray[np.float64]

EXTRA = "formats"
_MB = 1 << 20


@dataclass(frozen=True)
class Format:
    """A format that ecgdatakit decodes.

    Attributes:
        title: What people call it.
        module: The module of its decoder.
        decoder: The decoder's class.
        largest: Bytes of the largest file that is read.
    """

    title: str
    module: str
    decoder: str
    largest: int


KINDS = {
    "ishne": Format("ISHNE", "ishne_holter", "ISHNEHolterParser", 2048 * _MB),
    "scp": Format("SCP-ECG", "scp_ecg", "SCPECGParser", 4 * _MB),
    "dicom": Format("DICOM", "dicom_waveform", "DICOMWaveformParser", 512 * _MB),
    "aecg": Format("HL7 aECG", "hl7_aecg", "HL7aECGParser", 64 * _MB),
    "muse": Format("GE MUSE XML", "ge_muse_xml", "GEMuseXMLParser", 64 * _MB),
    "philips": Format("Philips XML", "sierra_xml", "SierraXMLParser", 64 * _MB),
}
ENDINGS = {".ecg": "ISHNE", ".scp": "SCP-ECG", ".dcm": "DICOM", ".dicom": "DICOM", ".xml": "HL7 aECG, GE MUSE, Philips"}
"""Usual endings; what is in a file is decided by its content."""
TITLES = ", ".join(form.title for form in KINDS.values())

_HEAD = 65_536
"""Bytes of the begin of a file by which its format is told."""
_ROOTS = (("aecg", "AnnotatedECG"), ("muse", "RestingECG"), ("philips", "restingecgdata"))
_DAMAGED = "Export it again, or convert it to EDF or WFDB."

_ISHNE_HEADER = 522
_FAULT = -32768
"""The count with which ISHNE marks a lead that is off: -163.84 mV at 5 µV a count."""
_ELEMENTS, _QUOTES, _BLANKS = 200_000, 2_000_000, 8_000_000
"""Most elements, quotes (two an attribute) and blanks (one a number) of an XML file, of which objects are made."""
_BESIDE_WAVES = 4 * _MB
"""Most bytes of a DICOM file that are no wave."""
_GROUPS = 1000
_UNPACKED = 8 * _MB
"""Most bytes that the compressed waves of a Philips file may unpack to."""
_CALIBRATION_S = 0.1
_JARGON = re.compile(
    r"0x|Error|None|NaN|Python|argument|attribute|buffer|codec|convert|dtype|int\d|index|iterable|literal|object|range|recursion|unpack"
)
"""Words of programmers, in what a decoder says of a damaged file."""


def kind_of(path: Path) -> str | None:
    """Tell the format of a file by its content, a key of `KINDS`; None where it is none of them, or no plain file."""
    if not is_file(path):
        return None
    with path.open("rb") as file:
        head = file.read(_HEAD)
    size = path.stat().st_size
    if head[:8] == b"ISHNE1.0" and size > _ISHNE_HEADER:
        return "ishne"
    if head[128:132] == b"DICM" and size > 140:
        return "dicom"
    if _is_scp(head):
        return "scp"
    wide = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = head.decode("utf-16" if wide else "utf-8", errors="ignore")
    if not text.lstrip("\ufeff \t\r\n").startswith("<"):
        return None
    roots = {kind: re.search(rf"<(?:[\w.-]+:)?{root}[\s>]", text) for kind, root in _ROOTS}
    found = {kind: match.start() for kind, match in roots.items() if match}
    return min(found, key=lambda kind: found[kind], default=None)


def is_installed() -> bool:
    """Whether the extra that reads these formats is there."""
    return importlib.util.find_spec("ecgdatakit") is not None


def read_hospital(path: Path, kind: str, default_unit: str | None) -> Channels:
    """Read the ECG channels of a file in the format `kind`, a key of `KINDS`.

    Args:
        path: The file.
        kind: Its format, as `kind_of` tells it.
        default_unit: Unit of channels for which the file names none; None: they are left out.

    Raises:
        EcganError: ecgdatakit is not installed, or the file is damaged, larger than what is read, or holds no ECG.
    """
    form = KINDS[kind]
    if (size := path.stat().st_size) > form.largest:
        raise EcganError(
            f"{path} has {size // _MB:,} MB; of {form.title} at most {form.largest // _MB:,} MB are read.",
            "Convert it to EDF or WFDB, or cut it into parts.",
        )
    if kind == "scp" and is_heal_force(path.read_bytes()):
        return read_heal_force(path)
    needed("ecgdatakit", EXTRA, f"reading {path} ({form.title})")
    if kind == "dicom":
        needed("pydicom", EXTRA, f"reading {path} (DICOM)")
    try:
        root = _checked(path, kind)
        with longest_only(path, kind, root) as (source, left_out):
            record, remarks = _decoded(source, form)
    except (EcganError, MemoryError, OSError):
        raise
    except Exception as error:  # decoders raise what they like
        raise EcganError(f"{path} cannot be read as {form.title}: {_reason(path, error)}", _DAMAGED) from error
    return _channels(path, kind, record, root, [*left_out, *remarks], default_unit)


def _reason(path: Path, error: Exception) -> str:
    """What a decoder says, without the file, and without what only its programmers understand."""
    said = re.sub(rf"\S*/{re.escape(path.name)}", path.name, first_line(error)).replace(f" in {path.name}", "")
    said = re.sub(r"(not allowed): .*", r"\1.", said)
    return "its content breaks the rules of the format." if _JARGON.search(said) else said


def _is_scp(head: bytes) -> bool:
    """Whether section 0 stands where it must, and its first pointer is to itself."""
    if len(head) < 32:
        return False
    own, length = struct.unpack_from("<HI", head, 8)
    first, named, index = struct.unpack_from("<HII", head, 22)
    return own == 0 and length >= 26 and length % 10 == 6 and first == 0 and named == length and index in (6, 7)


def _decoded(path: Path, form: Format) -> tuple[Any, list[str]]:
    """Decode a file; return ecgdatakit's record, in counts, and what its decoder warns of."""
    module = importlib.import_module(f"ecgdatakit.parsing.parsers.{form.module}")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        record = getattr(module, form.decoder)().parse(path)
    words = dict.fromkeys(" ".join(str(one.message).split()) for one in told)
    words = {text: None for text in words if "rounded to" not in text}  # a rate; it is taken as it is written
    return record, [f"{form.title}: {text.removeprefix(form.title).lstrip(': ').rstrip('.')}." for text in words]


def _channels(path: Path, kind: str, record: Any, root: Any, remarks: list[str], default_unit: str | None) -> Channels:
    leads = [lead for lead in record.leads if not lead.label.endswith("-cal")]  # calibration of SCP-ECG is no lead
    names, units = [lead.label for lead in leads], [lead.resolution_unit for lead in leads]
    chosen = choose_ecg(names, units, default_unit)
    if not chosen:
        raise no_ecg(str(path), names, units)
    starts = [int(lead.annotations.get("start_sample", 1)) - 1 for lead in leads]
    end = max(start + len(lead.samples) for start, lead in zip(starts, leads, strict=True))
    check_size(str(path), end, len(chosen))
    apart = len(set(starts)) > 1
    values = []
    for one in chosen:
        lead = leads[one.index]
        wave = np.require(lead.samples, np.float64, "W")
        if kind == "ishne":
            wave[wave == _FAULT] = np.nan
        wave *= lead.resolution  # in place: a day of Holter is large
        wave += lead.offset
        values.append(_placed(wave, starts[one.index], end) if apart else wave)
    if kind == "philips":
        remarks = [*remarks, *_without_calibration(values, leads[0].sampling_rate)]
    rate = _rate(kind, record, root)
    channels = assemble(str(path), chosen, values, [rate] * len(chosen))
    promised = int(record.raw_metadata.get("ecg_size", 0)) if kind == "ishne" else 0
    if promised > len(channels.signals):
        remarks = [*remarks, _shorter(len(channels.signals), promised)]
    return replace(channels, warnings=[*channels.warnings, *remarks])


def _placed(wave: F64, start: int, end: int) -> F64:
    """A wave that begins later than others, or ends earlier, among missing samples, (end,)."""
    whole = np.full(end, np.nan)
    whole[start : start + len(wave)] = wave
    return whole


def _without_calibration(values: Sequence[F64], rate: float) -> list[str]:
    """Mark as missing what is one and the same in all leads to the end: the pulse that carts of Philips append."""
    if len(values) < 3 or len({len(wave) for wave in values}) > 1:
        return []
    differ = np.flatnonzero((np.array(values) != values[0]).any(axis=0))
    end = int(differ[-1]) + 1 if len(differ) else 0
    count = len(values[0]) - end
    if end == 0 or count < _CALIBRATION_S * rate:
        return []
    for wave in values:
        wave[end:] = np.nan
    return [f"The last {count / rate:.2g} s are one and the same in all leads, a calibration pulse, and are left out."]


def _shorter(samples: int, promised: int) -> str:
    return (
        f"The file holds {samples:,} samples a lead, and its header counts {promised:,}: it was cut off, or its"
        " recorder writes the most that there can be."
    )


def _rate(kind: str, record: Any, root: Any) -> float:
    """The sampling rate in Hz as the file has it; ecgdatakit rounds to whole numbers."""
    whole, about = float(record.leads[0].sampling_rate), record.raw_metadata
    if kind == "scp":
        return 1e6 / float(about["rhythm_sample_interval_us"])
    if kind == "aecg":
        return _tidy(float(about["rhythm_time"]["sampling_rate_exact"]))
    if kind == "dicom":
        exact = [float(group["sampling_frequency"]) for group in about["multiplex_groups"]]
        return next((rate for rate in exact if round(rate) == whole), whole)
    if kind == "muse":
        for wave in root.findall("Waveform"):
            if (wave.findtext("WaveformType") or "rhythm").strip().casefold() == "rhythm":
                exact = number_in(wave.findtext("SampleBase")) * 10.0 ** number_in(wave.findtext("SampleExponent"))
                return exact if round(exact) == whole else whole
    return whole


def _tidy(rate: float) -> float:
    """A rate without what 1 / 0.002 leaves behind its decimals."""
    return round(rate, 9) if abs(rate - round(rate)) > 1e-9 * rate else float(round(rate))


def _checked(path: Path, kind: str) -> Any:
    """Refuse what a decoder would make too much room for; return the root element of an XML file."""
    if kind == "ishne":
        _check_ishne(path)
    elif kind == "scp":
        _check_scp(path)
    elif kind == "dicom":
        _check_dicom(path)
    else:
        root = _check_xml(path)
        if kind == "philips":
            _check_philips(path, root)
        return root
    return None


def _check_ishne(path: Path) -> None:
    with path.open("rb") as file:
        header = file.read(_ISHNE_HEADER)
    leads = struct.unpack_from("<h", header, 156)[0]
    if not 1 <= leads <= 12:
        raise EcganError(f"{path} is damaged: its header counts {leads} leads, and ISHNE has 1 to 12.", _DAMAGED)
    check_size(str(path), max(1, (path.stat().st_size - _ISHNE_HEADER) // 2 // leads), leads)


def _check_scp(path: Path) -> None:
    """See that the sections lie in the file, and that no lead has more samples than its bytes can hold."""
    data = path.read_bytes()
    size, (length,) = len(data), struct.unpack_from("<I", data, 10)
    (promised,) = struct.unpack_from("<I", data, 2)
    if promised > size:
        raise EcganError(f"{path} is cut off: it has {size:,} bytes, its header says {promised:,}.", _DAMAGED)
    for at in range(22, min(6 + length, size - 9), 10):
        section, extent, index = struct.unpack_from("<HII", data, at)
        if section == 3 and extent > 18 and index + extent - 1 <= size:
            _check_scp_leads(path, data[index + 15 : index - 1 + extent])


def _check_scp_leads(path: Path, body: bytes) -> None:
    most = 8 * 0xFFFF  # bits of a lead's bytes, which are counted by 16 bits
    for at in range(2, min(2 + 9 * body[0], len(body) - 8), 9):
        start, end = struct.unpack_from("<II", body, at)
        if not 1 <= start <= end or end - start >= most or start > most:
            raise EcganError(f"{path} is damaged: a lead of it has the samples {start:,} to {end:,}.", _DAMAGED)


def _check_dicom(path: Path) -> None:
    """Count what is no wave, of which pydicom would make an object for every eight bytes."""
    from pydicom.filereader import read_file_meta_info
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    waves, groups, size = 0, 0, path.stat().st_size
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for tag, order in ((b"\x00\x54\x10\x10", "<I"), (b"\x54\x00\x10\x10", ">I")):  # Waveform Data
            at = data.find(tag)
            while at >= 0 and groups <= _GROUPS:
                groups, place = groups + 1, at + (8 if data[at + 4 : at + 6].isalpha() else 4)
                extent = struct.unpack(order, data[place : place + 4])[0] if place + 4 <= size else 0
                extent = extent if place + 4 + extent <= size else 0
                waves += extent
                at = data.find(tag, place + 4 + extent)
    if groups > _GROUPS or size - waves > _BESIDE_WAVES:
        raise EcganError(
            f"{path} holds {(size - waves) / _MB:.1f} MB beside its waves, more than an ECG in DICOM.", _DAMAGED
        )
    if read_file_meta_info(path).get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        raise EcganError(f"{path} is deflated DICOM, which is not read.", "Store it uncompressed (Explicit VR).")


def _check_xml(path: Path) -> Any:
    """Count elements, attributes and numbers before there is an object of each; entities are refused by the parser."""
    from ecgdatakit.parsing.helpers.xml import parse_xml_root

    data = path.read_bytes()
    counts = (
        ("elements", data.count(b"<"), 2 * _ELEMENTS),
        ("attributes", data.count(b'"') + data.count(b"'"), _QUOTES),
        ("numbers", sum(data.count(blank) for blank in (b" ", b"\n", b"\t", b"\r")), _BLANKS),
    )
    for what, found, most in counts:
        if found > most:
            raise EcganError(f"{path} holds too many {what} for an ECG in XML ({found:,} marks of them).", _DAMAGED)
    return parse_xml_root(data)


def _check_philips(path: Path, root: Any) -> None:
    """See how much the waves unpack to, and how many channels there are said to be."""
    for tag in ("numberchannelsallocated", "numberchannelsvalid"):
        for element in root.iter(tag):
            if not re.fullmatch(r"\s*\d{0,3}\s*", element.text or ""):
                raise EcganError(f"{path} is damaged: {tag} is {(element.text or '')[:20]!r}.", _DAMAGED)
    unpacked = 0
    for element in root.iter("parsedwaveforms"):
        method = element.get("compression") or element.get("compressmethod") or ""
        if method.upper() == "XLI":
            unpacked += _xli_size(base64.b64decode("".join((element.text or "").split())))
    if unpacked > _UNPACKED:
        raise EcganError(f"{path} holds waves that unpack to more than {_UNPACKED // _MB} MB.", _DAMAGED)


def _xli_size(data: bytes) -> int:
    """How many bytes the compressed chunks of a Philips file unpack to, or as many as are too many."""
    total, at = 0, 0
    while at + 8 <= len(data) and total <= _UNPACKED:
        (size,) = struct.unpack_from("<I", data, at)
        total += _lzw_size(data[at + 8 : at + 8 + size])
        at += 8 + size
    return total


def _lzw_size(chunk: bytes) -> int:
    """How many bytes a stream of LZW codes of 10 bits unpacks to: lengths only, no text is made."""
    bits = np.unpackbits(np.frombuffer(chunk, dtype=np.uint8))
    codes = bits[: len(bits) // 10 * 10].reshape(-1, 10) @ (1 << np.arange(9, -1, -1))
    lengths, before, total = [1] * 256, 0, 0
    for code in codes.tolist():
        if code >= 1023 or total > _UNPACKED:
            break
        length = lengths[code] if code < len(lengths) else before + 1
        if before and len(lengths) < 1023:
            lengths.append(before + 1)
        before, total = length, total + length
    return total
