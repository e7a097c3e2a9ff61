"""The training loop: resuming, versions, early stopping, batches."""

import math
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from ecgan.config import Train
from ecgan.errors import EcganError
from ecgan.models.aegan import Aegan, AeganOptions
from ecgan.runs.writing import save_history
from ecgan.training.data import TrainingData, batch_count, batches
from ecgan.training.loop import Run, fit
from ecgan.training.resume import ResumeFile
from ecgan.training.versions import Versions, load_index, load_version, load_weights, resolve, save_index, save_version
from tests import forking


class Recorder:
    def __init__(self, stop_after: int | None = None) -> None:
        self.rows: list[dict[str, float]] = []
        self.stop_after = stop_after

    def epoch(self, row: dict[str, float]) -> None:
        self.rows.append(row)


class InterruptedError_(Exception):
    pass


def data(seed: int = 0) -> TrainingData:
    generator = torch.Generator().manual_seed(seed)
    time = torch.linspace(0, 6.28, 32)
    normal = torch.sin(time + torch.rand(40, 1, 1, generator=generator)) * 0.7
    abnormal = torch.sin(3 * time + torch.rand(8, 1, 1, generator=generator)) * 0.7
    vali = torch.cat([normal[30:], abnormal])
    labels = torch.tensor([0] * 10 + [1] * 8)
    return TrainingData(normal[:30], torch.zeros(30, dtype=torch.int64), vali, labels)


def run(path: Path, *, fingerprint: str = "same", seed: int = 3, every: int = 1, **options) -> Run:
    torch.manual_seed(seed)
    sizes = AeganOptions(width=0.125, latent_size=4, batch_size=8, discriminator_every=every)
    model = Aegan(sizes, channels=1, length=32)
    train = Train(**({"epochs": 6} | options))
    return Run(model, data(), train, seed, "fp32", ResumeFile(path, fingerprint, seconds=0.0))


def weights(job: Run) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in job.model.state_dict().items()}


def assert_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for key, value in one.items():
        assert torch.equal(value, other[key]), key


def interrupt(job: Run, after: int) -> None:
    """Train and die right after `after` epochs were written."""
    save = job.resume.save

    def dying(model, optimizers, progress):
        save(model, optimizers, progress)
        if progress.epoch == after:
            raise InterruptedError_

    job.resume.save = dying
    with pytest.raises(InterruptedError_):
        fit(job, [])


TUNED = {"schedule": "one_cycle", "ema": 0.9, "every": 2}


@pytest.mark.parametrize(
    "options", [{}, TUNED, {"schedule": "cosine", "warmup": 0.2}], ids=["plain", "tuned", "cosine"]
)
@pytest.mark.parametrize("after", [1, 3, 5])
def test_an_interrupted_training_ends_with_the_same_weights_and_history(
    tmp_path: Path, after: int, options: dict[str, object]
) -> None:
    whole = run(tmp_path / "whole", **options)
    expected = fit(whole, [])
    interrupt(run(tmp_path / "cut", **options), after)
    seen = Recorder()
    again = run(tmp_path / "cut", seed=99, **options)  # other initial weights: the file must replace them
    again = Run(again.model, again.data, again.options, 3, "fp32", again.resume)
    progress = fit(again, [seen])
    assert_equal(weights(whole), weights(again))
    assert_equal(expected.best, progress.best)
    assert progress.history == expected.history == seen.rows
    assert progress.best_epoch == expected.best_epoch


def test_state_of_other_parameters_is_not_used(tmp_path: Path) -> None:
    interrupt(run(tmp_path / "state", fingerprint="old", seed=9), 3)
    fresh = run(tmp_path / "state", fingerprint="new")
    assert len(fit(fresh, []).history) == 6
    expected = run(tmp_path / "other")
    fit(expected, [])
    assert_equal(weights(expected), weights(fresh))


