"""The local tracker: DVCLive's plain files, which `dvc plots`, `dvc metrics` and the VS Code extension read."""

import atexit
import contextlib
import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecgan.files import write_json
from ecgan.tracking.tracker import Tracker, named


class LocalTracker(Tracker):
    """Writes `metrics.json` and `plots/metrics/**.tsv` for one training run.

    Parameters and versions of the model are not written again: they are outputs of the pipeline already. Figures are
    drawn by the report, from what the training wrote. DVCLive
    counts steps itself and would edit `dvc.yaml` and commit experiments if it were let; it is not.

    Args:
        folder: Where the files go; what is there is replaced at the first epoch.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._live: Any = None

    def start(self, parameters: Mapping[str, Any]) -> None:
        """Load DVCLive, before a progress bar takes the terminal: a library of its own writes to what it finds."""
        os.environ.setdefault("DVCLIVE_LOGLEVEL", "ERROR")
        importlib.import_module("dvclive.live")
        with contextlib.suppress(ImportError):  # DVC loads it, and it would have the last word
            atexit.unregister(importlib.import_module("colorama.initialise").reset_all)

    def epoch(self, row: dict[str, float]) -> None:
        """Log one row of the history as one step."""
        if self._live is None:
            self._live = _live()(dir=str(self._folder), report=None, save_dvc_exp=False, dvcyaml=None)
        self._live.step = int(row["epoch"])
        for name, value in named(row).items():
            self._live.log_metric(name, value)
        self._live.make_summary()

    def summary(self, numbers: Mapping[str, float]) -> None:
        """Write `summary.json`."""
        write_json(self._folder / "summary.json", dict(numbers))

    def close(self, *, failed: bool = False) -> None:
        """Finish the files."""
        if self._live is not None:
            self._live.end()


def _live() -> Any:
    """Return DVCLive's class, which in a Git repository without a commit fails as it asks for the last one."""
    from dvclive.live import Live
    from scmrepo.exceptions import SCMError

    class Local(Live):
        def _init_dvc(self) -> None:
            with contextlib.suppress(SCMError):
                super()._init_dvc()

    return Local
