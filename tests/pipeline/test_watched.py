"""`dvc status` after a change: the stages whose results depend on it, and no other."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .project import Project

pytestmark = pytest.mark.slow

MODEL_STAGES = ("train", "inverse", "detect")


@pytest.fixture(scope="module")
def project(finished: Project) -> Project:
    assert changed(finished) == set()
    return finished


def changed(project: Project) -> set[str]:
    return set(re.findall(r"^([\w@-]+):$", project.run("dvc", "status").stdout, re.MULTILINE))


def stages(*models: str) -> set[str]:
    return {f"{stage}@{model}-0" for stage in MODEL_STAGES for model in models}


def edited(path: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        with (folder / path).open("a") as file:
            file.write("# edited\n")

    return edit


def added(path: str, like: str) -> Callable[[Path], None]:
    return lambda folder: shutil.copy(folder / like, folder / path)


def parameter(*changes: tuple[str, str]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / "params.yaml").read_text()
        for old, new in changes:
            assert re.search(old, text)
            text = re.sub(old, new, text, count=1)
        (folder / "params.yaml").write_text(text)

    return change


TRAINED = {"train@aegan-0", "train@vaegan-0", "report"}  # `report` shows the settings
CASES = {
    "a model is added": (added("ecgan/models/another.py", "ecgan/models/vae.py"), set()),
    "a detector is added": (added("ecgan/detection/detectors/another.py", "ecgan/detection/detectors/pca.py"), set()),
    "how figures look": (edited("ecgan/reporting/style.py"), {"report"}),
    "the report": (edited("ecgan/reporting/tables.py"), {"report"}),
    "a model": (edited("ecgan/models/vaegan.py"), stages("vaegan")),
    "the family of both": (edited("ecgan/models/aegan.py"), stages("aegan", "vaegan")),
    "layers of both": (edited("ecgan/models/layers/convolutions.py"), stages("aegan", "vaegan")),
    "layers of neither": (edited("ecgan/models/layers/recurrence.py"), set()),
    "the loop": (edited("ecgan/training/loop.py"), {"train@aegan-0", "train@vaegan-0"}),
    "a classical detector": (edited("ecgan/detection/detectors/knn.py"), {"detect-classical@knn-0"}),
    "a plug-in that nothing uses": (edited("plugins/peak_range.py"), set()),
    "the average": (parameter((r"  ema: .*", "  ema: 0.5")), TRAINED),
    "the course": (parameter((r"  schedule: .*", "  schedule: cosine"), (r"  warmup: .*", "  warmup: 0.1")), TRAINED),
    "where metrics are logged": (parameter((r"  tracker: .*", "  tracker: mlflow")), {"report"}),
    "a classical detector's parameter": (
        parameter((r"    neighbours: .*", "    neighbours: 6")),
        {"detect-classical@knn-0"},
    ),
    "one more classical detector": (
        parameter((r"\[knn, pca, ", "[knn, pca, lof, "), (r"\n  knn:\n", "\n  lof: {neighbours: 20}\n  knn:\n")),
        {"detect-classical@lof-0", "report"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_change_concerns_the_stages_that_depend_on_it(project: Project, name: str) -> None:
    change, expected = CASES[name]
    try:
        change(project.folder)
        assert changed(project) == expected
    finally:
        project.run("git", "checkout", "-q", ".")
        project.run("git", "clean", "-fdq", "ecgan", "plugins")


def test_a_file_that_a_parameter_names_is_watched(project: Project) -> None:
    folds = project.folder / "stored"
    shutil.copytree(project.folder / "data/ecgsyn/folds", folds)
    try:
        parameter((r"  protocol: .*", "  protocol: fixed"), (r"  source: null", "  source: stored"))(project.folder)
        assert "split" in changed(project)
        project.run("dvc", "repro", "split")
        assert "split" not in changed(project)
        text = (folds / "fold_1.json").read_text()
        (folds / "fold_1.json").write_text(text.replace('"seed": 3', '"seed": 4'))
        assert "split" in changed(project)
    finally:
        shutil.rmtree(folds)
        project.run("git", "checkout", "-q", ".")
        project.run("dvc", "checkout", "-q", "--force")


def test_an_import_that_comes_is_watched_from_the_next_run_on(project: Project) -> None:
    new, model = project.folder / "ecgan/models/helping.py", project.folder / "ecgan/models/vaegan.py"
    new.write_text('"""Something new."""\n')
    model.write_text(model.read_text().replace("\nclass ", "\nimport ecgan.models.helping  # noqa: E402\n\nclass ", 1))
    try:
        project.run("dvc", "repro", "train@vaegan-0")
        assert "train@vaegan-0" not in changed(project)
        new.write_text('"""Something else."""\n')
        found = changed(project)
        assert "train@vaegan-0" in found
        assert "train@aegan-0" not in found
    finally:
        project.run("git", "checkout", "-q", ".")
        project.run("git", "clean", "-fdq", "ecgan", "watched")
        project.run("dvc", "checkout", "-q", "--force")
