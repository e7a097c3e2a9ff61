"""What noise, gain, polarity, rate and lead do to `patient_specific`, and to `knn` beside it.

`python paper/own_normal/noise.py ds1` writes `noise.csv` beside this file, a row as it comes (rows that are there are
not done again: delete the file to measure anew). `ds2` does the same on DS2, at the thresholds of the rows of DS1;
each of its rows is a look, and a row in `paper/looks.csv` too. `ds1 patient_specific` leaves the other detector out.

Conditions: the recording as it is; noise of baseline wander (bw), electrode motion (em) and muscles (ma) all along it,
at 24, 12 and 6 dB; twice the gain; the first lead inverted; recorded at 250 and at 128 Hz; the other lead in place of
MLII. Marks are those of the annotators. The signal-to-noise ratio is that of WFDB's program nst, for each lead: signal
power is a² / 8, a the mean peak-to-peak height of 300 normal QRS complexes (±50 ms), noise power the square of the mean
deviation within 300 seconds, both without the largest and the smallest twentieth. nst leaves every other two minutes
free of noise; here there are none.

The threshold gives 60 false alarms an hour (normal beats that are flagged, all records together) on the DS1 recordings
as they are. Record 201 is left out of DS1. `knn` sees MLII alone and learns from normal beats: on DS1 of the patients
of the other half, on DS2 of all of DS1.

Records lie in `data/mitbih/raw` or in the folder MITBIH; bw, em and ma of PhysioNet's nstdb 1.0.0 in the folder NSTDB.
"""

import csv
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import wfdb
from look import FILES, RAW, figures, note
from numpy.typing import NDArray

import ecgan
from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.base import cut_recording
from ecgan.datasets.mitbih import DS1, DS2, Mitbih
from ecgan.detection.detectors.patient_specific import PatientSpecific, PatientSpecificOptions
from ecgan.ecg.beats import cut_windows
from ecgan.ecg.records import Record, read_record
from ecgan.ecg.template import evenly
from ecgan.preprocessing.rates import at_rate
from ecgan.samples import Samples, join

OUT = Path(__file__).parent / "noise.csv"
NSTDB = Path(os.environ.get("NSTDB", Path(__file__).parent.parent.parent / "data" / "nstdb" / "raw"))
KEYS = ("records", "detector", "leads", "condition")
COLUMNS = (*KEYS, "auroc", "ap", "s", "v", "f", "alarms_per_hour", "s_flagged", "v_flagged", "f_flagged", "threshold")

BUDGET = 60.0  # false alarms an hour
MOST = 8000
KINDS, LEVELS = ("bw", "em", "ma"), (24, 12, 6)
QRS_S, MEASURED, TRIMMED = 0.05, 300, 0.05
CLEAN, BOTH, OTHER = "as it is", ("MLII", "other"), "other lead"
CONFIGURATIONS = (("patient_specific", BOTH), ("patient_specific", BOTH[:1]), ("knn", BOTH[:1]))

F64 = NDArray[np.float64]
Change = Callable[[Record], Record]


def trimmed(values: F64) -> float:
    """Mean (of the first 300) without the largest and the smallest twentieth."""
    ordered = np.sort(values[:MEASURED])
    out = int(TRIMMED * len(ordered))
    return float(ordered[out : len(ordered) - out].mean())


def signal_power(record: Record, lead: int) -> float:
    """Power of a lead, from the height of its normal QRS complexes."""
    normal = record.samples[np.asarray(record.symbols) == "N"]
    normal = record.samples if not len(normal) else normal
    around = round(QRS_S * record.sampling_rate)
    complexes, _ = cut_windows(record.signals[:, lead : lead + 1], normal, around, around + 1)
    return trimmed(np.ptp(complexes[:, 0], axis=1)) ** 2 / 8


