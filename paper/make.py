"""Compute rows of the tables of docs/paper.md: `make paper`, `make paper ROWS=beatgan@aegan*`, `make paper-check`.

    python paper/make.py                         # what is missing or no longer what params.yaml asks for
    python paper/make.py run 'beatgan@*-0-0'     # rows by name: table@row-fold-seed, * and ? as in a shell
    python paper/make.py check 5                 # recompute five random rows and compare; or those that a pattern names
    python paper/make.py list                    # what is missing
    python paper/make.py run 'svdb@*'            # rows of a database that is not fetched otherwise

Two rows are computed side by side, each by `dvc repro --single-item` on one thread; a row that was interrupted goes on
where it stood. DVC lets stages that share no output run at once: it locks the project only while it reads and writes
its own files. With ECGAN_DEVICE=cuda, models are trained for as many epochs as their papers say, and rows come to lie
in `rows-cuda/`, beside what DVC watches.
"""

import argparse
import fnmatch
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import unit

SIDE_BY_SIDE = 2
DVC = (sys.executable, "-m", "dvc")


def names() -> list[str]:
    """All rows: those of fold 0 and the first seed first; of these what trains nothing first and what is long last."""
    found = []
    for table, about in unit.asked()[2].items():
        places: Counter[tuple[int, int]] = Counter()
        for index, (fold, seed) in enumerate(itertools.product(about["folds"], about["seeds"])):
            for row in about["units"]:
                budget = about["rows"][row].get("budget", 0)
                tier = (budget > 0) + (budget > 10)
                places[index, tier] += 1
                found.append((index, tier, places[index, tier], f"{table}@{row}-{fold}-{seed}"))
    return [name for *_, name in sorted(found)]


def changed() -> set[str]:
    """Names of the stages that DVC would run."""
    said = call(*DVC, "status", "--json")
    if said.returncode:
        raise SystemExit(f"dvc status failed, as it does while rows are computed: {said.stderr.strip()[-2000:]}")
    return {name.removeprefix("dvc.yaml:") for name in json.loads(said.stdout)}


def arguments(name: str) -> list[str]:
    """Table, row, fold and seed behind a name."""
    table, _, rest = name.partition("@")
    row, fold, seed = rest.rsplit("-", 2)
    return [table, row, fold, seed]


