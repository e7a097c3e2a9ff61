"""What a tracker is, and what every tracker needs: names of metrics, flat parameters, the run to continue."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecgan import files
from ecgan.files import write_json

PRIVATE = Path(".ecgan")  # below the working directory, outside every output of the pipeline, ignored by Git and DVC


class Tracker:
    """Takes what one run has to tell; `start` comes first, `close` last. This one does nothing with it."""

    def start(self, parameters: Mapping[str, Any]) -> None:
        """Begin, with the parameters of the run (nested mappings, as in its `config.yml`)."""

    def epoch(self, row: dict[str, float]) -> None:
        """Take one row of the history: `epoch`, counted from 1, and one number a name; NaN is left out."""

    def figure(self, name: str, path: Path) -> None:
        """Take a finished figure: an SVG, PNG or JPEG file."""

    def summary(self, numbers: Mapping[str, float]) -> None:
        """Take numbers that are known once, such as test metrics."""

    def versions(self, folder: Path) -> None:
        """Take the kept versions of a model: its finished `train/fold_<k>`, from which it can be used again."""

    def detected(self, parts: Mapping[str, Path]) -> None:
        """Take what a detection leaves and what it was made with: finished folders of a run by part, `train` first."""

    def close(self, *, failed: bool = False) -> None:
        """Finish; `failed` if the run did not come to its end."""


def mark_of(train: Path) -> str | None:
    """Return what tells a trained model from others, a hash of the hashes of its files; None where it is not sealed."""
    seal = train / "seal.json"
    return hashlib.sha256(seal.read_bytes()).hexdigest() if seal.is_file() else None


@dataclass(frozen=True)
class Subject:
    """What is tracked: one job on one model and one fold.

    Attributes:
        entity: Person or group, `experiment.entity`.
        project: `experiment.project`.
        run: Name of the run, which is the model's unless `experiment.run` names it.
        fold: The fold.
        job: `train` or `detect`.
        state: Where the id of a run that has not ended is kept, so that a resumed training goes on in it.
        fingerprint: What must be the same for that.
    """

    entity: str
    project: str
    run: str
    fold: int
    job: str = "train"
    state: Path | None = None
    fingerprint: str = ""

    @property
    def name(self) -> str:
        """How the run is called: `<run>/fold_<k>`, and the job behind it where it is not training."""
        return f"{self.run}/fold_{self.fold}" + ("" if self.job == "train" else f" {self.job}")

    def begun(self, tracker: str, store: str) -> str | None:
        """Return the id of a run that the same training began in the same store and did not end."""
        if self.state is None:
            return None
        try:
            found = json.loads(self.state.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # none, or not written by `note`, which is atomic: a new run is begun
            return None
        known = self._known(tracker, store)
        same = isinstance(found, dict) and known.items() <= found.items() and isinstance(found.get("run"), str)
        return found["run"] if same else None

    def note(self, tracker: str, store: str, run: str) -> None:
        """Keep the id of the run until `ended`."""
        if self.state is not None:
            write_json(self.state, {**self._known(tracker, store), "run": run})

    def ended(self) -> None:
        """Forget the run: it came to its end."""
        if self.state is not None:
            self.state.unlink(missing_ok=True)

    def _known(self, tracker: str, store: str) -> dict[str, str]:
        place = hashlib.sha256(store.encode()).hexdigest()  # the address may hold a password
        return {"tracker": tracker, "store": place, "fingerprint": self.fingerprint}


def named(row: dict[str, float]) -> dict[str, float]:
    """Return the numbers of a row of the history as trackers name them: `vali/<name>` or `train/<name>`, no NaN."""
    numbers = {}
    for name, value in row.items():
        if name != "epoch" and value == value:  # NaN is left out: JSON has no word for it
            group = "vali" if name.startswith("vali_") else "train"
            numbers[f"{group}/{name.removeprefix('vali_')}"] = value
    return numbers


def flat(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return nested parameters as one level, `train.epochs`; lists and null are written as JSON."""
    found = files.flat(parameters)
    return {key: value if isinstance(value, str) else json.dumps(value, sort_keys=True) for key, value in found}
