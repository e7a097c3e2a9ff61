"""A fitted detector as a whole: fitted on the right data, saved, taken back, refused when broken."""

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgan import seals
from ecgan.detection import fitted as fitted_module
from ecgan.detection.base import Mapping
from ecgan.detection.fitted import (
    ARRAYS_FILE,
    VALUES_FILE,
    FittedDetector,
    check_strategies,
    fit_detector,
    load_detector,
    save_detector,
    usable,
)
from ecgan.detection.latents import OnLatents, build
from ecgan.detection.thresholds import fit_threshold
from ecgan.errors import EcganError
from ecgan.registry import DETECTORS
from tests.making import samples


@pytest.fixture
def sealed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test changes is sealed as by its writer: what comes after the seal is tried."""

    def check(folder: Path, *arguments: Any, **options: Any) -> Any:
        seals.seal(folder)
        return seals.check_seal(folder, *arguments, **options)

    monkeypatch.setattr(fitted_module, "check_seal", check)


MODEL_STRATEGIES = DETECTORS.get("inverse_mapping").strategies


def _mapping(features=True):
    basis = np.random.default_rng(9).normal(size=(32, 4)).astype(np.float32) / 5
    return Mapping(
        invert=lambda x: x.reshape(len(x), -1) @ basis,
        decode=lambda z: (z @ basis.T).reshape(len(z), 1, 32),
        features=(lambda x: np.tanh(x.reshape(len(x), -1))) if features else None,
        search=lambda x, options, seed: (x.reshape(len(x), -1) @ basis, np.abs(x).sum(axis=(1, 2))),
    )


def _beats(n, seed, abnormal=0.4):
    rng = np.random.default_rng(seed)
    labels = ((rng.random(n) < abnormal) * rng.integers(1, 4, n)).astype(np.int64)
    time = np.linspace(0, 2 * np.pi, 32)
    x = np.sin(time + rng.normal(size=(n, 1))) + 0.2 * rng.normal(size=(n, 32))
    x[labels > 0] += 1.3 * rng.normal(size=((labels > 0).sum(), 1)) * np.cos(3 * time)
    return x[:, None, :].astype(np.float32), labels


def _train():
    return samples(_beats(150, 0, 0.0)[0])


def _vali():
    x, labels = _beats(120, 1)
    return samples(x), labels


def _classifier(classes=4):
    weights = np.random.default_rng(8).normal(size=(32, classes)).astype(np.float32)
    return Mapping(None, None, logits=lambda x: x.reshape(len(x), -1) @ weights)


def _model(name):
    cls = DETECTORS.get(name)
    return (_classifier() if cls.classifies else _mapping()) if cls.needs_model else None


def _detector(name, mapping=None):
    cls = DETECTORS.get(name)
    return cls(cls.Options(), mapping or _model(name), seed=3)


def _fit(name="inverse_mapping", **keywords):
    detector = _detector(name)
    return fit_detector(detector, detector.available_strategies(), _train(), *_vali(), **keywords)


def _bytes(scored):
    return [
        {k: v.tobytes() for k, v in part.items()} for part in (scored.components, scored.scores, scored.predictions)
    ]


@pytest.fixture(params=[name for name in DETECTORS.names() if not DETECTORS.get(name).context])
def name(request):
    return request.param


def test_a_folder_gives_back_the_same_bytes(name, tmp_path):
    fitted = _fit(name)
    save_detector(tmp_path, fitted)
    restored = load_detector(tmp_path, _model(name))
    x = _beats(80, 2)[0]
    assert _bytes(restored.score(samples(x))) == _bytes(fitted.score(samples(x)))
    assert list(restored.strategies) == list(fitted.strategies)
    for strategy in fitted.strategies:
        assert restored.describe(strategy, "loss") == fitted.describe(strategy, "loss")


def test_the_same_fit_writes_the_same_files(name, tmp_path):
    for folder in ("a", "b"):
        save_detector(tmp_path / folder, _fit(name))
    for file in (VALUES_FILE, ARRAYS_FILE):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == sorted([VALUES_FILE, ARRAYS_FILE, seals.NAME])


def test_every_strategy_has_scores_and_decisions_that_agree():
    fitted = _fit()
    scored = fitted.score(samples(_beats(80, 2)[0]))
    assert set(scored.scores) == set(scored.predictions) == set(MODEL_STRATEGIES)
    for strategy, values in scored.scores.items():
        assert values.dtype == np.float64
        assert (scored.predictions[strategy] == (values >= fitted.thresholds[strategy].value)).all()


@pytest.mark.parametrize("threshold", ["best_f1", "quantile"])
def test_scoring_other_data_changes_nothing_that_was_fitted(threshold, tmp_path):
    for folder, seed in (("a", 5), ("b", 6)):
        fitted = _fit(threshold=threshold)
        fitted.score(samples(_beats(60, seed)[0]))
        save_detector(tmp_path / folder, fitted)
    for file in (VALUES_FILE, ARRAYS_FILE):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_label_of_the_fit_half_does_move_what_is_fitted():
    x, labels = _vali()
    other = labels.copy()
    other[labels == 0] = np.arange((labels == 0).sum()) % 2
    train = _train()
    first = fit_detector(_detector("inverse_mapping"), MODEL_STRATEGIES, train, x, labels)
    second = fit_detector(_detector("inverse_mapping"), MODEL_STRATEGIES, train, x, other)
    assert first.thresholds["reconstruction"] != second.thresholds["reconstruction"]
    assert first.detector.state().values == second.detector.state().values


def test_the_quantile_needs_no_abnormal_label():
    x, _ = _beats(100, 1, 0.0)
    labels = np.zeros(100, np.int64)
    fitted = fit_detector(_detector("knn"), ["plain"], _train(), samples(x), labels, threshold="quantile")
    assert fitted.score(samples(x)).predictions["plain"].sum() == 5
    with pytest.raises(EcganError, match="'best_f1' needs some"):
        fit_detector(_detector("knn"), ["plain"], _train(), samples(x), labels)


def test_describe_is_the_entry_of_metrics_json():
    entry = _fit().describe("lambda_gamma_grid", "loss")
    assert entry["supervision"] == "S"
    assert entry["threshold"]["method"] == "best_f1"
    assert set(entry["parameters"]) == {"lambda", "gamma"}
    assert _fit("pca").describe("plain", None)["supervision"] == "U"


def test_a_strategy_that_the_model_cannot_feed_is_refused_before_anything_is_computed():
    detector = _detector("inverse_mapping", _mapping(features=False))
    with pytest.raises(EcganError, match="does not give all of them") as caught:
        check_strategies(detector, ["reconstruction", "svm_lambda"])
    assert "reconstruction, smoothed" in caught.value.hint
    assert "svm" not in caught.value.hint
    detector.fit = lambda train: pytest.fail("fitted all the same")
    with pytest.raises(EcganError, match="does not give all of them"):
        fit_detector(detector, ["svm_lambda"], _train(), *_vali())


def test_strategies_of_another_detector_and_unknown_ones_are_refused():
    with pytest.raises(EcganError, match="'knn' has no strategy 'lambda_grid'"):
        check_strategies(_detector("knn"), ["lambda_grid"])
    with pytest.raises(EcganError, match=r"'svm_lamda'.*'svm_lambda'"):
        check_strategies(_detector("inverse_mapping"), ["svm_lamda"])


def test_a_detector_that_breaks_the_contract_is_named(monkeypatch):
    detector = _detector("pca")
    monkeypatch.setattr(detector, "components", lambda x: {"reconstruction": np.zeros((len(x), 1), np.float32)})
    with pytest.raises(EcganError, match=r"'pca'.*'reconstruction'.*\(120, 1\).*float32"):
        fit_detector(detector, ["plain"], _train(), *_vali())


def test_components_of_a_users_detector_that_are_not_finite_are_refused(monkeypatch):
    detector = _detector("pca")
    monkeypatch.setattr(detector, "components", lambda x: {"reconstruction": np.full(len(x), np.nan)})
    with pytest.raises(EcganError, match=r"'reconstruction'.* finite .*120 of 120"):
        fit_detector(detector, ["plain"], _train(), *_vali())


LATENTS = ["knn", "pca", "kmeans", "lof", "isolation_forest", "ocsvm"]


def _on_latents(name):
    cls = DETECTORS.get(name)
    options = {"components": 2} if name == "pca" else {}
    return build(cls, cls.Options(**options), _mapping(), seed=3)


@pytest.mark.parametrize("name", LATENTS)
def test_a_classical_detector_on_latents_sees_what_the_mapping_gives(name, tmp_path):
    train, (x, labels) = _beats(150, 0, 0.0)[0], _beats(120, 1)
    fitted = fit_detector(_on_latents(name), ["plain"], samples(train), samples(x), labels)
    cls = DETECTORS.get(name)
    options = {"components": 2} if name == "pca" else {}
    plain, invert = cls(cls.Options(**options), seed=3), _mapping().invert
    plain.fit(samples(invert(train)[:, None]))
    (values,) = plain.components(samples(invert(x)[:, None])).values()
    assert fitted.score(samples(x)).scores["plain"].tobytes() == values.tobytes()
    save_detector(tmp_path, fitted)
    restored = load_detector(tmp_path, _mapping())
    assert isinstance(restored.detector, OnLatents)
    assert _bytes(restored.score(samples(x))) == _bytes(fitted.score(samples(x)))
    assert restored.describe("plain", "loss") == fitted.describe("plain", "loss")
    with pytest.raises(EcganError, match="fitted on a model's latents, and no model was given"):
        load_detector(tmp_path)


def test_a_detector_fitted_on_beats_stays_on_beats_whatever_model_is_at_hand(tmp_path):
    save_detector(tmp_path, _fit("knn"))
    assert not isinstance(load_detector(tmp_path, _mapping()).detector, OnLatents)


def test_latents_that_are_not_finite_are_refused():
    detector = _on_latents("isolation_forest")
    broken = _beats(9, 4)[0]
    broken[2:5, 0, 0] = np.inf
    with pytest.raises(EcganError, match="'latent' is not a finite number for 3 of 9"), np.errstate(all="ignore"):
        detector.fit(samples(broken))


def test_detectors_of_classifiers_and_of_generative_models_are_not_exchanged():
    for name in ("inverse_mapping", "knn"):
        cls = DETECTORS.get(name)
        with pytest.raises(EcganError, match="the model is a classifier"):
            build(cls, cls.Options(), _classifier(), seed=0)
    cls = DETECTORS.get("argmax")
    with pytest.raises(EcganError, match="the model is generative"):
        build(cls, cls.Options(), _mapping(), seed=0)
    with pytest.raises(EcganError, match="needs a classifier"):
        cls(cls.Options()).fit(samples(_beats(5, 0)[0]))


def test_a_classifier_names_classes_and_its_rows_are_supervised(tmp_path):
    fitted = _fit("argmax")
    x = _beats(80, 2)[0]
    logits = _classifier().logits(x)
    assert (fitted.classify(samples(x)) == logits.argmax(axis=1)).all()
    assert fitted.describe("plain", "loss")["supervision"] == "S"
    save_detector(tmp_path, fitted)
    restored = load_detector(tmp_path, _classifier())
    assert (restored.classify(samples(x)) == fitted.classify(samples(x))).all()
    assert _fit("knn").classify(samples(x)) is None
    with pytest.raises(EcganError, match=r"logits \(80, 3\); expected \(80, 4\)"):
        load_detector(tmp_path, _classifier(3)).score(samples(x))


def test_strategies_that_the_model_cannot_feed_are_left_out_but_never_all():
    detector = _detector("inverse_mapping", _mapping(features=False))
    assert usable(detector, list(MODEL_STRATEGIES)) == list(detector.available_strategies())
    with pytest.raises(EcganError, match="does not give all of them"):
        usable(detector, ["svm_lambda"])
    with pytest.raises(EcganError, match="no strategy 'plain'"):
        usable(detector, ["reconstruction", "plain"])


class _Gadget:
    def __reduce__(self):
        return (print, ("executed",))


def _edit(folder, change):
    path = folder / VALUES_FILE
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def _replace_arrays(folder, content):
    (folder / ARRAYS_FILE).write_bytes(content)
    _edit(folder, lambda stored: stored.update(arrays_sha256=hashlib.sha256(content).hexdigest()))


@pytest.fixture
def folder(tmp_path):
    save_detector(tmp_path, _fit())
    return tmp_path


@pytest.mark.parametrize(
    ("kind", "rename"),
    [
        ("detector", lambda s: s.update(detector="own")),
        ("strategy", lambda s: s.update(order=["own"], strategies={"own": s["strategies"]["smoothed"]})),
    ],
)
@pytest.mark.usefixtures("sealed_anew")
def test_a_part_that_may_be_the_users_own_is_asked_for(folder, kind, rename):
    _edit(folder, rename)
    with pytest.raises(EcganError, match=f"there is no {kind} 'own'") as caught:
        load_detector(folder, _mapping())
    assert "--plugin FILE" in caught.value.hint


@pytest.mark.usefixtures("sealed_anew")
def test_a_pickle_in_the_place_of_the_arrays_is_not_run(folder, capsys):
    _replace_arrays(folder, pickle.dumps(_Gadget()))
    with pytest.raises(EcganError, match="safetensors file"):
        load_detector(folder, _mapping())
    assert "executed" not in capsys.readouterr().out


@pytest.mark.usefixtures("sealed_anew")
def test_a_pickle_in_the_place_of_the_values_is_not_run(folder, capsys):
    (folder / VALUES_FILE).write_bytes(pickle.dumps(_Gadget()))
    with pytest.raises(EcganError, match="not JSON"):
        load_detector(folder, _mapping())
    assert "executed" not in capsys.readouterr().out


@pytest.mark.parametrize("keep", [0, 4, 100])
def test_truncated_arrays_are_refused(folder, keep):
    content = (folder / ARRAYS_FILE).read_bytes()[:keep]
    (folder / ARRAYS_FILE).write_bytes(content)
    with pytest.raises(EcganError, match=r"detector\.safetensors is damaged"):
        load_detector(folder, _mapping())
    _replace_arrays(folder, content)
    with pytest.raises(EcganError, match="damaged"):
        load_detector(folder, _mapping())


def test_arrays_of_another_run_are_refused(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    save_detector(other, _fit("pca"))
    (folder / ARRAYS_FILE).write_bytes((other / ARRAYS_FILE).read_bytes())
    with pytest.raises(EcganError, match=r"detector\.safetensors is damaged"):
        load_detector(folder, _mapping())


@pytest.mark.parametrize("file", [VALUES_FILE, ARRAYS_FILE])
def test_a_missing_file_is_named(folder, file):
    (folder / file).unlink()
    with pytest.raises(EcganError, match=file):
        load_detector(folder, _mapping())


@pytest.mark.usefixtures("sealed_anew")
def test_truncated_values_are_refused(folder):
    path = folder / VALUES_FILE
    path.write_text(path.read_text()[:-40])
    with pytest.raises(EcganError, match="not JSON"):
        load_detector(folder, _mapping())


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.update(format=1),
        lambda s: s.update(detector="nothing"),
        lambda s: s.update(detector=["knn"]),
        lambda s: s.update(detector="knn"),
        lambda s: s.update(options={"discrimination": "coin"}),
        lambda s: s.update(input="latents"),
        lambda s: s.update(input=["samples"]),
        lambda s: s.pop("input"),
        lambda s: s.update(options=None),
        lambda s: s.update(seed="three"),
        lambda s: s.update(values={"latent_mode": None}),
        lambda s: s.update(values=[1]),
        lambda s: s.update(order=["reconstruction"]),
        lambda s: s.update(order=None),
        lambda s: s.pop("strategies"),
        lambda s: s["strategies"].update(reconstruction=7),
        lambda s: s["strategies"]["lambda_grid"].update(threshold={"method": "guess", "value": 1}),
        lambda s: s["strategies"]["lambda_grid"].update(threshold={"method": "best_f1", "value": None}),
        lambda s: s["strategies"]["lambda_grid"].update(threshold={"method": ["best_f1"], "value": 1}),
        lambda s: s["strategies"]["lambda_grid"]["values"].update(weights={"reconstruction": "1"}),
        lambda s: s["strategies"]["svm_lambda"]["values"].pop("intercept"),
        lambda s: s["strategies"]["svm_lambda"].update(values=None),
    ],
)
def test_values_that_do_not_fit_are_refused(folder, change):
    _edit(folder, change)
    with pytest.raises(EcganError, match=VALUES_FILE):
        load_detector(folder, _mapping())


@pytest.mark.usefixtures("sealed_anew")
def test_a_list_in_the_place_of_the_values_is_refused(folder):
    (folder / VALUES_FILE).write_text("[]")
    with pytest.raises(EcganError, match="lacks the value"):
        load_detector(folder, _mapping())


def test_scores_of_a_model_that_diverged_are_refused():
    fitted = _fit()
    broken = _beats(9, 4)[0]
    broken[2:5, 0, 0] = np.inf
    with pytest.raises(EcganError, match="3 of 9 samples"), np.errstate(all="ignore"):
        fitted.score(samples(broken))
    assert isinstance(fitted, FittedDetector)


@pytest.mark.parametrize("method", ["best_f1", "quantile"])
def test_every_strategy_has_a_threshold_tuned_for_its_own_score(method: str) -> None:
    train, _ = _beats(80, 1, abnormal=0.0)
    vali, labels = _beats(120, 2)
    fitted = fit_detector(
        _detector("inverse_mapping"), MODEL_STRATEGIES, samples(train), samples(vali), labels, threshold=method
    )
    scores = fitted.score(samples(vali)).scores
    for name in MODEL_STRATEGIES:
        assert fitted.thresholds[name] == fit_threshold(scores[name], labels, method), name
    assert len({threshold.value for threshold in fitted.thresholds.values()}) >= 3
