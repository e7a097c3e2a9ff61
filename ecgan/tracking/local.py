"""The local tracker: DVCLive's plain files, which `dvc plots`, `dvc metrics` and the VS Code extension read."""

import os
from pathlib import Path


class LocalTracker:
    """Writes `metrics.json` and `plots/metrics/**.tsv` for one training run.

    DVCLive counts steps itself and would edit `dvc.yaml` and commit experiments if it were let; it is not.

    Args:
        folder: Where the files go; what is there is replaced.
    """

    def __init__(self, folder: Path) -> None:
        os.environ.setdefault("DVCLIVE_LOGLEVEL", "ERROR")
        from dvclive.live import Live

        self._live = Live(dir=str(folder), report=None, save_dvc_exp=False, dvcyaml=None)

    def epoch(self, row: dict[str, float]) -> None:
        """Log one row of the history as one step."""
        self._live.step = int(row["epoch"])
        for name, value in row.items():
            if name != "epoch" and value == value:  # NaN is left out: JSON has no word for it
                group = "vali" if name.startswith("vali_") else "train"
                self._live.log_metric(f"{group}/{name.removeprefix('vali_')}", value)
        self._live.make_summary()

    def close(self) -> None:
        """Finish the files."""
        self._live.end()
