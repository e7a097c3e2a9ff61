"""A whole detection: what is reported on never reaches what is fitted."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ecgan.config.options import Options
from ecgan.config.schema import Detection
from ecgan.detection.base import Detector, Mapping, State
from ecgan.detection.fitted import ARRAYS_FILE, VALUES_FILE, save_detector
from ecgan.detection.job import Job, detect
from ecgan.detection.latents import build
from ecgan.errors import EcganError
from ecgan.preprocessing.transformations import fit_transformation
from ecgan.protocols.folds import Fold, vali_halves
from ecgan.registry import DETECTORS
from ecgan.samples import About, Samples

CLASSES = ["N", "S", "V"]


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    labels = np.array([0] * 60 + [0, 0, 1, 2] * 30, dtype=np.int64)
    signals = rng.normal(size=(180, 1, 16)).astype(np.float32) * (1 + labels)[:, None, None].astype(np.float32)
    table = pd.DataFrame({"class_name": [CLASSES[label] for label in labels]})
    about = About(0.0, ["I"], CLASSES, unit="", name="made")
    fold = Fold(0, "normal_only", 0, "0" * 64, np.arange(60), np.arange(60, 120), np.arange(120, 180))
    cls = DETECTORS.get("knn")
    return Job(
        detector=cls(cls.Options()),
        strategies=["plain"],
        options=Detection(bootstrap=20),
        data=Samples(signals, table, about, labels, "0" * 64),
        transformation=fit_transformation("none", signals[fold.train], None),
        fold=fold,
        seed=0,
        facts={"method": "knn", "detector": "knn", "select_by": None, "leads": ["I"]},
    )


def _written(folder, job, name="fitted", results="results"):
    fitted, result = detect(job)
    for part in (folder / name, folder / results):
        part.mkdir(exist_ok=True)
    save_detector(folder / name, fitted)
    result.write(folder / results)
    return result.metrics


def _run(job, tmp_path, name):
    found = _written(tmp_path, job, name, f"{name}_results")
    return found, [(tmp_path / name / file).read_bytes() for file in (VALUES_FILE, ARRAYS_FILE)]


def test_samples_that_are_reported_on_change_nothing_that_is_fitted(job, tmp_path):
    metrics, files = _run(job, tmp_path, "a")
    half, other = vali_halves(job.fold, job.data)
    reported = np.concatenate([other, job.fold.test])
    signals = job.data.signals.copy()
    signals[reported] *= 3
    labels = job.data.class_ids.copy()
    labels[job.fold.test] = np.roll(labels[job.fold.test], 1)
    table = pd.DataFrame({"class_name": [CLASSES[label] for label in labels]})
    data = replace(job.data, signals=signals, labels=labels, table=table)
    changed, files_then = _run(replace(job, data=data), tmp_path, "b")
    assert files_then == files
    assert changed["strategies"]["plain"]["test"] != metrics["strategies"]["plain"]["test"]
    assert set(half).isdisjoint(reported)


def test_samples_of_the_fit_half_do_change_the_threshold(job, tmp_path):
    metrics, files = _run(job, tmp_path, "a")
    half, _ = vali_halves(job.fold, job.data)
    signals = job.data.signals.copy()
    signals[half] *= 3
    changed, files_then = _run(replace(job, data=replace(job.data, signals=signals)), tmp_path, "b")
    assert files_then != files
    entries = [m["strategies"]["plain"]["threshold"]["value"] for m in (metrics, changed)]
    assert entries[0] < entries[1]


def _model(name, mapping, **options):
    cls = DETECTORS.get(name)
    return build(cls, cls.Options(**options), mapping, seed=0)


def _generative(*, features=True):
    basis = np.random.default_rng(9).normal(size=(16, 3)).astype(np.float32) / 4
    return Mapping(
        invert=lambda x: x.reshape(len(x), -1) @ basis,
        decode=lambda z: (z @ basis.T).reshape(len(z), 1, 16),
        features=(lambda x: np.tanh(x.reshape(len(x), -1))) if features else None,
    )


@pytest.mark.parametrize(("choice", "ranges"), [("stable", False), ("best", True)])
def test_the_parameters_say_how_strategies_choose(job, tmp_path, choice, ranges):
    options = Detection(bootstrap=20, choice=choice)
    detector, facts = _model("inverse_mapping", _generative()), _facts("vae", "inverse_mapping")
    _written(
        tmp_path,
        replace(job, detector=detector, strategies=["lambda_grid", "svm_lambda"], options=options, facts=facts),
    )
    stored = json.loads((tmp_path / "fitted" / VALUES_FILE).read_text())
    for strategy in stored["strategies"].values():
        assert ("ranges" in strategy["values"]) == ranges


def _classifier(x):
    size = np.abs(x).mean(axis=(1, 2))
    return np.stack([1.5 - size, size - 1.5, 2 * size - 4], axis=1).astype(np.float32)


def _facts(method, detector):
    return {"method": method, "detector": detector, "select_by": "loss", "leads": ["I"]}


def test_a_classifier_names_classes_in_metrics_and_confusion(job, tmp_path):
    detector = _model("argmax", Mapping(None, None, logits=_classifier))
    found = _written(tmp_path, replace(job, detector=detector, facts=_facts("cnn", "argmax")))
    assert found["family"] == "classifier"
    assert found["strategies"]["plain"]["supervision"] == "S"
    table = pd.read_csv(tmp_path / "results/confusion.csv")
    assert list(table) == ["actual", "predicted"]
    truth = [CLASSES[label] for label in job.data.labels[job.fold.test]]
    assert table["actual"].tolist() == truth
    named = _classifier(job.inputs(job.fold.test).signals).argmax(axis=1)
    assert table["predicted"].tolist() == [CLASSES[k] for k in named]
    stored = json.loads((tmp_path / "results/metrics.json").read_text())
    assert stored["classification"]["accuracy"] == pytest.approx((table["actual"] == table["predicted"]).mean())
    assert stored["classification"]["per_class"]["N"]["count"] == truth.count("N")
    assert all(e["reconstruction"] is None for e in json.loads((tmp_path / "results/examples.json").read_text()))


def test_other_detectors_are_compared_by_their_decisions(job, tmp_path):
    found = _written(tmp_path, job)
    table = pd.read_csv(tmp_path / "results/confusion.csv")
    scores = pd.read_csv(tmp_path / "results/scores.csv")
    assert set(table["actual"]) == set(CLASSES)
    assert table["predicted"].tolist() == ["abnormal" if p else "normal" for p in scores["plain_predicted"]]
    assert "classification" not in found
    assert (found["family"], found["input"]) == ("classical", "samples")


def test_a_classical_detector_scores_latents_of_a_model(job, tmp_path):
    mapping = _generative()
    found = _written(tmp_path, replace(job, detector=_model("knn", mapping), facts=_facts("aegan", "knn")))
    assert (found["family"], found["input"]) == ("generative", "latents")
    train, test = (mapping.invert(job.inputs(rows).signals).astype(float) for rows in (job.fold.train, job.fold.test))
    distances = np.sort(np.linalg.norm(test[:, None] - train[None], axis=2), axis=1)[:, :5].mean(axis=1)
    np.testing.assert_allclose(pd.read_csv(tmp_path / "results/scores.csv")["plain"], distances, rtol=1e-5)


def test_a_model_without_a_discriminator_is_scored_by_what_it_has(job, tmp_path):
    wanted = ["svm_lambda", "reconstruction", "lambda_grid"]
    detector = _model("inverse_mapping", _generative(features=False))
    found = _written(
        tmp_path, replace(job, detector=detector, strategies=wanted, facts=_facts("vae", "inverse_mapping"))
    )
    assert list(found["strategies"]) == ["reconstruction"]
    assert found["left_out"] == ["svm_lambda", "lambda_grid"]
    assert list(pd.read_csv(tmp_path / "results/roc.csv")) == ["fpr", "decides", "reconstruction"]
    both = replace(job, detector=_model("inverse_mapping", _generative()), strategies=wanted)
    assert _written(tmp_path, replace(both, facts=_facts("vae", "inverse_mapping")))["left_out"] == []


def test_reconstructions_of_examples_are_in_the_unit_of_the_data(job, tmp_path):
    doubled = fit_transformation("minmax", job.data.signals[job.fold.train], (-1, 1))
    mapping = _generative()
    detector = _model("inverse_mapping", mapping)
    _written(
        tmp_path,
        replace(job, detector=detector, strategies=["reconstruction"], transformation=doubled, facts=_facts("a", "b")),
    )
    example = json.loads((tmp_path / "results/examples.json").read_text())[0]
    x = doubled.transform(job.data.signals[[example["index"]]])
    expected = doubled.invert(mapping.decode(mapping.invert(x)), like=x)
    np.testing.assert_allclose(example["reconstruction"][0], expected[0, 0], atol=1e-4)


def test_results_are_plain_json_and_one_row_a_sample_without_the_indices_of_the_split(job, tmp_path):
    _written(tmp_path, job)
    stored = json.loads((tmp_path / "results/metrics.json").read_text())
    assert "split" not in stored
    assert not [key for key, value in stored.items() if isinstance(value, list) and len(value) > 10]
    for figure in ("auroc", "ap", "f1_abnormal", "mcc"):
        assert isinstance(stored["strategies"]["plain"]["test"][figure], float)
    scores = pd.read_csv(tmp_path / "results/scores.csv")
    assert scores["index"].tolist() == job.fold.test.tolist()
    assert scores["plain"].nunique() == len(scores)


def test_an_example_says_its_time_in_the_record_whatever_the_rate_of_the_samples(job, tmp_path):
    """Positions count the record's own samples; the rate of resampled samples is another."""
    count = len(job.data)
    places = {"record": "r", "patient": "p", "sample": 360 * np.arange(count), "time_s": np.arange(count) * 1.0}
    resampled = replace(job.data.about, sampling_rate=100.0, unit="mV")
    data = replace(job.data, table=job.data.table.assign(**places), about=resampled)
    _written(tmp_path, replace(job, data=data))
    examples = json.loads((tmp_path / "results/examples.json").read_text())
    assert examples
    assert all(example["time_s"] == example["index"] for example in examples)


