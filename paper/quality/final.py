"""The defaults on MIT-BIH through the real pipeline, one fold, one thread: `python paper/quality/final.py [MODEL …]`.

Each model is trained by `ecgan train`, and its test fold is scored once by `ecgan detect`; both at the defaults of
`ecgan init -d mitbih_beatgan`. `results.json` beside this file gets AUROC and average precision on test, and the CPU
seconds of each command: reading the data, metrics and figures of generated signals, everything.
"""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
WORK = ROOT / ".ecgan" / "quality"
OUT = HERE / "results.json"
DATASET = "mitbih_beatgan"
MODELS = ("autoencoder", "aegan", "vaegan")


def ecgan(*arguments: str) -> float:
    """Run a command of `ecgan` in the working folder; return its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "ecgan", *arguments], cwd=WORK, env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1)


def parameters(model: str) -> str:
    """Write the defaults with one fold and one thread; return the file's name."""
    name = f"{model}.yaml"
    ecgan("init", "-d", DATASET, "-m", model, "-o", name, "--force", "ecgan", "quality")
    file = WORK / name
    text = file.read_text(encoding="utf-8")
    for old, new in (("folds: [0, 1, 2, 3, 4]", "folds: [0]"), ("threads: 2", "threads: 1")):
        if text.count(old) != 1:
            raise SystemExit(f"{file} does not say {old!r} once")
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    return name


def run(model: str) -> dict[str, Any]:
    """Train, invert and detect; return times and what was found on test."""
    file = parameters(model)
    if not (WORK / "data" / DATASET / "folds" / "fold_0.json").is_file():
        for stage in ("fetch", "preprocess", "split"):
            ecgan(stage, file)
    seconds = {stage: ecgan(stage, file, "--model", model) for stage in ("train", "inverse")}
    seconds["detect"] = ecgan("detect", file, "--model", model)
    metrics = json.loads((WORK / "reports" / "detect" / model / "fold_0" / "metrics.json").read_text(encoding="utf-8"))
    found = {
        name: {"supervision": entry["supervision"], **{key: round(entry["test"][key], 4) for key in ("auroc", "ap")}}
        for name, entry in metrics["strategies"].items()
    }
    return {"cpu_seconds": seconds, "test": found}


def main() -> int:
    """Run what the arguments name, or the models of the table in docs/tuning.md."""
    WORK.mkdir(parents=True, exist_ok=True)
    for model in sys.argv[1:] or MODELS:
        results = json.loads(OUT.read_text(encoding="utf-8")) if OUT.is_file() else {}
        results[model] = run(model)
        OUT.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
