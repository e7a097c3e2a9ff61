"""Opening the trackers of one run: the local one always, the one that `train.tracker` names besides."""

import contextlib
import importlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from ecgan.config import Params
from ecgan.config.writing import params_of_run
from ecgan.errors import EcganError, first_line, outside
from ecgan.files import write_text
from ecgan.terminal import say
from ecgan.tracking.local import LocalTracker
from ecgan.tracking.mlflow import MlflowTracker
from ecgan.tracking.tracker import Subject, Tracker
from ecgan.tracking.wandb import WandbTracker

_SERVICES: dict[str, tuple[str, Callable[[Subject], Tracker], str]] = {
    "wandb": ("Weights & Biases", WandbTracker, "Run `wandb login`, or set WANDB_MODE=offline."),
    "mlflow": ("MLflow", MlflowTracker, "Check MLFLOW_TRACKING_URI, or unset it to log below .ecgan/mlflow."),
}


class Guarded(Tracker):
    """The service that is named, and the local files: where the service fails on the way, the run goes on without it.

    Args:
        kind: `train.tracker`: local, wandb or mlflow.
        subject: What is tracked.
        local: Is told after the service.
    """

    def __init__(self, kind: str, subject: Subject, local: Tracker) -> None:
        self._title, make, self._hint = _SERVICES.get(kind, ("", lambda _: Tracker(), ""))
        self._service, self._local = make(subject), local
        self._lost = False

    def start(self, parameters: Mapping[str, Any]) -> None:
        """Begin; this early, a failure is an error: nothing is lost yet.

        Raises:
            EcganError: The package is missing, or the service refuses.
        """
        with outside(f"{self._title} cannot be used", self._hint):
            self._service.start(parameters)
        self._local.start(parameters)

    def epoch(self, row: dict[str, float]) -> None:
        """Tell both of one row of the history."""
        self._tell(lambda tracker: tracker.epoch(row))

    def figure(self, name: str, path: Path) -> None:
        """Give both a figure."""
        self._tell(lambda tracker: tracker.figure(name, path))

    def summary(self, numbers: Mapping[str, float]) -> None:
        """Tell both of numbers."""
        self._tell(lambda tracker: tracker.summary(numbers))

    def versions(self, folder: Path) -> None:
        """Give both the versions of a model."""
        self._tell(lambda tracker: tracker.versions(folder))

    def detected(self, parts: Mapping[str, Path]) -> None:
        """Give both what a detection leaves."""
        self._tell(lambda tracker: tracker.detected(parts))

    def close(self, *, failed: bool = False) -> None:
        """Finish both, the service as failed if anything was lost on the way."""
        if self._lost:
            with contextlib.suppress(Exception):  # said already
                self._service.close(failed=True)
        self._tell(lambda tracker: tracker.close(failed=failed))

    def _tell(self, call: Callable[[Tracker], None]) -> None:
        if not self._lost:
            try:
                call(self._service)
            except Exception as error:
                self._lost = True
                say(
                    f"warning: {self._title} failed and is told no more: {first_line(error)}"
                    " The run goes on; its local files are complete."
                )
        call(self._local)


@contextlib.contextmanager
def tracked(kind: str, subject: Subject, parameters: Mapping[str, Any], folder: Path) -> Iterator[Tracker]:
    """Track one training run, with its parameters; whoever leaves early closes the trackers as failed.

    `kind` is `train.tracker` (local, wandb or mlflow), `folder` where the local files go.

    Raises:
        EcganError: The tracker cannot start; nothing was written yet.
    """
    tracker = Guarded(kind, subject, LocalTracker(folder))
    tracker.start(parameters)
    try:
        yield tracker
    except BaseException:
        tracker.close(failed=True)
        raise
    tracker.close()


def track_figures(tracker: Tracker, drawn: Any) -> None:
    """Give a tracker the figures of generated signals, of what `ecgan.generation.drawn.Drawn` holds, if anything.

    What draws them is imported by its name: how figures look is in no output of the training, which therefore must not
    depend on it.
    """
    draw = importlib.import_module("ecgan.generation.figures").draw
    with tempfile.TemporaryDirectory() as folder:
        for name, svg in draw(drawn).items():
            path = Path(folder, f"{name}.svg")
            write_text(path, svg)
            tracker.figure(name, path)


def track_detection(params: Params, metrics: Mapping[str, Any], parts: Mapping[str, Path]) -> None:
    """Log the numbers of one detection, its `metrics.json`, as a run of its own; the local tracker has them there.

    With them goes what makes the run whole: `parts`, the folders of its model, inverse mapping and detector.

    Everything is written already, so a tracker that cannot be used is a warning.
    """
    place, method, fold = params.experiment, metrics["method"], metrics["fold"]
    run = method
    if place.run is not None:
        run = place.run if method in params.models else f"{place.run}-{method}"
    service = Guarded(params.train.tracker, Subject(place.entity, place.project, run, fold, "detect"), Tracker())
    try:
        service.start(detect_parameters(params, fold))
    except EcganError as error:
        say(f"warning: {error.message} {error.hint} The metrics are in the report folder.")
        return
    service.summary(detection_numbers(metrics))
    service.detected(parts)
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
    dumped: dict[str, Any] = to_jsonable_python(params_of_run(params, model, fold))
    return dumped


def detect_parameters(params: Params, fold: int) -> dict[str, Any]:
    """Return the parameters that a detection reads, nested."""
    dumped = params.model_dump(mode="json", include={"experiment", "dataset", "runtime", "detect", "detectors"})
    return {**dumped, "fold": fold}
