"""Names in params.yaml reach the shell of `dvc repro` as names, whatever they are made of."""

import shlex
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
    project = make(tmp_path_factory.mktemp("shell") / "project")
    project.run("dvc", "repro", "-q", "split")
    return project


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


def test_no_name_is_run_by_the_shell(project: Project) -> None:
    fold = project.folder / "data/ecgsyn/folds/fold_0.json"
    numbers = [f"0{name}" for name in EVIL[:4]]
    for number in numbers:
        (fold.parent / f"fold_{number}.json").write_bytes(fold.read_bytes())
    for stage, changes in (
        ("train", {"models": [*EVIL], "modules": {name: {} for name in EVIL}}),
        ("detect-classical", {"detect": {"classical": [*EVIL]}}),
        ("train", {"split": {"folds": numbers}}),
    ):
        told(project, **changes)
        done = project.run("dvc", "repro", "-s", "-f", "-k", stage, ok=False)
        assert done.stdout.count("-m ecgan") >= 4, "commands were run"
        assert not (project.folder / "PROOF").exists(), changes


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
