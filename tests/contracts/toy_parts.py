"""Small parts that do all that their interfaces ask: what `test_conformance.py` breaks one by one."""

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from ecgan.config.options import Options
from ecgan.datasets.annotated import cut_beats
from ecgan.datasets.base import Card, Dataset
from ecgan.detection.base import F64, Detector, State
from ecgan.detection.strategies.base import Strategy
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.inversion.base import Inversion
from ecgan.models.base import ClassifierModel, GenerativeModel, Model, Optimizers
from ecgan.models.layers.latents import Prior
from ecgan.preprocessing.options import SampleOptions
from ecgan.protocols.base import Partition, Protocol
from ecgan.protocols.dividing import allot
from ecgan.samples import About, Samples
from ecgan.testing.toys import toy_beats


class ToyOptions(Options):
    """Parameters of the toy models."""

    batch_size: int = Field(8, ge=2, description="beats in a training step")
    latent_size: int = Field(3, ge=1, description="Z")
    output: Literal["tanh", "sigmoid"] = Field("tanh", description="last activation")


class ToyModel(GenerativeModel):
    """A linear autoencoder with a critic."""

    name = "toy"
    title = "toy"
    Options: ClassVar[Any] = ToyOptions

    def __init__(self, options: Any, *, channels: int, length: int, classes: int = 2) -> None:
        super().__init__(options, channels=channels, length=length, classes=classes)
        if length % 4:
            raise EcganError(f"{length} steps are no multiple of 4.", f"Cut beats of {length - length % 4} steps.")
        self.prior = Prior("encoder", options.latent_size)
        self.encoder = nn.Linear(channels * length, options.latent_size)
        self.decoder = nn.Linear(options.latent_size, channels * length)
        self.critic = nn.Linear(channels * length, 1)

    @property
    def output_range(self) -> tuple[float, float] | None:
        return (-1.0, 1.0) if self.options.output == "tanh" else (0.0, 1.0)

    def optimizers(self) -> Optimizers:
        pair = [*self.encoder.parameters(), *self.decoder.parameters()]
        return {"pair": torch.optim.Adam(pair, 1e-3), "critic": torch.optim.Adam(self.critic.parameters(), 1e-3)}

    def train_batch(self, x: Tensor, optimizers: Optimizers, epoch: int, labels: Tensor | None = None) -> Any:
        fake = self.decode(self.encode(x) + 0.1 * torch.randn(len(x), self.prior.size, device=x.device))
        losses = {"pair": F.mse_loss(fake, x), "critic": self.discriminate(fake.detach()).sub(1).square().mean()}
        for name, loss in losses.items():
            optimizers[name].zero_grad()
            loss.backward()
            optimizers[name].step()
        return {name: loss.detach() for name, loss in losses.items()}

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x.flatten(1))

    def decode(self, z: Tensor) -> Tensor:
        y = self.decoder(z).view(-1, self.channels, self.length)
        return torch.tanh(y) if self.options.output == "tanh" else torch.sigmoid(y)

    def features(self, x: Tensor) -> Tensor | None:
        return torch.tanh(self.critic.weight * x.flatten(1))

    def discriminate(self, x: Tensor) -> Tensor | None:
        return self.critic(x.flatten(1)).flatten()


