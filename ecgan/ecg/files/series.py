"""Files that hold several recordings of one patient: the longest rhythm is read, and the others are named.

DICOM holds multiplex groups, HL7 aECG series and sets of sequences, GE MUSE waveforms. Mean beats are no rhythm.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecgan.ecg.files.channels import millivolts

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
_BEATS = ("MEDIAN", "REPRESENTATIVE", "AVERAGE")
_TOLD = 5


@dataclass(frozen=True)
class _Series:
    """One of several recordings.

    Attributes:
        name: What the file calls it.
        leads: How many leads it has.
        seconds: How long it lasts.
        within: Elements from the root down to it; of DICOM its place in the sequence.
    """

    name: str
    leads: int
    seconds: float
    within: tuple[Any, ...]


@contextlib.contextmanager
def longest_only(path: Path, kind: str, root: Any) -> Iterator[tuple[Path, list[str]]]:
    """Give a file that holds one rhythm only: the file itself, or a copy of the same name without the others.

    Args:
        path: The file.
        kind: "dicom", "aecg", "muse", or another one, of which nothing is looked at.
        root: The root element of an XML file, which is changed.
    """
    find = {"dicom": _groups, "aecg": _sets, "muse": _waveforms}.get(kind)
    found = [] if find is None else list(find(path if kind == "dicom" else root))
    if len(found) < 2:
        yield path, []
        return
    longest = max(found, key=lambda one: (one.leads > 0, one.seconds, one.leads))  # of equals the first
    others = [one for one in found if one is not longest]
    with tempfile.TemporaryDirectory(prefix="ecgan-") as folder:
        copy = Path(folder) / path.name
        (_write_groups if kind == "dicom" else _write_tree)(path, root, longest, others, copy)
        yield copy, _remarks(longest, others)


def _remarks(longest: _Series, others: Sequence[_Series]) -> list[str]:
    names = [_shown(one) for one in others]
    more = f" and {len(names) - _TOLD:,} more" if len(names) > _TOLD else ""
    return [
        f"The file holds {len(names) + 1:,} recordings; the longest is read, {_shown(longest)}. Left out:"
        f" {'; '.join(names[:_TOLD])}{more}."
    ]


def _shown(one: _Series) -> str:
    return f"{one.name[:60]} ({one.seconds:.4g} s, {one.leads} lead{'s' * (one.leads != 1)})"


def _sets(root: Any) -> Iterator[_Series]:
    """Yield the sets of sequences of rhythms."""
    for outer in root.findall("component"):
        for series in outer.findall("series"):
            code = _attribute(series.find("code"), "code")
            if any(word in code.upper() for word in _BEATS):
                continue
            place = series.find("id")
            for number, inner in enumerate(series.findall("component"), 1):
                for one in inner.findall("sequenceSet"):
                    name = code or _attribute(place, "extension") or "series"
                    leads, seconds = _length_of_set(one)
                    yield _Series(f"{name} {number}" if number > 1 else name, leads, seconds, (root, outer, inner))


def _length_of_set(found: Any) -> tuple[int, float]:
    sequences = found.findall("component/sequence")
    leads = [one for one in sequences if "_ECG_LEAD_" in _attribute(one.find("code"), "code").upper()]
    steps = [
        number_in(_attribute(step, "value")) * _SECONDS.get(_attribute(step, "unit"), 0.0)
        for one in sequences
        for step in one.findall("value/increment")
    ]
    digits = (one.findtext("value/digits") or "" for one in leads)
    return len(leads), max((len(text.split()) for text in digits), default=0) * (steps[0] if steps else 0.0)


def _waveforms(root: Any) -> Iterator[_Series]:
    """Yield the rhythms of a MUSE file."""
    for one in root.findall("Waveform"):
        name = (one.findtext("WaveformType") or "Rhythm").strip()
        if name.casefold() == "rhythm":
            rate = number_in(one.findtext("SampleBase")) * 10.0 ** min(number_in(one.findtext("SampleExponent")), 9.0)
            leads = one.findall("LeadData")
            samples = max((_samples_of(lead) for lead in leads), default=0.0)
            yield _Series(name, len(leads), samples / rate if rate > 0 else 0.0, (root, one))


def _samples_of(lead: Any) -> float:
    said = number_in(lead.findtext("LeadSampleCountTotal"))
    size = number_in(lead.findtext("LeadSampleSize")) or 2.0
    return said or len("".join((lead.findtext("WaveFormData") or "").split())) * 0.75 / size


def _write_tree(path: Path, root: Any, longest: _Series, others: Sequence[_Series], copy: Path) -> None:
    from xml.etree.ElementTree import ElementTree

    kept = {id(element) for element in longest.within}
    for one in others:
        for parent, element in zip(one.within, one.within[1:], strict=False):
            if id(element) not in kept:
                with contextlib.suppress(ValueError):  # it went with another one
                    _remove(parent, element)
                break
    ElementTree(root).write(copy, encoding="utf-8", xml_declaration=True)


def _remove(parent: Any, element: Any) -> None:
    """Remove an element; of a component of HL7, whose own parent is the series in it."""
    holder = parent if parent.tag != "component" else parent.find("series")
    holder.remove(element)


def _groups(path: Path) -> Iterator[_Series]:
    """Yield the multiplex groups of a DICOM file that are no mean beats; those without a voltage have no leads."""
    from pydicom import dcmread

    for number, group in enumerate(dcmread(path).get("WaveformSequence") or []):
        name = str(group.get("MultiplexGroupLabel") or f"group {number + 1}")
        rate, samples = float(group.get("SamplingFrequency") or 0), int(group.get("NumberOfWaveformSamples") or 0)
        if not any(word in name.upper() for word in _BEATS):
            yield _Series(name, _voltages(group), samples / rate if rate > 0 else 0.0, (number,))


def _voltages(group: Any) -> int:
    units = [channel.get("ChannelSensitivityUnitsSequence") for channel in group.get("ChannelDefinitionSequence") or []]
    return sum(bool(unit) and millivolts(str(unit[0].get("CodeValue"))) is not None for unit in units)


def _write_groups(path: Path, root: Any, longest: _Series, others: Sequence[_Series], copy: Path) -> None:
    from pydicom import dcmread

    dataset = dcmread(path)
    for one in sorted(others, key=lambda one: -int(one.within[0])):
        del dataset.WaveformSequence[one.within[0]]
    dataset.save_as(copy)


def _attribute(element: Any, name: str) -> str:
    return "" if element is None else str(element.get(name) or "")


def number_in(text: str | None) -> float:
    """Return the number in a text, 0 where there is none."""
    try:
        return float((text or "").replace(",", "."))
    except ValueError:
        return 0.0