@pytest.mark.parametrize("every", [1, 3])
def test_the_discriminator_steps_on_the_batches_that_are_due(tmp_path: Path, every: int, monkeypatch) -> None:
    steps, step = [], Aegan._discriminator_step
    monkeypatch.setattr(Aegan, "_discriminator_step", lambda self, *given: steps.append(1) or step(self, *given))
    fit(run(tmp_path / "state", epochs=2, every=every), [])  # 30 samples in batches of 8
    batches = batch_count(30, 8)
    assert len(steps) == 2 * math.ceil(batches / every)  # counted anew in each epoch


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x80\x04c"])
def test_a_broken_state_starts_afresh(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state"
    path.write_bytes(content)
    assert fit(run(path), []).epoch == 6


def test_two_runs_give_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    jobs = [run(tmp_path / "a"), run(tmp_path / "b"), run(tmp_path / "c", seed=4)]
    for job in jobs:
        fit(job, [])
    assert_equal(weights(jobs[0]), weights(jobs[1]))
    assert not torch.equal(jobs[0].model.encoder.head.weight, jobs[2].model.encoder.head.weight)


@pytest.mark.parametrize(("criterion", "best"), [("loss", min), ("auroc", max), ("ap", max)])
def test_the_best_version_is_best_by_its_criterion(tmp_path: Path, criterion: str, best) -> None:
    progress = fit(run(tmp_path / "state", select_by=criterion), [])
    values = [row[f"vali_{criterion}"] for row in progress.history]
    assert progress.best_value == best(values)
    assert progress.best_epoch == 1 + values.index(best(values))


def test_selecting_by_loss_never_looks_at_abnormal_samples(tmp_path: Path) -> None:
    job = run(tmp_path / "a")
    expected = fit(job, [])
    other = run(tmp_path / "b")
    changed = other.data.vali.clone()
    changed[other.data.vali_labels != 0] = 9.0
    blinded = replace(other.data, vali=changed)
    progress = fit(Run(other.model, blinded, other.options, 3, "fp32", other.resume), [])
    assert [row["vali_loss"] for row in progress.history] == [row["vali_loss"] for row in expected.history]
    assert progress.best_epoch == expected.best_epoch
    assert_equal(progress.best, expected.best)


def test_patience_stops_early(tmp_path: Path) -> None:
    job = run(tmp_path / "state", epochs=50, patience=3, select_by="auroc")  # AUROC soon stops growing
    progress = fit(job, [])
    assert progress.epoch < 50
    assert progress.epoch == progress.best_epoch + 3


def test_selecting_by_auroc_without_abnormal_samples_is_refused(tmp_path: Path) -> None:
    job = run(tmp_path / "state", select_by="auroc")
    only_normal = replace(job.data, vali=job.data.vali[:10], vali_labels=job.data.vali_labels[:10])
    with pytest.raises(EcganError, match="no abnormal samples"):
        fit(Run(job.model, only_normal, job.options, 3, "fp32", job.resume), [])


def test_divergence_is_one_sentence(tmp_path: Path) -> None:
    job = run(tmp_path / "state")
    job.data.train[0] = float("nan")
    with pytest.raises(EcganError, match="diverged in epoch 1"):
        fit(job, [])


def test_batches_cover_every_sample_once_and_differ_by_seed() -> None:
    seen = torch.cat(list(batches(20, 5, seed=1)))
    assert sorted(seen.tolist()) == list(range(20))
    assert not torch.equal(seen, torch.cat(list(batches(20, 5, seed=2))))
    assert torch.equal(seen, torch.cat(list(batches(20, 5, seed=1))))
    assert [len(batch) for batch in batches(20, 6, seed=1)] == [6, 6, 6]
    assert [len(batch) for batch in batches(20, 100, seed=1)] == [20]
    with pytest.raises(EcganError, match="too few"):
        list(batches(1, 4, seed=0))


def test_versions_on_disk(tmp_path: Path) -> None:
    model = run(tmp_path / "state").model
    save_version(tmp_path, "v03", model.state_dict())
    save_version(tmp_path, "v06", model.state_dict())
    save_index(tmp_path, Versions("v03", "v06", "loss", 0.1))
    assert load_index(tmp_path) == Versions("v03", "v06", "loss", 0.1)
    assert [resolve(tmp_path, name) for name in ("best", "latest", "v06")] == ["v03", "v06", "v06"]
    with pytest.raises(EcganError, match="no version 'v99'") as caught:
        resolve(tmp_path, "v99")
    assert "v03, v06" in caught.value.hint
    load_weights(model, load_version(tmp_path, "v03"), tmp_path)
    other = Aegan(AeganOptions(width=0.25), channels=1, length=32)
    with pytest.raises(EcganError, match="do not fit the model"):
        load_weights(other, load_version(tmp_path, "v03"), tmp_path)


def test_a_pickle_in_place_of_weights_is_refused(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    (tmp_path / "v01").mkdir()
    gadget = f"cos\nmkdir\n(S'{proof}'\ntR."
    (tmp_path / "v01" / "model.safetensors").write_bytes(gadget.encode())
    with pytest.raises(EcganError, match="no safetensors file"):
        load_version(tmp_path, "v01")
    assert not proof.exists()


def test_history_is_read_back_as_written(tmp_path: Path) -> None:
    rows = [{"epoch": 1.0, "loss": 0.123456789012, "vali_loss": 1e-7}, {"epoch": 2.0, "loss": 2.0, "vali_loss": 3.0}]
    save_history(tmp_path / "history.csv", rows)
    frame = pd.read_csv(tmp_path / "history.csv")
    assert frame["epoch"].tolist() == [1, 2]
    np.testing.assert_allclose(frame["loss"], [0.123456789012, 2.0], rtol=1e-9)


KILLED = """
    import os, sys
    from pathlib import Path
    sys.path[:0] = [{root!r}, {here!r}]
    import torch
    torch.set_num_threads(1)
    from test_training import run, weights
    from ecgan.training.loop import fit
    from safetensors.torch import save_file
    print(os.getpid())
    job = run(Path(sys.argv[1]), epochs=12, schedule="one_cycle", ema=0.9, every=2)
    class Slow:
        def epoch(self, row):
            print(int(row["epoch"]), flush=True)
    fit(job, [Slow()])
    save_file(weights(job), sys.argv[2])
"""


@pytest.mark.slow
def test_a_killed_process_is_taken_up_to_the_same_bytes(tmp_path: Path, root: Path) -> None:
    code = textwrap.dedent(KILLED.format(root=str(root), here=str(Path(__file__).parent)))

    def command(name: str) -> list[str]:
        return [sys.executable, "-c", code, str(tmp_path / name), str(tmp_path / f"{name}.safetensors")]

    for epoch in ("2", "9"):
        process = subprocess.Popen([forking.runner(), *command("cut")], stdout=subprocess.PIPE, text=True)
        number = int(process.stdout.readline())
        for line in process.stdout:
            if line.strip() == epoch:
                os.kill(number, signal.SIGKILL)
                break
        assert process.wait() == -signal.SIGKILL
    for name in ("cut", "whole"):
        assert forking.run(command(name), tmp_path, dict(os.environ)).returncode == 0
    assert (tmp_path / "whole.safetensors").read_bytes() == (tmp_path / "cut.safetensors").read_bytes()


def test_a_validation_loss_that_is_no_number_is_not_blamed_on_the_criterion(tmp_path: Path) -> None:
    job = run(tmp_path / "state")
    job.data.vali[0] = float("nan")
    with pytest.raises(EcganError, match="validation loss of aegan is no number after epoch 1") as caught:
        fit(job, [])
    assert "select_by" not in str(caught.value)
