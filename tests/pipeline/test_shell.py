"""Names in params.yaml reach the shell of `dvc repro` as names, whatever they are made of."""

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from ecgan.config import render_params

from .project import EXPERIMENT, TINY, Project, make

pytestmark = pytest.mark.slow

EVIL = (
    "aegan; touch PROOF; true",
    "aegan' ; touch PROOF ; '",
    'aegan" ; touch PROOF ; "',
    "$(touch PROOF)",
    "`touch PROOF`",
    "a\ntouch PROOF\n",
    "a'\ntouch PROOF\n'",
    "a | touch PROOF",
    "a & touch PROOF",
    "a > PROOF",
    "\\'; touch PROOF; \\'",
    "\\${x}'; touch PROOF; '",
    "#",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with what stages ask for, whatever is in it."""
    project = make(tmp_path_factory.mktemp("shell") / "project")
    for place in ("processed", "folds"):
        (project.folder / "data/ecgsyn" / place).mkdir(parents=True)
    (project.folder / "data/ecgsyn/processed/dataset.json").touch()
    (project.folder / "data/ecgsyn/folds/fold_0.json").touch()
    return project


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program for `ECGAN_RUN` that does nothing with its arguments but tell them, in a file beside it."""
    path = tmp_path_factory.mktemp("runner") / "runner"
    path.write_text('#!/bin/sh\nprintf "%s\\0" "$@" >> "$0.told"\nexit 1\n')
    path.chmod(0o700)
    return path


def told(project: Project, **changes: Any) -> None:
    """Write parameters of which some are others, and what DVC watches of parts of such names."""
    values = yaml.safe_load(render_params("ecgsyn", ["aegan"], EXPERIMENT, overrides=TINY))
    values |= {key: value for key, value in changes.items() if key in ("models", "modules")}
    values["split"] |= changes.get("split", {})
    values["detect"] |= changes.get("detect", {})
    values["detectors"] |= {name: {} for name in changes.get("detect", {}).get("classical", [])}
    (project.folder / "params.yaml").write_text(yaml.safe_dump(values))
    for kind, names in (("models", values["models"]), ("detectors", values["detect"]["classical"])):
        for name in names:
            place = project.folder / "watched" / kind / str(name)
            place.mkdir(parents=True, exist_ok=True)
            (place / "x.py").touch()


def test_no_name_is_run_by_the_shell(project: Project, runner: Path) -> None:
    fold = project.folder / "data/ecgsyn/folds/fold_0.json"
    numbers = [f"0{name}" for name in EVIL[:4]]
    for number in numbers:
        (fold.parent / f"fold_{number}.json").touch()
    for stage, names, changes in (
        ("train", EVIL, {"models": [*EVIL], "modules": {name: {} for name in EVIL}}),
        ("detect-classical", EVIL, {"detect": {"classical": [*EVIL]}}),
        ("train", numbers, {"split": {"folds": numbers}}),
    ):
        told(project, **changes)
        project.run("dvc", "repro", "-s", "-f", "-k", stage, ok=False, ECGAN_RUN=str(runner))
        passed = runner.with_suffix(".told").read_text().split("\0")
        of_one_line = {name for name in names if not set(name) & {"\n", "\\"}}  # DVC makes of others something else
        assert of_one_line <= set(passed)
        assert not (project.folder / "PROOF").exists(), changes
        runner.with_suffix(".told").unlink()


def test_a_harmless_name_is_passed_on_as_it_is(project: Project) -> None:
    told(project, models=["aegan"])
    done = project.run("dvc", "repro", "-s", "--dry", "train")
    (line,) = [line for line in done.stdout.splitlines() if "-m ecgan" in line]
    assert shlex.split(line)[2:] == ["python", "-m", "ecgan", "train", "--model", "aegan", "--fold", "0"]


def test_a_name_that_is_a_mapping_or_a_list_is_refused_by_dvc(project: Project) -> None:
    for name in ({"x; touch PROOF": 1}, ["x; touch PROOF"]):
        told(project, models=["aegan"])
        values = yaml.safe_load((project.folder / "params.yaml").read_text())
        values["models"] = [name]
        (project.folder / "params.yaml").write_text(yaml.safe_dump(values))
        assert project.run("dvc", "repro", "-s", "-f", "train", ok=False).returncode != 0
        assert not (project.folder / "PROOF").exists()
