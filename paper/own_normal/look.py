"""Score the annotated records of MIT-BIH with `patient_specific`, and note what was seen.

`python paper/own_normal/look.py ds1 NAME [KEY=VALUE …]` adds a row to `ds1.csv`: figures of DS1 (without record 201),
where constants are chosen. `ds2` does the same on DS2, to `paper/looks.csv`: each look at DS2 is a row there. NAME says
what was looked at, KEY=VALUE are options of the detector other than the defaults, and `leads=MLII` takes the lead MLII
alone. Records without MLII are left out. Classes by AAMI; every class but N is abnormal.

`peaks=detected` scores the beats that `ecgan.ecg.peaks` finds in these leads. Abnormal beats that were not found come
last of all, normal ones are left out; what was found and is no beat counts as normal, and may be flagged. As in EC57
ventricular flutter and fibrillation are left out, which record 207 of DS1 has.

Beside it the operating point goes to `operating.csv`, a row a record and one for all: the threshold that gives 60 false
alarms an hour on DS1, all records together, under the same NAME (so that DS1 is looked at first), the false alarms at
it, and how many of the beats of each class are flagged. `rule=patients` takes the threshold that keeps nine patients in
ten nobody has seen below 150 false alarms an hour, by the patients of DS1 (`detect.threshold: alarms_by_patient`).

The records lie in `data/mitbih/raw`, where `ecgan fetch` puts them, or in the folder that MITBIH names.
"""

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.mitbih import DS1, DS2, Mitbih
from ecgan.detection.detectors.patient_specific import PatientSpecific, PatientSpecificOptions
from ecgan.detection.thresholds import Budgets, fit_threshold
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
OPERATING = Path(__file__).parent / "operating.csv"
KEYS = ["records", "configuration", "leads", "record"]
BUDGET = 60.0  # false alarms an hour
OF_PATIENTS, SHARE = 150.0, 0.9  # the same that `rule=patients` allows each patient, and how many of them
WITHIN = 54  # samples, 150 ms at 360 Hz


def beats(names: tuple[str, ...], leads: str, peaks: str) -> tuple[Samples, dict[str, list[str]], dict[str, float]]:
    """Return the beats of records, 0.5 to 40 Hz: of MLII alone, or of MLII and the other lead of each.

    Returns:
        The beats, and of each record the classes of abnormal ones that were not detected and how many hours it lasts.
    """
    options, parts, missed, hours = BeatOptions(filters=["bandpass"]), [], {}, {}
    for name in names:
        record = read_record(RAW, name)
        if "MLII" not in record.leads:
            continue
        own = ["MLII"] if leads == "MLII" else sorted(record.leads, key=lambda lead: lead != "MLII")
        record = replace(record, signals=record.select(own), leads=["MLII", "other"][: len(own)])
        hours[name] = len(record.signals) / record.sampling_rate / 3600
        cut = Mitbih().cut(record, options)
        missed[name] = []
        if peaks == "detected":
            annotated, cut = cut.table, Mitbih().cut(detected(record), options)
            lost = matches(annotated["sample"].to_numpy(), cut.table["sample"].to_numpy(), WITHIN) < 0
            missed[name] = [symbol for symbol in annotated["class_name"][lost] if symbol != "N"]
        parts.append(cut)
    return join(parts), missed, hours


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


def figures(data: Samples, scores: np.ndarray, missed: Sequence[str] = ()) -> dict[str, str]:
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


def operate(
    where: str,
    configuration: str,
    leads: str,
    data: Samples,
    scores: np.ndarray,
    missed: dict[str, list[str]],
    hours: dict[str, float],
    rule: str,
) -> dict[str, Any]:
    """Write the operating point, a row a record and one for all, and return that one.

    Raises:
        SystemExit: DS1 was not looked at under this name.
    """
    table = pd.read_csv(OPERATING, dtype=str) if OPERATING.is_file() else pd.DataFrame(columns=KEYS)
    known = table[(table["configuration"] == configuration) & (table["leads"] == leads) & (table["records"] == "ds1")]
    records, names = data.records, data.table["class_name"].to_numpy(str)
    if where == "ds1" and rule == "patients":
        rows = np.searchsorted(sorted(hours), records)
        budgets = Budgets(rows, OF_PATIENTS * np.array([hours[record] for record in sorted(hours)]))
        found = fit_threshold(scores, data.class_ids, "alarms_by_patient", quantile=SHARE, budgets=budgets)
        threshold = found.value
    elif where == "ds1":
        normal = np.sort(scores[names == "N"])[::-1]
        threshold = float(normal[int(BUDGET * sum(hours.values()))])
    elif len(known):
        threshold = float(known["threshold"].iloc[0])
    else:
        raise SystemExit(f"look at ds1 first: operating.csv has no threshold of {configuration!r}, {leads}")
    rows = []
    for record in [*hours, "all"]:
        own = np.ones(len(data), dtype=bool) if record == "all" else records == record
        lost = list(chain(*missed.values())) if record == "all" else missed[record]
        lasting = sum(hours.values()) if record == "all" else hours[record]
        row = dict(zip(KEYS, (where, configuration, leads, record), strict=True)) | {"threshold": f"{threshold:.6g}"}
        normal, flagged = own & (names == "N"), own & (scores > threshold)
        row["auroc"] = figures(data[own], scores[own], lost)["auroc"] if (names[own] != "N").any() else ""
        row["alarms_per_hour"] = f"{np.count_nonzero(normal & flagged) / lasting:.1f}"
        for name in CLASSES:
            of = own & (names == name)
            row[name.lower()] = np.count_nonzero(of) + lost.count(name)
            row[f"{name.lower()}_flagged"] = np.count_nonzero(of & flagged)
        rows.append(row)
    new = pd.DataFrame(rows).astype(str)
    old = table.merge(new[KEYS], how="left", indicator=True).query("_merge == 'left_only'").drop(columns="_merge")
    pd.concat([old, new]).to_csv(OPERATING, index=False, lineterminator="\n")
    return rows[-1]


def main() -> int:
    """Look, print and note."""
    where, configuration, *settings = sys.argv[1:]
    options = dict(setting.split("=", 1) for setting in settings)
    leads = options.pop("leads", "MLII and other")
    names = {"ds1": tuple(name for name in DS1 if name != "201"), "ds2": DS2}[where]
    data, missed, hours = beats(names, leads, options.pop("peaks", "annotated"))
    rule = options.pop("rule", "all")
    components, seconds = score(data, {key: json.loads(value) for key, value in options.items()})
    point = operate(where, configuration, leads, data, components["total"], missed, hours, rule)
    lost = list(chain(*missed.values()))
    found = figures(data, components["total"], lost)
    note(FILES[where], configuration, leads, found)
    count = len(np.unique(data.table["record"]))
    sys.stdout.write(
        f"{configuration}, {leads}: {found}; {len(data)} beats, {len(lost)} missed,"
        f" {count} records, {seconds:.1f} s\n{point}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
