"""What each generative model generates, on fold 0 of `mitbih_beatgan`: a row for each, `rows/<model>.json`.

    python paper/generation/run.py DATA              # what is missing; DATA holds mitbih_beatgan/processed and folds
    python paper/generation/run.py DATA vae dcgan    # these, anew
    python paper/generation/run.py DATA --figure     # samples of all of them, samples.svg

A small budget on purpose, which every row names; portable arithmetic on one thread. The classifier `cnn`, in whose
features the Fréchet distance is, learns the five classes on a fold of its own (`stratified`). Real beats are those of
training and validation: of validation the half that nothing is fitted on. Tests are not looked at. Runs lie in
`.ecgan/generation`, with `samples.npz`, what the figure shows: real beats are not committed.
"""

import contextlib
import hashlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))  # `stages` and `ecgan` of this checkout

from ecgan.arithmetic import set_arithmetic  # noqa: E402

ROWS: Final = HERE / "rows"
WORK: Final = ROOT / ".ecgan/generation"
SAMPLES: Final = WORK / "samples.npz"
DATASET: Final = "mitbih_beatgan"
CLASSIFIER: Final = "cnn"
COUNT: Final = 1500
SHOWN: Final = 12
RANGE: Final = (-1.0, 1.0)
"""What models take beats in, and give them."""
BUDGET: Final = 2
"""CPU minutes that a training is meant to take at most; for more, raise it and the epochs below."""
MODELS: Final[dict[str, dict[str, Any]]] = {
    "cnn": {"epochs": 3, "module": {"width": 0.25, "batch_size": 128}},
    "vae": {"epochs": 4},
    "aegan": {"epochs": 2},
    "vaegan": {"epochs": 2},
    "dcgan": {"epochs": 2, "module": {"width": 0.25, "batch_size": 128}},
    "rdcgan": {"epochs": 1, "module": {"width": 0.25, "batch_size": 128}},
    "rgan": {"epochs": 1, "module": {"width": 0.125, "batch_size": 256}},
    "diffusion": {"epochs": 1, "module": {"width": 0.5}},
}
"""Epochs and the parameters that are not the defaults; those of the published sizes would take hours."""


def measure(name: str, data: Path) -> None:
    """Train a model and write its row; of the classifier, train it."""
    from ecgan.config import load_params, render_params
    from stages import split, train

    about = MODELS[name]
    folder = WORK / name
    folder.mkdir(parents=True, exist_ok=True)
    own: dict[str, Any] = {
        "runtime": {"seed": 0, "threads": 1},
        "split": {"protocol": "stratified" if name == CLASSIFIER else "beatgan", "folds": [0]},
        "train": {"epochs": about["epochs"], "generation": {"metrics": [], "figures": False}},
        "modules": {name: about.get("module", {})},
    }
    with contextlib.chdir(folder):
        processed = Path("data") / DATASET / "processed"
        processed.parent.mkdir(parents=True, exist_ok=True)
        processed.unlink(missing_ok=True)
        processed.symlink_to(data / DATASET / "processed")
        Path("params.yaml").write_text(render_params(DATASET, [name], overrides=own), encoding="utf-8")
        params = load_params("params.yaml")
        split.run(params)
        seconds = timed(train.run, params, name, 0)
        say(f"{name}: trained in {seconds:.0f} CPU seconds")
        if name != CLASSIFIER:
            write_row(name, params, seconds)


