"""`torchrun -m ecgan train`: the curve of one process, the same bytes in every run, and one end for all processes."""

import subprocess

import numpy as np
import pandas as pd
import pytest
import yaml

from tests import forking

from .project import EXPERIMENT, TINY, TORCHRUN, Project, environment, make

pytestmark = pytest.mark.slow
FILES = {"params.yaml": ["aegan", "dcgan"], "cnn.yaml": ["cnn"]}  # a gradient penalty; weighted classes
MODELS = [name for names in FILES.values() for name in names]
OPTIONS = {
    "split": {"k": 2, "folds": [0], "protocol": "stratified", "train_on": "all"},
    "train": {"epochs": 2, "augment": "timewarp", "ema": 0.9, "generation": {"figures": False, "metrics": []}},
}
FAULTY = """
import os, signal
from ecgan.errors import EcganError
from ecgan.models.aegan import Aegan
from ecgan.registry import register_model

@register_model("faulty")
class Faulty(Aegan):
    title = "fails in one process"

    def train_batch(self, x, optimizers, epoch, labels=None):
        if epoch == 1 and os.environ["RANK"] == os.environ["FAULTY_RANK"]:
            if os.environ["FAULT"] == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            raise (EcganError if os.environ["FAULT"] == "told" else ValueError)("the fault of one")
        return super().train_batch(x, optimizers, epoch, labels)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with folds, and each model trained by one process."""
    project = make(tmp_path_factory.mktemp("torchrun") / "project")
    for file, names in FILES.items():
        write(project, file, names)
    project.classic("preprocess", "params.yaml")
    project.classic("train", "params.yaml")
    project.ecgan("train", "cnn.yaml")
    return project


def write(project: Project, file: str, models: list[str], batch: int = 32) -> None:
    """Write parameters for these models; `ecgan` adds the defaults of what is not there."""
    modules = {"modules": {name: {"width": 0.0625, "batch_size": batch} for name in models}}
    values = {"dataset": "ecgsyn", "models": models, "experiment": EXPERIMENT} | TINY | OPTIONS | modules
    (project.folder / file).write_text(yaml.safe_dump(values))


def two(project: Project, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Start two forks, by `torchrun` in a third; a hang ends the test."""
    command = [*TORCHRUN, forking.runner(), "python", "-m", "ecgan", *arguments]
    return forking.run(command, project.folder, environment(ECGAN_DEVICE="cpu", **extra), timeout=120)


def history(project: Project, model: str) -> pd.DataFrame:
    return pd.read_csv(project.folder / f"models/lab/tiny/{model}/train/fold_0/history.csv")


def test_two_processes_follow_the_curve_of_one_and_again_with_the_same_bytes(project: Project) -> None:
    alone = {name: history(project, name) for name in MODELS}
    hashes = project.hashes("models")
    for file, names in FILES.items():
        done = two(project, "train", file)
        assert done.returncode == 0, done.stderr[-3000:]
        assert done.stderr.count("epoch 2/2") == len(names)  # one process tells
    found = project.hashes("models", "reports/train")
    for name, expected in alone.items():
        seen = history(project, name)
        assert list(seen) == list(expected)
        losses = [key for key in expected if key not in ("vali_auroc", "vali_ap")]
        np.testing.assert_allclose(seen[losses], expected[losses], rtol=2e-3, atol=1e-4, err_msg=name)
        weights = f"models/lab/tiny/{name}/train/fold_0/v02/model.safetensors"
        assert found[weights] != hashes[weights]  # two did it, and not one: sums are rounded elsewhere
    project.ecgan(
        "train", "--model", "aegan", ECGAN_DEVICE="cpu", ECGAN_PROCESSES="2"
    )  # the same by the variable, and without forks
    assert project.hashes("models", "reports/train") == found


@pytest.mark.parametrize("processes", ["two", "0"])
def test_a_number_of_processes_that_is_none_is_refused(project: Project, processes: str) -> None:
    refused = project.ecgan("train", ECGAN_PROCESSES=processes, ok=False)
    assert refused.returncode == 1
    assert f"ECGAN_PROCESSES='{processes}' is no positive number." in refused.stderr


@pytest.mark.parametrize(
    ("fault", "rank", "told"),
    [
        ("told", "1", "error: the fault of one."),
        ("unexpected", "0", "ValueError: the fault of one"),
        ("killed", "1", "error: another process of this training has ended."),
    ],
)
def test_what_ends_one_process_ends_both_with_one_message(project: Project, fault: str, rank: str, told: str) -> None:
    (project.folder / "plugins/faulty.py").write_text(FAULTY)
    write(project, "faulty.yaml", ["faulty"])
    kept = project.folder / "models/lab/tiny/faulty/train/fold_0/kept"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text("what was there before")
    before = project.hashes("models", "reports")
    done = two(project, "train", "faulty.yaml", "--plugin", "plugins/faulty.py", FAULTY_RANK=rank, FAULT=fault)
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if "error: " in line or "Error: " in line]
    said = [line.partition("]:")[2] or line for line in said if "torch.distributed" not in line]  # torchrun's own
    assert [line.strip() for line in said] in ([told], [] if fault == "killed" else [told])  # both may have been killed
    assert project.hashes("models", "reports") == before


def test_a_mistake_in_the_parameters_is_told_once(project: Project) -> None:
    (project.folder / "wrong.yaml").write_text("train: {epochs: none}\n")
    done = two(project, "train", "wrong.yaml")
    assert done.returncode != 0
    assert done.stderr.count("error: ") == 1


def test_help_shows_how(project: Project) -> None:
    shown = project.ecgan("train", "--help").stdout
    assert "torchrun --standalone --nproc-per-node 2 -m ecgan train" in " ".join(shown.split())