def noise_power(values: F64, sampling_rate: float) -> float:
    """Power of noise (T,), from the deviation within its seconds."""
    second = round(sampling_rate)
    seconds = values[: len(values) // second * second].reshape(-1, second)
    return trimmed(seconds.std(axis=1)) ** 2


def noisy(kind: str, decibels: float) -> Change:
    """Add a record of noise, each lead its own channel of it."""
    noise = np.asarray(wfdb.rdrecord(str(NSTDB / kind)).p_signal)

    def change(record: Record) -> Record:
        signals = record.signals.copy()
        for lead in range(signals.shape[1]):
            values = np.resize(noise[:, lead % noise.shape[1]], len(signals))
            ratio = signal_power(record, lead) / noise_power(values, record.sampling_rate)
            signals[:, lead] += np.sqrt(ratio / 10 ** (decibels / 10)) * values
        return replace(record, signals=signals)

    return change


def conditions(leads: Sequence[str]) -> Iterator[tuple[str, Change]]:
    """Every condition with what it does to a recording; the clean one first."""
    inverted = np.where(np.arange(len(leads)) == 0, -1.0, 1.0)
    yield CLEAN, lambda record: record
    for kind in KINDS:
        for decibels in LEVELS:
            yield f"{kind} {decibels} dB", noisy(kind, decibels)
    yield "gain x 2", lambda record: replace(record, signals=2 * record.signals)
    yield "first lead inverted", lambda record: replace(record, signals=inverted * record.signals)
    for rate in (250.0, 128.0):
        yield f"{rate:g} Hz", lambda record, rate=rate: at_rate(record, rate)
    if len(leads) == 1:
        yield OTHER, lambda record: record


def beats(names: Sequence[str], leads: Sequence[str], change: Change, *, other: bool = False) -> Samples:
    """The annotated beats of records that were changed, as they are cut for a model of 360 Hz."""
    options, parts = BeatOptions(filters=["bandpass"]), []
    for name in names:
        record = read_record(RAW, name)
        if "MLII" in record.leads:
            own = sorted(record.leads, key=lambda lead: (lead != "MLII") != other)[: len(leads)]
            record = replace(record, signals=record.select(own), leads=list(leads))
            parts.append(cut_recording(Mitbih(), change(record), options))
    return join(parts)


def patient_specific(data: Samples) -> F64:
    """Score with the detector's defaults."""
    detector = PatientSpecific(PatientSpecificOptions())
    samples = data.seen(slice(None), detector.context)
    detector.fit(samples)
    return detector.components(samples)["total"]


def nearest(where: str) -> Callable[[Samples], F64]:
    """Score by distance to normal beats of other patients."""
    halves = [DS1[::2], DS1[1::2]] if where == "ds1" else [()]
    fitted = []
    for half in halves:
        learn = [name for name in DS1 if name != "201" and name not in half]
        data = beats(learn, BOTH[:1], lambda record: record)
        normal = data[evenly(np.flatnonzero(data.class_ids == 0), MOST)]
        fitted.append((half, ecgan.Detector("knn", transformation="individual").fit(normal)))

    def score(data: Samples) -> F64:
        scores, records = np.zeros(len(data)), data.table["record"].to_numpy(str)
        for half, detector in fitted:
            rows = np.isin(records, half) if half else np.ones(len(data), dtype=bool)
            scores[rows] = detector.decision_function(data[rows])
        return scores

    return score


def hours(names: Sequence[str]) -> float:
    """How long the records last."""
    lengths = [record for record in (wfdb.rdheader(str(RAW / name)) for name in names) if "MLII" in record.sig_name]
    return sum(record.sig_len / record.fs for record in lengths) / 3600


def threshold_for(data: Samples, scores: F64, lasting: float) -> float:
    """The threshold that spends the budget of false alarms."""
    normal = np.sort(scores[data.class_ids == 0])[::-1]
    return float(normal[min(int(BUDGET * lasting), len(normal) - 1)])


def row(data: Samples, scores: F64, threshold: float, lasting: float) -> dict[str, Any]:
    """What is told of a condition."""
    flagged, names = scores > threshold, data.table["class_name"].to_numpy(str)
    found = figures(data, scores) | {"alarms_per_hour": f"{flagged[data.class_ids == 0].sum() / lasting:.1f}"}
    for name in ("S", "V", "F"):
        found[f"{name.lower()}_flagged"] = f"{flagged[names == name].mean():.3f}"
    return found | {"threshold": f"{threshold:.6g}"}


def main() -> int:
    """Measure the conditions that are not there yet."""
    where, *wanted = sys.argv[1:]
    names = {"ds1": tuple(name for name in DS1 if name != "201"), "ds2": DS2}[where]
    table = pd.read_csv(OUT, dtype=str) if OUT.is_file() else pd.DataFrame(columns=list(COLUMNS))
    known = {tuple(line[key] for key in KEYS): line for line in table.to_dict("records")}
    lasting = hours(names)
    with OUT.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        if not known:
            writer.writeheader()
        for detector, leads in CONFIGURATIONS:
            if wanted and detector not in wanted:
                continue
            score = patient_specific if detector == "patient_specific" else nearest(where)
            clean = known.get(("ds1", detector, " and ".join(leads), CLEAN))
            threshold = None if clean is None else float(clean["threshold"])
            for condition, change in conditions(leads):
                key = (where, detector, " and ".join(leads), condition)
                if key in known:
                    continue
                data = beats(names, leads, change, other=condition == OTHER)
                scores = score(data)
                if threshold is None:
                    if where != "ds1" or condition != CLEAN:
                        sys.exit(f"{detector}: no threshold; measure ds1 first")
                    threshold = threshold_for(data, scores, lasting)
                found = row(data, scores, threshold, lasting)
                writer.writerow(dict(zip(KEYS, key, strict=True)) | found)
                stream.flush()
                if where == "ds2":
                    told = {name: found[name] for name in ("auroc", "ap", "s", "v", "f")}
                    note(FILES["ds2"], f"{detector}, {condition}", " and ".join(leads), told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
