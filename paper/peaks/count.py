"""Count which annotated beats of MIT-BIH are found: `python paper/peaks/count.py CONFIGURATION`.

`records.csv` gets a row for each of the 48 records and each choice of leads, in place of those that bear the name
CONFIGURATION: of each AAMI class how many beats are annotated and how many are found, one to one within 150 ms as in
ANSI/AAMI EC57, and what was found besides, `false`; 207's hundreds are mostly waves of its ventricular flutter, which
EC57 would leave out. `summary.csv` has the sensitivities and the positive predictive value of DS1, on which the
finder's constants were chosen, of DS2, and of all, for all configurations.

Leads are `MLII` (else the first), `other`, the one beside it, and `both`, in the order of the record. The configuration
"before" is commit 066cf0c, whose finder took one lead: its `both` is the first lead, which `ecgan score` gave it.

The records lie in `data/mitbih/raw`, where `ecgan fetch` puts them, or in the folder that MITBIH names.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ecgan.datasets.mitbih import DS1, DS2
from ecgan.ecg.aami import BEAT_SYMBOLS, CLASSES, class_ids
from ecgan.ecg.peaks import find_r_peaks, matches
from ecgan.ecg.records import Record, read_record

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
RAW = Path(os.environ.get("MITBIH", ROOT / "data" / "mitbih" / "raw"))
WITHIN_S = 0.15


def counts(record: Record) -> Iterator[dict[str, object]]:
    """Yield what was found of a record, a row for each choice of leads."""
    rows = np.flatnonzero(np.isin(record.symbols, list(BEAT_SYMBOLS)))
    ids = class_ids([record.symbols[row] for row in rows], "aami")
    first = record.leads.index("MLII") if "MLII" in record.leads else 0
    for name, leads in (("MLII", [first]), ("other", [1 - first]), ("both", [0, 1])):
        found = find_r_peaks(record.signals[:, leads], record.sampling_rate)
        hit = matches(record.samples[rows], found, round(WITHIN_S * record.sampling_rate)) >= 0
        row: dict[str, object] = {"leads": name, "record": record.name}
        for index, kind in enumerate(CLASSES):
            row |= {kind: int(np.sum(ids == index)), f"{kind}_found": int(np.sum(hit[ids == index]))}
        yield row | {"false": len(found) - int(hit.sum())}


def summary(records: pd.DataFrame) -> pd.DataFrame:
    """Return the sensitivity, in all and of each class, and the positive predictive value of groups of records."""
    rows = []
    groups = {"DS1": records["record"].isin(DS1), "DS2": records["record"].isin(DS2), "all": records["record"] != ""}
    for (configuration, leads), _ in records.groupby(["configuration", "leads"], sort=False):
        chosen = (records["configuration"] == configuration) & (records["leads"] == leads)
        for group, inside in groups.items():
            total = records[chosen & inside].sum(numeric_only=True)
            found, there = (np.asarray([total[kind + end] for kind in CLASSES]) for end in ("_found", ""))
            row = {"configuration": configuration, "leads": leads, "records": group}
            row |= {"sensitivity": found.sum() / there.sum(), "ppv": found.sum() / (found.sum() + total["false"])}
            rows.append(row | dict(zip(CLASSES, found / np.maximum(there, 1), strict=True)))
    return pd.DataFrame(rows).round(4)


def main() -> int:
    """Count, and write both tables."""
    (configuration,) = sys.argv[1:]
    command = ("git", "rev-parse", "--short", "HEAD")
    commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    names = sorted(path.stem for path in RAW.glob("*.hea"))
    rows = [row for name in names for row in counts(read_record(RAW, name))]
    new = pd.DataFrame(rows).sort_values("leads", kind="stable")
    new.insert(0, "configuration", configuration)
    new.insert(1, "commit", commit)
    file = HERE / "records.csv"
    if file.is_file():
        old = pd.read_csv(file, dtype={"record": str, "commit": str})
        new = pd.concat([old[old["configuration"] != configuration], new])
    new.to_csv(file, index=False, lineterminator="\n")
    summary(new).to_csv(HERE / "summary.csv", index=False, lineterminator="\n", float_format="%.4f")
    return 0


if __name__ == "__main__":
    sys.exit(main())
