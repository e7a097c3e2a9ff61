"""Hashes of what portable arithmetic computes: `python tests/golden/portable.py` prints them, `--write` keeps them.

Every model trains for some steps, every detector without a model scores, and what comes before and after is computed
once, all on toy beats, in the order of the pipeline. Each array and each tensor has a hash of its own, so that the
first that differs is known.
"""

import hashlib
import json
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ecgan.arithmetic import set_arithmetic

KEPT = Path(__file__).with_suffix(".json")
PINNED = ("numpy", "scikit-learn", "scipy", "torch")
LENGTH, BEATS, STEPS = 96, 48, 4
SMALL = {"width": 0.25, "batch_size": BEATS}


def versions() -> dict[str, str]:
    """Return what the bytes depend on besides the code."""
    return {name: version(name).split("+")[0] for name in PINNED} | {"machine": platform.machine()}


def computed() -> Iterator[tuple[str, Any]]:
    """Yield name and value of everything that is compared, in the order of the pipeline."""
    yield from _signals()
    yield from _samples()
    yield from _training(threads=1)
    yield from _training(threads=2, only=("aegan", "rnn"))
    yield from _inverse()
    yield from _optimizers()
    yield from _detectors()


def _signals() -> Iterator[tuple[str, Any]]:
    import numpy as np

    from ecgan.ecg import filters
    from ecgan.ecg.peaks import find_r_peaks
    from ecgan.testing.toys import toy_beats

    rate = 360.0
    lead = toy_beats(20, 1, 300, seed=3).reshape(-1, 1).astype(np.float64)  # (n, C, L) → (T, 1)
    yield "filters/fir", filters.fir_bandpass(lead, rate, 3.0, 45.0, 108)
    yield "filters/butterworth", filters.butterworth_bandpass(lead, rate, 0.5, 40.0)
    yield "filters/baseline", filters.median_baseline(lead, rate)
    yield "filters/notch", filters.notch(lead, rate, 50.0)
    yield "peaks", find_r_peaks(lead[:, 0], rate)


def _samples() -> Iterator[tuple[str, Any]]:
    """Hashed with time before leads, (n, L, C), as files of processed data hold them."""
    import pandas as pd

    from ecgan.preprocessing.options import Resampling
    from ecgan.preprocessing.resampling import resample
    from ecgan.preprocessing.transformations import TRANSFORMATIONS, fit_transformation
    from ecgan.samples import About, Samples
    from ecgan.testing.toys import toy_beats

    x = toy_beats(BEATS, 2, LENGTH)
    for method, size in (("lttb", {"length": 40}), ("interpolate", {"length": 70}), ("polyphase", {"rate_hz": 250.0})):
        options = Resampling.model_validate({"method": method, **size})
        samples = Samples(x, pd.DataFrame(index=range(len(x))), About(360.0, ["I", "II"], [], centre=40))
        yield f"resampling/{method}", resample(samples, options).signals.transpose(0, 2, 1)
    for name in TRANSFORMATIONS:
        yield f"transformations/{name}", fit_transformation(name, x).transform(x).transpose(0, 2, 1)