class Beside(Detector):
    """It remembers what it was given, and scores by the difference from the mean of a sample's record."""

    name = "beside"
    Options = Options
    context = ("record",)

    def __init__(self):
        super().__init__(Options())
        self.given = []

    def fit(self, train):
        self.given.append(train)

    def components(self, samples):
        self.given.append(samples)
        means = pd.Series(samples.around.signals.mean(axis=(1, 2))).groupby(samples.around.records)
        off = (means.transform("max") - means.transform("mean")).to_numpy(dtype=np.float64)
        return {"off": off[samples.places] + np.abs(samples.signals).mean(axis=(1, 2), dtype=np.float64)}

    def state(self):
        return State()

    def restore(self, state):
        pass


def test_a_detector_with_a_context_sees_all_of_the_records_in_question_without_labels(job):
    records = np.array(["a", "b", "c", "d"])[np.arange(180) // 45]
    table = job.data.table.assign(record=records, symbol="N", time_s=np.arange(180) * 1.0)
    detector = Beside()
    detect(replace(job, detector=detector, data=replace(job.data, table=table)))
    for rows, given in zip(
        (job.fold.train, *vali_halves(job.fold, job.data), job.fold.test), detector.given, strict=False
    ):
        beside = np.flatnonzero(np.isin(records, records[rows]))
        np.testing.assert_array_equal(given.around.signals, job.data.signals[beside])
        np.testing.assert_array_equal(given.around.signals[given.places], job.data.signals[rows])
        assert given.table["time_s"].tolist() == rows.tolist()
        for samples in (given, given.around):
            assert samples.labels is None
            assert not {"class_name", "symbol", "aami"} & set(samples.table)


def test_a_context_is_transformed_as_the_samples_are(job):
    table = job.data.table.assign(record="a")
    doubled = fit_transformation("minmax", job.data.signals[job.fold.train], (-1, 1))
    given = replace(job, detector=Beside(), data=replace(job.data, table=table), transformation=doubled).inputs([3, 7])
    np.testing.assert_array_equal(given.around.signals, doubled.transform(job.data.signals))


def test_a_context_has_the_leads_of_the_samples(job):
    two = replace(
        job.data,
        signals=np.concatenate([job.data.signals, -job.data.signals], axis=1),
        about=replace(job.data.about, leads=["I", "II"]),
        table=job.data.table.assign(record="a"),
    )
    seen = two.seen(np.arange(5), ("record",)).with_leads(["II"])
    assert (seen.about.leads, seen.around.about.leads) == (["II"], ["II"])
    np.testing.assert_array_equal(seen.around.signals, -job.data.signals)


def test_without_a_context_there_is_nothing_but_signals(job):
    given = job.inputs(job.fold.test)
    assert (given.around, given.places, given.labels, list(given.table)) == (None, None, None, [])


def test_a_context_needs_records(job):
    with pytest.raises(EcganError, match="do not know their records"):
        detect(replace(job, detector=Beside()))
