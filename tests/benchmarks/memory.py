"""How much memory the stages need for how many samples: `python -m tests.benchmarks.memory FOLDER GIGABYTES…`.

Simulated samples of twelve leads and 500 time steps (24 KB each) are written into FOLDER as a processed dataset, block
by block, for each of the sizes, and removed at the end. Then come the stages `split`, `train` (one epoch of a small
autoencoder), `inverse`, `detect` (the model, an isolation forest) and `report`, each a process of its own. Where the
system has control groups (Linux, as root), each runs under `--limit` gigabytes of memory, in which the pages of mapped
files count; one that needs more is killed. What is kept, in reports/benchmarks/memory.csv, is the peak of anonymous
memory, which no file stands behind, and of resident memory, pages of mapped files included.

`--recordings N…` measures `preprocess` instead: simulated twelve-lead recordings of ten seconds at 500 Hz in the layout
of `ecg-arrhythmia`, as many as that.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from scipy.io import savemat

from ecgan.arrays import F32, save_array, save_blocks
from ecgan.config import render_params
from ecgan.datasets.shaoxing_files import LEADS as SHAOXING_LEADS
from ecgan.files import write_json, write_text
from ecgan.seals import seal
from ecgan.testing.toys import toy_beats

ROOT = Path(__file__).parent.parent.parent
KEPT = ROOT / "reports" / "benchmarks" / "memory.csv"
LEADS, STEPS, BLOCK = 12, 500, 4096
GB = 10**9
KINDS = 40  # recordings that differ
STAGES: dict[str, list[str]] = {
    "split": ["split"],
    "train": ["train"],
    "inverse": ["inverse"],
    "detect, autoencoder": ["detect", "--model", "autoencoder"],
    "detect, isolation_forest": ["detect", "--detector", "isolation_forest"],
    "report": ["report"],
}
PARAMS: dict[str, Any] = {
    "split": {"k": 2, "folds": [0]},
    "train": {"epochs": 1},
    "modules": {"autoencoder": {"width": 0.0625, "latent_size": 8, "batch_size": 1024}},
    "detect": {"classical": ["isolation_forest"], "bootstrap": 10},
    "detectors": {"isolation_forest": {"trees": 10}},
}


def make_samples(folder: Path, gigabytes: float) -> int:
    """Write a processed dataset of so many gigabytes; return the number of samples."""
    count = round(gigabytes * GB / (LEADS * STEPS * 4))
    labels = (np.arange(count) % 10 == 9).astype(np.int64)
    save_blocks(folder / "data.pkl", (count, STEPS, LEADS), np.dtype(np.float32), _blocks(labels))
    save_array(folder / "label.pkl", labels)
    classes = ["N", "V"]
    table = pd.DataFrame({"class_name": np.asarray(classes)[labels]})
    table["record"] = table["patient"] = np.char.add("r", (np.arange(count) // 500).astype(str))
    table["sample"] = np.arange(count) % 500 * STEPS
    table.to_csv(folder / "samples.csv", index=False)
    about = {"sampling_rate": 250.0, "leads": [f"lead {number}" for number in range(LEADS)], "classes": classes}
    about |= {"unit": "mV", "mapping": "", "centre": 250, "name": "ecgsyn", "counts": {}}
    write_json(folder / "dataset.json", about)
    seal(folder)
    return count


def _blocks(labels: np.ndarray) -> Iterator[F32]:
    """Yield the samples in blocks (b, L, C): beats of changing size, abnormal ones with a step."""
    beats = toy_beats(BLOCK, LEADS, STEPS, seed=0).transpose(0, 2, 1)  # (b, C, L) to (b, L, C)
    rng = np.random.default_rng(0)
    for start in range(0, len(labels), BLOCK):
        some = labels[start : start + BLOCK]
        block = beats[: len(some)] * rng.uniform(0.5, 1.5, size=(len(some), 1, 1)).astype(np.float32)
        block[some == 1, 250:, 0] += 1
        yield block


def make_recordings(raw: Path, count: int) -> int:
    """Write twelve-lead recordings in the layout of `ecg-arrhythmia`, links to a few that differ; return the bytes."""
    kinds = raw / "kinds"
    kinds.mkdir(parents=True)
    for kind in range(KINDS):
        beats = toy_beats(10, len(SHAOXING_LEADS), 500, seed=kind)  # (b, C, L)
        signal = np.concatenate(list(beats), axis=1)  # (C, 5000)
        savemat(kinds / f"{kind}.mat", {"val": np.round(1000 * signal).astype(np.int16)}, format="4")
    for number in range(count):
        name = f"JS{number + 1:05d}"
        place = raw / "WFDBRecords" / f"{number // 1000:02d}" / f"{number // 100:03d}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{name}.mat").hardlink_to(kinds / f"{number % KINDS}.mat")
        lines = [f"{name} 12 500 5000"]
        lines += [f"{name}.mat 16+24 1000/mV 16 0 0 0 0 {lead}" for lead in SHAOXING_LEADS]
        write_text(place / f"{name}.hea", "\n".join([*lines, "#Dx: 426783006", ""]))
    shutil.rmtree(kinds)
    seal(raw)
    return sum(file.stat().st_size for file in raw.rglob("*") if file.is_file())


def set_up(folder: Path, dataset: str, changes: dict[str, Any]) -> None:
    """Write the parameters into the project in `folder`."""
    document = yaml.safe_load(render_params(dataset, ["autoencoder"]))
    write_text(folder / "params.yaml", yaml.safe_dump(_merged(document, changes)))


def _merged(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    for key, value in changes.items():
        values[key] = _merged(values.get(key) or {}, value) if isinstance(value, dict) else value
    return values


def measured(folder: Path, command: list[str], limit: int | None) -> dict[str, float]:
    """Run a command of ecgan in a folder, under a limit where there is one; return its peaks."""
    group = _group(limit)
    enter = f"echo $$ > {group}/cgroup.procs && " if group else ""
    run = [sys.executable, "-m", "ecgan", *command]
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(["sh", "-c", f'{enter}exec "$@"', "sh", *run], cwd=folder, env=variables)
    peaks = {"RssAnon": 0, "VmRSS": 0}
    watcher = threading.Thread(target=_watch, args=(process, peaks))
    watcher.start()
    code = process.wait()
    watcher.join()
    if group:
        with contextlib.suppress(OSError):
            group.rmdir()
    if code:
        raise SystemExit(f"{' '.join(command)} ended with {code}, of memory: {peaks}")
    return {"anonymous MB": round(peaks["RssAnon"] / 1000), "resident MB": round(peaks["VmRSS"] / 1000)}


def _watch(process: subprocess.Popen[bytes], peaks: dict[str, int]) -> None:
    """Note the peaks of a process and of those that it starts, kB, until it ends."""
    while process.poll() is None:
        sums = dict.fromkeys(peaks, 0)
        for one in _family(process.pid):
            with contextlib.suppress(OSError):
                lines = Path(f"/proc/{one}/status").read_text(encoding="ascii", errors="replace").splitlines()
                found = {line.split(":")[0]: line.split() for line in lines}
                for name in sums:
                    sums[name] += int(found[name][1]) if name in found else 0
        for name, value in sums.items():
            peaks[name] = max(peaks[name], value)
        time.sleep(0.1)


def _family(process: int) -> list[int]:
    found = [process]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            children = (task / "children").read_text(encoding="ascii").split()
            found += [one for child in children for one in _family(int(child))]
    return found


def _group(limit: int | None) -> Path | None:
    """Make a control group below that of this process, with a limit; None where there is none."""
    if limit is None:
        return None
    lines = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
    own = next((line.split(":")[2].lstrip("/") for line in lines if line.split(":")[1] == "memory"), None)
    if own is None:
        raise SystemExit("there are no control groups of memory (version 1) here: leave --limit out")
    group = Path("/sys/fs/cgroup/memory", own, f"ecgan-{os.getpid()}")
    group.mkdir(exist_ok=True)
    (group / "memory.limit_in_bytes").write_text(str(limit), encoding="ascii")
    return group


def keep(row: dict[str, Any]) -> None:
    """Write a row into the table, in the place of the one of that stage and size."""
    old = pd.read_csv(KEPT) if KEPT.is_file() else pd.DataFrame(columns=list(row))
    same = (old["stage"] == row["stage"]) & (old["GB"].round(2) == round(row["GB"], 2))
    table = pd.DataFrame([*old[~same].to_dict("records"), row]).round(2)
    table.sort_values(["stage", "GB"], kind="stable").to_csv(KEPT, index=False)
    sys.stdout.write(f"{row}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure the stages, or `preprocess`, for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("gigabytes", type=float, nargs="*")
    parser.add_argument("--recordings", type=int, nargs="*", default=[])
    parser.add_argument("--limit", type=float, help="gigabytes that a stage may use, mapped files included")
    arguments = parser.parse_args()
    limit = None if arguments.limit is None else round(arguments.limit * GB)
    for number in arguments.recordings:
        project = arguments.folder / f"recordings-{number}"
        project.mkdir(parents=True)
        set_up(project, "shaoxing", {"fetch": {"layout": "physionet", "ningbo": True}})
        size = make_recordings(project / "data/shaoxing/raw", number)
        found = measured(project, ["preprocess"], limit)
        keep({"stage": "preprocess", "GB": size / GB, "count": number} | found | {"limit GB": arguments.limit})
        shutil.rmtree(project)
    for gigabytes in arguments.gigabytes:
        project = arguments.folder / f"samples-{gigabytes:g}"
        (project / "data/ecgsyn/processed").mkdir(parents=True)
        set_up(project, "ecgsyn", PARAMS)
        count = make_samples(project / "data/ecgsyn/processed", gigabytes)
        for name, command in STAGES.items():
            found = measured(project, command, limit)
            keep({"stage": name, "GB": gigabytes, "count": count} | found | {"limit GB": arguments.limit})
        shutil.rmtree(project)


if __name__ == "__main__":
    main()
