"""EDF, EDF+ and BDF files (European Data Format), read with pyedflib, which is an extra."""

from pathlib import Path
from typing import Any

from ecgan.ecg.files.channels import Channels, assemble, check_size, choose_ecg, no_ecg
from ecgan.errors import EcganError

_COPY_AGAIN = "Copy the file again from where it came from, or export it again."
_MAIN, _PER_SIGNAL = 256, 256
"""Bytes of the header's first part, and of each signal's description."""
_COUNT_AT = 216
"""Where in a signal's description its number of samples a data record begins."""


def read_edf(path: Path, default_unit: str | None) -> Channels:
    """Read the ECG channels of a file; those of other kinds, such as "Resp" or "EDF Annotations", are left out.

    So are channels without a unit in the file where there is no default for them.

    Raises:
        EcganError: pyedflib is not installed, the file is no EDF, cut off or discontinuous, it holds no ECG, or its
            ECG channels differ in their sampling rate.
    """
    try:
        import pyedflib
    except ImportError:
        raise EcganError(f"reading {path} needs pyedflib.", "Install it: pip install 'ecgan[edf]'") from None
    _check_header(path)
    try:
        with pyedflib.EdfReader(str(path)) as file:
            return _read(path, file, default_unit)
    except EcganError:
        raise
    except Exception as error:
        raise EcganError(f"{path} is damaged: its header breaks the rules of EDF.", _COPY_AGAIN) from error


def _read(path: Path, file: Any, default_unit: str | None) -> Channels:
    names = [file.getLabel(index).strip() for index in range(file.signals_in_file)]
    units = [file.getPhysicalDimension(index).strip() for index in range(file.signals_in_file)]
    chosen = choose_ecg(names, units, default_unit)
    if not chosen:
        raise no_ecg(str(path), names, units)
    check_size(str(path), int(max(file.getNSamples()[one.index] for one in chosen)), len(chosen))
    values = [file.readSignal(one.index) for one in chosen]
    rates = [float(file.getSampleFrequency(one.index)) for one in chosen]
    return assemble(str(path), chosen, values, rates)


def _check_header(path: Path) -> None:
    """Compare what the header promises with the file, so that nothing is read, or made room for, on its word."""
    with path.open("rb") as file:
        main = file.read(_MAIN)
        if len(main) < _MAIN or main[:8] not in (b"0       ", b"\xffBIOSEMI"):
            raise EcganError(f"{path} is no EDF file.", _COPY_AGAIN)
        if main[192:197] in (b"EDF+D", b"BDF+D"):
            raise EcganError(
                f"{path} is discontinuous (EDF+D): it has gaps in time.",
                "Export each uninterrupted part as a file of its own (EDF+C).",
            )
        try:
            records, signals = int(main[236:244]), int(main[252:256])
            described = file.read(signals * _PER_SIGNAL) if 0 < signals < 10_000 else b""
            counts = described[_COUNT_AT * signals : (_COUNT_AT + 8) * signals]
            samples = sum(int(counts[8 * signal : 8 * signal + 8]) for signal in range(signals))
        except ValueError:
            raise EcganError(f"{path} is damaged: its header does not say how much there is.", _COPY_AGAIN) from None
    width = 2 if main[:1] == b"0" else 3
    there, expected = path.stat().st_size, _MAIN + signals * _PER_SIGNAL + records * samples * width
    if records < 1:
        raise EcganError(f"{path} has no samples: its header counts {records} data records.", _COPY_AGAIN)
    if there != expected:
        what = "cut off" if there < expected else "damaged"
        raise EcganError(f"{path} is {what}: it has {there:,} bytes, its header says {expected:,}.", _COPY_AGAIN)
