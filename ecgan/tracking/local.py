"""The local tracker: DVCLive's plain files, which `dvc plots`, `dvc metrics` and the VS Code extension read."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecgan.files import write_json
from ecgan.tracking.base import named


class LocalTracker:
    """Writes `metrics.json` and `plots/metrics/**.tsv` for one training run.

    Parameters and versions of the model are not written again: they are outputs of the pipeline already. DVCLive
    counts steps itself and would edit `dvc.yaml` and commit experiments if it were let; it is not.

    Args:
        folder: Where the files go; what is there is replaced at the first epoch.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._live: Any = None

    def start(self, parameters: Mapping[str, Any]) -> None:
        """Do nothing: the parameters lie in the run's `config.yml`."""

    def epoch(self, row: dict[str, float]) -> None:
        """Log one row of the history as one step."""
        if self._live is None:
            self._live = self._begin()
        self._live.step = int(row["epoch"])
        for name, value in named(row).items():
            self._live.log_metric(name, value)
        self._live.make_summary()

    def figure(self, name: str, path: Path) -> None:
        """Do nothing: the report draws figures, from what the training wrote."""

    def summary(self, numbers: Mapping[str, float]) -> None:
        """Write `summary.json`."""
        write_json(self._folder / "summary.json", dict(numbers))

    def versions(self, folder: Path) -> None:
        """Do nothing: `folder` is where they lie."""

    def close(self, *, failed: bool = False) -> None:
        """Finish the files."""
        if self._live is not None:
            self._live.end()

    def _begin(self) -> Any:
        os.environ.setdefault("DVCLIVE_LOGLEVEL", "ERROR")
        from dvclive.live import Live

        return Live(dir=str(self._folder), report=None, save_dvc_exp=False, dvcyaml=None)
