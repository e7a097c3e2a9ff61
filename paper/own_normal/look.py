"""Score the annotated records of MIT-BIH with `patient_specific`, and note what was seen.

`python paper/own_normal/look.py ds1 NAME [KEY=VALUE …]` adds a row to `ds1.csv`: figures of DS1 (without record 201),
where constants are chosen. `ds2` does the same on DS2, to `paper/looks.csv`: each look at DS2 is a row there. NAME says
what was looked at, KEY=VALUE are options of the detector other than the defaults, and `leads=MLII` takes the lead MLII
alone. Records without MLII are left out. Classes by AAMI; every class but N is abnormal.

`peaks=detected` scores the beats that `ecgan.ecg.peaks` finds in these leads. Abnormal beats that were not found come
last of all, normal ones are left out; what was found and is no beat counts as normal, and may be flagged. As in EC57
ventricular flutter and fibrillation are left out, which record 207 of DS1 has.

The records lie in `data/mitbih/raw`, where `ecgan fetch` puts them, or in the folder that MITBIH names.
"""

import csv
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.mitbih import DS1, DS2, Mitbih
from ecgan.detection.detectors.patient_specific import PatientSpecific, PatientSpecificOptions
from ecgan.ecg.aami import BEAT_SYMBOLS
from ecgan.ecg.peaks import find_r_peaks, matches
from ecgan.ecg.records import Record, read_record
from ecgan.evaluation.ranking import auroc, average_precision
from ecgan.samples import Samples, join

ROOT = Path(__file__).parent.parent.parent
RAW = Path(os.environ.get("MITBIH", ROOT / "data" / "mitbih" / "raw"))
FILES = {"ds1": Path(__file__).parent / "ds1.csv", "ds2": ROOT / "paper" / "looks.csv"}
COLUMNS = ("date", "configuration", "commit", "leads", "auroc", "ap", "s", "v", "f")
CLASSES = ("S", "V", "F")
WITHIN = 54  # samples, 150 ms at 360 Hz


def beats(names: tuple[str, ...], leads: str, peaks: str) -> tuple[Samples, list[str]]:
    """Return the beats of records, 0.5 to 40 Hz: of MLII alone, or of MLII and the other lead of each.

    Returns:
        The beats, and the classes of abnormal ones that were not detected.
    """
    options, parts, missed = BeatOptions(filters=["bandpass"]), [], []
    for name in names:
        record = read_record(RAW, name)
        if "MLII" not in record.leads:
            continue
        own = ["MLII"] if leads == "MLII" else sorted(record.leads, key=lambda lead: lead != "MLII")
        record = replace(record, signals=record.select(own), leads=["MLII", "other"][: len(own)])
        cut = Mitbih().cut(record, options)
        if peaks == "detected":
            annotated, cut = cut.table, Mitbih().cut(detected(record), options)
            lost = matches(annotated["sample"].to_numpy(), cut.table["sample"].to_numpy(), WITHIN) < 0
            missed += [name for name in annotated["class_name"][lost] if name != "N"]
        parts.append(cut)
    return join(parts), missed


def detected(record: Record) -> Record:
    """Return a record with the beats that are found in it.

    Each has the symbol of the annotation that it matches, or ! (flutter wave) in flutter and fibrillation, or N.
    """
    found = find_r_peaks(record.signals, record.sampling_rate)
    rows = np.flatnonzero(np.isin(record.symbols, list(BEAT_SYMBOLS)))
    match = matches(record.samples[rows], found, WITHIN)
    flutter = [np.searchsorted(record.samples[np.isin(record.symbols, [mark])], found) for mark in "[]"]
    symbols = np.where(flutter[0] > flutter[1], "!", "N").astype(object)
    symbols[match[match >= 0]] = np.asarray(record.symbols, dtype=object)[rows[match >= 0]]
    return replace(record, samples=found, symbols=symbols.tolist(), notes=[])


def score(data: Samples, options: dict[str, Any]) -> tuple[dict[str, np.ndarray], float]:
    """Return the components of all beats, and the seconds that it took."""
    detector = PatientSpecific(PatientSpecificOptions(**options))
    samples = data.seen(slice(None), detector.context)
    detector.fit(samples)
    started = time.perf_counter()
    return detector.components(samples), time.perf_counter() - started


def figures(data: Samples, scores: np.ndarray, missed: list[str]) -> dict[str, str]:
    """Return AUROC and AP of all beats, and the AUROC of each class against N; those that were missed score last."""
    names = np.asarray([*data.table["class_name"], *missed])
    scores, abnormal = np.concatenate([scores, np.full(len(missed), scores.min() - 1)]), names != "N"
    found = {"auroc": auroc(scores, abnormal), "ap": average_precision(scores, abnormal)}
    for name in CLASSES:
        rows = ~abnormal | (names == name)
        found[name.lower()] = auroc(scores[rows], abnormal[rows])
    return {name: f"{value:.4f}" for name, value in found.items()}


def note(file: Path, configuration: str, leads: str, found: dict[str, str]) -> None:
    """Add a row to a table."""
    commit = subprocess.run(
        ("git", "rev-parse", "--short", "HEAD"), cwd=ROOT, capture_output=True, text=True, check=True
    )
    facts = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "configuration": configuration, "commit": commit.stdout.strip()}
    new = not file.is_file()
    with file.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow({**facts, "leads": leads, **found})


def main() -> int:
    """Look, print and note."""
    where, configuration, *settings = sys.argv[1:]
    options = dict(setting.split("=", 1) for setting in settings)
    leads = options.pop("leads", "MLII and other")
    names = {"ds1": tuple(name for name in DS1 if name != "201"), "ds2": DS2}[where]
    data, missed = beats(names, leads, options.pop("peaks", "annotated"))
    components, seconds = score(data, {key: json.loads(value) for key, value in options.items()})
    found = figures(data, components["total"], missed)
    note(FILES[where], configuration, leads, found)
    count = len(np.unique(data.table["record"]))
    sys.stdout.write(
        f"{configuration}, {leads}: {found}; {len(data)} beats, {len(missed)} missed,"
        f" {count} records, {seconds:.1f} s\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
