"""Toy beats and a toy model: small, made on the spot, the same everywhere."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.config.inverse import SearchOptions
from ecgan.detection.base import F32, Mapping
from ecgan.errors import EcganError
from ecgan.samples import About, Samples

LATENT = 6


def toy_beats(count: int, channels: int, length: int, *, seed: int = 0, abnormal: bool = False) -> F32:
    """Return beats (count, channels, length) within 0…1, each with its peak at about two fifths of its length.

    Args:
        count: n.
        channels: C.
        length: L.
        seed: Seed of their differences.
        abnormal: Upside down, three times as high and noisy: what every detector should find.
    """
    rng = np.random.default_rng([seed, count, channels, length])
    time = np.linspace(0, 1, length)
    centre = rng.normal(0.4, 0.01, (count, 1, 1))
    width = rng.normal(0.06, 0.004, (count, 1, 1)) * np.linspace(1, 1.5, channels)[:, None]
    height = rng.normal(0.2, 0.01, (count, 1, 1))
    x = height * np.exp(-0.5 * ((time - centre) / width) ** 2) + rng.normal(0, 0.004, (count, channels, length))
    if abnormal:
        x = -3 * x + rng.normal(0, 0.05, x.shape)
    return np.clip(x + 0.6 * abnormal + 0.1, 0, 1).astype(np.float32)


def toy_samples(x: F32, early: NDArray[np.bool_] | None = None) -> Samples:
    """Return signals (n, C, L) as beats of two records, one after the other, whose hearts beat at uneven times.

    Args:
        x: The signals.
        early: Which beats come 0.3 s before their time, (n,); None: none of them.
    """
    half = (len(x) + 1) // 2
    rows, record = np.arange(len(x)) % half, np.arange(len(x)) // half
    times = 0.5 + 0.8 * rows + 0.1 * np.sin(rows) - (0.0 if early is None else 0.3 * early)
    table = pd.DataFrame({"record": np.where(record == 0, "one", "two"), "sample": np.rint(100 * times).astype(int)})
    table["patient"], table["time_s"] = table["record"], times
    by_record = table.groupby("record")["time_s"]
    table["rr_prev_s"], table["rr_next_s"] = by_record.diff(), -by_record.diff(-1)
    leads = [f"lead {index + 1}" for index in range(x.shape[1])]
    return Samples(x, table, About(100.0, leads, [], centre=2 * x.shape[2] // 5))


def scaled(x: F32, target: tuple[float, float] | None) -> F32:
    """Scale beats from 0…1 to `target`, the range that a model can produce; None leaves them."""
    if target is None:
        return x
    return (target[0] + (target[1] - target[0]) * x).astype(np.float32)


def toy_generative(channels: int, length: int) -> Mapping:
    """Return a linear stand-in for a trained generative model of toy beats; it has all that detectors may ask for."""
    train = toy_beats(200, channels, length, seed=99).reshape(200, -1)  # (n, C * L)
    basis = np.linalg.svd(train.astype(np.float64), full_matrices=False)[2][:LATENT]  # (Z, C * L)
    mean = train.mean(axis=0, dtype=np.float64)
    usual = np.linalg.norm(train - mean, axis=1).mean()

    def invert(x: F32) -> F32:
        return _rows(lambda row: row @ basis.T, x)

    def decode(z: F32) -> F32:
        return _rows(lambda row: row @ basis, z).reshape(len(z), channels, length)

    def features(x: F32) -> F32:
        return _rows(lambda row: np.tanh(row[::3]), x)

    def discriminate(x: F32) -> F32:
        def logit(row: NDArray[Any]) -> NDArray[Any]:
            return np.asarray(5 - np.linalg.norm(row - mean) / usual)

        return _rows(logit, x)

    def search(x: F32, options: SearchOptions, seed: int) -> tuple[F32, F32]:
        z = invert(x)
        return z, np.linalg.norm(z, axis=1).astype(np.float32)

    refuse = _refusing(channels, length)
    return Mapping(
        invert=refuse(invert),
        decode=decode,
        features=refuse(features),
        discriminate=refuse(discriminate),
        search=refuse(search),
    )


def toy_classifier(channels: int, length: int, classes: int = 3) -> Mapping:
    """Return a stand-in for a trained classifier: class 0 near the mean toy beat."""
    mean = toy_beats(200, channels, length, seed=99).mean(axis=0).reshape(-1)

    def logits(x: F32) -> F32:
        def row_logits(row: NDArray[Any]) -> NDArray[Any]:
            distance = np.linalg.norm(row - mean)
            others = distance - 2 + 0.1 * np.arange(classes - 1) * np.sign(row.mean() - mean.mean())
            return np.concatenate([[2 - distance], others])

        return _rows(row_logits, x)

    def none(_: F32) -> F32:
        raise EcganError("a classifier has no latent.")

    return Mapping(invert=none, decode=none, logits=_refusing(channels, length)(logits))


def _rows(function: Callable[[NDArray[Any]], NDArray[Any]], x: F32) -> F32:
    """Apply `function` to each sample by itself, flattened, in float64: no sample can touch another's result."""
    flat = x.reshape(len(x), -1).astype(np.float64)
    return np.stack([function(row) for row in flat]).astype(np.float32)


def _refusing(channels: int, length: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(x: F32, *arguments: Any) -> Any:
            if x.shape[1:] != (channels, length):
                raise EcganError(f"the model takes samples of shape {(channels, length)}, found {x.shape[1:]}.")
            return function(x, *arguments)

        return call

    return wrap
