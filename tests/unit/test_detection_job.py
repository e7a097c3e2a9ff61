"""A whole detection: what is reported on never reaches what is fitted."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ecgan.config.schema import Detection
from ecgan.datasets.base import Described
from ecgan.detection.fitted import ARRAYS_FILE, VALUES_FILE
from ecgan.detection.job import Job, detect
from ecgan.preprocessing.folds import Fold, vali_halves
from ecgan.preprocessing.processed import Processed
from ecgan.preprocessing.transformations import fit_transformation
from ecgan.registry import DETECTORS

CLASSES = ["N", "S", "V"]


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    labels = np.array([0] * 60 + [0, 0, 1, 2] * 30, dtype=np.int64)
    data = rng.normal(size=(180, 16, 1)).astype(np.float32) * (1 + labels)[:, None, None]
    table = pd.DataFrame({"class_name": [CLASSES[label] for label in labels]})
    about = Described("made", 0.0, ["I"], CLASSES, "", "", None)
    fold = Fold(0, "normal_only", 0, "0" * 64, np.arange(60), np.arange(60, 120), np.arange(120, 180))
    cls = DETECTORS.get("knn")
    return Job(
        detector=cls(cls.Options()),
        strategies=["plain"],
        options=Detection(bootstrap=20),
        data=Processed(data, labels, table, about, "0" * 64),
        samples=data,
        transformation=fit_transformation("none", data[fold.train], None),
        fold=fold,
        seed=0,
        facts={"method": "knn", "detector": "knn", "select_by": None, "leads": ["I"]},
        fitted=tmp_path / "fitted",
        results=tmp_path / "results",
    )


def _run(job, tmp_path, name):
    found = detect(replace(job, fitted=tmp_path / name, results=tmp_path / f"{name}_results"))
    return found, [(tmp_path / name / file).read_bytes() for file in (VALUES_FILE, ARRAYS_FILE)]


def test_samples_that_are_reported_on_change_nothing_that_is_fitted(job, tmp_path):
    metrics, files = _run(job, tmp_path, "a")
    half, other = vali_halves(job.fold, job.data.labels, job.data.patients)
    reported = np.concatenate([other, job.fold.test])
    samples = job.samples.copy()
    samples[reported] *= 3
    labels = job.data.labels.copy()
    labels[job.fold.test] = np.roll(labels[job.fold.test], 1)
    table = pd.DataFrame({"class_name": [CLASSES[label] for label in labels]})
    changed, files_then = _run(
        replace(job, samples=samples, data=replace(job.data, labels=labels, table=table)), tmp_path, "b"
    )
    assert files_then == files
    assert changed["strategies"]["plain"]["test"] != metrics["strategies"]["plain"]["test"]
    assert set(half).isdisjoint(reported)


def test_samples_of_the_fit_half_do_change_the_threshold(job, tmp_path):
    metrics, files = _run(job, tmp_path, "a")
    half, _ = vali_halves(job.fold, job.data.labels, job.data.patients)
    samples = job.samples.copy()
    samples[half] *= 3
    changed, files_then = _run(replace(job, samples=samples), tmp_path, "b")
    assert files_then != files
    entries = [m["strategies"]["plain"]["threshold"]["value"] for m in (metrics, changed)]
    assert entries[0] < entries[1]
