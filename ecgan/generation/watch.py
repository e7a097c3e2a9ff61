"""What a training run says of its generated signals: columns of the history, `generation.json`, what figures show."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from ecgan.arrays import F32
from ecgan.config.schema import Train
from ecgan.files import write_json
from ecgan.generation.classifying import RealParts
from ecgan.generation.drawing import collect
from ecgan.generation.drawn import Drawn, save_drawn
from ecgan.generation.embedding import check_installed
from ecgan.generation.monitor import FIXED_BANDWIDTH, Monitor
from ecgan.models.base import GenerativeModel, Model
from ecgan.runtime import derive_seed
from ecgan.terminal import say
from ecgan.training.data import TrainingData

FILE: Final = "generation.json"
DRAWN: Final = "drawn.safetensors"


class Watch:
    """Follows one training run; says nothing of a classifier, which generates nothing.

    Args:
        model: The model in training.
        data: What it is trained and validated on.
        report: Signals of the half of validation that nothing is fitted on, (n, C, L), and their labels (n,).
        options: The section `train`.
        leads: Names of the leads.
        seed: Seed of the real samples that are drawn, of latents and classifiers.

    Raises:
        EcganError: An embedding is asked for whose package is not installed.
    """

    def __init__(
        self,
        model: Model,
        data: TrainingData,
        report: tuple[Tensor, Tensor],
        options: Train,
        leads: Sequence[str],
        seed: int,
    ) -> None:
        self.model, self.options, self.leads, self.seed = model, options.generation, leads, seed
        self.monitor: Monitor | None = None
        if isinstance(model, GenerativeModel):
            check_installed(self.options.embeddings if self.options.figures else [])
            drawn = derive_seed(seed, "real")
            real = _parts(data, report, model.channels, self.options.samples, drawn)
            self.monitor = Monitor(model, data.train, real, options, seed)

    def columns(self, epoch: int) -> dict[str, float]:
        """Return what is due after so many epochs, as columns of the history."""
        return self.monitor.columns(epoch) if self.monitor else {}

    def write(self, folder: Path, weights: Mapping[str, Tensor], version: str) -> Drawn | None:
        """Write `generation.json` and `drawn.safetensors` of one version; return what figures show, if any.

        Both are always written, since the pipeline declares them; of a classifier both say nothing. The model keeps the
        weights of the version.
        """
        if self.monitor is None:
            write_json(folder / FILE, {})
            save_drawn(folder / DRAWN, None)
            return None
        self.model.load_state_dict(weights)
        self.model.eval()
        facts = self.monitor.final()
        write_json(folder / FILE, facts and {"version": version, "bandwidth_fixed": FIXED_BANDWIDTH} | facts)
        start = time.perf_counter()
        found, drawn = self.monitor, None
        if self.options.figures:
            drawn = collect(found.model, found.real, self.leads, self.options, self.seed)
        save_drawn(folder / DRAWN, drawn)
        if facts or drawn is not None:
            self._tell_costs(time.perf_counter() - start)
        return drawn

    def _tell_costs(self, figures: float) -> None:
        """Say how long it took: times are for the terminal; files are the same in every run."""
        assert self.monitor is not None
        costs = f"metrics of generation took {self.monitor.seconds:.1f} s, what figures show {figures:.1f} s"
        say(f"{self.model.name}: {costs}")


def _parts(data: TrainingData, report: tuple[Tensor, Tensor], channels: int, most: int, seed: int) -> RealParts:
    """At most so many real signals of each kind, by what they may be used for."""
    kinds = (data.train_labels == 0, data.vali_labels != 0, report[1] == 0, report[1] != 0)
    rows = vars(RealParts(*map(_places, kinds)).reduced(most, seed)).values()
    signals = (data.train, data.vali, report[0], report[0])
    return RealParts(*(_array(x[torch.from_numpy(one), :channels]) for x, one in zip(signals, rows, strict=True)))


def _places(which: Tensor) -> Any:
    return which.nonzero()[:, 0].cpu().numpy()


def _array(x: Tensor) -> F32:
    return np.asarray(x.detach().cpu().numpy())
