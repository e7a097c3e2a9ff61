"""Which detectors go with which models, in the words of the parameter files."""

import pytest
import yaml

from ecgan.config import load_detection, load_params, render_detection, render_params
from ecgan.detection.strategies.reconstruction import Reconstruction
from ecgan.errors import EcganError
from ecgan.registry import DETECTORS, STRATEGIES, strategies_of

CLASSICAL = [name for name in DETECTORS.names() if not DETECTORS.get(name).needs_model]


def _written(tmp_path, models, **overrides):
    path = tmp_path / "params.yaml"
    path.write_text(render_params("ecgsyn", models, overrides=overrides))
    return path


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_classical_detector_may_score_latents_and_beats(tmp_path, name):
    params = load_params(_written(tmp_path, ["aegan"], detect={"detector": name, "classical": [name]}))
    assert params.detect.strategies == ["plain"]
    assert list(params.detectors) == [name]


@pytest.mark.parametrize("name", DETECTORS.names())
def test_the_classic_file_takes_every_detector(tmp_path, name):
    path = tmp_path / "ad_config.yml"
    path.write_text(render_detection("models/a/b/c:best", "a", "b", "c", detector=name))
    found = load_detection(path)
    assert found.detect.detector == name
    assert found.detect.strategies == list(DETECTORS.get(name).strategies)
    assert isinstance(found.detectors[name], DETECTORS.get(name).Options)


def test_a_classifier_brings_the_detector_that_it_needs(tmp_path):
    params = load_params(_written(tmp_path, ["cnn"]))
    assert (params.detect.detector, params.detect.strategies) == ("argmax", ["plain"])
    assert load_params(_written(tmp_path, ["aegan"])).detect.detector == "inverse_mapping"


@pytest.mark.parametrize(
    ("models", "detector", "words"),
    [
        (["cnn"], "knn", "found 'knn', and the model 'cnn' is a classifier; allowed with it: argmax"),
        (["aegan"], "argmax", "found 'argmax', and the model 'aegan' is generative; allowed with it: inverse_mapping"),
        (["aegan", "cnn"], "inverse_mapping", "classifiers and generative models need a file each"),
    ],
)
def test_detectors_of_the_other_kind_are_one_sentence_with_the_line(tmp_path, models, detector, words):
    with pytest.raises(EcganError, match=words):
        render_params("ecgsyn", models, overrides={"detect": {"detector": detector, "strategies": ["plain"]}})
    path = _written(tmp_path, models[:1])
    text = path.read_text()
    ours = yaml.safe_load(text)["detect"]["detector"]
    other = "knn" if ours == "argmax" else "argmax"
    strategies = next(line for line in text.splitlines() if line.startswith("  strategies:"))
    path.write_text(
        text.replace(f"detector: {ours}", f"detector: {other}").replace(strategies, "  strategies: [plain]")
    )
    line = next(n for n, row in enumerate(path.read_text().splitlines(), 1) if row == f"  detector: {other}")
    with pytest.raises(EcganError, match=rf"line {line}: detect\.detector: found '{other}', and the model"):
        load_params(path)
    load_params(path, models=False)  # a stage that does not look at models does not import them


def test_strategies_of_another_detector_are_refused(tmp_path):
    with pytest.raises(EcganError, match="allowed with the detector 'lof': plain"):
        _written(tmp_path, ["aegan"], detect={"detector": "lof", "strategies": ["svm_lambda"]})


@pytest.mark.parametrize("name", ["inverse_mapping", "argmax"])
def test_what_needs_a_model_is_not_classical(tmp_path, name):
    with pytest.raises(EcganError, match=f"found '{name}', which scores through a trained model"):
        _written(tmp_path, ["aegan"], detect={"classical": [name]})


def test_gamma_is_a_number_or_scale(tmp_path):
    for value in (0.5, "scale"):
        path = _written(tmp_path, ["aegan"], detect={"classical": ["ocsvm"]}, detectors={"ocsvm": {"gamma": value}})
        assert load_params(path).detectors["ocsvm"].gamma == value
    for value in (0, "auto"):
        with pytest.raises(EcganError, match=r"detectors\.ocsvm\.gamma: found"):
            _written(tmp_path, ["aegan"], detect={"classical": ["ocsvm"]}, detectors={"ocsvm": {"gamma": value}})


def test_a_fixed_threshold_is_for_one_score() -> None:
    def written(**detect):
        return render_params(
            "ecgsyn", ["aegan"], overrides={"detect": {"threshold": "fixed", "threshold_value": 0.1} | detect}
        )

    assert "threshold_value: 0.1" in written(strategies=["reconstruction"], classical=[])
    with pytest.raises(EcganError, match="6 strategies with one fixed threshold"):
        written(classical=[])
    with pytest.raises(EcganError, match="beside a fixed threshold"):
        written(strategies=["reconstruction"])


class Mine(Reconstruction):
    needs = ("smoothed", "latent")


def test_a_strategy_of_ones_own_runs_with_the_detectors_that_give_what_it_needs(tmp_path, monkeypatch):
    with pytest.raises(EcganError, match=r"found 'mine' .text.; allowed with the detector 'inverse_mapping': recon"):
        load_params(_written(tmp_path, ["aegan"], detect={"strategies": ["mine"]}))
    monkeypatch.setitem(STRATEGIES._entries, "mine", Mine)
    for name in ("inverse_mapping", "anogan"):
        path = _written(tmp_path, ["aegan"], detect={"detector": name, "strategies": ["mine", "smoothed"]})
        assert load_params(path).detect.strategies == ["mine", "smoothed"]
        assert ", mine." in " ".join(path.read_text().replace("#", " ").split()), "the comment lists it"
    assert load_params(_written(tmp_path, ["aegan"])).detect.strategies == list(DETECTORS.get("anogan").strategies)
    with pytest.raises(EcganError, match=r"found 'mine' .text.; allowed with the detector 'knn': plain"):
        load_params(_written(tmp_path, ["aegan"], detect={"detector": "knn", "strategies": ["mine"]}))


def test_a_detector_is_weighed_by_its_own_strategies_and_those_that_need_no_more_than_it_gives(monkeypatch):
    monkeypatch.setitem(STRATEGIES._entries, "mine", Mine)
    assert strategies_of(DETECTORS.get("knn")) == ["plain"]
    assert strategies_of(DETECTORS.get("inverse_mapping"))[-1] == "mine"
    monkeypatch.setattr(Mine, "needs", ("smoothed", "path_length"))
    assert "mine" not in strategies_of(DETECTORS.get("inverse_mapping"))


def test_a_name_is_taken_once():
    with pytest.raises(EcganError, match="the strategy name 'smoothed' is registered twice"):
        STRATEGIES.register("smoothed")(Mine)
