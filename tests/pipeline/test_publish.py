"""`ecgan publish`: a run becomes a model that a bare clone pulls, scores with, and does not use once it is damaged."""

import json
from pathlib import Path

import pytest
import yaml

from .project import Project

pytestmark = pytest.mark.slow
RUN = "models/lab/tiny/patient_specific"
RECORD = "data/ecgsyn/raw/p01.hea"
MODEL = "models/published/own"


@pytest.fixture(scope="module")
def project(finished: Project) -> Project:
    (finished.folder / "notes.md").write_text("Flutter is taken for sinus rhythm.\n")
    finished.ecgan("publish", f"{RUN}/fold_0", "own", "--notes", "notes.md")
    return finished


def test_it_scores_as_the_run_does(project: Project) -> None:
    for model, out in ((RUN, "by_run"), ("published:own", "by_name")):
        project.ecgan("score", RECORD, "--model", model, "--out", out)
    first, second = ((project.folder / out / "p01.csv").read_text() for out in ("by_run", "by_name"))
    assert first == second


def test_the_card_has_the_figures_of_the_result_file(project: Project) -> None:
    card = (project.folder / MODEL / "README.md").read_text()
    header = yaml.safe_load(card.split("---\n")[1])
    tested = project.json("reports/detect/patient_specific/fold_0/metrics.json")["strategies"]["plain"]["test"]
    (result,) = header["model-index"][0]["results"]
    values = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert values["roc_auc"] == pytest.approx(tested["auroc"], abs=1e-4)
    assert values["false_alarms_per_hour"] == pytest.approx(tested["false_alarms_per_hour"], abs=1e-4)
    assert "Flutter is taken for sinus rhythm." in card


def test_it_is_listed(project: Project) -> None:
    (row,) = json.loads(project.ecgan("list", "published", "--json").stdout)
    assert (row["name"], row["supervision"], row["context"]) == ("own", "U", "record and rhythm")


def test_a_bare_clone_pulls_it_and_scores(project: Project, tmp_path: Path) -> None:
    project.run("git", "add", "-A")
    project.run("git", "commit", "-q", "-m", "published")
    project.run("git", "clone", "-q", "--bare", ".", str(tmp_path / "bare"))
    project.run("git", "clone", "-q", str(tmp_path / "bare"), str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    refused = clone.ecgan("list", "published", ok=False)
    assert refused.returncode == 1
    clone.run("dvc", "pull", "-q", f"{MODEL}.dvc")
    assert clone.hashes(MODEL) == project.hashes(MODEL)
    clone.ecgan("score", str(project.folder / RECORD), "--model", "published:own")
    assert (clone.folder / "scores/p01.csv").is_file()


@pytest.mark.parametrize("part", ["detect/fold_0/detector.json", "train/fold_0/config.yml", "README.md"])
def test_a_flipped_bit_is_named(project: Project, part: str) -> None:
    file = project.folder / MODEL / part
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    kept = file.read_bytes()
    file.unlink()  # DVC may have linked it
    file.write_bytes(content)
    done = project.ecgan("score", RECORD, "--model", "published:own", "--out", "flipped", ok=False)
    file.write_bytes(kept)
    assert done.returncode == 1
    assert part in done.stderr
    assert not (project.folder / "flipped").exists()


def test_what_is_missing_is_named(project: Project) -> None:
    file = project.folder / MODEL / "train/fold_0/input.json"
    kept = file.read_bytes()
    file.unlink()
    done = project.ecgan("info", "params.yaml")  # what does not use it does not mind
    assert done.returncode == 0
    done = project.ecgan("score", RECORD, "--model", "published:own", "--out", "missing", ok=False)
    file.write_bytes(kept)
    assert done.returncode == 1
    assert "train/fold_0/input.json" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((f"{RUN}/fold_0", "own"), "--force"),
        ((f"{RUN}/fold_0", "../own"), "name of a published model"),
        ((f"{RUN}/fold_0", "other", "--results", "reports/detect/aegan/fold_9"), "metrics.json"),
        ((f"{RUN}/fold_0:latest", "other"), "best version"),
        (("models/lab/tiny/nobody", "other"), "no trained run"),
    ],
)
def test_nothing_is_written_that_cannot_be_published(project: Project, arguments: tuple[str, ...], word: str) -> None:
    before = project.hashes("models/published")
    done = project.ecgan("publish", *arguments, ok=False)
    assert done.returncode == 1
    assert word in done.stderr
    assert project.hashes("models/published") == before
    assert not (project.folder / "models/published/other").exists()


def test_another_one_takes_its_place(project: Project) -> None:
    project.ecgan("publish", f"{RUN}/fold_0", "own", "--no-push", "--force", "--licence", "CC0-1.0")
    assert yaml.safe_load((project.folder / MODEL / "README.md").read_text().split("---\n")[1])["license"] == "cc0-1.0"


def test_an_unknown_name_shows_what_there_is(project: Project) -> None:
    done = project.ecgan("score", RECORD, "--model", "published:own2", ok=False)
    assert done.returncode == 1
    assert "own" in done.stderr.replace("own2", "")
