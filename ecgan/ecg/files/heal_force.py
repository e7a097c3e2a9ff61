"""Recordings of Heal Force's recorders with limb leads (Prince 180D): SCP-ECG in name, in sections of their own.

They differ from SCP-ECG (EN 1064): sections are counted from byte 0, the sampling interval is a rate in Hz, and one
stream holds the samples of all leads in turn, four of 12 bits in three words of 16 bits: ten bits of amplitude, 512 at
0 mV, below two of the recorder's own marks; the fourth sample is in the four bits that the others leave free. The
checksum of the file is CRC-16 (XMODEM) up to the end of the last section, its high byte first.
"""

import binascii
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.files.channels import Channels, Columns, assemble, choose_ecg
from ecgan.errors import EcganError

_LEADS, _RHYTHM = 3, 6
_HEADER = 16
_RATES = (80, 500)
_LIMB = ("I", "II", "III")
_ALIKE = 0.3
"""Most that III may differ from II - I, as a share of its own size: leads are rounded, and filtered by themselves."""
_OTHER = "Ask the maker of the device for an export to EDF, DICOM or HL7 aECG."


def is_heal_force(data: bytes) -> bool:
    """Whether a file that begins as SCP-ECG counts its sections from byte 0."""
    return len(data) >= 32 and struct.unpack_from("<I", data, 28)[0] == _LEADS * 2


def read_heal_force(path: Path) -> Channels:
    """Read the leads of a recorder's file in mV.

    Raises:
        EcganError: The file is damaged, or of another device.
    """
    data = path.read_bytes()
    sections, end = _sections(path, data)
    third, sixth = sections[_LEADS], sections[_RHYTHM]
    count, (first, last) = third[0], struct.unpack_from("<II", third, 2)
    nanovolts, rate, encoding, bimodal, size = struct.unpack_from("<HHBBH", sixth)
    samples = last - first + 1
    words = sixth[8 : 8 + size]
    if (encoding, bimodal) != (0, 0) or not 1 <= count <= 12 or not _RATES[0] <= rate <= _RATES[1] or nanovolts == 0:
        raise _of_another(path)
    if samples < 1 or len(words) != size or 2 * size != 3 * count * samples or size % 6:
        raise EcganError(
            f"{path} does not hold what SCP-ECG says: {size:,} bytes of waves, and {max(samples, 0):,} samples of"
            f" {count} lead{'s' * (count != 1)}.",
            _OTHER,
        )
    values = _unpacked(words).reshape(-1, count) * (nanovolts * 1e-6)  # (T * C,) to (T, C)
    names = list(_LIMB) if _are_limb_leads(values) else [""] * count
    columns = Columns(values, names, ["mV"] * count, float(rate))
    chosen = choose_ecg(columns.names, columns.units, None)
    found = assemble(str(path), chosen, list(values.T), [float(rate)] * count)
    which = "its leads are I, II and III, for the third is the second less the first"
    if not any(names):
        which = "it does not say which leads these are"
    found.warnings.append(f"SCP-ECG of a Heal Force recorder, which does not follow the standard: {which}.")
    if binascii.crc_hqx(data[2:end], 0) != struct.unpack_from(">H", data)[0]:
        found.warnings.append("SCP-ECG: the checksum of the file does not fit.")
    return found


def _sections(path: Path, data: bytes) -> tuple[dict[int, bytes], int]:
    """Return the bodies of the sections by their numbers, and where the last of them ends."""
    (length,) = struct.unpack_from("<I", data, 10)
    found, ends = {}, [6 + length]
    for at in range(22, min(6 + length, len(data) - 9), 10):
        number, extent, start = struct.unpack_from("<HII", data, at)
        body = data[start + _HEADER : start + extent]
        if number in (_LEADS, _RHYTHM) and (start + extent > len(data) or len(body) < 10):
            raise EcganError(f"{path} is cut off: section {number} of it is not there, or not whole.", "Copy it again.")
        found[number] = body
        ends.append(start + extent)
    if not {_LEADS, _RHYTHM} <= found.keys():
        raise _of_another(path)
    return found, max(ends)


def _of_another(path: Path) -> EcganError:
    return EcganError(
        f"{path} is not written as SCP-ECG (EN 1064) says: its sections are counted from byte 0, not 1, and its waves"
        " are not those of a Heal Force recorder.",
        _OTHER,
    )


def _unpacked(content: bytes) -> NDArray[np.int64]:
    """Return the counts in words of 16 bits, four of every three words."""
    words = np.frombuffer(content, dtype="<u2").astype(np.int64).reshape(-1, 3)
    fourth = (words[:, 1] >> 10 & 0xF) << 4 | words[:, 2] >> 10 & 0xF | (words[:, 0] >> 10 & 0xF) << 8
    return (np.column_stack([words, fourth]) & 0x3FF).reshape(-1) - 512  # (n, 4) to (4n,)


def _are_limb_leads(values: NDArray[np.float64]) -> bool:
    """Whether three leads (T, 3) are I, II and III by Einthoven's law."""
    if values.shape[1] != len(_LIMB):
        return False
    one, two, three = (values - values.mean(axis=0)).T
    return bool(three.std() > 0 and (three - (two - one)).std() < _ALIKE * three.std())
