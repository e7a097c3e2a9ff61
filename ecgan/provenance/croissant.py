"""Processed data and folds as Croissant 1.1 metadata (http://mlcommons.org/croissant/1.1), JSON-LD of our own."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ecgan.files import read_table, sha256
from ecgan.preprocessing.processed import AGAIN, load_about
from ecgan.samples import About

FILE: Final = "croissant.json"
_CR: Final = (
    "citeAs column conformsTo containedIn data dataType equivalentProperty examples extract field fileObject "
    "fileProperty fileSet format includes isLiveDataset jsonPath key md5 parentField path recordSet references regex "
    "repeated replace samplingRate separator source subField transform arrayShape isArray"
)
_OTHER: Final[dict[str, Any]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "name": {"@container": "@language"},
}
CONTEXT: Final = {name: f"cr:{name}" for name in _CR.split()} | _OTHER
_TYPES: Final = {"i": "sc:Integer", "f": "sc:Float", "b": "sc:Boolean"}
_KINDS: Final = {".csv": "text/csv", ".json": "application/json"}
_SAID: Final = {
    "data.pkl": "Signals: one float32 array (samples, time steps, leads), a pickle of a plain NumPy array",
    "label.pkl": "Class of each sample: one int64 array, 0 is normal; a pickle of a plain NumPy array",
    "samples.csv": "One row a sample: class, and of beats record, patient, position, RR intervals",
    "dataset.json": "Sampling rate, leads, unit, classes and their counts",
}


@dataclass(frozen=True)
class Source:
    """What a dataset says of itself: title, where it comes from, licence."""

    title: str
    source: str
    licence: str


def describe(processed: Path, folds: Path, source: Source, version: str, date: str) -> dict[str, Any]:
    """Describe a processed dataset and its folds; paths are those from the working directory.

    Args:
        processed: Folder of `data.pkl` and the others.
        folds: Folder of `fold_<k>.json`.
        source: Of the dataset.
        version: Of the program that made them.
        date: When they were made, ISO 8601; "" where nobody knows.

    Raises:
        EcganError: There is no processed data, or it is damaged.
    """
    about = load_about(processed)
    files = [processed / name for name in _SAID] + sorted(folds.glob("fold_*.json"))
    facts = {"datePublished": date[:10]} if date else {}
    if found := re.search(r"doi:(10\.[^\s;,]+)", source.source):
        facts["url"] = f"https://doi.org/{found[1]}"
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": about.name,
        "description": f"{source.title}, as samples for training and evaluation. {_counts(about)}",
        "license": source.licence,
        "citeAs": source.source,
        "creator": {"@type": "Organization", "name": "The ECGAN developers"},
        "version": version,
        **facts,
        "distribution": [_file(path) for path in files],
        "recordSet": [_records(processed / "samples.csv")],
    }


def _counts(about: About) -> str:
    counts = ", ".join(f"{name} {count}" for name, count in sorted(about.counts.items()))
    rate = f"{about.sampling_rate:g} Hz" if about.sampling_rate else "no sampling rate"
    return f"Leads {', '.join(about.leads)} at {rate}, unit {about.unit}; samples by class: {counts}."


def _file(path: Path) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path.name,
        "name": path.name,
        "description": _SAID.get(path.name, "A fold: indices of the samples for training, validation and test"),
        "contentUrl": path.as_posix(),
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": _KINDS.get(path.suffix, "application/octet-stream"),
        "sha256": sha256(path),
    }


def _records(path: Path) -> dict[str, Any]:
    """Describe the table of samples: a field for each column."""
    table = read_table(path, {}, hint=AGAIN)
    return {
        "@type": "cr:RecordSet",
        "@id": "samples",
        "name": "samples",
        "description": "The samples in the order of data.pkl and label.pkl",
        "field": [_column(str(name), path.name, table[name].dtype.kind) for name in table],
    }


def _column(name: str, file: str, kind: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"samples/{name}",
        "name": name,
        "dataType": _TYPES.get(kind, "sc:Text"),
        "source": {"fileObject": {"@id": file}, "extract": {"column": name}},
    }
