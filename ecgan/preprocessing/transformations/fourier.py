"""The spectrum of each sample instead of its course in time."""

from collections.abc import Sequence

import numpy as np

from ecgan.preprocessing.transformations.base import F32, F64, blocks, float64
from ecgan.preprocessing.transformations.scaling import MinMax

_ROUNDING = 1e-9
"""A part that varies by less, as a share of the largest coefficient of its lead, is a constant: rounding, no signal."""


class Fourier(MinMax):
    """`fourier`: the discrete Fourier transform of each sample and lead along time, and nothing else.

    Each lead becomes two channels, the real and the imaginary part of its L coefficients (divided by √L, so that the
    energy stays what it is), and each channel's range in the training data is mapped to the target range. The real part
    of the inverse transform brings a sample back; of coefficients that belong to no real signal, as a model may give
    them, that is the nearest real signal.
    """

    name = "fourier"

    def channels(self, leads: int) -> int:
        """Two a lead."""
        return 2 * leads

    def channel_names(self, leads: Sequence[str]) -> list[str]:
        """Real and imaginary part of each lead."""
        return [f"{lead} {part}" for lead in leads for part in ("real", "imaginary")]

    def forth(self, x: F64) -> F64:
        """Return the coefficients of x (n, C, L), real and imaginary parts one after the other, (n, 2C, L)."""
        found = np.fft.fft(x, axis=2, norm="ortho")  # complex (n, C, L)
        return np.stack([found.real, found.imag], axis=2).reshape(len(x), -1, x.shape[2])  # (n, C, 2, L) to (n, 2C, L)

    def back(self, y: F64) -> F64:
        """Return the real signals of coefficients y (n, 2C, L), (n, C, L)."""
        return np.asarray(np.fft.ifft(y[:, 0::2] + 1j * y[:, 1::2], axis=2, norm="ortho").real)

    def _learn(self, x: F32) -> None:
        ranges = [(y.min(axis=(0, 2)), y.max(axis=(0, 2))) for y in (self.forth(float64(part)) for part in blocks(x))]
        low, high = np.min([low for low, _ in ranges], axis=0), np.max([high for _, high in ranges], axis=0)
        largest = np.maximum(np.abs(low), np.abs(high)).reshape(-1, 2).max(axis=1).repeat(2)  # of either part of a lead
        self.stored = (low, np.where(high - low > _ROUNDING * largest, high, low))
