"""A memory of shapes: how far a sample is from the training sample that is most like it in form and in size."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from ecgan.config.options import Options
from ecgan.detection.base import F32
from ecgan.detection.detectors.knn import Knn, KnnOptions
from ecgan.detection.smoothing import smoothed
from ecgan.registry import register_detector

_STILL, _SMALLEST = 1e-9, 0.05


class NearestShapeOptions(KnnOptions):
    """Parameters of the detector `nearest_shape`."""

    neighbours: int = Field(1, ge=1, description="Number k of nearest training samples that are looked at")
    share: float = Field(0.04, ge=0, description="Standard deviation of the Gaussian that smooths, a share of L")
    size: float = Field(2.0, ge=0, description="Weight of a sample's size beside its shape")


@register_detector("nearest_shape")
class NearestShape(Knn):
    """Distance to the training sample that is nearest in shape, without what is fast, and in size.

    A lead's shape is what is left of it without its mean and in units of its standard deviation s, smoothed after that,
    so that a beat with much noise has a small one; its size is log(s + 0.05). Samples in mV, as they are
    (`train.transformation: none`), suit it best: a transformation changes what is small. Its constants were chosen on
    validation beats of `mitbih_beatgan`.
    """

    title: ClassVar[str] = "nearest neighbours by smoothed shape and size"
    source: ClassVar[str] = "ECGAN"
    Options: ClassVar[type[Options]] = NearestShapeOptions

    def _points(self, signals: F32) -> F32:
        """Every so many-th value of the shape of each lead, and its size, (n, K)."""
        x = signals.astype(np.float64)
        spread = x.std(axis=2, keepdims=True)
        shape = smoothed((x - x.mean(axis=2, keepdims=True)) / (spread + _STILL), self.options.share)
        every = max(1, round(0.6 * self.options.share * x.shape[2]))
        both = np.concatenate([shape[:, :, ::every], self.options.size * np.log(spread + _SMALLEST)], axis=2)
        return both.reshape(len(x), both.shape[1] * both.shape[2]).astype(np.float32)
