"""A detector of your own that adapts to its record: what is unlike the record's own usual beat is abnormal."""

import numpy as np
from pydantic import Field

from ecgan.config.options import Options
from ecgan.detection.base import F64, Detector, State
from ecgan.errors import EcganError
from ecgan.registry import register_detector
from ecgan.samples import Samples


class OwnBeatOptions(Options):
    """Parameters; these are the keys of the section `detectors.own_beat`."""

    rounds: int = Field(3, ge=1, description="how often the usual beat is found, each time from the half most like it")


@register_detector("own_beat")
class OwnBeat(Detector):
    """How many times as far as its record's typical beat a beat is from the record's usual one."""

    title = "distance from the record's own usual beat (example plug-in)"
    Options = OwnBeatOptions
    context = ("record",)  # so that `samples.around` holds all beats of the records in question, without labels

    def fit(self, train: Samples) -> None:
        """Learn nothing but the shape of samples (C, L)."""
        self.shape = train.signals.shape[1:]

    def components(self, samples: Samples) -> dict[str, F64]:
        """Return the distance of n samples as `distance`: float64, (n,), higher = more abnormal."""
        around, places = samples.around, samples.places
        if samples.signals.shape[1:] != self.shape or around is None:
            raise EcganError(f"own_beat learned samples of shape {self.shape}, found {samples.signals.shape[1:]}.")
        found, records = np.empty(len(around)), around.records
        for record in np.unique(records):
            rows = np.flatnonzero(records == record)
            found[rows] = self._distances(around.signals[rows].astype(np.float64))
        return {"distance": found[places]}

    def state(self) -> State:
        """Return everything that was learned, as arrays and plain JSON values."""
        return State(values={"shape": list(self.shape)})

    def restore(self, state: State) -> None:
        """Take it back; afterwards `components` gives the same bytes."""
        self.shape = tuple(state.values["shape"])

    def _distances(self, x: F64) -> F64:
        distance = np.zeros(len(x))
        for _ in range(self.options.rounds):
            usual = np.median(x[distance <= np.median(distance)], axis=0)  # (C, L)
            distance = np.sqrt(np.square(x - usual).mean(axis=(1, 2)))
        return distance / max(float(np.median(distance)), 1e-9)
