"""What portable arithmetic costs: seconds of a training step of each model, on both kinds of processor.

`python tests/benchmarks/arithmetic.py` times steps of every model at its default size, one thread, in processes of
their own: native, portable, and native once more limited to AVX2, as on a processor that has no more. Rounds of the
ways alternate, so that all see the same disturbances, and the least time counts. Rows of this kind of processor go to
reports/benchmarks/arithmetic.csv; those of other kinds stay.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from ecgan.arithmetic import PORTABLE
from ecgan.registry import MODELS
from tests.processor import AVX2_ONLY, processor

KEPT = Path(__file__).parent.parent.parent / "reports" / "benchmarks" / "arithmetic.csv"
WAYS = {"native": {}, "portable": PORTABLE, "native, AVX2 only": AVX2_ONLY}
ROUNDS = 4
SECONDS = 0.6


def step_seconds(name: str, length: int = 320) -> float:
    """Return the least CPU time of one training step of a model, in seconds."""
    import torch

    from ecgan.runtime import reuse_memory, set_deterministic, set_threads

    set_threads(1)
    set_deterministic()
    reuse_memory()
    cls = MODELS.get(name)
    options = cls.Options()
    model = cls(options, channels=1, length=length, classes=5).train()
    labels = torch.arange(options.batch_size) % 5 if model.classifies else None
    x = torch.rand(options.batch_size, 1 + model.conditions, length) - 0.5
    optimizers = model.optimizers()
    model.train_batch(x, optimizers, 0, labels)
    least, until = float("inf"), time.process_time() + SECONDS
    while time.process_time() < until or least == float("inf"):
        started = time.process_time()
        model.train_batch(x, optimizers, 0, labels)
        least = min(least, time.process_time() - started)
    return least


def measured(name: str, way: str) -> float:
    """Return `step_seconds` of a process of its own."""
    command = [sys.executable, __file__, name]
    clean = {key: value for key, value in os.environ.items() if key not in PORTABLE and key not in AVX2_ONLY}
    done = subprocess.run(command, env=clean | WAYS[way], capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout))


def main() -> int:
    """Measure all models and keep the rows."""
    if len(sys.argv) == 2:
        sys.stdout.write(json.dumps(step_seconds(sys.argv[1])))
        return 0
    here = processor()
    rows = []
    for name in MODELS.names():
        times = {way: float("inf") for way in WAYS}
        for _ in range(ROUNDS):
            for way in WAYS:
                times[way] = min(times[way], measured(name, way))
        rows.append({"processor": here, "model": name, **{f"{way}, ms": 1000 * least for way, least in times.items()}})
        rows[-1]["portable / native"] = times["portable"] / times["native"]
        rows[-1]["portable / native, AVX2 only"] = times["portable"] / times["native, AVX2 only"]
        sys.stderr.write(f"{rows[-1]}\n")
    table = pd.DataFrame(rows)
    if KEPT.is_file():
        others = pd.read_csv(KEPT)
        table = pd.concat([others[others["processor"] != here], table])
    table.to_csv(KEPT, index=False, float_format="%.4g")
    return 0


if __name__ == "__main__":
    sys.exit(main())
