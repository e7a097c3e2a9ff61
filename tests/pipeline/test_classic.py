"""The sequence of the classic documentation, on a local run."""

from pathlib import Path

import pytest
import yaml

from .project import Project, make

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make(tmp_path_factory.mktemp("classic") / "project")
    project.classic(
        "init", "-d", "ecgsyn", "-m", "beatgan", "ecgan", "test_project", "test_run", "-o", "another_config.yml",
        "-l", "elsewhere",
    )  # fmt: skip
    path = project.folder / "another_config.yml"
    config = yaml.safe_load(path.read_text())
    config["train"]["epochs"], config["split"]["k"], config["split"]["folds"] = 2, 2, [0, 1]
    config["train"]["generation"] |= {"metrics": [], "figures": False}
    config["fetch"] |= {"patients": 8, "minutes": 0.8}
    config["detect"]["bootstrap"] = 50
    path.write_text(yaml.safe_dump(config))
    project.classic("preprocess", "another_config.yml")
    project.classic("train", "another_config.yml")
    return project


def test_preprocess_and_train_use_the_data_directory(project: Project) -> None:
    assert (project.folder / "elsewhere/ecgsyn/processed/data.pkl").is_file()
    assert not (project.folder / "data").exists()
    for fold in (0, 1):
        folder = project.folder / f"models/ecgan/test_project/test_run/train/fold_{fold}"
        for name in ("config.yml", "split.json", "input.json", "versions.json", "history.csv"):
            assert (folder / name).is_file()


@pytest.fixture(scope="module")
def detected(project: Project) -> Project:
    """The project after its detection, which also made the inverse mappings."""
    reference = "models/ecgan/test_project/test_run:best"
    project.classic("detect", "-i", reference, "ecgan", "test_project", "detection_run")
    path = project.folder / "ad_config.yml"
    config = yaml.safe_load(path.read_text())
    assert config["model"] == reference
    config["detect"]["bootstrap"] = 50
    path.write_text(yaml.safe_dump(config))
    assert "AUROC" in project.classic("detect").stdout
    return project


def test_detection_of_a_local_run(detected: Project) -> None:
    project = detected
    for fold in (0, 1):
        metrics = project.json(f"reports/ecgan/test_project/detection_run/fold_{fold}/metrics.json")
        assert set(metrics["strategies"]) == {
            "reconstruction", "smoothed", "lambda_grid", "lambda_gamma_grid", "svm_lambda", "svm_lambda_gamma",
        }  # fmt: skip
        assert (project.folder / f"models/ecgan/test_project/test_run/detect/fold_{fold}/detector.json").is_file()


def test_a_classical_detector_scores_the_latents_of_a_local_run(detected: Project) -> None:
    project = detected
    reference = ["-i", "ecgan/test_project/test_run/fold_0:best", "ecgan", "test_project", "on_latents"]
    project.classic("detect", *reference, "-a", "lof", "-o", "latents.yml")
    assert "lof on latents" in project.classic("detect", "latents.yml").stdout
    metrics = project.json("reports/ecgan/test_project/on_latents/fold_0/metrics.json")
    assert (metrics["method"], metrics["detector"], metrics["input"]) == ("test_run", "lof", "latents")
    assert list(metrics["strategies"]) == ["plain"]
    refused = project.classic("detect", *reference, "-a", "argmax", "-o", "other.yml", ok=False)
    assert refused.returncode == 1
    assert "the model is generative" in refused.stderr


def test_inverse_of_a_local_run(project: Project) -> None:
    project.classic("inverse", "-i", "ecgan/test_project/test_run/fold_1:latest", "-o", "inverse_config.yml")
    project.classic("inverse")
    inverse = project.json("models/ecgan/test_project/test_run/inverse/fold_1/inverse.json")
    latest = project.json("models/ecgan/test_project/test_run/train/fold_1/versions.json")["latest"]
    assert (inverse["method"], inverse["version"]) == ("encoder", latest)


def test_results_of_different_detectors_have_folders_of_their_own(detected: Project) -> None:
    project = detected
    project.ecgan("inverse", "another_config.yml")
    project.ecgan("detect", "another_config.yml", "--fold", "0")
    reports = project.folder / "reports/ecgan/test_project/test_run/detect"
    assert sorted(path.name for path in reports.iterdir()) == ["aegan", "knn", "patient_specific", "pca"]
    project.ecgan("detect", "another_config.yml", "--fold", "1")
    project.ecgan("report", "another_config.yml")
    summary = (project.folder / "reports/ecgan/test_project/test_run/report/summary.md").read_text()
    assert all(name in summary for name in ("aegan", "knn", "patient_specific", "pca"))


def test_a_gadget_in_any_file_of_a_run_is_refused(detected: Project, tmp_path: Path) -> None:
    project = detected
    proof = tmp_path / "proof"
    gadget = f"cos\nmkdir\n(S'{proof}'\ntR.".encode()
    run = project.folder / "models/ecgan/test_project/test_run"
    best = project.json("models/ecgan/test_project/test_run/train/fold_0/versions.json")["best"]
    files = [
        *(run / "train/fold_0" / name for name in ("config.yml", "split.json", "input.json", "versions.json")),
        run / "train/fold_0" / best / "model.safetensors",
        run / "inverse/fold_0/inverse.json",
        *(project.folder / "elsewhere/ecgsyn/processed" / name for name in ("data.pkl", "label.pkl", "dataset.json")),
    ]
    project.classic("detect", "-i", f"{run.relative_to(project.folder)}/fold_0", "a", "b", "c", "-o", "one.yml")
    for file in files:
        content = file.read_bytes()
        file.write_bytes(gadget)
        done = project.classic("detect", "one.yml", ok=False)
        file.write_bytes(content)
        assert done.returncode == 1, file
        assert "Traceback" not in done.stderr, done.stderr
        assert file.name in done.stderr or "config" in done.stderr, done.stderr
        assert not proof.exists(), file


def test_a_plugin_named_by_a_model_is_not_run(project: Project) -> None:
    path = project.folder / "models/ecgan/test_project/test_run/train/fold_0/config.yml"
    evil = project.folder / "evil.py"
    evil.write_text("from pathlib import Path\nPath('evil_ran').touch()\n")
    text = path.read_text()
    path.write_text(f"{text}plugins: [evil.py]\n")
    try:
        reference = "models/ecgan/test_project/test_run/fold_0"
        project.classic("detect", "-i", reference, "a", "b", "c", "-o", "evil.yml", ok=False)
        assert not (project.folder / "evil_ran").exists()
    finally:
        path.write_text(text)
