"""Conformance checks of datasets."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ecgan.datasets.base import Dataset
from ecgan.preprocessing.options import SampleOptions
from ecgan.preprocessing.processed import load_processed, save_processed
from ecgan.samples import Samples
from ecgan.seals import NAME as SEAL
from ecgan.testing.check import Function, Subject, check_options, expect, expect_equal, written_params
from ecgan.testing.recordings import RECORDINGS

FILES = ("data.pkl", "label.pkl", "samples.csv", "dataset.json")


class DatasetSubject(Subject[Dataset]):
    """A dataset under test; perhaps with values of the sections `fetch` and `preprocess`."""

    def fetch(self, raw: Path, seed: int = 0) -> None:
        """Fetch the raw files into a folder."""
        raw.mkdir(parents=True, exist_ok=True)
        self.cls().fetch(raw, self.cls.Fetch.model_validate(self.given.get("fetch", {})), seed=seed)

    def preprocess(self, raw: Path) -> Samples:
        """Cut the samples and prepare them, as the stage does."""
        return self.cls().samples(raw, self.cls.Preprocess.model_validate(self.given.get("preprocess", {})))


def the_card_is_complete(subject: DatasetSubject) -> None:
    """Title, source, licence and size are there: a user knows what they get."""
    card = getattr(subject.cls, "card", None)
    for key in ("title", "source", "licence", "size"):
        text = getattr(card, key, "")
        expect(isinstance(text, str) and bool(text.strip()), f"expected the card to say the {key}, found {text!r}")


def options_have_defaults_and_descriptions(subject: DatasetSubject) -> None:
    """Every parameter of fetching and preprocessing is explained in the file that `ecgan init` writes."""
    check_options(subject.cls.Fetch, "Fetch")
    check_options(subject.cls.Preprocess, "Preprocess")


def preprocess_has_the_options_of_samples(subject: DatasetSubject) -> None:
    """Cleansing and resampling can be asked for, as with every dataset."""
    expect(
        issubclass(subject.cls.Preprocess, SampleOptions),
        "expected Preprocess to be a subclass of ecgan.preprocessing.options.SampleOptions,"
        f" found {subject.cls.Preprocess.__name__}",
    )


def init_writes_a_valid_file(subject: DatasetSubject) -> None:
    """The overrides of other sections fit the schema, so that `ecgan init -d NAME` works."""
    expect_equal(written_params(subject.cls.name, "aegan").dataset, subject.cls.name, "the dataset in the file")


def fetching_again_gives_equal_bytes(subject: DatasetSubject) -> None:
    """The same options and seed give the same raw files, also into a folder that holds them already."""
    with tempfile.TemporaryDirectory() as name:
        first, second = Path(name, "first"), Path(name, "second")
        subject.fetch(first)
        subject.fetch(second)
        expected = _content(first)
        expect(bool(expected), "expected fetch to leave files, found none")
        expect_equal(sorted(_content(second)), sorted(expected), "the names of files fetched again")
        subject.fetch(second)
        for name, content in _content(second).items():
            expect(
                content == expected.get(name), f"expected {name} to be the same when fetched again, found other bytes"
            )


def samples_fit_their_description(subject: DatasetSubject) -> None:
    """Shapes, leads, classes and table belong together; class 0 is the normal one and occurs."""
    with tempfile.TemporaryDirectory() as name:
        subject.fetch(Path(name))
        samples = subject.preprocess(Path(name))
    expect_equal(samples.signals.ndim, 3, "the number of dimensions of signals (n, C, L)")
    n, channels, length = samples.signals.shape
    about, labels = samples.about, samples.class_ids
    expect_equal(len(about.leads), channels, "the number of lead names")
    expect_equal(len(set(about.leads)), channels, "the number of different lead names")
    expect_equal((labels.shape, len(samples.table)), ((n,), n), "the shape of labels and the rows of the table")
    expect_equal(str(labels.dtype), "int64", "the type of labels")
    expect(bool(np.isfinite(samples.signals).all()), "expected finite signals, found NaN or infinity")
    known = sorted(set(labels.tolist()))
    inside = known[0] >= 0 and known[-1] < len(about.classes)
    expect(inside, f"expected labels of the classes 0 to {len(about.classes) - 1}, found {known}")
    expect(known[0] == 0, f"expected normal samples, which have the label 0, found labels {known}")
    names = [about.classes[label] for label in labels.tolist()]
    expect_equal(samples.table["class_name"].tolist(), names, "class_name in the table, the name of each label")
    expect(about.sampling_rate >= 0, f"expected a sampling rate in Hz, found {about.sampling_rate}")
    centre = about.centre
    expect(centre is None or 0 <= centre < length, f"expected the R peak within 0 to {length - 1}, found {centre}")


def preprocessing_again_gives_equal_bytes(subject: DatasetSubject) -> None:
    """The processed files are the same bytes again, and are read back as they were."""
    with tempfile.TemporaryDirectory() as name:
        raw, written = Path(name, "raw"), []
        subject.fetch(raw)
        for target in (Path(name, "first"), Path(name, "second")):
            target.mkdir()
            samples = subject.preprocess(raw)
            save_processed(target, subject.cls.name, samples)
            written.append(_content(target))
        read = load_processed(target)
    expect_equal(sorted(written[0]), sorted((*FILES, SEAL)), "the processed files")
    for name, content in written[0].items():
        expect(content == written[1][name], f"expected {name} to be the same again, found other bytes")
    expect(np.array_equal(read.class_ids, samples.class_ids), "expected the labels that were written, found others")


def _content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


DESCRIPTION = (
    the_card_is_complete,
    options_have_defaults_and_descriptions,
    preprocess_has_the_options_of_samples,
    init_writes_a_valid_file,
)
SAMPLES = (
    fetching_again_gives_equal_bytes,
    samples_fit_their_description,
    preprocessing_again_gives_equal_bytes,
)


def chosen(given: dict[str, Any]) -> tuple[Function, ...]:
    """The checks of a dataset: those of its samples only where options say what to fetch."""
    return (*DESCRIPTION, *RECORDINGS, *(SAMPLES if given else ()))
