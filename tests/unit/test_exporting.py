"""A run as an ONNX file: the same scores in another program, or no file."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from typer.testing import CliRunner

import ecgan
from ecgan.arrays import F32
from ecgan.cli import app
from ecgan.errors import EcganError
from ecgan.exporting import writing
from ecgan.exporting.writing import check_parity, export, trial_samples
from ecgan.models.base import model_input
from ecgan.preprocessing.inputs import bare
from ecgan.preprocessing.transformations import TRANSFORMATIONS
from ecgan.references import Reference
from ecgan.registry import MODELS
from ecgan.scoring.scorer import Scorer
from tests.members import ALL, LEADS, LENGTH, Nothing, member, scorer


def beats(count: int, seed: int = 9) -> F32:
    return np.random.default_rng(seed).normal(size=(count, 2, LENGTH)).cumsum(axis=2).astype(np.float32)


def ran(path: Path, x: F32) -> dict[str, Any]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(None, {session.get_inputs()[0].name: x}), strict=True))


def same(run: Scorer, path: Path, x: F32) -> None:
    """What the file gives for x is what the run gives."""
    found, judged = ran(path, x), run.judge(bare(x, run.trained.expected))
    for name, wanted in (judged.components | {"score": judged.scores[run.strategy]}).items():
        assert found[name].dtype == np.float64
        np.testing.assert_allclose(found[name], wanted, rtol=1e-3, atol=1e-4 * np.median(np.abs(wanted)), err_msg=name)
    assert found["flagged"].dtype == np.bool_
    far = np.abs(judged.scores[run.strategy] - run.threshold) > 1e-3 * np.abs(judged.scores[run.strategy]).max()
    np.testing.assert_array_equal(found["flagged"][far], (judged.scores[run.strategy] >= run.threshold)[far])
    assert set(found) == {*judged.components, "score", "flagged"}


OURS = [name for name in MODELS.names() if MODELS.get(name).__module__.startswith("ecgan.")]


@pytest.mark.parametrize("name", [name for name in OURS if not MODELS.get(name).context])
def test_the_file_of_every_model_gives_the_scores_of_the_run(name: str, tmp_path: Path) -> None:
    run = scorer(member(name))
    export(run, tmp_path / "model.onnx")
    for count in (1, 2, 37):
        same(run, tmp_path / "model.onnx", beats(count))


@pytest.mark.parametrize("transformation", list(TRANSFORMATIONS))
def test_samples_go_in_as_they_were_cut(transformation: str, tmp_path: Path) -> None:
    run = scorer(member("vae", transformation))
    export(run, tmp_path / "model.onnx")
    same(run, tmp_path / "model.onnx", beats(20))


KINDS = ("feature_matching", "target_value", "log")


@pytest.mark.parametrize(
    ("strategy", "kind"), [(one, KINDS[0]) for one in ALL] + [("svm_lambda_gamma", kind) for kind in KINDS[1:]]
)
def test_every_strategy_and_every_kind_of_discrimination(strategy: str, kind: str, tmp_path: Path) -> None:
    run = scorer(member(kind=kind), strategy=strategy)
    outputs = export(run, tmp_path / "model.onnx")
    assert ("discrimination" in outputs) == (strategy not in ("reconstruction", "smoothed"))
    same(run, tmp_path / "model.onnx", beats(20))
    same(run, tmp_path / "model.onnx", 0.1 * beats(20))


@pytest.mark.parametrize("strategy", ["lambda_gamma_grid", "svm_lambda_gamma"])
def test_the_published_choice_is_exported_too(strategy: str, tmp_path: Path) -> None:
    run = scorer(member(choice="best"), strategy=strategy)
    export(run, tmp_path / "model.onnx")
    same(run, tmp_path / "model.onnx", 3 * beats(20))


def test_several_folds_are_exported_as_their_mean(tmp_path: Path) -> None:
    run = scorer(member(seed=0), member(seed=1))
    export(run, tmp_path / "model.onnx")
    same(run, tmp_path / "model.onnx", beats(20))
    assert len(run.members) == 2


def test_the_file_says_what_it_needs_and_is_the_same_when_written_again(tmp_path: Path) -> None:
    run = scorer(member())
    for name in ("one.onnx", "two.onnx"):
        export(run, tmp_path / name)
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()
    meta = onnxruntime.InferenceSession(str(tmp_path / "one.onnx")).get_modelmeta().custom_metadata_map
    facts = {key: json.loads(value) for key, value in meta.items()}
    assert facts["leads"] == LEADS
    assert (facts["sampling_rate_hz"], facts["length"], facts["unit"], facts["r_peak"]) == (360.0, LENGTH, "mV", 20)
    assert facts["classes"] == ["N", "S", "V"]
    assert (facts["strategy"], facts["threshold"]) == ("reconstruction", run.threshold)
    assert (facts["version"], facts["folds"]) == (["v03"], [0])
    assert str(tmp_path).encode() not in (tmp_path / "one.onnx").read_bytes()


def test_a_graph_that_disagrees_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, other = scorer(member(seed=0)), scorer(member(seed=1))
    export(other, tmp_path / "other.onnx")
    content = (tmp_path / "other.onnx").read_bytes()
    with pytest.raises(EcganError, match="disagrees with the run: reconstruction of trial sample"):
        check_parity(content, run, ["reconstruction", "discrimination", "latent", "smoothed", "score", "flagged"])
    monkeypatch.setattr(writing, "_described", lambda *_: content)
    with pytest.raises(EcganError, match="Nothing was written"):
        export(run, tmp_path / "run.onnx")
    assert not (tmp_path / "run.onnx").exists()


def test_a_graph_with_another_threshold_is_not_written(tmp_path: Path) -> None:
    run = scorer(member())
    outputs = export(run, tmp_path / "run.onnx")
    scores = run.judge(bare(trial_samples(LENGTH, 2), run.trained.expected)).scores["reconstruction"]
    other = Scorer("a run", run.members, run.strategy, float(np.median(scores)), "given")
    with pytest.raises(EcganError, match="does not decide by the run's threshold"):
        check_parity((tmp_path / "run.onnx").read_bytes(), other, outputs)


def test_what_onnx_cannot_express_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = scorer(member("vae"), strategy="reconstruction")
    monkeypatch.setattr(writing.Graph, "forward", lambda _, x: (torch.special.bessel_j0(x.sum((1, 2))),) * 3)
    with pytest.raises(EcganError, match=r"'vae' does what ONNX cannot express: .*bessel_j0"):
        export(run, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_trial_samples_are_of_many_kinds() -> None:
    x = trial_samples(LENGTH, 3)
    assert x.dtype == np.float32
    assert np.isfinite(x).all()
    extent = np.ptp(x, axis=2).max(axis=1)
    assert (extent == 0).sum() >= 3
    assert ((extent > 0) & (extent < 0.01)).any()
    assert (extent > 100).any()


def test_what_searches_cannot_be_exported(tmp_path: Path) -> None:
    for run, word in (
        (scorer(member(inversion="search")), "the inverse mapping 'search' cannot be exported"),
        (scorer(member(detector="knn")), "the detector 'knn' cannot be exported"),
    ):
        with pytest.raises(EcganError, match=word):
            export(run, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_strategy_of_ones_own_cannot_be_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = member()
    own = type("Mine", (type(one.fitted.strategies["smoothed"]),), {"__module__": "mine"})
    monkeypatch.setitem(one.fitted.strategies, "smoothed", own())
    with pytest.raises(EcganError, match="the strategy 'smoothed' cannot be exported") as caught:
        export(scorer(one, strategy="smoothed"), tmp_path / "model.onnx")
    assert "--strategy" in caught.value.hint
    assert not list(tmp_path.iterdir())
    export(scorer(one, strategy="reconstruction"), tmp_path / "model.onnx")


@pytest.mark.parametrize("of", ["detector", "model"])
def test_what_looks_at_more_than_a_sample_cannot_be_exported(
    of: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = scorer(member("vae"))
    detector = run.members[0].fitted.detector
    if of == "detector":
        monkeypatch.setattr(type(detector), "context", ("record",))
    else:
        monkeypatch.setattr(detector, "mapping", replace(detector.model, context=("record",)))
    with pytest.raises(EcganError, match=r"more than a sample \(record\) cannot be exported"):
        export(run, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ecgan.Samples]:
    """The folder of a run whose model is told of a sample's record, and its samples."""
    samples = ecgan.load_dataset("ecgsyn", patients=2, minutes=0.6)
    detector = ecgan.Detector("template_autoencoder", epochs=2, batch_size=16, latent_size=4, threads=1).fit(samples)
    return detector.save(tmp_path_factory.mktemp("told") / "run"), samples


