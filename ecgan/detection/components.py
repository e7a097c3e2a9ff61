"""Components of abnormality of a sample that went through a trained model: R, D and Z; S has a module of its own.

With the sample x, its latent z, the reconstruction x̂ (G(z), or what the model itself makes of x), the discriminator's
last hidden features f and its logit d (of a Wasserstein critic: its value):

- reconstruction error R: the mean over leads and time of (x − x̂)²;
- discrimination D, one of

  - `feature_matching`: the mean over features of (f(x) − f(x̂))² (Salimans et al. 2016, section 3.1, as a distance
    of two samples instead of two batches; Zenati et al. 2018 use it as a score);
  - `target_value`: 1 − σ(d(x̂)), how far the discriminator is from taking the reconstruction for real;
  - `log`: −log σ(d(x̂)), the same as a cross-entropy (AnoGAN, Schlegl et al. 2017, section 2.2, names the idea);

- latent deviation Z: ‖z‖₂ − m, where m is the most frequent norm among the training samples. If z is normally
  distributed in n dimensions, its norm follows the χ distribution with n degrees of freedom, whose mode is
  √(n − 1): normal samples lie in a thin shell of that radius. Z is signed: latents outside the shell are
  abnormal, those inside are not.

All are float64 of shape (n,). Latents are found for all samples at once; what follows is done on chunks, so that the
features of 100,000 beats, some two gigabytes, never exist at one time, and memory is used again instead of asked for.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Literal

import numpy as np

from ecgan.detection.base import F32, F64, Mapping
from ecgan.errors import EcganError
from ecgan.samples import Samples

Discrimination = Literal["feature_matching", "target_value", "log"]

CHUNK = 512
_ROWS = 32  # whose differences in float64 stay in the processor's cache
HISTOGRAM_BINS = 50
DIVERGED = "The model has probably diverged: look at its history.csv, lower its learning rate and train again."
TOO_LARGE = "The samples hold values that are too large to compute with: look at them, or set train.transformation."


def reconstruction_error(x: F32, reconstruction: F32) -> F64:
    """Mean squared difference over leads and time of x and its reconstruction, both (n, C, L)."""
    return _mean_square(x, reconstruction)


def feature_matching(features: F32, reconstructed_features: F32) -> F64:
    """Mean squared difference of discriminator features of x and of its reconstruction, both (n, F)."""
    return _mean_square(features, reconstructed_features)


def latent_norm(z: F32) -> F64:
    """Euclidean norm of each latent; z is (n, Z)."""
    wide = z.astype(np.float64)
    norm: F64 = np.sqrt(np.square(wide).sum(axis=1))
    return norm


def latent_deviation(z: F32, mode: float) -> F64:
    """Signed distance ‖z‖₂ − m of each latent z (n, Z) from the shell of radius m = `mode`."""
    return latent_norm(z) - mode


def mode_of_norms(norms: F64) -> float:
    """The most frequent value of `norms` (n,): the centre of the fullest of 50 equal bins between its extremes.

    Of bins that are equally full, the one with the smallest norms counts. Norms that are all the same are their
    own mode.
    """
    low, high = float(norms.min()), float(norms.max())
    if not has_extent(low, high):
        return low
    counts, edges = np.histogram(norms, bins=HISTOGRAM_BINS, range=(low, high))
    fullest = int(np.argmax(counts))
    return float((edges[fullest] + edges[fullest + 1]) / 2)


def has_extent(low: float, high: float) -> bool:
    """Whether low and high are far enough apart to divide by their difference or to cut it in bins."""
    return high - low > max(1e-12 * max(abs(low), abs(high)), 1e-290)


def chunks(n: int, size: int = CHUNK) -> Iterator[slice]:
    """Slices that cut 0..n-1 into pieces of `size`."""
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def discrimination(mapping: Mapping, kind: Discrimination) -> Callable[[F32, F32], F64] | None:
    """Return what judges x and x̂, both (n, C, L), by the discriminator, (n,); None where the model lacks it."""
    if kind == "feature_matching":
        features = mapping.features
        return None if features is None else lambda x, y: feature_matching(*_halves(features(np.concatenate([x, y]))))
    judge = mapping.discriminate
    if judge is None:
        return None
    if kind == "target_value":
        return lambda _, y: _fake_probability(judge(y).astype(np.float64))
    return lambda _, y: np.logaddexp(0.0, -judge(y).astype(np.float64))


def model_components(
    samples: Samples,
    z: F32 | None,
    mapping: Mapping,
    mode: float,
    kind: Discrimination = "feature_matching",
    wanted: Collection[str] | None = None,
    smoothed: Callable[[F32, F32], F64] | None = None,
    seed: int = 0,
) -> dict[str, F64]:
    """R, Z, where the model has what it takes D, and where it is asked for S of x (n, C, L), chunk by chunk.

    Args:
        samples: Signals x (n, C, L), transformed as the model was trained.
        z: Their latents (n, Z); None where nothing that is wanted is made of them.
        mapping: The trained model.
        mode: The most frequent latent norm of the training samples.
        kind: How the discriminator judges.
        wanted: Names of the components to compute; None: all.
        smoothed: Gives S of x and x̂, both (n, C, L).
        seed: Seed of what the model draws at random.

    Returns:
        "reconstruction", "latent" and perhaps "discrimination" and "smoothed", or those of them that are wanted, each
        float64 of shape (n,).

    Raises:
        EcganError: A component is not finite: the model has diverged.
    """
    x = samples.signals
    there = (*component_names(mapping, kind), *(("smoothed",) if smoothed else ()))
    names = [name for name in there if wanted is None or name in wanted]
    found = {name: np.empty(len(x), dtype=np.float64) for name in names}
    if "latent" in found and z is not None:
        found["latent"][:] = latent_deviation(z, mode)
    measures = {"reconstruction": reconstruction_error, "smoothed": smoothed}
    measures["discrimination"] = discrimination(mapping, kind)
    compared = [(found[name], measure) for name, measure in measures.items() if name in found and measure is not None]
    for part in chunks(len(x)) if compared else ():
        reconstruction = mapping.reconstruct(samples[part], seed, None if z is None else z[part])
        for values, measure in compared:
            values[part] = measure(x[part], reconstruction)
    check_finite(found)
    return found


def component_names(mapping: Mapping, kind: Discrimination = "feature_matching") -> tuple[str, ...]:
    """The components that a model can give."""
    there = discrimination(mapping, kind) is not None
    return ("reconstruction", "discrimination", "latent") if there else ("reconstruction", "latent")


def check_finite(components: dict[str, F64], hint: str = DIVERGED) -> None:
    """Refuse components that are NaN or infinite, with their number."""
    for name, values in components.items():
        broken = int(np.count_nonzero(~np.isfinite(values)))
        if broken:
            raise EcganError(
                f"the component {name!r} is not a finite number for {broken} of {len(values)} samples.", hint
            )


def _fake_probability(logits: F64) -> F64:
    """1 − σ(d) = σ(−d) of each d (n,), without overflow."""
    smaller = np.exp(-np.abs(logits))  # (n,), at most 1
    probability: F64 = np.where(logits >= 0, smaller, 1.0) / (1.0 + smaller)
    return probability


def _mean_square(first: F32, second: F32) -> F64:
    if first.shape != second.shape:
        raise ValueError(f"shapes differ: {first.shape} and {second.shape}")
    first, second = first.reshape(len(first), -1), second.reshape(len(second), -1)  # (n, C * L)
    mean = np.empty(len(first), dtype=np.float64)
    for part in chunks(len(first), _ROWS):
        difference = np.subtract(first[part], second[part], dtype=np.float64)
        mean[part] = np.square(difference, out=difference).mean(axis=1)
    return mean


def _halves(both: F32) -> tuple[F32, F32]:
    middle = len(both) // 2
    return both[:middle], both[middle:]
