"""An example of a detector of your own: beats whose height is unusual are abnormal."""

import numpy as np

from ecgan.config.options import Options
from ecgan.detection.base import F32, F64, Detector, State
from ecgan.registry import register_detector


class PeakRangeOptions(Options):
    """It has no parameters."""


@register_detector("peak_range")
class PeakRange(Detector):
    """How far a beat's peak-to-peak height is from the median of the training beats."""

    title = "distance of the peak-to-peak height from the median (example plug-in)"
    Options = PeakRangeOptions

    def fit(self, train: F32) -> None:
        """Learn the median height of the training samples (n, C, L)."""
        self.median = float(np.median(np.ptp(train, axis=(1, 2))))

    def components(self, x: F32) -> dict[str, F64]:
        """Return |height − median| of x (n, C, L) as `height`, (n,)."""
        return {"height": np.abs(np.ptp(x, axis=(1, 2)).astype(np.float64) - self.median)}

    def state(self) -> State:
        """Return the median."""
        return State(values={"median": self.median})

    def restore(self, state: State) -> None:
        """Take back the median."""
        self.median = float(state.values["median"])
