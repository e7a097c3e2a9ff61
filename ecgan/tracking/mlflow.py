"""MLflow: runs in an SQLite store below `.ecgan/mlflow`, or wherever MLFLOW_TRACKING_URI points."""

import logging
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecgan.errors import needed
from ecgan.tracking.tracker import PRIVATE, Subject, Tracker, flat, mark_of, named

PURPOSE = "the tracker mlflow"
MARK = "ecgan.trained"
"""Tag of a training and of detections with it: `mark_of` the model."""
_BATCH = 100  # parameters that one request may hold
_LONGEST = 6000  # characters of a parameter that a store takes; the whole is in config.yml


class MlflowTracker(Tracker):
    """Logs to MLflow: experiment `<entity>/<project>`, run `<run>/fold_<k>`.

    Metrics have the epoch as their step. The model is logged as the artifacts `train/fold_<k>/…`, and what a detection
    leaves with the detection's run. Both have the same tag, so that `mlflow:RUN_ID` of either is a model reference.
    An interrupted training goes on in the same run, and an epoch that the store has is not logged again.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._logged = 0
        self._run = ""

    def start(self, parameters: Mapping[str, Any]) -> None:
        """Begin a run, or go on in the one that was interrupted."""
        self._client = client()
        store = store_uri()
        begun = self.subject.begun("mlflow", store)
        if begun is None or not self._take_up(begun):
            run = self._client.create_run(self._experiment(store), run_name=self.subject.name)
            self._run = run.info.run_id
            self.subject.note("mlflow", store, self._run)
        self._log_parameters(flat(parameters))

    def epoch(self, row: dict[str, float]) -> None:
        """Log one row of the history in one request."""
        epoch = int(row["epoch"])
        if epoch > self._logged:
            self._log({"epoch": float(epoch), **named(row)}, epoch)
            self._logged = epoch

    def figure(self, name: str, path: Path) -> None:
        """Log a figure as the artifact `figures/<name>`."""
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / f"{name.rsplit('/', 1)[-1]}{path.suffix}"
            copy.write_bytes(path.read_bytes())
            self._client.log_artifact(self._run, str(copy), "/".join(["figures", *name.split("/")[:-1]]))

    def summary(self, numbers: Mapping[str, float]) -> None:
        """Log numbers as metrics of the last epoch."""
        self._log(dict(numbers), self._logged)

    def versions(self, folder: Path) -> None:
        """Log the finished training folder as artifacts `train/fold_<k>/…`."""
        self._part("train", folder)
        self._mark(folder)

    def detected(self, parts: Mapping[str, Path]) -> None:
        """Log inverse mapping and detector as artifacts; the model as well where no run of its training has it."""
        mark = self._mark(parts["train"])
        known = mark is not None and len(marked(self._client, self._client.get_run(self._run))) > 0
        for part, folder in parts.items():
            if part != "train" or not known:
                self._part(part, folder)

    def _part(self, part: str, folder: Path) -> None:
        self._client.log_artifacts(self._run, str(folder), f"{part}/fold_{self.subject.fold}")

    def _mark(self, train: Path) -> str | None:
        mark = mark_of(train)
        if mark is not None:
            self._client.set_tag(self._run, MARK, mark)
        return mark

    def close(self, *, failed: bool = False) -> None:
        """End the run as FINISHED or FAILED."""
        if not self._run:
            return
        self._client.set_terminated(self._run, "FAILED" if failed else "FINISHED")
        if not failed:
            self.subject.ended()

    def _take_up(self, run: str) -> bool:
        """Go on in a run that was begun; not if it is no longer there."""
        from mlflow.exceptions import MlflowException

        try:
            if self._client.get_run(run).info.lifecycle_stage != "active":
                return False
            self._client.update_run(run, status="RUNNING")
        except MlflowException:
            return False
        self._run = run
        self._logged = max((point.step for point in self._client.get_metric_history(run, "epoch")), default=0)
        return True

    def _experiment(self, store: str) -> str:
        name = f"{self.subject.entity}/{self.subject.project}"
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        place = None
        if store.startswith("sqlite:///"):  # MLflow would put artifacts into the working directory
            place = (Path(store.removeprefix("sqlite:///")).resolve().parent / "artifacts").as_uri()
        return str(self._client.create_experiment(name, artifact_location=place))

    def _log_parameters(self, parameters: dict[str, str]) -> None:
        from mlflow.entities import Param

        items = [Param(key, value[:_LONGEST]) for key, value in parameters.items()]
        for first in range(0, len(items), _BATCH):
            self._client.log_batch(self._run, params=items[first : first + _BATCH])

    def _log(self, numbers: dict[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, step) for name, value in numbers.items() if value == value]
        self._client.log_batch(self._run, metrics=metrics)


def marked(store: Any, run: Any) -> list[Any]:
    """Return the finished runs of the same trained model, its training or detections of it, the newest first."""
    if (mark := run.data.tags.get(MARK)) is None:
        return []
    same = f"tags.`{MARK}` = '{mark}' AND attributes.status = 'FINISHED'"
    found = store.search_runs([run.info.experiment_id], filter_string=same, order_by=["attributes.start_time DESC"])
    return [one for one in found if one.info.run_id != run.info.run_id]


def store_uri() -> str:
    """Return the store: MLFLOW_TRACKING_URI, or an SQLite file below `.ecgan/mlflow`."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(PRIVATE / 'mlflow' / 'mlflow.db').absolute()}"


def is_there() -> bool:
    """Whether the store exists; one that is no file is taken to."""
    store = store_uri()
    return not store.startswith("sqlite:///") or Path(store.removeprefix("sqlite:///")).is_file()


def client() -> Any:
    """Return a client of the store; the folder of an SQLite file is made. Usage statistics are not sent."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")  # 7 take minutes where there is no server
    mlflow = needed("mlflow", "mlflow", PURPOSE)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    store = store_uri()
    if store.startswith("sqlite:///"):
        needed("alembic", "mlflow", PURPOSE)
        Path(store.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    return mlflow.MlflowClient(store)
