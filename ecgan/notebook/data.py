"""Recordings and datasets for use in memory."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from ecgan.config import Document, names, resolve_params
from ecgan.datasets.shards import Work, write_dataset
from ecgan.ecg.records import Record
from ecgan.errors import EcganError, nearest
from ecgan.preprocessing.processed import load_processed
from ecgan.registry import DATASETS
from ecgan.remotes.recordings import read_anywhere
from ecgan.samples import Samples
from ecgan.scratch import contiguous


def read(
    path: Path | str,
    *,
    sampling_rate: float | None = None,
    annotator: str | None = None,
    unit: str | None = None,
    gain: float | None = None,
    baseline: float | None = None,
) -> Record:
    """Read a recording: WFDB, EDF, CSV or TSV, NPY or NPZ, ISHNE, SCP-ECG, DICOM, HL7 aECG, GE MUSE or Philips XML.

    Args:
        path: The file or its URL (`https://…`, `s3://…`); of a WFDB record also its path without an ending.
        sampling_rate: Hz of a file that does not say it; one that contradicts the file is an error.
        annotator: Ending of WFDB annotations beside it, such as "atr"; None: none are read.
        unit: Unit of channels for which the file names none: mV, uV or V.
        gain: Counts per mV, of text and arrays that hold the counts of a converter.
        baseline: The count at 0 mV; None: the median of each lead.

    Returns:
        `signals` (T, C) in mV, `sampling_rate` in Hz, `leads`, and the annotated beats: `samples` and `symbols`.

    Raises:
        EcganError: The file is missing, damaged, in no known format, or holds no ECG.
    """
    return read_anywhere(
        path, sampling_rate=sampling_rate, annotator=annotator, unit=unit, gain=gain, baseline=baseline
    )


def load_dataset(name: str, folder: Path | str | None = None, *, seed: int = 0, **parameters: Any) -> Samples:
    """Fetch a dataset and cut its samples, as the stages `fetch` and `preprocess` do.

    Args:
        name: Name of the dataset.
        folder: Where the raw files are kept, and found again; None: nowhere.
        seed: Of what is drawn at random.
        parameters: Those of the sections `fetch` and `preprocess`, such as `patients=4` of `ecgsyn`.

    Raises:
        EcganError: A name is unknown, a value is not allowed, or the dataset cannot be fetched.
    """
    name = names.resolve(DATASETS, name)
    dataset = DATASETS.get(name)()
    values: dict[str, Any] = {"dataset": name, "models": [], "fetch": {}, "preprocess": {}}
    known = {"fetch": dataset.Fetch.model_fields, "preprocess": dataset.Preprocess.model_fields}
    for key, value in parameters.items():
        section = next((section for section, fields in known.items() if key in fields), None)
        if section is None:
            listed = sorted({*known["fetch"], *known["preprocess"]})
            raise EcganError(
                f"the dataset {name!r} has no parameter {key!r}{nearest(key, listed)}",
                f"Its parameters: {', '.join(listed)}.",
            )
        values[section][key] = value
    document = Document(f"load_dataset({name!r})", values)
    params = resolve_params(document, models=False, plugins=False, hint="Mend that parameter.")
    with tempfile.TemporaryDirectory(prefix="ecgan-") as place:
        raw, processed = Path(folder or Path(place, "raw")), Path(place, "processed")
        raw.mkdir(parents=True, exist_ok=True)
        dataset.fetch(raw, params.fetch, seed=seed)
        write_dataset(processed, Work(dataset, raw, params.preprocess, Path(place, "shards")))
        data = load_processed(processed)
        about = replace(data.about, preprocess=params.preprocess.model_dump(mode="json"))
        return replace(data, signals=contiguous(data.signals), about=about)
