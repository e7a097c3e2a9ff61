"""The trackers in the pipeline: its outputs stay the same, and a tracked model is detected with by its reference."""

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from .project import Project, make

pytestmark = pytest.mark.slow

OUTPUTS = ("models/lab/tiny/aegan/train/fold_0", "reports/train/aegan/fold_0")


def needs(package: str) -> Any:
    missing = importlib.util.find_spec(package) is None
    return pytest.mark.skipif(missing, reason=f"needs the extra {package}: pip install 'ecgan[{package}]'")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make(tmp_path_factory.mktemp("tracked") / "project")
    for stage in ("fetch", "preprocess", "split"):
        project.ecgan(stage)
    return project


@pytest.fixture(scope="module")
def local(project: Project) -> dict[str, str]:
    """Hashes of what training writes with the tracker `local`."""
    return train(project, "local")


def train(project: Project, tracker: str, **environment: str) -> dict[str, str]:
    generation = {"metrics": ["mmd"], "figures": True, "samples": 16, "embeddings": ["pca"]}
    project.params(
        train={"epochs": 3, "tracker": tracker, "generation": generation},
        detect={"bootstrap": 20, "strategies": ["reconstruction"]},
    )
    done = project.ecgan("train", "--model", "aegan", "--fold", "0", **environment)
    assert "warning" not in done.stderr
    return project.hashes(*OUTPUTS)


@needs("wandb")
def test_wandb_changes_no_byte_of_the_outputs(project: Project, local: dict[str, str]) -> None:
    assert train(project, "wandb", WANDB_MODE="offline") == local
    (run,) = (project.folder / ".ecgan/wandb").glob("offline-run-*")
    assert list(run.glob("*.wandb"))
    assert list(run.glob("files/media/html/figures/*"))  # drawn for the tracker alone
    assert not project.run("git", "status", "--porcelain", "--", "wandb", ".ecgan").stdout


@needs("mlflow")
def test_mlflow_changes_no_byte_and_its_run_is_a_model_reference(project: Project, local: dict[str, str]) -> None:
    assert train(project, "mlflow") == local
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{project.folder / '.ecgan/mlflow/mlflow.db'}"}
    project.ecgan("inverse", "--model", "aegan", "--fold", "0")
    project.ecgan("detect", "--model", "aegan", "--fold", "0", **store)
    detected = project.json("reports/detect/aegan/fold_0/metrics.json")["strategies"]["reconstruction"]["test"]
    runs = tracked_runs(project.folder, store["MLFLOW_TRACKING_URI"])
    assert sorted(runs) == ["aegan/fold_0", "aegan/fold_0 detect"]
    assert runs["aegan/fold_0"]["epoch"] == 3
    figures = list((project.folder / ".ecgan/mlflow/artifacts").glob("*/artifacts/figures/*.svg"))
    assert sorted(path.name for path in figures) == ["embedding.svg", "samples.svg", "walk.svg"]
    logged = runs["aegan/fold_0 detect"]
    for name in ("auroc", "f1_abnormal", "mcc"):
        assert logged[f"test/reconstruction/{name}"] == pytest.approx(detected[name])

    project.ecgan("detect", "--detector", "knn", "--fold", "0", **store)
    record = ("score", "data/ecgsyn/raw/p01.hea", "--json", "--model")
    here = json.loads(project.ecgan(*record, "models/lab/tiny/aegan", "--out", "here").stdout)
    ids = ids_of_runs(store["MLFLOW_TRACKING_URI"])
    for number, run in enumerate(("lab/tiny/aegan", ids["aegan/fold_0"], ids["aegan/fold_0 detect"])):
        done = project.ecgan(*record, f"mlflow:{run}", "--out", f"logged-{number}", **store)
        assert json.loads(done.stdout) | {"model": "", "files": {}} == here | {"model": "", "files": {}}
        assert "Downloading" not in done.stderr
        assert "%|" not in done.stderr
    of_knn = json.loads(project.ecgan(*record, "mlflow:lab/tiny/knn", "--out", "knn", **store).stdout)
    assert of_knn["scored"] > 0
    shutil.rmtree(project.folder / "models/lab/tiny/knn")

    project.classic("detect", "-i", "mlflow:lab/tiny/aegan:best", "lab", "tiny", "again", "-o", "ad.yml")
    settings = yaml.safe_load((project.folder / "ad.yml").read_text())
    settings["detect"] |= {"bootstrap": 20, "strategies": ["reconstruction"]}
    (project.folder / "ad.yml").write_text(yaml.safe_dump(settings))
    project.classic("detect", "ad.yml")
    again = project.json("reports/lab/tiny/again/fold_0/metrics.json")
    assert again["method"] == "aegan"
    assert again["strategies"]["reconstruction"]["test"]["auroc"] == pytest.approx(detected["auroc"])
    assert not (project.folder / "mlruns").exists()


def ids_of_runs(uri: str) -> dict[str, str]:
    import mlflow

    store = mlflow.MlflowClient(uri)
    runs = store.search_runs([one.experiment_id for one in store.search_experiments()])
    return {run.info.run_name: run.info.run_id for run in runs}


def tracked_runs(folder: Path, uri: str) -> dict[str, dict[str, float]]:
    import mlflow

    store = mlflow.MlflowClient(uri)
    (experiment,) = (found for found in store.search_experiments() if found.name == "lab/tiny")
    runs = store.search_runs([experiment.experiment_id])
    assert str(folder) in json.dumps([run.info.artifact_uri for run in runs])
    return {run.info.run_name: run.data.metrics for run in runs}
