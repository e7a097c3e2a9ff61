"""The command line as a user meets it."""

import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ecgan.config import render_params
from ecgan.presets import shared_defaults
from tests import forking

COMMANDS = (
    "init",
    "new",
    "fetch",
    "preprocess",
    "split",
    "train",
    "inverse",
    "detect",
    "report",
    "generate",
    "score",
    "compare",
    "info",
    "list",
)


def ecgan(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return forking.run([sys.executable, "-m", "ecgan", *arguments], cwd or Path.cwd(), dict(os.environ))


@functools.cache
def parameters(*models: str) -> str:
    """What `ecgan init` writes."""
    return render_params("ecgsyn", [*models] or ["aegan", "vaegan"])


def begun(folder: Path, *models: str) -> Path:
    """Write the parameters of a project that has just been started."""
    path = folder / "params.yaml"
    path.write_text(parameters(*models))
    return path


def classic(name: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.argv[0] = 'ecgan-{name}'; from ecgan.cli import {name}_classic as run; run()"
    command = [sys.executable, "-c", code, *arguments]
    return forking.run(command, cwd, dict(os.environ))


def test_help_lists_every_command_and_each_has_an_example() -> None:
    text = ecgan("--help").stdout
    for command in COMMANDS:
        assert f" {command} " in text
        help_text = ecgan(command, "--help").stdout
        assert "ecgan" in help_text.rsplit("╯", 1)[-1], f"{command} --help has no example"


def test_version() -> None:
    assert ecgan("--version").stdout.startswith("ecgan ")


def test_init_writes_a_file_that_is_valid_and_never_overwrites_by_accident(tmp_path: Path) -> None:
    assert ecgan("init", "-d", "ecgsyn", "-m", "aegan", "lab", "study", cwd=tmp_path).returncode == 0
    checked = ecgan("info", "params.yaml", cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert "models aegan" in checked.stdout
    again = ecgan("init", cwd=tmp_path)
    assert again.returncode == 1
    assert "--force" in again.stderr


def test_a_mistake_is_one_message_without_traceback(tmp_path: Path) -> None:
    path = begun(tmp_path)
    path.write_text(path.read_text().replace("  epochs:", "  epoch:"))
    for arguments in (["info", "params.yaml"], ["train"], ["fetch"]):
        found = ecgan(*arguments, cwd=tmp_path)
        assert found.returncode == 1
        assert "Traceback" not in found.stderr
        assert "epochs" in found.stderr
        assert "params.yaml" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["preprocess"], "ecgan fetch"),
        (["split"], "ecgan preprocess"),
        (["train"], "ecgan preprocess"),
        (["inverse"], "ecgan train"),
        (["detect", "--model", "aegan"], "ecgan"),
        (["report"], "ecgan"),
        (["train", "--model", "vaegann"], "vaegan"),
        (["train", "--fold", "77"], "split.folds"),
        (["list", "dataset"], "datasets"),
        (["init", "-d", "mitbi", "-o", "other.yaml"], "mitbih"),
    ],
)
def test_what_is_missing_is_named_with_the_next_step(arguments: list[str], words: str, tmp_path: Path) -> None:
    begun(tmp_path)
    found = ecgan(*arguments, cwd=tmp_path)
    assert found.returncode == 1
    assert words in found.stderr
    assert "Traceback" not in found.stderr


def test_an_alias_in_the_pipelines_parameters_is_refused_before_dvc_starts(tmp_path: Path) -> None:
    path = begun(tmp_path, "aegan")
    path.write_text(path.read_text().replace("models: [aegan]", "models: [beatgan]").replace("  aegan:", "  beatgan:"))
    found = ecgan("info", "params.yaml", "--pipeline", cwd=tmp_path)
    assert found.returncode == 1
    assert "aegan instead of beatgan" in found.stderr


def test_list_shows_what_there_is() -> None:
    text = ecgan("list", "datasets").stdout
    for name in ("ecgsyn", "mitbih", "mitbih_beatgan"):
        assert name in text
    assert "vaegan" in ecgan("list", "models").stdout
    assert "knn" in ecgan("list", "detectors").stdout
    assert "interpatient_strict" in ecgan("list", "protocols").stdout


