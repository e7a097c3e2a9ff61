"""Weights & Biases: runs online, or below `.ecgan/wandb` with WANDB_MODE=offline (`wandb sync` sends them later)."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecgan.errors import needed
from ecgan.terminal import say
from ecgan.tracking.tracker import PRIVATE, Subject, Tracker, named

PURPOSE = "the tracker wandb"


class WandbTracker(Tracker):
    """Logs to Weights & Biases: run `<run>/fold_<k>` in the project `<entity>/<project>`.

    The entity is WANDB_ENTITY, or `experiment.entity`. The model is logged as the artifact `<run>-fold_<k>` of type
    `model`, so that `wandb:entity/project/<run>` is a model reference. Code, Git state, the machine's name and its load
    are not recorded. Online, an interrupted training goes on in the same run, and an epoch that the server has is not
    logged again; offline it begins a new run, which has the complete history.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._run: Any = None
        self._first = 0

    def start(self, parameters: Mapping[str, Any]) -> None:
        """Begin a run, or online go on in the one that was interrupted."""
        self._wandb = module()
        subject = self.subject
        entity = os.environ.get("WANDB_ENTITY") or subject.entity
        store = f"{os.environ.get('WANDB_BASE_URL', '')} {entity}/{subject.project}"
        begun = None if offline() else subject.begun("wandb", store)
        self._run = self._wandb.init(
            entity=entity,
            project=subject.project,
            name=subject.name,
            group=subject.run,
            job_type=subject.job,
            config=dict(parameters),
            id=begun,
            resume="allow" if begun else None,
            reinit="create_new",
            settings=self._wandb.Settings(**_settings()),
        )
        self._first = int(self._run.starting_step)  # the first step that the server does not have
        if not offline():
            subject.note("wandb", store, self._run.id)
            say(f"Weights & Biases: {self._run.url}")

    def epoch(self, row: dict[str, float]) -> None:
        """Log one row of the history with the epoch as its step."""
        epoch = int(row["epoch"])
        if epoch >= self._first:
            self._run.log({"epoch": epoch, **named(row)}, step=epoch)

    def figure(self, name: str, path: Path) -> None:
        """Log a figure with the last epoch; an SVG as a page, since W&B's images are grids of points."""
        if path.suffix == ".svg":
            figure = self._wandb.Html(path.read_text(encoding="utf-8"), inject=False)
        else:
            figure = self._wandb.Image(str(path))
        self._run.log({f"figures/{name}": figure})

    def summary(self, numbers: Mapping[str, float]) -> None:
        """Set numbers of the run's summary."""
        self._run.summary.update({name: value for name, value in numbers.items() if value == value})

    def versions(self, folder: Path) -> None:
        """Log the finished training folder as an artifact of type `model`."""
        self.detected({"train": folder})

    def detected(self, parts: Mapping[str, Path]) -> None:
        """Log all parts of the run as the next version of that artifact."""
        artifact = self._wandb.Artifact(artifact_name(self.subject.run, self.subject.fold), type="model")
        for part, folder in parts.items():
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                inside = path.relative_to(folder).as_posix()
                artifact.add_file(str(path), name=f"{part}/fold_{self.subject.fold}/{inside}")
        self._run.log_artifact(artifact)

    def close(self, *, failed: bool = False) -> None:
        """End the run; what is still being sent is waited for."""
        if self._run is None:
            return
        self._run.finish(exit_code=1 if failed else 0)
        if not failed:
            self.subject.ended()


def artifact_name(run: str, fold: int) -> str:
    """Name the artifact of one fold of a run, with the characters that W&B allows."""
    return re.sub(r"[^\w.-]", "_", f"{run}-fold_{fold}", flags=re.ASCII)


def offline() -> bool:
    """Whether the environment keeps W&B from its server."""
    return os.environ.get("WANDB_MODE", "online") != "online"


def module() -> Any:
    """Return the package wandb; what it writes stays below `.ecgan`, and it reports none of its own errors."""
    private = (PRIVATE / "wandb").absolute()
    for name in ("DATA", "CACHE"):
        os.environ.setdefault(f"WANDB_{name}_DIR", str(private / name.lower()))
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    return needed("wandb", "wandb", PURPOSE)


def _settings() -> dict[str, Any]:
    """Return what keeps code, Git and machine out of a run, and the terminal to the training's own lines."""
    root = Path(os.environ.get("WANDB_DIR") or PRIVATE).absolute()  # wandb makes the folder `wandb` in it
    root.mkdir(parents=True, exist_ok=True)
    off = ("disable_code", "disable_git", "x_disable_stats", "x_disable_meta", "x_disable_machine_info")
    plain = dict.fromkeys(("host", "username", "email", "program"), "")
    kept_out = {"save_code": False, "x_save_requirements": False, "disable_job_creation": True}
    return {
        "root_dir": str(root),
        "mode": os.environ.get("WANDB_MODE", "online"),
        "console": "off",
        "silent": True,
        "force": True,  # no question in the middle of a pipeline where nobody is logged in
        **dict.fromkeys(off, True),
        **plain,
        **kept_out,
    }
