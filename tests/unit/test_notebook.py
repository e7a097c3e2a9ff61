"""`import ecgan`: what it gives does what the pipeline does, and leaves the process as it was."""

import errno
import json
import os
import pickle
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

import ecgan
from ecgan.config import Document, load_params, resolve_params
from ecgan.datasets.ecgsyn import Ecgsyn, FetchOptions
from ecgan.detection.thresholds import fit_threshold
from ecgan.files import write_bytes
from ecgan.protocols.folds import load_fold
from ecgan.references import parse_reference
from ecgan.registry import DETECTORS, MODELS
from ecgan.runs.loading import load_fold_of, load_trained
from stages import score as score_stage
from tests import making
from tests.contracts.toy_parts import ToyAdapter

EcganError = ecgan.EcganError
MODEL = {"epochs": 2, "width": 0.125, "latent_size": 3, "batch_size": 16, "threads": 1}
CLASSICAL = [
    name
    for name, detector in ((name, DETECTORS.get(name)) for name in ecgan.list_detectors())
    if not detector.needs_model and not detector.context  # arrays are of no record
]
WITHOUT_CONTEXT = [name for name in MODELS.names() if not MODELS.get(name).context]


def samples(count: int = 80, leads: int = 1, length: int = 64, seed: int = 0) -> tuple[Any, Any]:
    """Pulses (n, C, L), of which every fifth is early and wide, and labels."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(count) % 5 == 0).astype(int)
    time, at, wide = np.arange(length), 28 - 8 * labels[:, None, None], 3 + 4 * labels[:, None, None]
    x = np.exp(-(((time - at - rng.normal(size=(count, leads, 1))) / wide) ** 2))
    return x + 0.03 * rng.normal(size=x.shape), labels


X, Y = samples()


@pytest.fixture(scope="module")
def fitted() -> ecgan.Detector:
    return ecgan.Detector("autoencoder", **MODEL).fit(X)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    Ecgsyn().fetch(folder, FetchOptions(patients=2, minutes=0.5), seed=4)
    return folder


@pytest.fixture(scope="module")
def of_beats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was fitted to beats of recordings, saved."""
    beats = ecgan.load_dataset("ecgsyn", patients=3, minutes=0.5)
    return ecgan.Detector("autoencoder", **MODEL).fit(beats).save(tmp_path_factory.mktemp("runs") / "beats")


def test_names_are_there_and_others_are_not() -> None:
    assert set(dir(ecgan)) >= {"Detector", "load", "read", "load_dataset", "list_models", "__version__", "EcganError"}
    assert all(getattr(ecgan, name) is not None for name in dir(ecgan))
    assert "aegan" in ecgan.list_models()
    assert "knn" in ecgan.list_detectors()
    assert "mitbih" in ecgan.list_datasets()
    assert "interpatient" in ecgan.list_protocols()
    assert "encoder" in ecgan.list_inversions()
    assert "smoothed" in ecgan.list_strategies()
    with pytest.raises(AttributeError, match="lode"):
        _ = ecgan.lode  # type: ignore[attr-defined]
    assert (Path(ecgan.__file__).parent / "py.typed").is_file()


