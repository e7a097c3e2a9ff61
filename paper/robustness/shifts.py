"""What becomes of scores when annotations sit beside the peaks: `python paper/robustness/shifts.py [DETECTOR …]`.

The marks of records of DS1 are moved by −4 to +4 samples (360 Hz, 11 ms), all alike, and in the row `random` each by
its own number of them. The beats are cut as the dataset `mitbih`
cuts them, without alignment and with each of its ways. Models learn from normal beats of eight patients at their own
marks, the threshold is the .95 quantile of the normal beats of three others, and the moved beats are those of the ten
that are left (record 201 is left out: its man is in DS2, which is not looked at). `jitter` is no alignment, and a
training with `train.jitter_ms: 12`. Lead MLII, band-passed from 0.5 to 40 Hz; small networks, a few minutes each.

Rows are added to `shifts.csv` beside this file as they come; what is there already is not done again. The last table,
`shifts_summary.csv`, is made of them: AUROC at the marks, how far it moves at most, and the share of normal beats that
is flagged, at the marks and at worst; AUROC with marks that are moved at random.

The records lie in `data/mitbih/raw`, where `ecgan fetch` puts them, or in the folder that MITBIH names.
"""

import csv
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import ecgan
from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.mitbih import DS1, Mitbih
from ecgan.detection.detectors.patient_specific import PatientSpecific, PatientSpecificOptions
from ecgan.ecg.records import Record, read_record
from ecgan.ecg.template import evenly
from ecgan.evaluation.ranking import auroc, average_precision
from ecgan.samples import Samples, join

HERE = Path(__file__).parent
RAW = Path(os.environ.get("MITBIH", HERE.parent.parent / "data" / "mitbih" / "raw"))
OUT, SUMMARY = HERE / "shifts.csv", HERE / "shifts_summary.csv"
COLUMNS = ("detector", "align", "shift", "auroc", "ap", "flagged", "flagged_normal")

PATIENTS = tuple(name for name in DS1 if name != "201")
TEST, LEARN = PATIENTS[1::2], PATIENTS[::2]
VALI = LEARN[2::4]
TRAIN = tuple(name for name in LEARN if name not in VALI)
MOST_MOVED = 4
SHIFTS: tuple[int | str, ...] = (*range(-MOST_MOVED, MOST_MOVED + 1), "random")
QUANTILE = 0.95
MOST = 8000
NETWORK = {"epochs": 10, "width": 0.25, "threads": 1, "seed": 0}
JITTER_MS = 12.0

Align = Literal["none", "deflection", "template"]
Score = Callable[[Samples], NDArray[np.float64]]
WAYS: dict[str, tuple[str, ...]] = {
    "knn": ("none", "deflection", "template"),
    "autoencoder": ("none", "deflection", "template", "jitter"),
    "aegan": ("none", "deflection", "template", "jitter"),
    "patient_specific": ("none", "deflection", "template"),
}


def records(names: tuple[str, ...]) -> list[Record]:
    """The named records, lead MLII."""
    found = (read_record(RAW, name) for name in names)
    return [replace(record, signals=record.select(["MLII"]), leads=["MLII"]) for record in found]


def beats(of: list[Record], align: Align, shift: int | str = 0) -> Samples:
    """The beats of records whose marks are moved by so many samples."""
    options = BeatOptions(filters=["bandpass"], align=align)
    return join([Mitbih().cut(replace(record, samples=moved(record.samples, shift)), options) for record in of])


def moved(marks: NDArray[np.int64], shift: int | str) -> NDArray[np.int64]:
    """Marks (n,) moved alike, or each at random; they stay in their order."""
    if isinstance(shift, int):
        return marks + shift
    drawn = np.random.default_rng(0).integers(-MOST_MOVED, MOST_MOVED, len(marks), endpoint=True)
    return np.asarray(np.maximum.accumulate(marks + drawn))


def learned(name: str, way: str, align: Align) -> Score:
    """A detector that learned from normal beats of the training patients."""
    if name == "patient_specific":
        return _patient_specific
    data = beats(records(TRAIN), align)
    normal = data[evenly(np.flatnonzero(data.class_ids == 0), MOST)]
    given: dict[str, Any] = {"transformation": "individual"}
    if name != "knn":
        given |= NETWORK | ({"jitter_ms": JITTER_MS} if way == "jitter" else {})
    fitted = ecgan.Detector(name, **given).fit(normal)
    return fitted.decision_function


def _patient_specific(data: Samples) -> NDArray[np.float64]:
    detector = PatientSpecific(PatientSpecificOptions())
    seen = data.seen(slice(None), detector.context)
    detector.fit(seen)
    return detector.components(seen)["total"]


def rows(name: str, way: str) -> Iterator[dict[str, Any]]:
    """A row for each shift."""
    align: Align = "none" if way == "jitter" else way  # type: ignore[assignment]
    score = learned(name, way, align)
    vali = beats(records(VALI), align)
    threshold = np.quantile(score(vali)[vali.class_ids == 0], QUANTILE)
    test = records(TEST)
    for shift in SHIFTS:
        data = beats(test, align, shift)
        scores, abnormal = score(data), data.class_ids != 0
        flagged = scores >= threshold
        found = {"auroc": auroc(scores, abnormal), "ap": average_precision(scores, abnormal)}
        found |= {"flagged": flagged.mean(), "flagged_normal": flagged[~abnormal].mean()}
        kept = {key: f"{value:.4f}" for key, value in found.items()}
        yield {"detector": name, "align": way, "shift": shift} | kept


def summarise() -> None:
    """Write the table of tables."""
    table = pd.read_csv(OUT)
    lines = []
    for (name, way), group in table.groupby(["detector", "align"], sort=False):
        at = group.assign(shift=group["shift"].astype(str)).set_index("shift")
        own, alike = at.loc["0"], at.drop("random")
        change = (alike["auroc"] - own["auroc"]).abs().max()
        line = {"detector": name, "align": way, "AUROC": own["auroc"], "moves by": change}
        line |= {"random": at.loc["random", "auroc"], "normal flagged": own["flagged_normal"]}
        lines.append(line | {"at worst": alike["flagged_normal"].max()})
    pd.DataFrame(lines).to_csv(SUMMARY, index=False, float_format="%.4f", lineterminator="\n")


def main() -> int:
    """Measure what is asked for, and sum up."""
    done = set(pd.read_csv(OUT).groupby(["detector", "align"]).groups) if OUT.is_file() else set()
    with OUT.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        if not done:
            writer.writeheader()
        for name in sys.argv[1:] or WAYS:
            for way in WAYS[name]:
                if (name, way) not in done:
                    for row in rows(name, way):
                        writer.writerow(row)
                        stream.flush()
    summarise()
    return 0


if __name__ == "__main__":
    sys.exit(main())
