"""A detector of your own: beats that rise or fall in an unusual way are abnormal."""

import numpy as np
from pydantic import Field

from ecgan.config.options import Options
from ecgan.detection.base import F32, F64, Detector, State
from ecgan.errors import EcganError
from ecgan.registry import register_detector
from ecgan.samples import Samples


class SteepnessOptions(Options):
    """Parameters; these are the keys of the section `detectors.steepness`."""

    lag: int = Field(2, ge=1, description="time steps between the two values whose difference is taken")


@register_detector("steepness")
class Steepness(Detector):
    """How far the steepest slope of a sample is from the median of the training samples."""

    title = "distance of the steepest slope from the median (example plug-in)"
    Options = SteepnessOptions

    def fit(self, train: Samples) -> None:
        """Learn the median slope of the training samples, and their shape."""
        if train.length <= self.options.lag:
            raise EcganError(f"detectors.steepness.lag is {self.options.lag}, and samples have {train.length} steps.")
        self.shape = train.signals.shape[1:]
        self.median = float(np.median(self._slope(train.signals)))

    def components(self, samples: Samples) -> dict[str, F64]:
        """Return |slope − median| of n samples as `slope`: float64, (n,), higher = more abnormal."""
        x = samples.signals
        if x.shape[1:] != self.shape:
            raise EcganError(f"steepness learned samples of shape {self.shape}, and was given {x.shape[1:]}.")
        return {"slope": np.abs(self._slope(x) - self.median)}

    def state(self) -> State:
        """Return everything that was learned, as arrays and plain JSON values."""
        return State(values={"median": self.median, "shape": list(self.shape)})

    def restore(self, state: State) -> None:
        """Take it back; afterwards `components` gives the same bytes."""
        self.median, self.shape = float(state.values["median"]), tuple(state.values["shape"])

    def _slope(self, x: F32) -> F64:
        lag = self.options.lag
        steepest: F64 = np.abs(x[..., lag:].astype(np.float64) - x[..., :-lag]).max(axis=(1, 2))
        return steepest
