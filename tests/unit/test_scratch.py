"""Arrays that are larger than memory may be: the same numbers, in the same order, in a file without a name."""

import errno
import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgan import scratch
from ecgan.errors import EcganError
from ecgan.preprocessing.processed import load_processed, save_processed
from ecgan.preprocessing.transformations import TRANSFORMATIONS, fit_transformation
from ecgan.registry import DETECTORS
from ecgan.samples import Samples
from ecgan.testing.toys import toy_beats
from tests import making

ROWS = np.array([5, 0, 3, 3, 11])


def mapped(x: Any) -> bool:
    """Whether the numbers of an array lie in a file."""
    while x is not None and not isinstance(x, mmap.mmap):
        x = getattr(x, "base", None)
    return x is not None


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "LARGE", 0)


@pytest.mark.parametrize(
    "rows", [ROWS, np.arange(12) % 3 == 0, slice(2, 9), [1, 4]], ids=["places", "mask", "slice", "list"]
)
@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2)])
def test_what_is_taken_to_the_disk_is_what_numpy_takes(rows: Any, order: tuple[int, ...], on_disk: None) -> None:
    x = np.random.default_rng(0).normal(size=(12, 12, 12)).transpose(order)
    found, expected = scratch.taken(x, rows), x[rows]
    np.testing.assert_array_equal(found, expected)
    assert found.strides == expected.strides
    assert mapped(found) == (not isinstance(rows, slice))


@pytest.mark.parametrize("channels", [[1], [2, 0], [0, 1, 2]])
def test_channels_are_those_that_numpy_takes(channels: list[int], on_disk: None) -> None:
    x = np.random.default_rng(0).normal(size=(6, 7, 3)).transpose(0, 2, 1)
    found, expected = scratch.of_channels(x, channels), x[:, channels]
    np.testing.assert_array_equal(found, expected)
    assert len(channels) == 1 or found.strides == expected.strides


def test_rows_with_a_number_that_is_none_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "_VALUES", 20)
    x = np.zeros((9, 2, 4))
    x[3, 1, 2], x[8, 0, 0] = np.nan, np.inf
    assert np.flatnonzero(~scratch.finite_rows(x)).tolist() == [3, 8]


def test_a_full_disk_is_told_and_not_found_out_later(on_disk: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(EcganError, match="disk is full"):
        scratch.room((3, 4), np.float32)


def test_no_file_is_left(on_disk: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".ecgan").mkdir()
    assert mapped(scratch.room((30, 4), np.float32))
    assert list((tmp_path / ".ecgan").iterdir()) == []


def processed(folder: Path, count: int = 400) -> Samples:
    labels = np.arange(count) % 4 == 0
    given = making.samples(toy_beats(count, 3, 32, seed=1), labels.astype(int), sampling_rate=100.0, classes=["N", "V"])
    table = given.table.assign(class_name=np.where(labels, "V", "N"))
    save_processed(folder, "toy", Samples(given.signals, table, given.about, given.labels))
    return load_processed(folder)


def results(data: Samples) -> dict[str, Any]:
    """What is computed of samples, byte by byte."""
    train, found = np.flatnonzero(data.class_ids == 0), {}
    for leads in (None, ["lead 1"], ["lead 2", "lead 0"]):
        chosen = data.with_leads(leads)
        for name in TRANSFORMATIONS:
            seen = chosen.seen(train)
            transformation = fit_transformation(
                name, seen.signals, None if name in ("none", "standard") else (-1.0, 1.0)
            )
            x = transformation.apply(seen)
            found[f"{leads} {name}"] = (repr(transformation.state()), x.signals.tobytes())
        for name in ("knn", "pca", "isolation_forest", "kmeans"):
            detector = DETECTORS.get(name)(DETECTORS.get(name).Options(), seed=1)
            detector.fit(x)
            scores = detector.components(transformation.apply(chosen.seen(slice(None))))
            found[f"{leads} {name}"] = {key: values.tobytes() for key, values in scores.items()}
    return found


def test_what_lies_on_the_disk_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = processed(tmp_path)
    expected = results(data)
    monkeypatch.setattr(scratch, "LARGE", 0)
    large = load_processed(tmp_path)
    assert mapped(large.signals)
    assert not mapped(data.signals)
    assert large.sha256 == data.sha256
    found = results(large)
    assert [name for name in expected if found[name] != expected[name]] == []


def test_what_is_known_of_samples_needs_no_signals(tmp_path: Path, on_disk: None) -> None:
    data = processed(tmp_path)
    facts = data.facts(data.class_ids != 0)
    assert (len(facts), facts.length, facts.hours) == (100, 32, data[data.class_ids != 0].hours)
    assert set(facts.table["class_name"]) == {"V"}
    assert np.isnan(facts.signals).all()
