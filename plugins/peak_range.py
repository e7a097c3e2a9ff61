"""An example of a detector of your own: beats whose height is unusual are abnormal."""

import numpy as np

from ecgan.config.options import Options
from ecgan.detection.base import F64, Detector, State
from ecgan.errors import EcganError
from ecgan.registry import register_detector
from ecgan.samples import Samples


class PeakRangeOptions(Options):
    """It has no parameters."""


@register_detector("peak_range")
class PeakRange(Detector):
    """How far a beat's peak-to-peak height is from the median of the training beats."""

    title = "distance of the peak-to-peak height from the median (example plug-in)"
    Options = PeakRangeOptions

    def fit(self, train: Samples) -> None:
        """Learn the median height of the training samples, and their shape."""
        self.shape = train.signals.shape[1:]
        self.median = float(np.median(np.ptp(train.signals, axis=(1, 2))))

    def components(self, samples: Samples) -> dict[str, F64]:
        """Return |height − median| of n samples as `height`, (n,)."""
        x = samples.signals
        if x.shape[1:] != self.shape:
            raise EcganError(f"peak_range learned samples of shape {self.shape}, and was given {x.shape[1:]}.")
        return {"height": np.abs(np.ptp(x, axis=(1, 2)).astype(np.float64) - self.median)}

    def state(self) -> State:
        """Return the median and the shape."""
        return State(values={"median": self.median, "shape": list(self.shape)})

    def restore(self, state: State) -> None:
        """Take back the median and the shape."""
        self.median, self.shape = float(state.values["median"]), tuple(state.values["shape"])
