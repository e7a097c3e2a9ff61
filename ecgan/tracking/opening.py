"""Opening the trackers of one run: the local one always, the one that `train.tracker` names besides."""

import contextlib
import importlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ecgan.config import Params
from ecgan.errors import EcganError
from ecgan.files import write_text
from ecgan.tracking.base import Subject, Tracker
from ecgan.tracking.local import LocalTracker
from ecgan.tracking.mlflow import MlflowTracker
from ecgan.tracking.wandb import WandbTracker

_RUN = {"experiment", "dataset", "runtime", "fetch", "preprocess", "split", "train", "models", "modules"}
_SERVICES: dict[str, tuple[str, Callable[[Subject], Tracker], str]] = {
    "wandb": ("Weights & Biases", WandbTracker, "Run `wandb login`, or set WANDB_MODE=offline."),
    "mlflow": ("MLflow", MlflowTracker, "Check MLFLOW_TRACKING_URI, or unset it to log below .ecgan/mlflow."),
}


class Guarded:
    """A tracker whose failures end the tracking, told in one sentence, and never the training.

    Args:
        inner: The tracker.
        title: What it is called.
        hint: What to try if it cannot start.
    """

    def __init__(self, inner: Tracker, title: str, hint: str) -> None:
        self._inner = inner
        self._title = title
        self._hint = hint
        self._lost = False

    def start(self, parameters: Mapping[str, Any]) -> None:
        """Begin; this early, a failure is an error: nothing is lost yet.

        Raises:
            EcganError: The package is missing, or the service refuses.
        """
        try:
            self._inner.start(parameters)
        except EcganError:
            raise
        except Exception as error:
            raise EcganError(f"{self._title} cannot be used: {_sentence(error)}", self._hint) from error

    def epoch(self, row: dict[str, float]) -> None:
        """Pass on one row of the history."""
        self._pass_on(lambda: self._inner.epoch(row))

    def figure(self, name: str, path: Path) -> None:
        """Pass on a figure."""
        self._pass_on(lambda: self._inner.figure(name, path))

    def summary(self, numbers: Mapping[str, float]) -> None:
        """Pass on numbers."""
        self._pass_on(lambda: self._inner.summary(numbers))

    def versions(self, folder: Path) -> None:
        """Pass on the versions of a model."""
        self._pass_on(lambda: self._inner.versions(folder))

    def close(self, *, failed: bool = False) -> None:
        """Finish, as failed if anything was lost on the way."""
        if self._lost:
            with contextlib.suppress(Exception):  # said already
                self._inner.close(failed=True)
        else:
            self._pass_on(lambda: self._inner.close(failed=failed))

    def _pass_on(self, call: Callable[[], None]) -> None:
        if self._lost:
            return
        try:
            call()
        except Exception as error:
            self._lost = True
            print(  # noqa: T201
                f"warning: {self._title} failed and is told no more: {_sentence(error)}"
                " The run goes on; its local files are complete.",
                file=sys.stderr,
            )


class Several:
    """Several trackers, told one after the other."""

    def __init__(self, trackers: list[Tracker]) -> None:
        self._trackers = trackers

    def start(self, parameters: Mapping[str, Any]) -> None:
        """Start each."""
        for tracker in self._trackers:
            tracker.start(parameters)

    def epoch(self, row: dict[str, float]) -> None:
        """Tell each of one row of the history."""
        for tracker in self._trackers:
            tracker.epoch(row)

    def figure(self, name: str, path: Path) -> None:
        """Give each a figure."""
        for tracker in self._trackers:
            tracker.figure(name, path)

    def summary(self, numbers: Mapping[str, float]) -> None:
        """Tell each of numbers."""
        for tracker in self._trackers:
            tracker.summary(numbers)

    def versions(self, folder: Path) -> None:
        """Give each the versions of a model."""
        for tracker in self._trackers:
            tracker.versions(folder)

    def close(self, *, failed: bool = False) -> None:
        """Finish each."""
        for tracker in self._trackers:
            tracker.close(failed=failed)


@contextlib.contextmanager
def tracked(kind: str, subject: Subject, parameters: Mapping[str, Any], folder: Path) -> Iterator[Tracker]:
    """Track one training run; whoever leaves early closes the trackers as failed.

    Args:
        kind: `train.tracker`: local, wandb or mlflow.
        subject: What is tracked.
        parameters: The run's parameters, nested.
        folder: Where the local tracker writes.

    Raises:
        EcganError: The tracker cannot start; nothing was written yet.
    """
    tracker = Several([*_services(kind, subject), LocalTracker(folder)])
    tracker.start(parameters)
    try:
        yield tracker
    except BaseException:
        tracker.close(failed=True)
        raise
    tracker.close()


def track_figures(tracker: Tracker, drawn: Any) -> None:
    """Give a tracker the figures of generated signals.

    What draws them is imported by its name: how figures look is in no output of the training, which therefore must not
    depend on it.

    Args:
        tracker: The tracker.
        drawn: What they show, `ecgan.generation.drawn.Drawn`, or None.
    """
    draw = importlib.import_module("ecgan.generation.figures").draw
    with tempfile.TemporaryDirectory() as folder:
        for name, svg in draw(drawn).items():
            path = Path(folder, f"{name}.svg")
            write_text(path, svg)
            tracker.figure(name, path)


def track_detection(params: Params, metrics: Mapping[str, Any]) -> None:
    """Log the numbers of one detection as a run of its own; the local tracker has them in `metrics.json`.

    Everything is written already, so a tracker that cannot be used is a warning.

    Args:
        params: The parameters; `train.tracker` says where to.
        metrics: What `metrics.json` holds.
    """
    place, method, fold = params.experiment, metrics["method"], metrics["fold"]
    run = method
    if place.run is not None:
        run = place.run if method in params.models else f"{place.run}-{method}"
    for service in _services(params.train.tracker, Subject(place.entity, place.project, run, fold, "detect")):
        try:
            service.start(detect_parameters(params, fold))
        except EcganError as error:
            print(f"warning: {error.message} {error.hint} The metrics are in the report folder.", file=sys.stderr)  # noqa: T201
            return
        service.summary(detection_numbers(metrics))
        service.close()


def detection_numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return every number of each strategy, `test/<strategy>/auroc` and so on."""
    return {
        f"{part}/{name}/{key}": float(value)
        for name, entry in metrics["strategies"].items()
        for part in ("test", "validation")
        for key, value in entry[part].items()
        if isinstance(value, (int, float)) and value == value
    }


def run_parameters(params: Params, model: str, fold: int) -> dict[str, Any]:
    """Return the parameters that one training depends on, nested, as in its `config.yml`."""
    dumped = params.model_dump(mode="json", include=_RUN)
    dumped["experiment"]["run"] = params.run_name(model)
    dumped["split"]["folds"] = [fold]
    return {**dumped, "models": [model], "modules": {model: dumped["modules"][model]}}


def detect_parameters(params: Params, fold: int) -> dict[str, Any]:
    """Return the parameters that a detection reads, nested."""
    dumped = params.model_dump(mode="json", include={"experiment", "dataset", "runtime", "detect", "detectors"})
    return {**dumped, "fold": fold}


def _services(kind: str, subject: Subject) -> list[Tracker]:
    if kind == "local":
        return []
    title, make, hint = _SERVICES[kind]
    return [Guarded(make(subject), title, hint)]


def _sentence(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{lines[0].rstrip('.') if lines else type(error).__name__}."
