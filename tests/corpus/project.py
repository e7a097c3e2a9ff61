"""A small project at every stage, made once: simulated patients, short beats, one epoch of a small model."""

import contextlib
import io
import shutil
import sys
from pathlib import Path
from typing import Any

from ecgan import cli
from ecgan.config import render_params

ENTRIES = {
    "ecgan": cli.main,
    "ecgan-init": cli.init_classic,
    "ecgan-preprocess": cli.preprocess_classic,
    "ecgan-train": cli.train_classic,
    "ecgan-detect": cli.detect_classic,
    "ecgan-inverse": cli.inverse_classic,
}

SMALL: dict[str, Any] = {
    "runtime": {"seed": 3, "threads": 1},
    "fetch": {"patients": 8, "minutes": 0.8},
    "preprocess": {"before": 28, "after": 36},
    "split": {"k": 2, "folds": [0]},
    "train": {"epochs": 1, "generation": {"metrics": [], "figures": False}},
    "modules": {"aegan": {"width": 0.0625, "latent_size": 4, "batch_size": 32}},
    "detect": {"bootstrap": 0, "strategies": ["reconstruction"], "classical": ["pca"]},
}

STEPS = {  # what each stage of the project adds to the one before
    "raw": ["fetch"],
    "processed": ["preprocess"],
    "folds": ["split"],
    "trained": ["train"],
    "detected": ["inverse", "detect"],
}


def run(command: tuple[str, ...]) -> int:
    """Run a command line in this process, in the working directory; return its exit code."""
    before = sys.argv
    sys.argv = list(command)
    try:
        ENTRIES[command[0]]()
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.argv = before
    raise AssertionError("a command line always ends with an exit code")


def make_all(top: Path) -> None:
    """Make the project at every stage: `top/params`, `top/raw` and so on."""
    folder = top / "params"
    folder.mkdir()
    experiment = {"entity": "lab", "project": "tiny"}
    (folder / "params.yaml").write_text(render_params("ecgsyn", ["aegan"], experiment, overrides=SMALL))
    for stage, commands in STEPS.items():
        folder = shutil.copytree(folder, top / stage)
        for command in commands:
            said = io.StringIO()
            with contextlib.chdir(folder), contextlib.redirect_stderr(said):
                assert run(("ecgan", command)) == 0, said.getvalue()