def state() -> list[Any]:
    """What a process computes with."""
    cuda, cudnn = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn
    return [
        torch.get_deterministic_debug_mode(),
        torch.utils.deterministic.fill_uninitialized_memory,  # type: ignore[attr-defined]
        (cuda, cudnn.allow_tf32, cudnn.benchmark),
        torch.get_num_threads(),
        torch.get_rng_state().tolist(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        np.random.get_state()[1].tolist(),  # type: ignore[index] # noqa: NPY002
        random.getstate(),
        dict(os.environ),
        sorted(os.listdir()),  # noqa: PTH208
    ]


@pytest.mark.parametrize("config", [None, ":16:8"])
def test_nothing_changes_the_process(
    of_beats: Path, recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str | None
) -> None:
    def refuse() -> None:
        raise AssertionError("the allocator of the process is changed")

    monkeypatch.setattr("ecgan.runtime.reuse_memory", refuse)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("THP_MEM_ALLOC_ENABLE", raising=False)
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    if config is not None:
        monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", config)
    before_all, threads = torch.get_deterministic_debug_mode(), torch.get_num_threads()
    torch.set_deterministic_debug_mode("default")
    torch.set_num_threads(2)
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(5)
    try:
        before = state()
        run = ecgan.load(of_beats)
        assert state() == before
        run.score(recordings / "p01.hea")
        run.explain(np.zeros((2, 320)))
        assert state() == before
        detector = ecgan.Detector("dcgan", **MODEL, inverse={"network": {"steps": 5}}).fit(X)
        detector.predict(X)
        assert state() == before
        with pytest.raises(EcganError):
            ecgan.Detector("cnn", epochs=1).fit(X)
        assert state() == before
    finally:
        torch.set_deterministic_debug_mode(before_all)
        torch.set_num_threads(threads)
        torch.backends.cudnn.benchmark = False


@pytest.mark.parametrize("name", [*WITHOUT_CONTEXT, *CLASSICAL])
@pytest.mark.parametrize("labelled", [False, True], ids=["unlabelled", "labelled"])
def test_everything_is_fitted_saved_and_loaded_with_the_same_scores(name: str, labelled: bool, tmp_path: Path) -> None:
    if name in ("cnn", "rnn") and not labelled:
        with pytest.raises(EcganError, match="labels"):
            ecgan.Detector(name, epochs=1).fit(X)
        return
    known = set(MODELS.get(name).Options.model_fields) if name in MODELS.names() else set()
    given = {key: value for key, value in MODEL.items() if key in known | {"threads"} or (known and key == "epochs")}
    given |= {"inverse": {"network": {"steps": 5}}} if name in ("dcgan", "rgan", "rdcgan") else {}
    given |= {"components": 5} if name == "pca" else {}
    detector = ecgan.Detector(name, **given).fit(X, Y if labelled else None)
    scores = detector.decision_function(X)
    assert scores.shape == (len(X),)
    assert scores.dtype == np.float64
    assert np.array_equal(scores, detector.decision_scores_)
    assert np.array_equal(detector.predict(X), (scores >= detector.threshold_).astype(int))
    assert np.array_equal(detector.labels_, detector.predict(X))
    run = ecgan.load(detector.save(tmp_path / "run"))
    assert np.array_equal(run.decision_function(X), scores)
    assert (run.threshold_, run.threshold_from_) == (detector.threshold_, detector.threshold_from_)
    assert ("training" in run.threshold_from_) is not labelled


def failing_after(count: int) -> Callable[[Path, bytes], None]:
    """What writes so many files, and then finds the disk full."""
    left = iter(range(count))

    def write(path: Path, content: bytes) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "the disk is full")
        write_bytes(path, content)

    return write