class ToyConditioned(GenerativeModel):
    """A linear autoencoder that is told how early each beat comes; the last numbers of a latent say it again."""

    name = "toy"
    title = "toy"
    Options: ClassVar[Any] = ToyOptions
    context = ("rhythm",)
    conditions = 2

    def __init__(self, options: Any, *, channels: int, length: int, classes: int = 2) -> None:
        super().__init__(options, channels=channels, length=length, classes=classes)
        self.prior = Prior("encoder", options.latent_size + self.conditions)
        self.encoder = nn.Linear(channels * length, options.latent_size)
        self.decoder = nn.Linear(self.prior.size, channels * length)

    @property
    def output_range(self) -> None:
        return None

    def condition(self, samples: Samples) -> Any:
        return samples.table[["rr_prev_s", "rr_next_s"]].fillna(1.0).to_numpy(np.float32)

    def optimizers(self) -> Optimizers:
        return {"pair": torch.optim.Adam(self.parameters(), 1e-2)}

    def train_batch(self, x: Tensor, optimizers: Optimizers, epoch: int, labels: Tensor | None = None) -> Any:
        loss = F.mse_loss(self.reconstruct(x), x[:, : self.channels])
        optimizers["pair"].zero_grad()
        loss.backward()
        optimizers["pair"].step()
        return {"pair": loss.detach()}

    def encode(self, x: Tensor) -> Tensor:
        return torch.cat([self.encoder(x[:, : self.channels].flatten(1)), x[:, self.channels :, 0]], dim=1)

    def decode(self, z: Tensor) -> Tensor:
        return self.decoder(z).view(-1, self.channels, self.length)

    def reconstruct(self, x: Tensor, seed: int = 0) -> Tensor:
        return self.decode(self.encode(x))


class ToyClassifier(ClassifierModel):
    """A linear classifier."""

    name = "toy"
    title = "toy"
    Options: ClassVar[Any] = ToyOptions
    defaults: ClassVar[Any] = {
        "split": {"protocol": "stratified", "train_on": "all"},
        "detect": {"detector": "argmax"},
    }

    def __init__(self, options: Any, *, channels: int, length: int, classes: int = 2) -> None:
        super().__init__(options, channels=channels, length=length, classes=classes)
        self.linear = nn.Linear(channels * length, classes)

    def optimizers(self) -> Optimizers:
        return {"classifier": torch.optim.Adam(self.parameters(), 1e-3)}

    def train_batch(self, x: Tensor, optimizers: Optimizers, epoch: int, labels: Tensor | None = None) -> Any:
        assert labels is not None
        loss = F.cross_entropy(self.logits(x), labels)
        optimizers["classifier"].zero_grad()
        loss.backward()
        optimizers["classifier"].step()
        return {"cross_entropy": loss.detach()}

    def logits(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1))


class ToyDetector(Detector):
    """Distance from the mean training beat."""

    name = "toy"
    title = "toy"
    Options: ClassVar[type[Options]] = Options

    def fit(self, train: Samples) -> None:
        self.mean = train.signals.mean(axis=0, dtype=np.float64)

    def components(self, samples: Samples) -> dict[str, F64]:
        if samples.signals.shape[1:] != self.mean.shape:
            raise EcganError("other shape.")
        return {"distance": np.sqrt(np.square(samples.signals - self.mean).mean(axis=(1, 2)))}

    def state(self) -> State:
        return State(arrays={"mean": self.mean})

    def restore(self, state: State) -> None:
        self.mean = state.arrays["mean"]


class ToyAdapter(ToyDetector):
    """Distance from the mean training beat, and how much of it is unusual in the record."""

    context = ("record",)

    def components(self, samples: Samples) -> dict[str, F64]:
        assert samples.around is not None
        assert samples.places is not None
        distance = super().components(samples.around)["distance"]
        usual = pd.Series(distance).groupby(samples.around.records).transform("median").to_numpy()
        return {"distance": (distance / usual)[samples.places]}


class ToyGuest(ToyDetector):
    """Distance from the mean training beat, and from the reconstruction where there is a model."""

    takes_model = True

    def components(self, samples: Samples) -> dict[str, F64]:
        distance = super().components(samples)["distance"]
        if self.mapping is not None:
            distance = distance + np.square(samples.signals - self.mapping.reconstruct(samples, 0)).mean(axis=(1, 2))
        return {"distance": distance}


