"""What an archive costs: CPU seconds and memory of scoring it with several processes, and what a cluster would take.

`python tests/benchmarks/archives.py 20000` simulates so many recordings of ten seconds, scores them as one data set
with each number of processes, and writes reports/benchmarks/archives.csv. The last rows are simulated: a million
recordings on 100 workers, from the measured seconds of a recording, of a process that starts and of a task that Dask
hands out. Seconds are those of the processor, which other work on the machine does not change much.
"""

import heapq
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from ecgan.ecg.records import Record, write_record
from ecgan.ecg.simulated_patients import LEADS, SAMPLING_RATE, simulate
from ecgan.engines.base import as_done
from ecgan.engines.cluster import Cluster
from ecgan.scoring.plan import MOST

KEPT = Path(__file__).parent.parent.parent / "reports" / "benchmarks" / "archives.csv"
WORKERS = (1, 2, 4)
SECONDS = 10
MINUTES = 10  # of a simulated patient, who makes 60 recordings
TASKS = 500
MILLION, MANY = 1_000_000, 100


def make(folder: Path, count: int) -> None:
    """Simulate recordings, a folder for each patient."""
    steps, per = int(SECONDS * SAMPLING_RATE), MINUTES * 60 // SECONDS
    for patient in range(-(-count // per)):
        signals = simulate(patient, 5, MINUTES, 1.0, 1.0).signals
        for part in range(min(per, count - patient * per)):
            below = folder / f"p{patient:04d}"
            below.mkdir(parents=True, exist_ok=True)
            own = signals[part * steps : (part + 1) * steps]
            write_record(below, Record(f"{part:02d}", own, SAMPLING_RATE, list(LEADS), np.zeros(0, np.int64), []))


def score(archive: Path, out: Path, workers: int) -> dict[str, float]:
    """Score the archive in a process of its own, and say what it took."""
    code = "import resource, sys\nfrom ecgan.cli import app\ntry: app(sys.argv[1:], standalone_mode=False)\nfinally:\n"
    code += "  use = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]\n"
    code += "  print([sum(u.ru_utime + u.ru_stime for u in use), max(u.ru_maxrss for u in use) / 1024])\n"
    command = [sys.executable, "-c", code, "score", str(archive), "--to", "parquet", "--out", str(out), "--quiet"]
    begin = time.perf_counter()
    done = subprocess.run(
        command, env={**os.environ, "ECGAN_WORKERS": str(workers)}, check=True, stdout=subprocess.PIPE
    )
    cpu, memory = json.loads(done.stdout.splitlines()[-1])
    return {"wall s": time.perf_counter() - begin, "CPU s": cpu, "MB of the largest process": memory}


def nothing(item: int) -> int:
    """A task without work."""
    return item


def overhead() -> float:
    """CPU seconds that client and scheduler spend on a task: as long as they take, no other one is handed out."""
    with Cluster("local:1") as cluster:
        list(as_done(cluster, nothing, range(20)))
        begin = time.process_time()  # the scheduler runs in a thread of this process
        list(as_done(cluster, nothing, range(TASKS)))
        return (time.process_time() - begin) / TASKS


def simulated(recording: float, start: float, task: float) -> float:
    """Seconds until `MANY` workers have scored `MILLION` recordings in shards, handed out one after the other."""
    rng = np.random.default_rng(0)
    shards = recording * MOST * rng.uniform(0.8, 1.2, MILLION // MOST)  # machines and recordings differ
    free = [start] * MANY
    handed = 0.0
    for seconds in shards:
        handed = max(handed + task, free[0])
        heapq.heapreplace(free, handed + seconds)
    return max(free)


def main() -> int:
    """Measure, simulate, and keep both."""
    count = int(sys.argv[1])
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        archive, few = Path(folder, "archive"), Path(folder, "few")
        make(archive, count)
        make(few, 1)
        start = score(few, Path(folder, "out-few"), 1)["CPU s"]
        for workers in WORKERS:
            took = score(archive, Path(folder, f"out-{workers}"), workers)
            each = (took["CPU s"] - start * (workers + (workers > 1))) / count
            rows.append({"recordings": count, "workers": workers, **took, "recordings a CPU second": 1 / each})
    task = overhead()
    seconds = simulated(1 / rows[0]["recordings a CPU second"], start, task)
    names = {"CPU s of a start": start, "CPU ms of a Dask task": 1000 * task}
    rows.append({"recordings": MILLION, "workers": MANY, "simulated s": seconds, **names})
    table = pd.DataFrame(rows)
    table.to_csv(KEPT, index=False, float_format="%.4g")
    sys.stdout.write(table.to_string() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
