"""Metrics of generation beside a training, which they neither disturb nor slow down much.

They see validation data and what the model generates, never the test data, and never a signal beside its own
reconstruction. Random numbers and the model are as they were before, so that training gives the same bytes.
"""

import math
import time
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from ecgan.arrays import F32
from ecgan.config.schema import Train
from ecgan.errors import EcganError
from ecgan.evaluation.discrepancy import median_distance, mmd2
from ecgan.evaluation.memorising import memorisation
from ecgan.generation.classifying import RealParts, classification_metrics
from ecgan.generation.sampling import generate, prior_fitted_to
from ecgan.models.base import GenerativeModel
from ecgan.runtime import derive_seed

FIXED_BANDWIDTH: Final = 5.0


@dataclass
class Monitor:
    """Computes metrics of generation while a model trains, and once for the version that is kept.

    The cost of an evaluation is bounded by `train.generation.samples` and by the size of the validation data,
    whatever the size of the training data; only memorisation, once at the end, looks at all of these. `seconds` says
    what it was.

    Attributes:
        model: The model in training.
        train: Training signals (n, C, L), for a prior that is learned from data.
        real: Real signals to compare with, at most `train.generation.samples` of each kind.
        options: The section `train`.
        seed: Seed of latents and classifiers.
        seconds: Time spent so far.
    """

    model: GenerativeModel
    train: Tensor
    real: RealParts
    options: Train
    seed: int
    seconds: float = field(default=0.0, init=False)
    _bandwidth: float = field(default=0.0, init=False)

    def columns(self, epoch: int) -> dict[str, float]:
        """Return what is due after so many complete epochs, as columns of the history."""
        options, start = self.options.generation, time.perf_counter()
        evaluation = math.ceil(epoch / self.options.evaluate_every)
        mmd = "mmd" in options.metrics and _due(evaluation, options.every)
        classified = [name for name in ("tstr", "trts") if name in options.metrics]
        classified = classified if _due(evaluation, options.classify_every) else []
        found: dict[str, float] = {}
        if mmd or classified:
            self.model.eval()
            with prior_fitted_to(self.model, self.train):
                generated = self._generated(2 if classified else 1, derive_seed(self.seed, "monitor", epoch))
            found |= {f"vali_{name}": value for name, value in self._mmd(generated).items()} if mmd else {}
            if classified:
                entries = self._classified(generated)
                found |= {f"vali_{n}_{key}": entries[n][key] for n in classified for key in ("f1_weighted", "auroc")}
        self.seconds += time.perf_counter() - start
        return found

    def final(self) -> dict[str, Any]:
        """Return all metrics of the model as it is, its prior as it is stored, with those of real signals; if any."""
        start, metrics = time.perf_counter(), self.options.generation.metrics
        if not metrics:
            return {}
        self.model.eval()
        generated = self._generated(2, derive_seed(self.seed, "generation"))
        found: dict[str, Any] = {}
        if "mmd" in metrics:
            real = {f"{name}_real": value for name, value in self._mmd(self.real.train_normal).items()}
            found |= self._mmd(generated) | real | {"bandwidth_median": self._bandwidth}
        if "tstr" in metrics or "trts" in metrics:
            entries = self._classified(generated)
            shown = ("trained", "tested", "real", *(name for name in ("tstr", "trts") if name in metrics))
            found |= {"classifier": self.options.generation.classifier} | {name: entries[name] for name in shown}
        if "memorisation" in metrics and len(self.real.test_normal) and len(self.train) > 1:
            train = np.asarray(self.train[:, : generated.shape[1]].cpu().numpy())
            unseen = self.real.test_normal
            found["memorisation"] = memorisation(generated[: len(unseen)], unseen, train)
        self.seconds += time.perf_counter() - start
        return found

    def _generated(self, sets: int, seed: int) -> F32:
        """Generate as many signals as there are real ones of a part at most, `sets` times that; (n, C, L)."""
        count = sets * max(len(self.real.test_normal), len(self.real.train_normal) if sets > 1 else 0, 2)
        signals = generate(self.model, count, seed).float()
        if not bool(signals.isfinite().all()):
            raise EcganError(
                f"{self.model.name} generates values that are no numbers: it has diverged.",
                f"Lower the learning rate in modules.{self.model.name} or choose another train.transformation.",
            )
        return np.asarray(signals.cpu().numpy())

    def _mmd(self, signals: F32) -> dict[str, float]:
        """Unbiased MMD² of as many signals to the real normal ones that are reported, by two bandwidths; NaN for one.

        That of real training signals is what a perfect generator would reach.
        """
        real = torch.from_numpy(self.real.test_normal)
        other = torch.from_numpy(signals[: max(2, len(real))])
        if min(len(real), len(other)) < 2:
            return {"mmd_median": math.nan, "mmd_fixed": math.nan}
        self._bandwidth = self._bandwidth or median_distance(real)
        return {"mmd_median": mmd2(real, other, self._bandwidth), "mmd_fixed": mmd2(real, other, FIXED_BANDWIDTH)}

    def _classified(self, generated: F32) -> dict[str, Any]:
        seed = derive_seed(self.seed, "classifier")
        return classification_metrics(self.real, generated, self.options.generation.classifier, seed)


def _due(evaluation: int, every: int) -> bool:
    return every > 0 and evaluation % every == 0
