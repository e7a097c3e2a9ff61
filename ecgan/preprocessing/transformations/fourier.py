"""The spectrum of each sample instead of its course in time."""

from collections.abc import Sequence

import numpy as np

from ecgan.preprocessing.transformations.base import (
    F32,
    F64,
    Learned,
    Range,
    Transformation,
    blocks,
    blockwise,
    float64,
    range_terms,
    scaled,
    unscaled,
)

_ROUNDING = 1e-9
"""A part that varies by less, as a share of the largest coefficient of its lead, is a constant: rounding, no signal."""


class Fourier(Transformation):
    """`fourier`: the discrete Fourier transform of each sample and lead along time, and nothing else.

    Each lead becomes two channels, the real and the imaginary part of its L coefficients (divided by √L, so that the
    energy stays what it is), and each channel's range in the training data is mapped to the target range. The real part
    of the inverse transform brings a sample back; of coefficients that belong to no real signal, as a model may give
    them, that is the nearest real signal.
    """

    name = "fourier"

    def __init__(self, target: Range = (0.0, 1.0), *, bounded: bool = False) -> None:
        super().__init__(target, bounded=bounded)
        self.stored: tuple[F64, F64] | None = None

    def channels(self, leads: int) -> int:
        """Two a lead."""
        return 2 * leads

    def channel_names(self, leads: Sequence[str]) -> list[str]:
        """Real and imaginary part of each lead."""
        return [f"{lead} {part}" for lead in leads for part in ("real", "imaginary")]

    def transform(self, x: F32) -> F32:
        """Transform x (n, C, L) to (n, 2C, L)."""
        channels = 2 * x.shape[1]
        terms = self._fitted(x, channels)
        return blockwise(lambda part: scaled(_spectrum(part), terms), x, channels=channels)

    def invert(self, y: F32, like: F32) -> F32:
        """Turn y (n, 2C, L) back into (n, C, L); `like` is not needed."""
        terms = self._fitted(y, y.shape[1])
        return blockwise(lambda part: _signal(unscaled(part, terms)), y, channels=y.shape[1] // 2)

    def terms(self) -> tuple[F64, F64, F64, float]:
        """Return shift, scale, base and width, the first three of shape (2C, 1)."""
        assert self.stored is not None
        low, high = self.stored
        return range_terms(low[:, None], high[:, None], self.target)

    def _fitted(self, x: F32, channels: int) -> tuple[F64, F64, F64, float]:
        if self.stored is None:
            raise self._not_fitted()
        if x.ndim != 3 or channels != len(self.stored[0]):
            raise self._other_shape(f"{len(self.stored[0]) // 2} leads", x)
        return self.terms()

    def _learn(self, x: F32) -> None:
        ranges = [(y.min(axis=(0, 2)), y.max(axis=(0, 2))) for y in (_spectrum(float64(part)) for part in blocks(x))]
        low, high = np.min([low for low, _ in ranges], axis=0), np.max([high for _, high in ranges], axis=0)
        largest = np.maximum(np.abs(low), np.abs(high)).reshape(-1, 2).max(axis=1).repeat(2)  # of either part of a lead
        self.stored = (low, np.where(high - low > _ROUNDING * largest, high, low))

    def _learned(self) -> Learned:
        return {} if self.stored is None else {"low": self.stored[0].tolist(), "high": self.stored[1].tolist()}

    def take_back(self, learned: Learned) -> None:
        """Restore low and high, two values a lead."""
        if set(learned) != {"low", "high"} or len(learned["low"]) != len(learned["high"]) or len(learned["low"]) % 2:
            raise ValueError("fourier needs low and high, two values a lead")
        self.stored = (np.array(learned["low"]), np.array(learned["high"]))


def _spectrum(x: F64) -> F64:
    """Return the coefficients of x (n, C, L), real and imaginary parts one after the other, (n, 2C, L)."""
    found = np.fft.fft(x, axis=2, norm="ortho")  # complex (n, C, L)
    return np.stack([found.real, found.imag], axis=2).reshape(len(x), -1, x.shape[2])  # (n, C, 2, L) to (n, 2C, L)


def _signal(y: F64) -> F64:
    """Return the real signals of coefficients y (n, 2C, L), (n, C, L)."""
    return np.asarray(np.fft.ifft(y[:, 0::2] + 1j * y[:, 1::2], axis=2, norm="ortho").real)
