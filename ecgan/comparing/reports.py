"""Two folders of reports: each metric of each strategy and fold, judged by the intervals of the first."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ecgan.comparing.compared import Compared, compare_json, paired
from ecgan.errors import EcganError
from ecgan.evaluation.result import AGAIN, read_metrics, read_results
from ecgan.evaluation.tolerance import JUDGED, within
from ecgan.files import read_json, shown
from ecgan.reporting.tables import METRICS, records

_QUESTION = (
    "dataset",
    "protocol",
    "class_mapping",
    "counts",
    "leads",
    "detector",
    "train_on",
    "transformation",
)
"""Facts of results: where one differs, another question was asked, and no tolerance applies."""
_WORDS = ("method", "detector", "strategy", "family", "supervision", "context", "version", "select_by")
_MORE_WORDS = ("threshold_method", "parameters")
_FOLDS = "folds.csv"

Tests = Mapping[str, Mapping[str, Any]]


def report_files(folder: Path) -> dict[str, Path]:
    """Return what is compared of a folder of reports, by its path inside it.

    These are the results of `detect` and what `train` found of generated signals; of a folder without these, such as
    `reports/report`, its table of folds.
    """
    found = [path for path in folder.rglob("*.json") if path.name in ("metrics.json", "generation.json")]
    found = found or [path for path in (folder / _FOLDS,) if path.is_file()]
    return {str(path.relative_to(folder)): path for path in sorted(found)}


def compare_reports(old: Path, new: Path) -> list[Compared]:
    """Set two folders of reports side by side; the intervals of the old one are the tolerance.

    Returns:
        For every method, strategy and fold the metrics of the results table; what is not judged, such as the numbers of
        generated signals, has no `agrees`.

    Raises:
        EcganError: A file is broken.
    """
    first, second = report_files(old), report_files(new)
    both, alone = paired("", first, second)
    found = [Compared(_folder(item.what), "the results", item.old, item.new, agrees=False) for item in alone]
    for name in both:
        if name == _FOLDS:
            found += compare_tests(_rows(first[name]), _rows(second[name]))
        else:
            found += _compare_results(_folder(name), first[name], second[name])
    return found


def compare_tests(old: Tests, new: Tests, where: str = "") -> list[Compared]:
    """Set the metrics of the test set side by side, strategy by strategy.

    Args:
        old: By strategy, metrics with the ends of their intervals: `auroc`, `auroc_low`, `auroc_high` and so on.
        new: The same of the other side; its intervals are not looked at.
        where: What they belong to; empty where the keys say it.
    """
    both, found = paired(where, old, new)
    for strategy in both:
        for metric, title in METRICS.items():
            found.append(_compare_metric(where, f"{strategy} {title}", metric, old[strategy], new[strategy]))
    return found


def _compare_results(where: str, first: Path, second: Path) -> list[Compared]:
    old, new = read_json(first), read_json(second)
    if not all(isinstance(side, dict) and "strategies" in side for side in (old, new)):
        return compare_json(where, old, new)  # what a training says of its last epoch, and of generated signals
    old, new = read_metrics(first), read_metrics(second)
    facts, tests = [], []
    for side in (old, new):
        tests.append({name: _numbers(first, name, entry["test"]) for name, entry in side["strategies"].items()})
        facts.append({key: value for key, value in side.items() if key != "strategies"})
    found = [
        replace(item, agrees=False) if item.moved and item.what.split(".")[0].split("[")[0] in _QUESTION else item
        for item in compare_json(where, *facts)
    ]
    return found + compare_tests(tests[0], tests[1], where)


def _compare_metric(where: str, what: str, metric: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Compared:
    before, after = _number(old.get(metric)), _number(new.get(metric))
    low, high = (_number(old.get(f"{metric}_{end}") if metric in JUDGED else None) for end in ("low", "high"))
    difference = 0.0 if math.isnan(before) and math.isnan(after) else after - before
    sides = [None if math.isnan(value) else value for value in (before, after, low, high)]
    agrees = within(before, after, low, high)
    if agrees is None and metric in JUDGED and math.isnan(before) != math.isnan(after):
        agrees = False  # it is defined on one side alone
    return Compared(where, what, sides[0], sides[1], difference, None, sides[2], sides[3], agrees)


def _numbers(path: Path, strategy: str, test: dict[str, Any]) -> dict[str, Any]:
    """Check the ends of the intervals; the metrics themselves were checked when they were read."""
    for name in (f"{metric}_{end}" for metric in METRICS for end in ("low", "high")):
        value = test.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise EcganError(f"{path}: {strategy}, {name} is {shown(value)}, expected a number.", AGAIN)
    return test


def _rows(path: Path) -> dict[str, dict[str, Any]]:
    """Read the report's table of folds: metrics by method, detector, fold and strategy."""
    keys = ["method", "detector", "fold", "strategy"]
    table = read_results(path, [*keys, *METRICS], (*_WORDS, *_MORE_WORDS))
    return {f"{r['method']} · {r['detector']} · fold {r['fold']} · {r['strategy']}": r for r in records(table)}


def _folder(name: str) -> str:
    """Name the results of a file by its folder; those of the folder itself by the file."""
    parent = str(Path(name).parent)
    return name if parent == "." else parent


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
