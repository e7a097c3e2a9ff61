"""Where the time goes when `ecgan score` scores one recording: CPU seconds of each step, and the peak of memory.

Beside them stands how long it takes by the clock, which says something only if nothing else runs.

`python tests/benchmarks/one_recording.py [CHECKOUT]` simulates half an hour of two leads and a day of three (half an
hour, 48 times), scores both by the published detector and writes reports/benchmarks/one_recording.csv. A checkout of
another version is measured beside, in turns; of several rounds the one with the least CPU time counts. CPU seconds are
those of all threads together.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ecgan.ecg.records import Record, write_record
from ecgan.ecg.simulated_patients import simulate

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "reports" / "benchmarks" / "one_recording.csv"
MODEL = ROOT / "models" / "published" / "patient-specific"
ROUNDS = {"half an hour, 2 leads": 4, "24 hours, 3 leads": 2}
STEPS = ("reading", "beats", "scores", "files")
SHOWN = ("start and end", *STEPS, "all", "by the clock")
SCORE = """
import atexit, pathlib, re, sys, time
time.perf_counter = time.process_time  # so that `-v` tells CPU time
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: print("peak", re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1], "kB", file=sys.stderr))
from ecgan.cli import main
main()
"""


def recordings() -> Iterator[tuple[str, Record]]:
    """Yield what is scored, and how it is called in the table."""
    two = simulate(3, 5, 30.0, 1.0, 1.0)
    short, long = ROUNDS
    yield short, replace(two, name="short")
    third = 0.7 * two.signals[:, :1] - 0.5 * two.signals[:, 1:2]
    three = np.tile(np.hstack([two.signals[:, :2], third]), (48, 1))
    yield long, replace(two, name="long", signals=three, leads=["MLII", "V1", "V5"], samples=two.samples)


def scored(checkout: Path, folder: Path, name: str) -> dict[str, float]:
    """Seconds of each step, and peak of memory, GB, of a process that scores a recording by a checkout's code."""
    command = ["score", str(folder / name), "--model", str(MODEL), "--out", str(folder / "scores"), "--force", "-v"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ECGAN_")}
    began = time.monotonic()
    with (folder / "said").open("w+") as said:
        child = subprocess.Popen(
            [sys.executable, "-c", SCORE, *command],
            env=environment | {"PYTHONPATH": str(checkout)},
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        _, status, used = os.wait4(child.pid, 0)
        clock = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if child.returncode:
        raise SystemExit(text)
    steps = {step: float(re.search(rf"\b{step} ([\d.]+) s", text)[1]) for step in STEPS}  # type: ignore[index]
    whole = used.ru_utime + used.ru_stime
    peak = int(re.search(r"peak (\d+) kB", text)[1]) * 1024 / 1e9  # type: ignore[index]
    return {"start and end": whole - sum(steps.values()), **steps, "all": whole, "by the clock": clock, "peak": peak}


def main() -> int:
    """Measure, and keep the rows."""
    ways = {"before": Path(sys.argv[1]).absolute(), "now": ROOT} if len(sys.argv) > 1 else {"now": ROOT}
    rows = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for what, record in recordings():
            write_record(folder, record)
            rounds = [
                {way: scored(code, folder, record.name) for way, code in ways.items()} for _ in range(ROUNDS[what])
            ]
            for way in ways:
                best = min((one[way] for one in rounds), key=lambda found: found["all"])
                named = {f"{step}, s": f"{best[step]:.3g}" for step in SHOWN}
                rows.append({"recording": what, "code": way} | named | {"peak, GB": f"{best['peak']:.3g}"})
                sys.stdout.write(f"{rows[-1]}\n")
            pd.DataFrame(rows).to_csv(KEPT, index=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
