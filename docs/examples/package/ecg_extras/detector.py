"""A detector: beats with more or less energy than usual are abnormal."""

import numpy as np

from ecgan.config.options import Options
from ecgan.detection.base import F32, F64, Detector, State
from ecgan.errors import EcganError
from ecgan.registry import register_detector
from ecgan.samples import Samples


class EnergyOptions(Options):
    """There are no parameters."""


@register_detector("energy")
class Energy(Detector):
    """How far the energy of a sample is from the median energy of the training samples."""

    title = "distance of the energy from the median (example package)"
    Options = EnergyOptions

    def fit(self, train: Samples) -> None:
        """Learn the median energy of the training samples, and their shape."""
        self.shape = train.signals.shape[1:]
        self.median = float(np.median(_energy(train.signals)))

    def components(self, samples: Samples) -> dict[str, F64]:
        """Return |energy − median| of n samples as `energy`: float64, (n,), higher = more abnormal."""
        x = samples.signals
        if x.shape[1:] != self.shape:
            raise EcganError(f"energy learned samples of shape {self.shape}, and was given {x.shape[1:]}.")
        return {"energy": np.abs(_energy(x) - self.median)}

    def state(self) -> State:
        """Return everything that was learned, as plain JSON values."""
        return State(values={"median": self.median, "shape": list(self.shape)})

    def restore(self, state: State) -> None:
        """Take it back."""
        self.median, self.shape = float(state.values["median"]), tuple(state.values["shape"])


def _energy(x: F32) -> F64:
    """Return the mean square (n,) of x (n, C, L), each lead about its own mean."""
    centred = x.astype(np.float64) - x.mean(axis=2, keepdims=True, dtype=np.float64)
    energy: F64 = np.square(centred).mean(axis=(1, 2))
    return energy