def write_row(name: str, params: Any, seconds: float) -> None:
    """Measure what a trained model generates."""
    from ecgan.files import finite
    from ecgan.references import parse_reference
    from ecgan.runs.loading import load_trained
    from stages import generate, measure, paths

    run = paths.run(params, name)
    trained = load_trained(run, 0, "best")
    features = parse_reference(str(WORK / CLASSIFIER / paths.run(params, CLASSIFIER)))
    found: dict[str, Any] = {}
    measured = timed(lambda: found.update(measure.run(trained, COUNT, 0, features)))
    keep_samples(name, next(generate._signals(trained, SHOWN, 0, raw=True)))
    row = {
        "dataset": DATASET,
        "protocol": "beatgan",
        "model": name,
        "fold": 0,
        "seed": 0,
        "leads": trained.expected.leads,
        "samples": COUNT,
        "epochs": params.train.epochs,
        "changed": MODELS[name].get("module", {}),
        "weights": sum(weight.numel() for weight in trained.model.parameters()),
        "cpu_seconds": {"train": round(seconds, 1), "measure": round(measured, 1)},
        "budget_minutes": BUDGET,
        "parameters_sha256": hashlib.sha256(Path("params.yaml").read_bytes()).hexdigest(),
        "data_sha256": trained.fold.data_sha256,
        "features": {"model": CLASSIFIER, "epochs": MODELS[CLASSIFIER]["epochs"], **MODELS[CLASSIFIER]["module"]},
        "commit": commit(),
        "metrics": finite(found),
    }
    ROWS.mkdir(exist_ok=True)
    (ROWS / f"{name}.json").write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")
    say(f"{name}: {json.dumps(row['metrics'])}")


def keep_samples(name: str, signals: Any) -> None:
    """Keep the first generated signals of a model for the figure."""
    import numpy as np

    known = dict(np.load(SAMPLES)) if SAMPLES.is_file() else {}
    np.savez_compressed(SAMPLES, **known | {name: np.round(signals[:SHOWN], 3).astype(np.float16)})


def draw(data: Path) -> None:
    """Draw real beats and the generated ones of every model."""
    import numpy as np

    from ecgan.generation.figures import samples_figure
    from ecgan.preprocessing.processed import load_processed
    from ecgan.preprocessing.transformations import fit_transformation

    known = dict(np.load(SAMPLES))
    if "real" not in known:
        samples = load_processed(data / DATASET / "processed").with_leads(["MLII"])
        rows = np.random.default_rng(0).choice(np.flatnonzero(samples.class_ids == 0), SHOWN, replace=False)
        learned = fit_transformation("individual", samples.signals[rows], RANGE)
        keep_samples("real", learned.apply(samples[rows]).signals)
        known = dict(np.load(SAMPLES))
    shown = [name for name in MODELS if name in known]
    groups = {"Real, normal": known["real"]} | {name: known[name] for name in shown}
    text = samples_figure({title: np.asarray(x, dtype=np.float32) for title, x in groups.items()}, ["MLII"])
    (HERE / "samples.svg").write_text(text, encoding="utf-8")


def timed(function: Callable[..., Any], *arguments: Any) -> float:
    """CPU seconds of a call."""
    began = cpu()
    function(*arguments)
    return cpu() - began


def cpu() -> float:
    """CPU seconds of this process and of those that it waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def commit() -> str:
    """The commit of the code, marked where files differ from it."""
    code = ("ecgan", "stages", "paper/generation/run.py")
    head, changes = (
        subprocess.check_output(("git", *command), cwd=ROOT, text=True).strip()
        for command in (("rev-parse", "HEAD"), ("status", "--porcelain", "--", *code))
    )
    return f"{head}-dirty" if changes else head


def say(line: str) -> None:
    """Tell at once."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


def main() -> int:
    """Do what the arguments say."""
    set_arithmetic("portable")
    from ecgan.runtime import set_threads

    set_threads(1)
    data, *names = sys.argv[1:]
    place = Path(data).absolute()
    if names == ["--figure"]:
        draw(place)
        return 0
    missing = [name for name in MODELS if name != CLASSIFIER and not (ROWS / f"{name}.json").is_file()]
    todo = names or missing
    trained = any((WORK / CLASSIFIER / "models").rglob("versions.json"))
    for name in [*([] if trained or CLASSIFIER in todo else [CLASSIFIER]), *todo]:
        measure(name, place)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.exit(main())
