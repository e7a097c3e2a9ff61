"""The verdict of a classifier: how much more likely one of the abnormal classes is than the normal one."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ecgan.detection.base import F32, F64, Detector, State
from ecgan.detection.components import CHUNK, check_finite, chunks
from ecgan.detection.stored import AGAIN, stored_number
from ecgan.errors import EcganError
from ecgan.registry import register_detector
from ecgan.samples import Samples


@register_detector("argmax")
class Argmax(Detector):
    """Log-odds of being abnormal, log P(abnormal) − log P(normal), from a classifier's logits.

    The most likely class is named beside, by `classify`; of equally likely ones the first.
    """

    title: ClassVar[str] = "class probabilities of a classifier"
    needs_model: ClassVar[bool] = True
    classifies: ClassVar[bool] = True

    _classes: int | None = None

    def fit(self, train: Samples) -> None:
        """Learn how many classes the classifier tells apart, by asking it once."""
        if len(train) == 0:
            raise EcganError(
                "there are no training samples to ask the classifier about.",
                "Train it on samples of two classes or more.",
            )
        self._classes = self._call(train[:1]).shape[1]
        if self._classes < 2:
            raise EcganError(
                "the classifier knows one class only; there is nothing to tell apart.",
                "Train it on samples of two classes or more.",
            )

    def components(self, samples: Samples) -> dict[str, F64]:
        """The "log_odds" of n samples."""
        values = np.empty(len(samples), dtype=np.float64)
        for part in chunks(len(samples), CHUNK):
            values[part] = log_odds(self._logits(samples[part]))
        found = {"log_odds": values}
        check_finite(found)
        return found

    def classify(self, samples: Samples) -> NDArray[np.int64]:
        """Most likely class id of each of n samples."""
        found = np.empty(len(samples), dtype=np.int64)
        for part in chunks(len(samples), CHUNK):
            found[part] = self._logits(samples[part]).argmax(axis=1)
        return found

    def state(self) -> State:
        """The number of classes."""
        return State() if self._classes is None else State(values={"classes": self._classes})

    def restore(self, state: State) -> None:
        """Take back the number of classes."""
        self._classes = int(stored_number(state.values, "classes"))

    def _logits(self, samples: Samples) -> F32:
        if self._classes is None:
            raise EcganError("the detector 'argmax' has not been fitted.", "Fit it first: `fit`, or `ecgan detect`.")
        found = self._call(samples)
        if found.shape != (len(samples), self._classes):
            raise EcganError(
                f"the classifier gave logits {found.shape}; expected {(len(samples), self._classes)}.", AGAIN
            )
        return found

    def _call(self, samples: Samples) -> F32:
        if self.mapping is None or self.mapping.logits is None:
            raise EcganError(
                "the detector 'argmax' needs a classifier, such as cnn, and none was given.",
                "Detectors of generative models: inverse_mapping, anogan.",
            )
        return self.mapping.logits(self.mapping.seen(samples))


def log_odds(logits: F32) -> F64:
    """Log-odds log Σ_{k>0} exp(logit_k) − logit_0 of logits (n, K), class 0 being normal; float64 (n,)."""
    wide = logits.astype(np.float64)
    highest = wide[:, 1:].max(axis=1)
    with np.errstate(invalid="ignore"):  # a model that diverged is named by the check of the components
        odds: F64 = highest + np.log(np.exp(wide[:, 1:] - highest[:, None]).sum(axis=1)) - wide[:, 0]
    return odds
