"""Keep what a processor computed, as a row of reports/benchmarks/processors.csv: `rows.py NAME HASHES [LOCK]`.

NAME says what kind of processor it was. HASHES is what `python tests/golden/portable.py` printed there, LOCK the
`dvc.lock` after `dvc repro` in a fresh clone. Both are held against what is committed; a row of the same name goes.
"""

import csv
import json
import sys
from pathlib import Path

from ecgan.comparing.compared import moved
from ecgan.comparing.locks import compare_locks, read_lock
from tests.golden.portable import KEPT

ROOT = KEPT.parent.parent.parent
ROWS = ROOT / "reports" / "benchmarks" / "processors.csv"
HEAD = ("processor", "arrays and tensors that are the same", "outputs of the default run that are the same")


def row(name: str, hashes: Path, lock: Path | None) -> tuple[str, str, str]:
    """Return one row: how much is the same, of how much."""
    known, found = (json.loads(path.read_text(encoding="utf-8"))["hashes"] for path in (KEPT, hashes))
    same = sum(known[key] == found.get(key) for key in known)
    outputs = ""
    if lock is not None:
        compared = compare_locks(read_lock(ROOT / "dvc.lock"), read_lock(lock))
        outputs = f"{len(compared) - len(moved(compared))} of {len(compared)}"
    return name, f"{same} of {len(known)}", outputs


def main() -> int:
    """Add or replace a row."""
    name, hashes, *lock = sys.argv[1:]
    rows = []
    if ROWS.is_file():
        rows = [tuple(line) for line in csv.reader(ROWS.read_text(encoding="utf-8").splitlines())][1:]
    rows = [one for one in rows if one[0] != name] + [row(name, Path(hashes), Path(lock[0]) if lock else None)]
    with ROWS.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEAD, *rows])
    return 0


if __name__ == "__main__":
    sys.exit(main())
