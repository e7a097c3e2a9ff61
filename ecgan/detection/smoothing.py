"""The component S: the slow part of a residual, in units of what is normal at each time step.

With the residual r = x − G(z) smoothed over time by a Gaussian, s = g ∗ r, and v(c, t) the mean of s² over training
samples, which are normal unless `split.train_on` is `all`,

    S = mean over leads and time of s(c, t)² / v(c, t).

Smoothing takes away the fast part of the residual, which is noise that no latent explains in normal beats either, and
leaves errors of shape. Division by v lets every part of the beat count the same, whether it is hard to reconstruct (the
QRS complex) or easy. Smoothed errors: Hundman et al., "Detecting spacecraft anomalies using LSTMs and nonparametric
dynamic thresholding", KDD 2018, section 3.2; errors in units of a normal distribution that was fitted to normal ones,
here of a diagonal one around 0: Malhotra et al., "LSTM-based encoder-decoder for multi-sensor anomaly detection", ICML
workshop 2016, section 2.
"""

from dataclasses import dataclass

import numpy as np

from ecgan.detection.base import F32, F64, State
from ecgan.detection.components import chunks
from ecgan.detection.stored import AGAIN, stored_array
from ecgan.errors import EcganError

_SCALE = "smoothed_scale"
_LEAST = 1e-6  # of the mean scale: where training samples leave no error, rounding would count as one


def smoothed(residual: F64, share: float) -> F64:
    """Smooth residuals (n, C, L) over time by a Gaussian with the standard deviation share · L; 0 leaves them."""
    from scipy.ndimage import gaussian_filter1d

    if not share:
        return residual
    slow: F64 = gaussian_filter1d(residual, share * residual.shape[2], axis=2)
    return slow


@dataclass(frozen=True)
class SmoothedError:
    """What S needs: the Gaussian's standard deviation as a share of a sample's length, and v as its scale (C, L)."""

    share: float
    scale: F64

    @classmethod
    def learn(cls, x: F32, reconstruction: F32, share: float) -> "SmoothedError":
        """Learn v from training samples and their reconstructions, both (n, C, L)."""
        total = np.zeros(x.shape[1:], dtype=np.float64)
        for part in chunks(len(x)):
            total += np.square(_slow(x[part], reconstruction[part], share)).sum(axis=0)
        scale = total / len(x)
        return cls(share, np.maximum(scale, _LEAST * scale.mean() or 1.0))

    def measure(self, x: F32, reconstruction: F32) -> F64:
        """S of samples and their reconstructions, both (n, C, L); (n,)."""
        error: F64 = (np.square(_slow(x, reconstruction, self.share)) / self.scale).mean(axis=(1, 2))
        return error

    def state(self) -> State:
        """The scale."""
        return State(arrays={_SCALE: self.scale})

    @classmethod
    def restored(cls, state: State, share: float) -> "SmoothedError":
        """Take back what `state` gave."""
        scale = stored_array(state, _SCALE, dtype=np.float64, ndim=2)
        if not (scale > 0).all():
            raise EcganError(f"the stored array {_SCALE!r} holds values that are not positive.", AGAIN)
        return cls(share, scale)


def _slow(x: F32, reconstruction: F32, share: float) -> F64:
    return smoothed(x.astype(np.float64) - reconstruction, share)
