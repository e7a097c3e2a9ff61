"""What the component `residual` of `patient_specific` is worth on DS1, without a model and with one, held-out.

`python paper/own_normal/ablation.py` writes `residual.csv`: for each condition a row without the component, one with
the record's template and one with `template_autoencoder`. The model is trained on all beats of other patients (two
folds of DS1 without record 201, no labels), and never on what the condition names: the other lead, noise, another rate
or gain.
The noise is white, of muscles and of the baseline, a third of the power each, 12 dB below the QRS, and comes and goes.

The records lie where `look.py` finds them. It takes a quarter of an hour on one core.
"""

import csv
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from look import RAW, figures
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfiltfilt

from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.mitbih import DS1, Mitbih
from ecgan.detection.base import Mapping
from ecgan.detection.detectors.patient_specific import PatientSpecific, PatientSpecificOptions
from ecgan.ecg.records import read_record
from ecgan.inversion.base import choose
from ecgan.models.layers.folding import folded
from ecgan.notebook.parameters import choose_parameters
from ecgan.runs.loading import mapping_of
from ecgan.runtime import set_threads
from ecgan.samples import Samples, join
from ecgan.training.loop import Run, fit
from ecgan.training.preparing import prepare_training
from ecgan.training.resume import ResumeFile

WEIGHT = 0.5  # of residual
FOLDS = 2
EPOCHS = 4
MODEL = "template_autoencoder"
OUT = Path(__file__).parent / "residual.csv"
F64 = NDArray[np.float64]
Change = Callable[[F64, float, int], F64]


def unchanged(signals: F64, rate: float, seed: int) -> F64:
    """Return the signals of a record (T, C)."""
    return signals


def noisy(signals: F64, rate: float, seed: int) -> F64:
    """Add noise to each lead, 12 dB below what a sine of the height of its QRS has."""
    rng, found = np.random.default_rng(seed), signals.copy()
    for lead in range(signals.shape[1]):
        parts = [rng.normal(size=len(signals)) for _ in range(3)]
        parts[1] = sosfiltfilt(butter(2, (5, 40), "bandpass", fs=rate, output="sos"), parts[1])
        parts[2] = sosfiltfilt(butter(2, (0.3, 2), "bandpass", fs=rate, output="sos"), parts[2])
        noise = np.sum([part / part.std() for part in parts], axis=0)
        slow = sosfiltfilt(butter(2, 1 / 40, fs=rate, output="sos"), rng.normal(size=len(signals)))
        noise *= np.exp(0.7 * slow / slow.std())
        height = np.percentile(np.abs(signals[:, lead] - np.median(signals[:, lead])), 99)
        found[:, lead] += noise / noise.std() * height / np.sqrt(8) * 10 ** (-12 / 20)
    return found


def at_128_hz(signals: F64, rate: float, seed: int) -> F64:
    """Return the signals as a recording at 128 Hz comes to a run at 360 Hz."""
    return np.asarray(resample_poly(resample_poly(signals, 16, 45), 45, 16)[: len(signals)])


def beats(change: Change) -> Samples:
    """Return the annotated beats of DS1, MLII and the other lead of each, 0.5 to 40 Hz."""
    parts = []
    for name in (name for name in DS1 if name != "201"):
        record = read_record(RAW, name)
        signals = record.select(sorted(record.leads, key=lambda lead: lead != "MLII"))
        changed = replace(record, signals=change(signals, record.sampling_rate, int(name)), leads=["MLII", "other"])
        parts.append(Mitbih().cut(changed, BeatOptions(filters=["bandpass"])))
    return join(parts)


def trained(data: Samples, rows: NDArray[np.bool_]) -> Mapping:
    """Train the model on the rows (a mask), whatever their classes; return it as detectors see it."""
    given = {"transformation": "none", "epochs": EPOCHS, "evaluate_every": EPOCHS}
    params = choose_parameters(MODEL, given).params
    data, some = data.unlabelled(), np.flatnonzero(rows)
    data = replace(data, labels=np.zeros(len(data), dtype=np.int64))  # all are called normal
    ready = prepare_training(params, MODEL, data, fold=0, train=some, vali=some[::50])
    with TemporaryDirectory() as place:
        never = ResumeFile(Path(place) / "resume.safetensors", "", seconds=float("inf"))
        fit(Run(ready.model, ready.data, params.train, ready.seed, "fp32", never), [])
    model = folded(ready.model)
    return mapping_of(model, choose("auto", model), 1024)


def total(data: Samples, mapping: Mapping | None = None, **options: Any) -> F64:
    """Return the total of `patient_specific` (n,), by a model where there is one."""
    detector = PatientSpecific(PatientSpecificOptions(**options), mapping)
    samples = data.seen(slice(None), detector.sees)
    detector.fit(samples)
    return detector.components(samples)["total"]


def main() -> int:
    """Train, score and write, row by row."""
    set_threads(1)
    plain, tests = beats(unchanged), {}
    for name, data in (
        ("two leads", plain),
        ("two leads, noise 12 dB", beats(noisy)),
        ("two leads, 128 Hz", beats(at_128_hz)),
        ("two leads, gain 2", replace(plain, signals=2 * plain.signals)),
    ):
        tests[name] = (["MLII", "other"], data)
    tests["other lead, trained on MLII"] = (["MLII"], renamed(plain.with_leads(["other"])))
    tests["MLII, trained on the other lead"] = (["other"], renamed(plain.with_leads(["MLII"])))
    tests["MLII"] = (["MLII"], plain.with_leads(["MLII"]))
    patients = np.unique(plain.patients)
    fold = np.searchsorted(patients, plain.patients) % FOLDS
    models: dict[str, list[Mapping]] = {}
    with OUT.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ("condition", "residual", "auroc", "ap", "s", "v", "f"), lineterminator="\n")
        writer.writeheader()
        for name, (leads, data) in tests.items():
            key = " ".join(leads)
            if key not in models:
                started = time.perf_counter()
                models[key] = [trained(plain.with_leads(leads), fold != index) for index in range(FOLDS)]
                sys.stdout.write(f"{key}: {(time.perf_counter() - started) / FOLDS:.0f} s a training\n")
            by_model = np.empty(len(data))
            for index, mapping in enumerate(models[key]):
                by_model[fold == index] = total(data[fold == index], mapping, residual_weight=WEIGHT)
            for residual, scores in (
                ("none", total(data, residual_weight=0)),
                ("template", total(data, residual_weight=WEIGHT)),
                (MODEL, by_model),
            ):
                writer.writerow({"condition": name, "residual": residual, **figures(data, scores)})
                stream.flush()
    return 0


def renamed(data: Samples) -> Samples:
    """Return samples of one lead under a name that says nothing."""
    return replace(data, about=replace(data.about, leads=["lead"]))


if __name__ == "__main__":
    sys.exit(main())