def test_classic_init_reaches_the_data_directory(tmp_path: Path) -> None:
    found = classic("init", "-d", "ecgsyn", "-m", "beatgan", "-l", "elsewhere", "lab", "study", "run", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    text = (tmp_path / "config.yml").read_text()
    assert "data_dir: elsewhere" in text
    assert "run: run" in text


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("train", [], "config.yml"),
        ("detect", [], "ecgan-detect -i"),
        ("detect", ["-i", "models/nowhere:best", "a", "b", "c"], "no trained run"),
        ("detect", ["-i", "models/nowhere:best", "a"], "three names"),
        ("inverse", ["-i", "nowhere"], "no trained run"),
    ],
)
def test_classic_commands_say_what_is_missing(name: str, arguments: list[str], words: str, tmp_path: Path) -> None:
    found = classic(name, *arguments, cwd=tmp_path)
    assert found.returncode == 1
    assert words in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  run: null", "  run: mine", "runs are named after their models"),
        ("  folds: [0, 1]\n", "", "lacks split.folds"),
        ("  version: best\n", "", "lacks detect.version"),
        ("  ema: 0.99\n", "", "lacks train.ema"),
        ("    samples: 512\n", "", "lacks train.generation.samples"),
        ("    smoothing: 0.04\n", "", "lacks detectors.inverse_mapping.smoothing"),
    ],
)
def test_what_dvc_cannot_do_with_valid_parameters_is_refused_before_it_starts(
    tmp_path: Path, root: Path, old: str, new: str, words: str
) -> None:
    path = begun(tmp_path, "aegan")
    (tmp_path / "dvc.yaml").write_text((root / "dvc.yaml").read_text())
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert ecgan("info", "params.yaml", cwd=tmp_path).returncode == 0
    found = ecgan("info", "params.yaml", "--pipeline", cwd=tmp_path)
    assert found.returncode == 1
    assert words in found.stderr


def test_a_pipeline_that_is_not_there_is_not_valid(tmp_path: Path) -> None:
    assert ecgan("info", "--pipeline", cwd=tmp_path).returncode == 1
    begun(tmp_path, "aegan")
    found = ecgan("info", "--pipeline", cwd=tmp_path)
    assert found.returncode == 1
    assert "dvc.yaml" in found.stderr


def test_what_dvc_can_do_passes(tmp_path: Path, root: Path) -> None:
    begun(tmp_path, "aegan")
    (tmp_path / "dvc.yaml").write_text((root / "dvc.yaml").read_text())
    assert ecgan("info", "params.yaml", "--pipeline", cwd=tmp_path).returncode == 0


def test_a_folder_in_place_of_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").mkdir()
    (tmp_path / "out").mkdir()
    for arguments in (["info", "params.yaml"], ["init", "-o", "out", "--force"], ["fetch"]):
        found = ecgan(*arguments, cwd=tmp_path)
        assert found.returncode == 1
        assert found.stderr.startswith("error: ")
        assert "Traceback" not in found.stderr


def test_a_detector_without_a_model_is_not_asked_to_use_one(tmp_path: Path) -> None:
    begun(tmp_path)
    found = ecgan("detect", "--model", "aegan", "-a", "knn", cwd=tmp_path)
    assert found.returncode == 1
    assert "exclude each other" in found.stderr


def test_fetch_counts_one_file_and_many(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings/a.csv").write_text("time,II\n" + "".join(f"{i / 100},0.1\n" for i in range(9)))
    assert ecgan("init", "-d", "folder", cwd=tmp_path).returncode == 0
    assert "folder: 1 file in data/folder/raw" in ecgan("fetch", cwd=tmp_path).stderr
    assert ecgan("init", "-d", "sine", "--force", cwd=tmp_path).returncode == 0
    assert "sine: 2 files in data/sine/raw" in ecgan("fetch", cwd=tmp_path).stderr


def test_init_says_which_defaults_of_a_model_hold_for_the_others() -> None:
    lines = shared_defaults(["aegan", "template_autoencoder"])
    (detector,) = [line for line in lines if line.startswith("detect.detector")]
    assert "patient_specific is what template_autoencoder brings" in detector
    assert shared_defaults(["template_autoencoder"]) == []