def environment() -> dict[str, str]:
    """Variables of what is called, in which `python` is this one."""
    return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def call(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the folder of the paper."""
    return subprocess.run(command, cwd=unit.HERE, env=environment(), capture_output=True, text=True, check=False)


def run(wanted: list[str]) -> int:
    """Compute rows; return how many failed."""

    def one(name: str) -> bool:
        began = time.monotonic()
        if unit.CUDA or is_optional(name):
            done = call(sys.executable, "unit.py", "row", *arguments(name))
        else:
            for _ in range(10):
                done = call(*DVC, "repro", "-q", "--single-item", name)
                if "Unable to acquire lock" not in done.stderr:
                    break
                time.sleep(random.uniform(1, 5))  # noqa: S311 - another one reads or writes just now
        state = "done" if done.returncode == 0 else f"FAILED: {done.stderr.strip()[-2000:]}"
        say(f"{time.strftime('%H:%M:%S')} {name}: {state} ({time.monotonic() - began:.0f} s)")
        return done.returncode == 0

    able = prepared(wanted)
    with ThreadPoolExecutor(1 if unit.CUDA else SIDE_BY_SIDE) as pool:
        return len(wanted) - len(able) + sum(not ok for ok in pool.map(one, able))


def prepared(wanted: list[str]) -> list[str]:
    """Fetch, cut and divide what rows are computed on, where that is not there; return those that have their data."""
    lacking = set()
    for data, commands in preparing(wanted, changed()).items():
        for command in commands:
            if (done := call(*command)).returncode:
                say(f"{data} is not there, and its rows wait: {done.stderr.strip()[-2000:]}")
                lacking.add(data)
                break
    return [name for name in wanted if data_of(name) not in lacking]


def preparing(wanted: list[str], stale: set[str]) -> dict[str, list[tuple[str, ...]]]:
    """Commands that bring each data set of these rows, of no others; `stale` are the stages that DVC would run."""
    sets = unit.asked()[1]
    optional = {data_of(name): is_optional(name) for name in wanted}
    commands: dict[str, list[tuple[str, ...]]] = {data: [] for data in sorted(optional)}
    for data, found in commands.items():
        for kind, name in (("raw", sets[data]["raw"]), ("data", data)):
            if not optional[data] and f"{kind}@{name}" in stale:
                found.append((*DVC, "repro", "-q", "-s", f"{kind}@{name}"))
            elif optional[data] and not (unit.DATA / data).is_dir():
                found.append((sys.executable, "unit.py", kind, name))
    return commands


def data_of(name: str) -> str:
    """The data set of a row."""
    return str(unit.asked()[2][name.partition("@")[0]]["data"])


def is_optional(name: str) -> bool:
    """Whether a row is of a database that is fetched only if somebody asks for it."""
    return bool(unit.asked()[2][name.partition("@")[0]].get("optional"))


def check(wanted: list[str]) -> int:
    """Recompute rows beside the ones that are there; return how many differ."""
    able = prepared(wanted)
    return len(wanted) - len(able) + sum(not same(name) for name in able)


def same(name: str) -> bool:
    """Whether a row comes out as its files say; what differs is named."""
    place, aside = unit.folder_of(*typed(name)), unit.WORK / "check"
    shutil.rmtree(aside, ignore_errors=True)
    command, variables = [sys.executable, "unit.py", "row", *arguments(name)], {"ECGAN_PAPER_OUT": str(aside)}
    if subprocess.run(command, cwd=unit.HERE, env=environment() | variables, check=False).returncode:
        say(f"{name}: it could not be computed")
        return False
    differences = []
    for file in sorted((unit.OUT / place).glob("*")):
        new = aside / place / file.name
        if not new.is_file():
            differences.append(f"{file.name} did not come")
        elif file.suffix == ".json":
            old, found = (json.loads(path.read_text(encoding="utf-8")) for path in (file, new))
            differences += compared(old, found, file.stem)
        elif file.read_bytes() != new.read_bytes():
            differences.append(f"{file.name} differs")
    say(f"{name}: {'the same' if not differences else '; '.join(differences)}")
    return not differences


def compared(old: Any, new: Any, where: str) -> list[str]:
    """Where two rows differ, but for what may: how long it took, by which commit, how its parameters are written."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [key for key in sorted({*old, *new}) if key not in unit.MAY_DIFFER]
        return [line for key in keys for line in compared(old.get(key), new.get(key), f"{where} {key}")]
    return [] if old == new or (old != old and new != new) else [f"{where}: was {old}, is {new}"]


def typed(name: str) -> tuple[str, str, int, int]:
    """Table, row, fold and seed behind a name."""
    table, row, fold, seed = arguments(name)
    return table, row, int(fold), int(seed)


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", nargs="?", default="run", choices=("run", "check", "list"), help="run where not given")
    parser.add_argument("patterns", nargs="*", metavar="ROW", help="names of rows, or how many to check")
    asked = parser.parse_args()
    kind, patterns = asked.kind, asked.patterns
    every = names()
    there = [name for name in every if (unit.OUT / unit.folder_of(*typed(name))).is_dir()]
    count = int(patterns.pop()) if kind == "check" and patterns and patterns[0].isdigit() else 1
    chosen = [name for name in every if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]
    for pattern in patterns:
        if not fnmatch.filter(every, pattern):
            raise SystemExit(f"no row is called {pattern}. Rows are table@row-fold-seed; see paper/params.yaml.")
    if kind == "check":
        comparable = [name for name in chosen if name in there]
        if patterns and not comparable:
            raise SystemExit(f"no row {' or '.join(patterns)} is there to compare. `make paper ROWS=…` computes it.")
        return int(check(comparable or random.sample(there, min(count, len(there)))) > 0)
    if not patterns:
        stale = set() if unit.CUDA else changed()
        chosen = [name for name in every if (name in stale or name not in there) and not is_optional(name)]
    if kind == "list":
        say("\n".join(chosen))
        return 0
    failed = run(chosen)
    say(f"{len(chosen) - failed} of {len(chosen)} rows computed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