def _training(threads: int, only: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    import torch

    from ecgan.models.base import model_input
    from ecgan.registry import MODELS
    from ecgan.runtime import set_deterministic, set_threads
    from ecgan.testing.toys import scaled, toy_beats, toy_samples

    set_threads(threads)
    set_deterministic()
    for name in only or MODELS.names():
        torch.manual_seed(1)
        cls = MODELS.get(name)
        model = cls(cls.Options(**SMALL), channels=2, length=LENGTH, classes=3).train()
        samples = toy_samples(scaled(toy_beats(BEATS, 2, LENGTH), model.output_range))
        x = torch.from_numpy(model_input(model, samples.seen(slice(None), model.context)))
        labels = torch.arange(BEATS) % 3
        model.begin(labels)
        optimizers = model.optimizers()
        for epoch in range(STEPS):
            model.train_batch(x, optimizers, epoch, labels)
        for key, tensor in model.state_dict().items():
            yield f"train/{name}, {threads} thread{'s' if threads > 1 else ''}/{key}", tensor.numpy()
    set_threads(1)


def _inverse() -> Iterator[tuple[str, Any]]:
    import torch

    from ecgan.config import Inverse
    from ecgan.evaluation.discrepancy import mmd2
    from ecgan.inversion.base import choose
    from ecgan.registry import MODELS
    from ecgan.testing.toys import scaled, toy_beats

    network = {"steps": 6, "evaluate_every": 3, "batch_size": 16}
    search = {"iterations": 5, "runs": 2, "starts": 4, "criterion": "squared"}
    for method in ("network", "search"):
        torch.manual_seed(2)
        cls = MODELS.get("dcgan")
        model = cls(cls.Options(width=0.25), channels=2, length=LENGTH, classes=2).train()
        x = torch.from_numpy(scaled(toy_beats(BEATS, 2, LENGTH), model.output_range))
        for layer in model.modules():
            if isinstance(layer, torch.nn.BatchNorm1d):
                layer.momentum = 1.0
        model.decode(model.sample_latents(BEATS))  # whose statistics are kept, or next to nothing were generated
        model.eval().requires_grad_(False)
        options = Inverse.model_validate({"method": method, "network": network, "search": search})
        inversion = choose(method, model, options, seed=1)
        inversion.fit(x)
        z = inversion.invert(x[:8])
        yield f"inverse/{method}", z.numpy()
        yield f"mmd/{method}", mmd2(x, model.decode(z))


def _optimizers() -> Iterator[tuple[str, Any]]:
    """Steps of every update rule, and what else takes square roots of many numbers."""
    from typing import get_args

    import torch

    from ecgan.evaluation.discrepancy import median_distance
    from ecgan.models.layers.latents import Prior
    from ecgan.models.layers.optimizers import OptimizerOptions, build_optimizer
    from ecgan.testing.toys import toy_beats

    for name in get_args(OptimizerOptions.model_fields["name"].annotation):
        draws = torch.Generator().manual_seed(5)
        weight = torch.nn.Parameter(torch.randn(40, 25, generator=draws))
        optimizer = build_optimizer(OptimizerOptions(name=name, lr=0.01, centered=True), [weight])
        for _ in range(STEPS):
            weight.grad = torch.randn(40, 25, generator=draws)
            optimizer.step()
        yield f"optimizers/{name}", weight.detach().numpy()
    x = torch.from_numpy(toy_beats(BEATS, 2, LENGTH))
    yield "mmd/bandwidth", median_distance(x)
    prior = Prior("encoder", 12)
    prior.fit(x[:, 0, :12])
    yield "latents/encoder", prior.factor.numpy()


def _detectors() -> Iterator[tuple[str, Any]]:
    import numpy as np

    from ecgan.evaluation.ranking import auroc, average_precision
    from ecgan.generation.embedding import embed
    from ecgan.registry import DETECTORS
    from ecgan.testing.toys import toy_beats, toy_samples

    train, normal, odd = toy_beats(200, 2, LENGTH), toy_beats(40, 2, LENGTH, seed=1), toy_beats(20, 2, LENGTH, seed=2)
    x = np.concatenate([normal, odd[:, :, ::-1]])
    for name in DETECTORS.names():
        cls = DETECTORS.get(name)
        if not cls.needs_model and not cls.context:
            detector = cls(cls.Options(), seed=3)
            detector.fit(toy_samples(train))
            for component, values in detector.components(toy_samples(x)).items():
                yield f"detect/{name}/{component}", values
                abnormal = np.arange(len(x)) >= len(normal)
                yield (
                    f"detect/{name}/{component}, metrics",
                    [auroc(values, abnormal), average_precision(values, abnormal)],
                )
    for causal in (False, True):
        for component, values in _own_normal(causal).items():
            yield f"detect/patient_specific{', causal' * causal}/{component}", values
    for method in ("pca", "tsne"):
        yield f"embedding/{method}", embed(x, method, 4)


def _own_normal(causal: bool) -> dict[str, Any]:
    """Components of two simulated minutes, of which causal learns from the first."""
    from ecgan.datasets.annotated import BeatOptions
    from ecgan.datasets.mitbih import Mitbih
    from ecgan.detection.detectors.patient_specific import PatientSpecific, PatientSpecificOptions
    from ecgan.ecg.simulated_patients import simulate

    beats = Mitbih().cut(simulate(1, seed=1, minutes=2, noise=1.0, variability=1.0), BeatOptions(filters=["bandpass"]))
    options = PatientSpecificOptions(causal=causal, learning_minutes=1, residual_weight=0.1)
    samples = beats.seen(slice(None), PatientSpecific.context)
    detector = PatientSpecific(options)
    detector.fit(samples)
    return detector.components(samples)


def hashes() -> dict[str, str]:
    """Return the hash of everything that is compared."""
    import numpy as np

    found = {}
    for name, value in computed():
        array = np.ascontiguousarray(value)
        facts = f"{array.dtype} {array.shape} ".encode()
        found[name] = hashlib.sha256(facts + array.tobytes()).hexdigest()[:16]
    return found


def main() -> int:
    """Compute, and print or keep."""
    set_arithmetic("portable")
    text = json.dumps({"versions": versions(), "hashes": hashes()}, indent=1) + "\n"
    if "--write" in sys.argv:
        KEPT.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
