"""Training, inverse mapping and scores on each device that is there: the same bytes twice, and close to the CPU's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ecgan.config import Train
from ecgan.config.inverse import Inverse
from ecgan.inversion.base import choose
from ecgan.models.base import ClassifierModel, Model
from ecgan.registry import MODELS
from ecgan.runs.loading import mapping_of
from ecgan.runtime import device, set_deterministic
from ecgan.training.data import TrainingData, fits, moved, to_tensor
from ecgan.training.loop import Run, fit
from ecgan.training.resume import ResumeFile

NAMES = ("aegan", "vaegan", "autoencoder", "vae", "dcgan", "rgan", "rdcgan", "cnn", "rnn")
SMALL = {"width": 0.0625, "batch_size": 16}


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def on(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> torch.device:
    """Each device in turn, chosen as a user would."""
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    monkeypatch.setenv("ECGAN_DEVICE", request.param)
    set_deterministic()
    return device()


def signals(count: int = 48, seed: int = 0) -> Tensor:
    phase = torch.rand(count, 1, 1, generator=torch.Generator().manual_seed(seed))
    return torch.sin(torch.linspace(0, 6.28, 64) + phase).repeat(1, 2, 1) * 0.4 + 0.5


def made_up(on: torch.device) -> TrainingData:
    x, labels = signals(), torch.arange(48) % 2
    return TrainingData(x[:32].to(on), labels[:32].to(on), x[32:].to(on), labels[32:].to(on))


def job(name: str, data: TrainingData, folder: Path, precision: str = "fp32") -> Run:
    torch.manual_seed(5)
    cls = MODELS.get(name)
    model = cls(cls.Options(**SMALL), channels=2, length=64, classes=2).to(data.vali.device)
    resume = ResumeFile(folder / "state", "same", seconds=1e9)
    return Run(model, data, Train(epochs=2, augment="timewarp"), 3, precision, resume, centre=20)


def trained(run: Run) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
    progress = fit(run, [])
    return {key: value.cpu() for key, value in run.model.state_dict().items()}, progress.history


def assert_equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for key, value in one.items():
        assert torch.equal(value, other[key]), key


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("precision", ["fp32", pytest.param("bf16", marks=pytest.mark.native)])
def test_training_twice_gives_the_same_bytes(name: str, precision: str, on: torch.device, tmp_path: Path) -> None:
    """Every operation of the model, its losses and the optimizers has a deterministic algorithm there, or it raises."""
    (one, history), (other, again) = (trained(job(name, made_up(on), tmp_path, precision)) for _ in range(2))
    assert_equal(one, other)
    np.testing.assert_equal(history, again)  # NaN is equal to NaN there
    assert all(bool(value.isfinite().all()) for value in one.values())


@pytest.mark.parametrize("name", ["aegan", "dcgan", "cnn"])
def test_training_in_float32_is_close_to_that_on_the_cpu(name: str, on: torch.device, tmp_path: Path) -> None:
    """TensorFloat-32 would be off by 1e-3; draws come from the CPU's generator on every device."""
    _, found = trained(job(name, made_up(on), tmp_path))
    _, expected = trained(job(name, made_up(torch.device("cpu")), tmp_path))
    losses = [key for key in expected[0] if not key.startswith("vali_") and key != "epoch"]
    for key in losses:
        np.testing.assert_allclose([row[key] for row in found], [row[key] for row in expected], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ["aegan", "dcgan", "cnn"])
def test_training_data_that_do_not_fit_on_the_device_give_the_same_bytes(
    name: str, on: torch.device, tmp_path: Path
) -> None:
    resident = made_up(on)
    streamed = replace(resident, train=resident.train.cpu())
    x, labels = streamed.batch(torch.tensor([3, 1]))
    assert x.device.type == labels.device.type == on.type
    assert torch.equal(x.cpu(), resident.train[[3, 1]].cpu())
    assert_equal(trained(job(name, resident, tmp_path))[0], trained(job(name, streamed, tmp_path))[0])


def test_samples_go_to_the_device_as_a_whole_where_half_of_its_memory_holds_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cuda = torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda on: (1000, 4000))
    assert [fits(size, cuda) for size in (0, 500, 501)] == [True, True, False]
    assert fits(10**15, torch.device("cpu"))
    monkeypatch.setattr("ecgan.training.data.device", lambda: cuda)
    assert to_tensor(np.zeros((501, 1, 1), np.float32)).device.type == "cpu"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_batches_are_copied_from_pinned_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = []
    pin = Tensor.pin_memory
    monkeypatch.setattr(Tensor, "pin_memory", lambda x: pinned.append(pin(x)) or pinned[-1])
    found = moved(torch.arange(6.0), torch.device("cuda"))
    assert found.is_cuda
    assert pinned[0].is_pinned()
    assert found.tolist() == [0, 1, 2, 3, 4, 5]
    assert moved(found, torch.device("cuda")) is found


def network(name: str, on: torch.device) -> Model:
    torch.manual_seed(2)
    cls = MODELS.get(name)
    model: Model = cls(cls.Options(**SMALL), channels=2, length=64, classes=2).to(on)
    return model.eval().requires_grad_(False)


@pytest.mark.parametrize("name", NAMES)
def test_what_detectors_see_is_that_of_the_cpu(name: str, on: torch.device) -> None:
    x = signals(7, seed=1).numpy()
    seen = []
    for place in (on, torch.device("cpu")):
        model = network(name, place)
        mapping = mapping_of(model, choose("auto", model), batch_size=4)
        if isinstance(model, ClassifierModel):
            assert mapping.logits is not None
            seen.append(mapping.logits(x))
        else:
            seen.append(mapping.decode(mapping.invert(x)))
    np.testing.assert_allclose(seen[0], seen[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", ["network", "search", "network_search"])
@pytest.mark.parametrize("name", ["dcgan", "rgan"])
def test_inverse_mappings_twice_give_the_same_bytes(name: str, method: str, on: torch.device) -> None:
    options = Inverse.model_validate(
        {
            "method": method,
            "network": {"steps": 4, "evaluate_every": 2, "batch_size": 8, "reconstruction_weight": 1.0},
            "search": {"iterations": 6, "runs": 2, "starts": 5, "batch_size": 3},
        }
    )
    x, found = signals(6, seed=4).to(on), []
    for train in (signals(), signals().to(on)):  # training data that do not fit on the device stay on the CPU
        inversion = choose(method, network(name, on), options, seed=1)
        inversion.fit(train)
        found.append(inversion.invert(x))
    assert found[0].device.type == on.type
    assert torch.equal(found[0], found[1])
    assert bool(found[0].isfinite().all())
