"""References to trained runs, inverse mappings, and the machine's settings."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from ecgan import runtime
from ecgan.errors import EcganError
from ecgan.inversion.base import choose, load_inversion, save_inversion
from ecgan.models.aegan import Aegan, AeganOptions
from ecgan.models.base import GenerativeModel
from ecgan.references import folds_of, parse_reference
from ecgan.runs.loading import mapping_of
from ecgan.tracking.local import LocalTracker
from ecgan.training import joining


@pytest.fixture
def models(tmp_path: Path) -> Path:
    for fold in (0, 3):
        (tmp_path / "models/lab/study/run/train" / f"fold_{fold}").mkdir(parents=True)
    return tmp_path / "models"


@pytest.mark.parametrize(
    ("text", "fold", "version"),
    [
        ("lab/study/run", None, "best"),
        ("lab/study/run:latest", None, "latest"),
        ("lab/study/run/fold_3", 3, "best"),
        ("lab/study/run/fold_3:v12", 3, "v12"),
        ("lab/study/run/:best", None, "best"),
    ],
)
def test_references(models: Path, text: str, fold: int | None, version: str) -> None:
    for written in (text, f"{models}/{text}"):
        reference = parse_reference(written, models)
        assert reference.folder.resolve() == (models / "lab/study/run").resolve()
        assert (reference.fold, reference.version) == (fold, version)
        assert folds_of(reference) == ([0, 3] if fold is None else [fold])


def test_a_folder_whose_name_looks_like_a_version_or_a_scheme_is_still_a_path(models: Path) -> None:
    (models / "lab/study/v12/train/fold_0").mkdir(parents=True)
    assert parse_reference("lab/study/v12", models).version == "best"
    (models / "wandb/mlflow/s3/train/fold_0").mkdir(parents=True)
    assert parse_reference("wandb/mlflow/s3:v3", models).version == "v3"


def test_a_reference_to_nothing_lists_the_trained_runs(models: Path) -> None:
    with pytest.raises(EcganError, match="no trained run") as caught:
        parse_reference("lab/study/ruin:best", models)
    assert "lab/study/run" in caught.value.hint
    with pytest.raises(EcganError, match="no fold 7"):
        folds_of(parse_reference("lab/study/run/fold_7", models))


def test_a_run_without_trained_folds_is_refused_and_other_folders_are_ignored(models: Path) -> None:
    (models / "lab/study/run/train/fold_0.bak").mkdir()
    assert folds_of(parse_reference("lab/study/run", models)) == [0, 3]
    (models / "lab/study/empty/train").mkdir(parents=True)
    with pytest.raises(EcganError, match="no trained fold"):
        folds_of(parse_reference("lab/study/empty", models))


def model() -> Aegan:
    torch.manual_seed(0)
    return Aegan(AeganOptions(width=0.125, latent_size=4), channels=2, length=32).eval()


def test_the_inverse_mapping_of_an_encoder_model_is_its_encoder(tmp_path: Path) -> None:
    network = model()
    inversion = choose("auto", network)
    save_inversion(tmp_path, inversion, "v03")
    x = torch.rand(3, 2, 32)
    again = load_inversion(tmp_path, network, "v03")
    assert torch.equal(again.invert(x), network.encode(x))


def test_a_model_without_encoder_has_no_encoder_mapping() -> None:
    class Blind(Aegan):
        encode = GenerativeModel.encode

    network = Blind(AeganOptions(width=0.125), channels=1, length=32)
    assert not network.has_encoder
    with pytest.raises(EcganError, match="suit"):
        choose("encoder", network)
    assert choose("auto", network).name != "encoder"


def test_the_mapping_is_the_same_in_batches_of_any_size() -> None:
    network = model()
    x = np.random.default_rng(0).random((7, 2, 32), dtype=np.float32)
    one, many = (mapping_of(network, choose("auto", network), size) for size in (2, 100))
    np.testing.assert_allclose(one.decode(one.invert(x)), many.decode(many.invert(x)), atol=1e-6)
    assert one.features is not None
    assert one.features(x).shape == (7, 64)


@pytest.mark.parametrize("value", ["gpu", "cuda:x", "7", "meta", "vulkan", "hpu"])
def test_a_device_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ECGAN_DEVICE", value)
    with pytest.raises(EcganError, match="ECGAN_DEVICE"):
        runtime.device()


def test_device_and_workers_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECGAN_DEVICE", "cpu")
    monkeypatch.setenv("ECGAN_WORKERS", "3")
    assert runtime.device() == torch.device("cpu")
    assert runtime.workers() == 3


@pytest.mark.parametrize("value", ["0", "-1", "²", "9" * 5000, "1000000000"])
def test_a_number_of_processes_that_is_none_or_would_use_up_the_machine_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("ECGAN_WORKERS", value)
    with pytest.raises(EcganError, match="ECGAN_WORKERS"):
        runtime.workers()
    monkeypatch.setenv("ECGAN_PROCESSES", value)
    with pytest.raises(EcganError, match="ECGAN_PROCESSES"):
        joining.as_torchrun(["train"])


def test_seeds_for_different_purposes_differ_and_stay_the_same() -> None:
    seeds = {runtime.derive_seed(0, *purpose) for purpose in (("a", 1), ("a", 2), ("b", 1), ("a", 1, 0))}
    assert len(seeds) == 4
    assert runtime.derive_seed(7, "train", "aegan", 0) == runtime.derive_seed(7, "train", "aegan", 0)


def test_the_local_tracker_keeps_every_epoch_and_writes_nothing_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tracker = LocalTracker(tmp_path / "tracked")
    for epoch in (1, 2, 3):
        tracker.epoch(
            {"epoch": float(epoch), "reconstruction": 1 / epoch, "vali_loss": 0.5, "vali_auroc": float("nan")}
        )
    tracker.close()
    curve = pd.read_csv(tmp_path / "tracked/plots/metrics/train/reconstruction.tsv", sep="\t")
    assert curve["step"].tolist() == [1, 2, 3]
    np.testing.assert_allclose(curve["reconstruction"], [1, 0.5, 1 / 3])
    assert not (tmp_path / "tracked/plots/metrics/vali/auroc.tsv").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["tracked"]