class ToyNamer(Detector):
    """The classifier's verdict."""

    name = "toy"
    title = "toy"
    Options: ClassVar[type[Options]] = Options
    needs_model = True
    classifies = True

    def fit(self, train: Samples) -> None:
        pass

    def components(self, samples: Samples) -> dict[str, F64]:
        logits = self.mapping.logits(samples.signals).astype(np.float64)  # type: ignore[union-attr, misc]
        return {"log_odds": logits[:, 1:].max(axis=1) - logits[:, 0]}

    def classify(self, samples: Samples) -> Any:
        return self.mapping.logits(samples.signals).argmax(axis=1).astype(np.int64)  # type: ignore[union-attr, misc]

    def state(self) -> State:
        return State()

    def restore(self, state: State) -> None:
        pass


class ToyFetch(Options):
    """What is made."""

    count: int = Field(12, ge=2, description="beats")


class ToyDataset(Dataset):
    """A text file of seeds."""

    name = "toy"
    card = Card("toy", "made here", "free", "tiny")
    Fetch = ToyFetch
    Preprocess = SampleOptions

    def fetch(self, raw: Path, options: ToyFetch, *, seed: int) -> None:
        (raw / "seed.txt").write_text(f"{seed} {options.count}\n")

    def preprocess(self, raw: Path, options: Any) -> Samples:
        seed, count = map(int, (raw / "seed.txt").read_text().split())
        x = np.concatenate([toy_beats(count, 1, 32, seed=seed), toy_beats(count, 1, 32, seed=seed, abnormal=True)])
        labels = np.repeat(np.arange(2, dtype=np.int64), count)
        table = pd.DataFrame({"class_name": np.array(["N", "A"])[labels]})
        return Samples(x.astype(np.float64), table, About(100.0, ["I"], ["N", "A"]), labels)

    def recording_rate(self, options: Any) -> float | None:
        return 100.0

    def cut(self, record: Record, options: Any) -> Samples:
        return cut_beats(record, record.signals, 12, 20, None)


class ToyProtocol(Protocol):
    """Whole patients, in turn."""

    name = "toy"
    title = "toy"
    by_patient = True

    def cut(self, samples: Samples, options: Any, rng: Any, evaluation_sets: Any) -> list[Partition]:
        patients = samples.table["patient"].to_numpy()
        names = rng.permutation(np.unique(patients))
        ends = np.cumsum(allot(np.array([2, 1, 1]), len(names)))
        parts = [np.flatnonzero(np.isin(patients, part)) for part in np.split(names, ends[:-1])]
        train = parts[0][samples.class_ids[parts[0]] == 0]
        return [Partition(train, parts[1], parts[2]) for _ in range(options.k)]


class ToyInversion(Inversion):
    """Means of thirds of a beat, less those of training beats."""

    name = "toy"
    title = "toy"

    @classmethod
    def suits(cls, model: Model) -> bool:
        return isinstance(model, GenerativeModel)

    def fit(self, train: Tensor) -> None:
        super().fit(train)
        self.mean = self.thirds(train).mean(dim=0)

    def invert(self, x: Tensor, batch_size: int = 1024) -> Tensor:
        return self.thirds(x) - self.mean

    def thirds(self, x: Tensor) -> Tensor:
        return torch.stack([part.mean(dim=(1, 2)) for part in x.chunk(3, dim=2)], dim=1)

    def stored(self) -> dict[str, Any]:
        return super().stored() | {"mean": self.mean.tolist()}

    def restore(self, folder: Path, stored: dict[str, Any]) -> None:
        super().restore(folder, stored)
        self.mean = torch.tensor(stored["mean"]).to(next(self.model.parameters()).device)


class ToyStrategy(Strategy):
    """Two components, the second in units of the first's mean."""

    name = "toy"
    title = "toy"
    needs = ("a", "b")

    def fit(self, components: Any, labels: Any) -> None:
        self.mean = float(components["a"].mean())

    def score(self, components: Any) -> F64:
        return components["a"] + components["b"] / self.mean

    def parameters(self) -> dict[str, float]:
        return {"mean": self.mean}

    def state(self) -> State:
        return State(values={"mean": self.mean})

    def restore(self, state: State) -> None:
        self.mean = state.values["mean"]