def test_of_a_model_with_conditions_the_network_is_exported(told: tuple[Path, ecgan.Samples], tmp_path: Path) -> None:
    folder, samples = told
    out = tmp_path / "model.onnx"
    assert CliRunner().invoke(app, ["export", "--model", str(folder), "--out", str(out)]).exit_code == 0
    run = ecgan.load(folder).scorer
    trained = run.members[0].network
    seen = samples.seen(slice(None), trained.model.context)
    x = model_input(trained.model, trained.inputs(seen))
    for rows in (slice(0, 1), slice(None)):
        found = ran(out, x[rows])
        assert set(found) == {"expected"}
        np.testing.assert_allclose(found["expected"], run.reconstruct(seen)[rows], atol=1e-4)
    metadata = onnxruntime.InferenceSession(str(out)).get_modelmeta().custom_metadata_map
    known = {key: json.loads(text) for key, text in metadata.items()}
    assert (known["channels"], known["conditions"], known["length"]) == (1, 2, samples.length)
    assert "threshold" not in known


def test_a_network_that_disagrees_is_not_written(
    told: tuple[Path, ecgan.Samples], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, traced = ecgan.load(told[0]).scorer, writing._traced

    def other(graph: Any, scorer: Scorer) -> bytes:
        content = traced(graph, scorer)
        with torch.no_grad():
            graph.networks[0].network.decoder[-1].weight.mul_(3)
        return content

    monkeypatch.setattr(writing, "_traced", other)
    with pytest.raises(EcganError, match="disagrees with the run"):
        export(run, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_files_that_must_not_be_written_and_packages_that_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = scorer(member())
    (tmp_path / "there.onnx").write_text("mine")
    for name, word in (("model.pt", "end in .onnx"), ("none/model.onnx", "mkdir -p"), ("there.onnx", "--force")):
        with pytest.raises(EcganError, match=word):
            export(run, tmp_path / name)
    assert (tmp_path / "there.onnx").read_text() == "mine"
    export(run, tmp_path / "there.onnx", force=True)
    assert len((tmp_path / "there.onnx").read_bytes()) > 1000
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EcganError, match=r"onnxruntime") as caught:
        export(run, tmp_path / "model.onnx")
    assert "pip install 'ecgan[onnx]'" in caught.value.hint


def test_the_command_tells_what_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, asked = scorer(member("vae")), {}

    def load(reference: Reference, **given: Any) -> Scorer:
        asked.update(given, text=reference.text)
        return run

    vars(run.trained.params)["runtime"] = Nothing(precision="bf16", threads=1)
    monkeypatch.setattr("stages.export.load_scorer", load)
    out, trained = tmp_path / "vae.onnx", str(tmp_path / "run")
    (tmp_path / "run/train/fold_0").mkdir(parents=True)
    done = CliRunner().invoke(app, ["export", "--model", trained, "--out", str(out), "--strategy", "reconstruction"])
    assert done.exit_code == 0, done.output
    assert (
        f"wrote {out}: x (samples, 2, {LENGTH}) in mV → reconstruction, latent, smoothed, score, flagged" in done.output
    )
    assert asked == {"text": trained, "strategy": "reconstruction", "threshold": None, "precision": "fp32"}
    same(run, out, beats(5))


def test_the_program_of_the_documentation_runs_as_it_stands(tmp_path: Path, root: Path) -> None:
    run = scorer(member())
    export(run, tmp_path / "aegan.onnx")
    program = re.findall(r"```python\n(.*?)```", (root / "docs" / "deployment.md").read_text(), re.DOTALL)
    assert len(program) == 1
    x = beats(6)
    np.save(tmp_path / "beats.npy", x.transpose(0, 2, 1))  # (n, C, L) → (n, L, C)
    command = [sys.executable, "-c", program[0]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    scores = run.judge(bare(x, run.trained.expected)).scores["reconstruction"]
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    np.testing.assert_allclose([float(row[1]) for row in rows], scores, rtol=1e-3)
    assert [row[2] == "flagged" for row in rows] == [bool(one >= run.threshold) for one in scores]
    np.save(tmp_path / "beats.npy", x.transpose(0, 2, 1)[:, :-1])
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