def test_a_saved_detector_is_a_run_as_the_pipeline_writes_it(
    fitted: ecgan.Detector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fitted.save(tmp_path / "run")
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found >= {
        *(f"train/fold_0/{name}.json" for name in ("split", "input", "versions")),
        "train/fold_0/config.yml",
        "train/fold_0/history.csv",
        "inverse/fold_0/inverse.json",
        "detect/fold_0/detector.json",
        "detect/fold_0/detector.safetensors",
    }
    trained = load_trained(folder, 0, "latest")
    assert trained.params.train.epochs == MODEL["epochs"]
    assert trained.model.options.width == MODEL["width"]
    assert len(fitted.history_) == MODEL["epochs"]
    split = load_fold(folder / "train/fold_0/split.json")
    assert sorted([*split.train, *split.vali]) == list(range(len(X)))
    with pytest.raises(EcganError, match="already"):
        fitted.save(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with monkeypatch.context() as full:
        full.setattr("ecgan.notebook.detector.write_bytes", failing_after(5))
        with pytest.raises(OSError, match="full"):
            fitted.save(folder, overwrite=True)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    fitted.save(folder, overwrite=True)
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == found


@pytest.mark.slow
def test_another_process_gives_the_same_scores(fitted: ecgan.Detector, tmp_path: Path) -> None:
    fitted.save(tmp_path / "run")
    np.save(tmp_path / "x.npy", X)
    code = "import ecgan, numpy; print(ecgan.load('run').decision_function(numpy.load('x.npy')).tobytes().hex())"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert bytes.fromhex(done.stdout.strip()) == fitted.decision_function(X).tobytes()


def test_the_same_parameters_give_the_same_scores_and_another_seed_others(fitted: ecgan.Detector) -> None:
    torch.manual_seed(77)
    again = ecgan.Detector("autoencoder", **MODEL).fit(X)
    other = ecgan.Detector("autoencoder", **MODEL, seed=1).fit(X)
    assert again.decision_scores_.tobytes() == fitted.decision_scores_.tobytes()
    assert not np.array_equal(other.decision_scores_, fitted.decision_scores_)


def test_without_labels_the_threshold_is_a_quantile_of_the_training_scores() -> None:
    detector = ecgan.Detector("knn", quantile=0.8).fit(X)
    assert detector.labels_.sum() == round(0.2 * len(X))
    normal_only = ecgan.Detector("knn", quantile=0.8).fit(X, np.zeros(len(X)))
    assert normal_only.threshold_ == detector.threshold_
    assert "training" in detector.threshold_from_


def test_with_labels_the_threshold_is_chosen_on_validation(tmp_path: Path) -> None:
    detector = ecgan.Detector("knn").fit(X, Y)
    split = load_fold(detector.save(tmp_path) / "train/fold_0/split.json")
    assert not Y[split.train].any()
    assert set(np.flatnonzero(Y)) < set(split.vali)
    scores = detector.decision_function(X)
    assert detector.threshold_ == fit_threshold(scores[split.vali], Y[split.vali], "best_f1").value
    assert "validation" in detector.threshold_from_
    of_normal = ecgan.Detector("knn", threshold="quantile", quantile=0.5).fit(X, Y)
    assert of_normal.threshold_ == fit_threshold(scores[split.vali], Y[split.vali], "quantile", quantile=0.5).value
    assert ecgan.Detector("knn", threshold=0.25).fit(X).threshold_ == 0.25


def test_strategies_and_detectors_are_parameters() -> None:
    labelled = ecgan.Detector("vaegan", **MODEL, strategies=["lambda_grid"]).fit(X, Y)
    assert labelled.run_.scorer.strategy == "lambda_grid"
    latents = ecgan.Detector("vaegan", **MODEL, detector="knn", neighbours=2).fit(X)
    assert latents.run_.scorer.members[0].fitted.detector.options.neighbours == 2
    with pytest.raises(EcganError, match="lambda_grid") as caught:
        ecgan.Detector("vaegan", **MODEL, strategies=["lambda_grid"]).fit(X)
    assert "smoothed" in caught.value.hint


def test_parameters_land_where_the_file_of_parameters_has_them(tmp_path: Path) -> None:
    detector = ecgan.Detector(
        "aegan", **MODEL | {"epochs": 1}, transformation="minmax", seed=3, train={"ema": 0.5},
        generator={"lr": 2e-4}, vali_share=0.3,
    )  # fmt: skip
    folder = detector.fit(X).save(tmp_path / "run")
    params = load_params(folder / "train/fold_0/config.yml", plugins=False)
    assert (params.train.epochs, params.train.transformation, params.train.ema) == (1, "minmax", 0.5)
    assert params.runtime.seed == 3
    assert params.modules["aegan"].generator.lr == 2e-4
    assert len(load_fold(folder / "train/fold_0/split.json").vali) == round(0.3 * len(X))


def test_a_run_says_in_which_arithmetic_it_was_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, arithmetic in ((True, "portable"), (False, "native")):
        monkeypatch.setattr("ecgan.notebook.parameters.is_portable", lambda found=there: found)
        run = ecgan.Detector("knn").fit(X).run_
        assert run.scorer.trained.params.runtime.arithmetic == arithmetic


def test_it_behaves_as_scikit_learn_expects() -> None:
    detector = ecgan.Detector("pca", components=np.int64(4), quantile=0.9)
    assert clone(detector).get_params() == detector.get_params() == {"name": "pca", "components": 4, "quantile": 0.9}
    with pytest.raises(NotFittedError):
        check_is_fitted(detector)
    assert detector.set_params(components=3) is detector
    assert detector.get_params()["components"] == 3
    with pytest.raises(EcganError, match="'components'"):
        detector.set_params(component=3)
    folds = StratifiedKFold(2, shuffle=True, random_state=0)
    assert np.array_equal(
        cross_val_score(detector, X, Y, cv=folds), cross_val_score(detector, X, Y, cv=folds, scoring="roc_auc")
    )
    flat = make_pipeline(FunctionTransformer(lambda x: x[:, 0]), detector)
    assert set(flat.fit(X).predict(X)) == {0, 1}
    check_is_fitted(detector)
    assert cross_val_score(flat, X, Y, cv=folds, scoring="average_precision").min() > 0.2
    search = GridSearchCV(detector, {"components": np.arange(2, 4)}, cv=folds, scoring="roc_auc").fit(X, Y)
    assert search.best_params_["components"] in (2, 3)


def test_a_fitted_detector_can_be_pickled(fitted: ecgan.Detector) -> None:
    copy = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(copy.decision_function(X), fitted.decision_scores_)


def test_explanations_tell_what_a_sample_was_taken_for(fitted: ecgan.Detector) -> None:
    found = fitted.explain(X[:3])
    assert found.reconstruction is not None
    assert found.residual is not None
    assert found.reconstruction.shape == found.residual.shape == (3, 1, 64)
    assert np.allclose(found.reconstruction + found.residual, X[:3], atol=1e-6)
    assert np.array_equal(found.components["reconstruction"], found.scores)
    assert np.array_equal(found.flagged, fitted.predict(X[:3]).astype(bool))
    assert fitted.reconstruct(X[:3, 0]).shape == (3, 64)
    assert len(found.plot(1).axes) == 1
    classical = ecgan.Detector("knn").fit(X)
    assert classical.explain(X).reconstruction is None
    with pytest.raises(EcganError, match="reconstructs nothing"):
        classical.reconstruct(X)


def test_residuals_are_what_the_score_measures() -> None:
    x, _ = samples(leads=2)
    x = 0.5 * x * np.array([[[1.0], [-0.5]]])
    found = ecgan.Detector("autoencoder", **MODEL, transformation="none").fit(x).explain(x)
    assert found.residual is not None
    assert np.allclose(found.scores, np.square(found.residual).mean(axis=(1, 2)), rtol=1e-5)


def test_a_classical_detector_sees_transformed_samples_of_the_training_half() -> None:
    detector = ecgan.Detector("knn", transformation="minmax").fit(X, Y)
    split, flat = detector.run_.scorer.trained.fold, np.float64(np.float32(X[:, 0]))
    low, high = flat[split.train].min(), flat[split.train].max()
    scaled = ((flat - low) / (high - low)).astype(np.float32)[:, None]
    direct = DETECTORS.get("knn")(DETECTORS.get("knn").Options())
    direct.fit(making.samples(scaled[split.train]))
    assert np.allclose(
        next(iter(direct.components(making.samples(scaled)).values())), detector.decision_scores_, rtol=1e-4
    )


def test_samples_of_several_leads() -> None:
    x, _ = samples(leads=2)
    detector = ecgan.Detector("autoencoder", **MODEL, leads=["II", "V1"], sampling_rate=128).fit(x)
    assert detector.run_.leads == ["II", "V1"]
    assert detector.run_.scorer.trained.expected.sampling_rate == 128
    assert len(detector.explain(x[:1]).plot().axes) == 2


REFUSED: list[tuple[Callable[[ecgan.Detector], Any], str]] = [
    (lambda _: ecgan.Detector("aegan", epoch=3), "'epochs'"),
    (lambda _: ecgan.Detector("aegan", epochs=-3), "epochs"),
    (lambda _: ecgan.Detector("aegan", train={"epoch": 3}), "'epochs'"),
    (lambda _: ecgan.Detector("aegan", tracker="wandb"), "tracker"),
    (lambda _: ecgan.Detector("pca", epochs=3), "epochs"),
    (lambda _: ecgan.Detector("aegam"), "'aegan'"),
    (lambda _: ecgan.Detector("anogan"), "detector='anogan'"),
    (lambda _: ecgan.Detector("knn", strategies=["smoothed"]), "smoothed"),
    (lambda _: ecgan.Detector("knn").fit(X[:, :, 0, None, None]), "shape"),
    (lambda _: ecgan.Detector("knn").fit(np.array([["a"]])), "numbers"),
    (lambda _: ecgan.Detector("knn").fit([[1.0, 2.0], [3.0]]), "length"),
    (lambda _: ecgan.Detector("knn").fit(np.full((9, 30), np.nan)), "9 of 9"),
    (lambda _: ecgan.Detector("knn").fit(np.full((9, 30), 1e300)), "9 of 9"),
    (lambda _: ecgan.Detector("knn").fit(X, Y[:5]), "labels"),
    (lambda _: ecgan.Detector("knn").fit(X, 2 * Y - 1), "-1"),
    (lambda _: ecgan.Detector("knn", threshold="best_f1").fit(X), "best_f1"),
    (lambda _: ecgan.Detector("autoencoder", **MODEL).fit(X[:1]), "too few"),
    (lambda _: ecgan.Detector("knn", leads=["II", "V1"]).fit(X), "1 leads"),
    (lambda _: ecgan.Detector("knn", centre=64).fit(X), "centre"),
    (lambda _: ecgan.Detector("knn").predict(X), "fitted"),
    (lambda _: ecgan.Detector("knn").save("nowhere"), "fitted"),
    (lambda fitted: fitted.predict(X[:, :, 1:]), "63 time steps"),
    (lambda fitted: fitted.predict(X.transpose(0, 2, 1)), "swapped"),
    (lambda _: ecgan.Detector("knn").fit(X.repeat(2, axis=1).transpose(0, 2, 1)), "swapped"),
    (lambda _: ecgan.read("nowhere.edf", sampling_rate="360"), "'360'"),  # type: ignore[arg-type]
    (lambda fitted: fitted.predict(np.where(X > 0.9, np.inf, X)), "infinity"),
    (lambda fitted: fitted.score(X, np.zeros(len(X))), "AUROC"),
    (lambda fitted: fitted.run_.score(np.zeros(5000), sampling_rate=360), "not cut from"),
    (lambda _: ecgan.load("nowhere"), "nowhere"),
    (lambda _: ecgan.read("nowhere.edf"), "nowhere.edf"),
    (lambda _: ecgan.load_dataset("ecgsyn", patient=3), "'patients'"),
    (lambda _: ecgan.load_dataset("ecgsyn", patients=0), "patients"),
    (lambda _: ecgan.load_dataset("ecgsin"), "'ecgsyn'"),
]


@pytest.mark.parametrize(("call", "words"), REFUSED)
def test_mistakes_are_said_in_a_sentence(call: Any, words: str, fitted: ecgan.Detector) -> None:
    with pytest.raises(EcganError) as caught:
        call(fitted)
    assert words in str(caught.value)


def test_what_is_no_recording_is_refused(of_beats: Path) -> None:
    run = ecgan.load(of_beats)
    with pytest.raises(EcganError, match="sampling_rate"):
        run.score(np.zeros(5000))
    with pytest.raises(EcganError, match="sampling_rate"):
        run.score(np.zeros(5000), sampling_rate=0)
    for empty in (np.zeros(0), np.zeros((0, 1))):
        with pytest.raises(EcganError, match="lasts 0 s"):
            run.score(empty, sampling_rate=360)
    with pytest.raises(EcganError, match="'360'"):
        run.score(np.zeros(5000), sampling_rate="360")  # type: ignore[arg-type]
    with pytest.raises(EcganError, match="2 columns"):
        run.score(np.zeros((5000, 2)), sampling_rate=360)
    with pytest.raises(EcganError, match=r"nowhere\.edf"):
        run.score("nowhere.edf")
    with pytest.raises(EcganError, match="array"):
        run.score([["a"]], sampling_rate=360)  # type: ignore[arg-type]


def test_a_recording_is_scored_as_the_command_does(of_beats: Path, recordings: Path, tmp_path: Path) -> None:
    file, out = recordings / "p01.hea", tmp_path / "out"
    assert score_stage.run([file], parse_reference(str(of_beats)), out)
    run = ecgan.load(of_beats)
    found = run.score(file)
    assert found.to_csv(tmp_path / "mine.csv").read_bytes() == (out / "p01.csv").read_bytes()
    assert found.to_html(tmp_path / "mine.html").read_bytes() == (out / "p01.html").read_bytes()
    assert found.to_wfdb(tmp_path / "mine").read_bytes() == (out / "p01.ecgan").read_bytes()
    assert found.summary["scored"] == int(found.beats["score"].notna().sum()) > 10
    record = ecgan.read(file)
    assert record.leads == ["MLII", "V1"]
    for signals, leads in ((record.signals, ["MLII", "V1"]), (record.signals[:, ::-1], ["V1", "MLII"])):
        again = run.score(signals, sampling_rate=record.sampling_rate, leads=leads)
        assert np.array_equal(again.beats["score"], found.beats["score"], equal_nan=True)
    table = pd.DataFrame(record.signals[:, ::-1], columns=["V1", "MLII"])
    again = run.score(table, sampling_rate=record.sampling_rate)
    assert np.array_equal(again.beats["score"], found.beats["score"], equal_nan=True)
    alone = run.score(record.signals[:, 0], sampling_rate=360, name="mine")
    assert np.array_equal(alone.beats["score"], found.beats["score"], equal_nan=True)
    assert alone.record.name == "mine"


def test_signals_in_another_unit_or_in_counts_have_the_same_scores(of_beats: Path, recordings: Path) -> None:
    run = ecgan.load(of_beats)
    record = ecgan.read(recordings / "p01.hea")
    signals = record.signals[:, [record.leads.index(lead) for lead in run.leads]]
    expected = run.score(signals, sampling_rate=record.sampling_rate).beats["score"]
    counts = np.rint(signals * 2000 + 500)
    for values, options in (
        (signals * 1000, {"unit": "uV"}),
        (signals / 1000, {"unit": "V"}),
        (counts, {"gain": 2000, "baseline": 500}),
    ):
        found = run.score(values, sampling_rate=record.sampling_rate, **options).beats["score"]
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
        with pytest.raises(EcganError, match="ECG"):
            run.score(values, sampling_rate=record.sampling_rate)
    with pytest.raises(EcganError, match="mmHg"):
        run.score(signals, sampling_rate=record.sampling_rate, unit="mmHg")


def test_annotated_beats_are_scored_where_a_record_has_them(of_beats: Path, recordings: Path) -> None:
    run, file = ecgan.load(of_beats), recordings / "p02.hea"
    marked = run.score(ecgan.read(file, annotator="atr")).beats
    assert np.array_equal(marked["score"], run.score(file, annotator="atr").beats["score"], equal_nan=True)
    assert "flagged_by_class" in run.score(ecgan.read(file, annotator="atr")).summary


def test_a_threshold_or_strategy_of_ones_own(of_beats: Path) -> None:
    assert ecgan.load(of_beats, threshold=0.5).threshold_ == 0.5
    assert ecgan.load(of_beats, threshold=0.5).threshold_from_ == "given"
    with pytest.raises(EcganError, match="lambda_grid"):
        ecgan.load(of_beats, strategy="lambda_grid")


def test_datasets_are_those_of_the_pipeline(tmp_path: Path) -> None:
    beats = ecgan.load_dataset("ecgsyn", tmp_path / "raw", patients=2, minutes=0.4, leads=["V1"])
    assert (tmp_path / "raw/p01.hea").is_file()
    assert beats.signals.shape == (len(beats), 1, 320)
    assert beats.signals.dtype == np.float32
    assert len(beats.table) == len(beats.labels) == len(beats)
    assert beats.about.leads == ["V1"]
    again = ecgan.load_dataset("ecgsyn", patients=2, minutes=0.4, leads=["V1"])
    assert np.array_equal(again.signals, beats.signals)
    assert np.allclose(np.round(beats.signals.astype(float), 4), beats.signals, atol=1e-6)


@pytest.fixture
def adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A detector with a context, registered as `toy`."""
    monkeypatch.setitem(DETECTORS._entries, "toy", ToyAdapter)


@pytest.mark.usefixtures("adapter")
def test_a_detector_with_a_context_takes_samples_and_looks_at_their_records(recordings: Path) -> None:
    beats = ecgan.load_dataset("ecgsyn", patients=3, minutes=0.5)
    detector = ecgan.Detector("toy").fit(beats)
    records = beats.records
    for record in np.unique(records):
        alone = detector.decision_function(beats[records == record])
        np.testing.assert_allclose(alone, detector.decision_scores_[records == record], rtol=1e-6)
    again = detector.predict(beats)
    assert np.array_equal(again, detector.labels_)
    assert np.array_equal(detector.explain(beats).scores, detector.decision_scores_)
    scored = detector.run_.score(recordings / "p01.hea").beats["score"]
    assert abs(np.nanmedian(scored) - 1) < 0.5, "the usual distance of this record is one"
    for wrong in (lambda: detector.predict(beats.signals), lambda: ecgan.Detector("toy").fit(beats.signals)):
        with pytest.raises(EcganError, match="do not know their records"):
            wrong()


@pytest.mark.parametrize("wanted", ["individual", "whitening"])
def test_a_detector_in_the_records_own_scale_is_given_samples_as_they_are(wanted: str, tmp_path: Path) -> None:
    data = ecgan.load_dataset("ecgsyn", patients=2, minutes=0.5)
    plain, other = (ecgan.Detector("patient_specific", transformation=name).fit(data) for name in ("none", wanted))
    np.testing.assert_array_equal(other.decision_function(data), plain.decision_function(data))
    learned = ecgan.Detector("pca", transformation=wanted).fit(data.signals, data.class_ids)
    for detector, name in ((other, "none"), (learned, wanted)):
        detector.save(tmp_path / name)
        found = json.loads((tmp_path / name / "train" / "fold_0" / "input.json").read_text())
        assert found["transformation"]["name"] == name


def test_samples_are_scored_by_their_leads_and_their_labels_do_not_count() -> None:
    beats = ecgan.load_dataset("ecgsyn", patients=2, minutes=0.4, leads=["MLII", "V1"])
    detector = ecgan.Detector("knn").fit(beats.with_leads(["V1"]))
    assert np.array_equal(detector.decision_function(beats), detector.decision_scores_)
    assert np.array_equal(ecgan.Detector("knn").fit(beats.signals[:, 1]).decision_scores_, detector.decision_scores_)
    with pytest.raises(EcganError, match="reconstructs nothing"):
        detector.reconstruct(beats)
    with pytest.raises(EcganError, match="no lead V1"):
        detector.predict(beats.with_leads(["MLII"]))


@pytest.mark.parametrize("other", [{"sampling_rate": 250.0}, {"unit": "uV"}])
def test_samples_of_another_rate_or_unit_are_refused(other: dict[str, Any]) -> None:
    beats = ecgan.load_dataset("ecgsyn", patients=1, minutes=0.4)
    detector = ecgan.Detector("knn").fit(beats)
    strange = replace(beats, about=replace(beats.about, **other))
    with pytest.raises(EcganError, match=str(next(iter(other.values())))):
        detector.decision_function(strange)


def test_samples_are_reconstructed_as_their_signals_are(of_beats: Path) -> None:
    run, beats = ecgan.load(of_beats), ecgan.load_dataset("ecgsyn", patients=1, minutes=0.4)
    assert np.array_equal(run.reconstruct(beats), run.reconstruct(beats.signals))
    assert np.array_equal(run.reconstruct(beats)[:, 0], run.reconstruct(beats.signals[:, 0]))


def test_what_needs_a_model_refuses_the_run_of_a_classical_detector(tmp_path: Path) -> None:
    folder = ecgan.Detector("knn").fit(X).save(tmp_path / "run")
    assert load_fold_of(folder, 0, "best").version is None
    with pytest.raises(EcganError, match="classical"):
        load_trained(folder, 0, "best")
    with pytest.raises(EcganError, match="without a model"):
        _ = ecgan.load(folder).scorer.members[0].network


def test_only_a_run_may_be_without_models() -> None:
    values = {"dataset": "ecgsyn", "models": []}
    assert resolve_params(Document("", values), models=False, plugins=False).models == []
    with pytest.raises(EcganError, match="models"):
        resolve_params(Document("", values), models=False)


def test_the_choice_of_the_strategies_is_the_one_that_was_asked_for() -> None:
    scales = {}
    for choice in ("best", "stable"):
        detector = ecgan.Detector("aegan", **MODEL, choice=choice, strategies=["lambda_grid"]).fit(X, Y)
        scales[choice] = type(detector.run_.scorer.members[0].fitted.strategies["lambda_grid"].scales[0]).__name__
    assert scales == {"best": "Range", "stable": "NormalScores"}


def test_a_class_that_the_samples_do_not_have_is_refused() -> None:
    beats = ecgan.load_dataset("sine")
    labels = beats.labels.copy()
    labels[0] = 9
    with pytest.raises(EcganError, match="class 9"):
        ecgan.Detector("knn").fit(beats, labels)


def test_a_folder_that_is_no_run_is_not_replaced(fitted: ecgan.Detector, tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "mine.csv").write_text("mine")
    with pytest.raises(EcganError, match="no run"):
        fitted.save(tmp_path, overwrite=True)
    assert (tmp_path / "train" / "mine.csv").read_text() == "mine"
