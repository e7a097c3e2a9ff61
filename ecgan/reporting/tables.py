"""Metrics of methods and folds as tidy tables: one row per method, detector and strategy, or per fold, or per class."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd

from ecgan.errors import EcganError
from ecgan.evaluation.choosing import Rank, deciding
from ecgan.evaluation.tolerance import tolerance_text

METRICS: Final[dict[str, str]] = {
    "auroc": "AUROC",
    "ap": "AP",
    "f1_abnormal": "F1 abnormal",
    "f1_weighted": "F1 weighted",
    "mcc": "MCC",
    "sensitivity": "Sensitivity",
    "ppv": "PPV",
}
"""Metrics of the results table and their headings."""

SUPERVISION: Final[dict[str, str]] = {
    "U": "abnormal labels were used for nothing but the threshold",
    "S": "abnormal labels also fitted something else: λ, γ, an SVM, the choice of the version, or a classifier",
}
GENERATIVE: Final = "generative"
CLASSICAL: Final = "classical"
CLASSIFIER: Final = "classifier"
FAMILIES: Final = (GENERATIVE, CLASSICAL, CLASSIFIER)
ON_LATENTS: Final = " on latents"

_EXTRA: Final = ("specificity", "false_alarms_per_hour", "best_f1_on_test")
_INTERVALS: Final = ("auroc", "ap", "f1_abnormal")
_AAMI: Final = ("N", "S", "V", "F", "Q")
_KEY: Final = ["method", "detector", "strategy"]
_SAID: Final = ["supervision", "context"]  # stands in every row
MOST: Final = 20
Metrics = Mapping[str, Any]
Counts = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Facts:
    """What all rows of one table share.

    Attributes:
        dataset: Its name.
        protocol: How the samples were split.
        class_mapping: How annotations became classes.
        folds: Numbers of the folds.
        classes: Class names, the normal one first.
        counts: For each set ("train", "vali_fit", "vali_report", "test") and class the lowest and highest number of
            samples in a fold.
        thresholds: Methods by which thresholds were chosen.
        bootstrap: Sentence on the bootstrap, empty where there was none.
        left_out: Strategies that the model of a method could not feed, by the method's name.
        tolerance: Sentence on how far a rerun may move, empty where there was no bootstrap.
    """

    dataset: str
    protocol: str
    class_mapping: str
    folds: tuple[int, ...]
    classes: tuple[str, ...]
    counts: dict[str, Counts]
    thresholds: tuple[str, ...]
    bootstrap: str
    left_out: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tolerance: str = ""

    def count_text(self, part: str) -> str:
        """Counts of one set in words: "N 900, S 30–31, V 60"."""
        counts = self.counts.get(part, {})
        return ", ".join(f"{name} {span(counts[name])}" for name in self.classes if name in counts)


def span(limits: tuple[int, int]) -> str:
    """One number, or lowest–highest."""
    return f"{limits[0]:,}" if limits[0] == limits[1] else f"{limits[0]:,}–{limits[1]:,}"


def _facts(metrics: Sequence[Metrics]) -> Facts:
    test: dict[int, dict[str, int]] = {}
    for one in metrics:
        known = test.setdefault(_fold(one), _part(one, "test"))
        if known != _part(one, "test"):
            raise EcganError(
                f"{name_of(one)} was tested on other samples of fold {_fold(one)} than {name_of(metrics[0])}",
                "Run `ecgan detect` for all methods again, on the same folds.",
            )
    drawn = [one["bootstrap"] for one in metrics if one.get("bootstrap") and one["bootstrap"].get("replicates")]
    counts = {}
    for part in ("train", "vali_fit", "vali_report", "test"):
        found = [_part(one, part) for one in metrics if part in one["counts"]]
        names = sorted({name for entry in found for name in entry})
        counts[part] = {name: _limits(entry.get(name, 0) for entry in found) for name in names}
    return Facts(
        dataset=_shared(metrics, "dataset"),
        protocol=_shared(metrics, "protocol"),
        class_mapping=_shared(metrics, "class_mapping"),
        folds=tuple(sorted(test)),
        classes=class_order(metrics),
        counts={part: entry for part, entry in counts.items() if entry},
        thresholds=_distinct(s["threshold"]["method"] for one in metrics for s in one["strategies"].values()),
        bootstrap=_bootstrap_text(drawn),
        left_out={name_of(one): tuple(one["left_out"]) for one in metrics if one.get("left_out")},
        tolerance=tolerance_text(drawn[0]["level"]) if drawn else "",
    )


def class_order(metrics: Sequence[Metrics]) -> tuple[str, ...]:
    """Class names in the order for readers: AAMI's where it fits, otherwise the normal class, then by name."""
    normal: set[str] = set()
    names: set[str] = set()
    for one in metrics:
        names.update(name for entry in one["counts"].values() for name in entry)
        for strategy in one["strategies"].values():
            names.update(strategy["test"]["per_class"])
            normal.update(name for name, entry in strategy["test"]["per_class"].items() if "sensitivity" not in entry)
    if names <= set(_AAMI):
        return tuple(name for name in _AAMI if name in names)
    return tuple(sorted(names, key=lambda name: (name not in normal, name)))


def name_of(one: Metrics) -> str:
    """The method, with its detector where that is something else."""
    method, detector = str(one["method"]), detector_of(one)
    return method if method == detector else f"{method} · {detector}"


def detector_of(one: Metrics) -> str:
    """The detector; a classical one that looked at a model's latents says so: "knn on latents"."""
    return f"{one['detector']}{ON_LATENTS if one.get('input') == 'latents' else ''}"


def family_of(one: Metrics) -> str:
    """What stands behind a method: a generative model, a classifier, or neither."""
    stated = str(one.get("family") or (CLASSICAL if one["method"] == one["detector"] else GENERATIVE))
    if stated not in FAMILIES:
        raise EcganError(
            f"metrics of {name_of(one)}: family is {stated!r}, none of {', '.join(FAMILIES)}",
            "Run `ecgan detect` again.",
        )
    return stated


class Tables:
    """The tables of a report, each computed once, from what was measured of every method and fold.

    Args:
        metrics: `metrics.json` of each.

    Raises:
        EcganError: See `facts` and `folds`; raised where a table is first asked for.
    """

    def __init__(self, metrics: Sequence[Metrics]) -> None:
        self.metrics = list(metrics)

    @cached_property
    def facts(self) -> Facts:
        """What the metrics have in common.

        Raises:
            EcganError: Metrics of different datasets, protocols, class mappings or test sets: one table cannot hold
                them.
        """
        return _facts(self.metrics)

    @cached_property
    def folds(self) -> pd.DataFrame:
        """One row per method, detector, strategy and fold, with every number that was measured.

        Raises:
            EcganError: The same method, detector, strategy and fold twice, or an incomplete `metrics.json`.
        """
        rows = [_fold_row(one, name) for one in self.metrics for name in one["strategies"]]
        frame = pd.DataFrame(rows, columns=None if rows else [*_KEY, *_SAID, "family", "fold"])
        twice = frame[frame.duplicated([*_KEY, "fold"])]
        if len(twice):
            row = twice.iloc[0]
            raise EcganError(
                f"{row['method']} × {row['strategy']} is there twice for fold {row['fold']}",
                "Run `ecgan detect` again.",
            )
        return frame

    @cached_property
    def results(self) -> pd.DataFrame:
        """One row per method, detector and strategy; means and standard deviations over the folds.

        Columns: method, detector, strategy, supervision ("U" or "S"), context ("none", "record", "rhythm"), family
        (one of `FAMILIES`), folds (their number), best ("best generative" and so on among the rows of the same
        supervision, by mean AUROC), validation_auroc_mean, then `<metric>_mean`, `<metric>_std` (n − 1 in the
        denominator, NaN for one fold) and `<metric>_folds` (in how many folds it was defined), and
        `<metric>_interval_low` / `_interval_high`: the lowest and the highest limit of the folds' bootstrap intervals.
        At the end what all rows share.

        Rows are ordered by supervision, U first, then by falling mean AUROC.
        """
        rows = [_summary(group) for _, group in self.folds.groupby(_KEY, sort=False)] if len(self.folds) else []
        rows.sort(key=_rank)
        _mark_best(rows)
        columns = [*_KEY, *_SAID, "family", "folds", "best", "validation_auroc_mean"]
        for name in (*METRICS, *_EXTRA):
            columns += [f"{name}_mean", f"{name}_std", f"{name}_folds"]
            columns += [f"{name}_interval_low", f"{name}_interval_high"] if name in _INTERVALS else []
        frame = pd.DataFrame(rows, columns=columns)
        if self.metrics:
            for name in ("dataset", "protocol", "class_mapping"):
                frame[name] = getattr(self.facts, name)
            frame["test_counts"] = self.facts.count_text("test")
            frame["labels_used"] = [SUPERVISION[str(value)] for value in frame["supervision"]]
        return frame

    @cached_property
    def classes(self) -> pd.DataFrame:
        """One row per method, detector, strategy and class; counts, share flagged, sensitivity and PPV over the folds.

        `chosen` marks the strategy with the best mean validation AUROC among those of its method with the same
        supervision. `flagged_mean` is the share of the class that was called abnormal: for an abnormal class its
        sensitivity, for the normal one the rate of false alarms, which has neither sensitivity nor PPV.
        """
        order = {name: place for place, name in enumerate(class_order(self.metrics))}
        found: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
        for one in self.metrics:
            for name, strategy in one["strategies"].items():
                for label, entry in strategy["test"]["per_class"].items():
                    found.setdefault((str(one["method"]), detector_of(one), name, label), []).append(entry)
        ranked = {tuple(row[key] for key in _KEY): row for row in records(self.results)}
        rows = []
        for (*key, label), entries in found.items():
            whole = ranked[tuple(key)]
            row = {name: whole[name] for name in (*_KEY, *_SAID)} | {"chosen": self._is_chosen(whole), "class": label}
            rows.append(row | _class_row(entries))
        places = {key: place for place, key in enumerate(ranked)}
        rows.sort(key=lambda row: (places[tuple(row[key] for key in _KEY)], order[row["class"]]))
        columns = [*_KEY, *_SAID, "chosen", "class", "count_min", "count_max", "flagged_mean", "flagged_std"]
        return pd.DataFrame(rows, columns=[*columns, "sensitivity_mean", "sensitivity_std", "ppv_mean", "ppv_std"])

    @cached_property
    def condensed(self) -> pd.DataFrame:
        """The results with at most about 20 rows.

        Where there are more, one row for each method, detector and use of labels: the strategy with the best mean
        validation AUROC. Marks of the best rows are given anew among those that are left.
        """
        if len(self.results) <= MOST:
            return self.results
        kept = [row | {"best": ""} for row in records(self.results) if self._is_chosen(row)]
        _mark_best(kept)
        return pd.DataFrame(kept, columns=list(self.results.columns))

    @cached_property
    def chosen(self) -> dict[tuple[str, str], str]:
        """For each method and detector the strategy that decides: see `ecgan.evaluation.choosing`."""
        return {(method, detector): strategy for (method, detector), strategy in self._deciding(_KEY[:2]).items()}

    @cached_property
    def _chosen_by_labels(self) -> dict[tuple[str, ...], str]:
        return self._deciding([*_KEY[:2], "supervision"])

    def _is_chosen(self, row: Mapping[str, Any]) -> bool:
        return bool(self._chosen_by_labels[row["method"], row["detector"], row["supervision"]] == row["strategy"])

    def _deciding(self, group: Sequence[str]) -> dict[tuple[str, ...], str]:
        """The strategy that decides in each group of rows of the results."""
        groups: dict[tuple[str, ...], dict[str, list[Rank]]] = {}
        for row in records(self.results):
            rank = Rank(row["supervision"], row["validation_auroc_mean"])
            groups.setdefault(tuple(str(row[name]) for name in group), {})[str(row["strategy"])] = [rank]
        return {key: deciding(ranks) for key, ranks in groups.items()}


HEADLINE: Final = {"auroc": "auroc", "ap": "ap", "f1_abnormal": "f1", "mcc": "mcc"} | {
    "false_alarms_per_hour": "alarms_per_hour"
}


def headline(metrics: Sequence[Metrics]) -> dict[str, dict[str, float]]:
    """The few numbers of each method that are looked at first: with the strategy that decides, means over the folds.

    Returns:
        By method, and detector where it has several: `auroc`, `ap`, `f1` of the abnormal class, `mcc`, and
        `alarms_per_hour` where beats have times.
    """
    tables = Tables(metrics)
    several = {method for method, _ in tables.chosen if sum(other == method for other, _ in tables.chosen) > 1}
    found = {}
    for row in records(tables.results):
        method, detector = row["method"], row["detector"]
        if tables.chosen[method, detector] == row["strategy"]:
            values = {short: row[f"{name}_mean"] for name, short in HEADLINE.items()}
            name = f"{method}, {detector}" if method in several else method
            found[name] = {short: round(value, 6) for short, value in values.items() if math.isfinite(value)}
    return found


def _class_row(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What became of one class in each of the folds, over all of them."""
    counts = [int(entry["count"]) for entry in entries]
    row: dict[str, Any] = {"count_min": min(counts), "count_max": max(counts)}
    flagged = [int(entry["flagged"]) for entry in entries]
    shares = [hits / count if count else math.nan for hits, count in zip(flagged, counts, strict=True)]
    row["flagged_mean"], row["flagged_std"], _ = mean_std(shares)
    for metric in ("sensitivity", "ppv"):
        row[f"{metric}_mean"], row[f"{metric}_std"], _ = mean_std([_number(entry.get(metric)) for entry in entries])
    return row


def mean_std(values: Iterable[float]) -> tuple[float, float, int]:
    """Mean, standard deviation (n − 1; NaN for fewer than two) and number of the values that are not NaN."""
    array = np.array([value for value in values if not math.isnan(value)], dtype=np.float64)
    if not len(array):
        return math.nan, math.nan, 0
    return float(array.mean()), float(array.std(ddof=1)) if len(array) > 1 else math.nan, len(array)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as mappings."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _fold_row(one: Metrics, name: str) -> dict[str, Any]:
    strategy, where = one["strategies"][name], f"metrics of {name_of(one)}, fold {one.get('fold')}, {name}"
    try:
        test, validation = strategy["test"], strategy["validation"]
        row: dict[str, Any] = {"method": str(one["method"]), "detector": detector_of(one), "strategy": name}
        row |= {
            "family": family_of(one),
            "supervision": strategy["supervision"],
            "context": one.get("context", "none"),
            "fold": _fold(one),
            "seed": one["seed"],
        }
        row |= {"version": one["version"] or "", "select_by": one["select_by"] or ""}
        row["threshold"] = _number(strategy["threshold"]["value"])
        row["threshold_method"] = strategy["threshold"]["method"]
        row["parameters"] = json.dumps(strategy["parameters"], sort_keys=True)
        row |= {metric: _number(test[metric]) for metric in METRICS}
        row |= {metric: _number(test.get(metric)) for metric in _EXTRA}
        row |= {f"{m}_{end}": _number(test.get(f"{m}_{end}")) for m in _INTERVALS for end in ("low", "high")}
        row["validation_auroc"] = _number(validation["auroc"])
    except KeyError as error:
        raise EcganError(
            f"{where}: there is no {error.args[0]!r}", "Run `ecgan detect` again to write it anew."
        ) from None
    if row["supervision"] not in SUPERVISION:
        raise EcganError(
            f"{where}: supervision is {row['supervision']!r}, neither 'U' nor 'S'", "Run `ecgan detect` again."
        )
    return row


def _summary(group: pd.DataFrame) -> dict[str, Any]:
    first = group.iloc[0]
    row: dict[str, Any] = {key: first[key] for key in _KEY}
    row["supervision"] = "S" if "S" in set(group["supervision"]) else "U"
    row["context"] = first["context"]
    row["family"], row["folds"], row["best"] = first["family"], len(group), ""
    row["validation_auroc_mean"] = mean_std(group["validation_auroc"])[0]
    for name in (*METRICS, *_EXTRA):
        row[f"{name}_mean"], row[f"{name}_std"], row[f"{name}_folds"] = mean_std(group[name])
    for name in _INTERVALS:
        row[f"{name}_interval_low"] = float(group[f"{name}_low"].min())
        row[f"{name}_interval_high"] = float(group[f"{name}_high"].max())
    return row


def _rank(row: dict[str, Any]) -> tuple[Any, ...]:
    auroc = row["auroc_mean"]
    return (
        "US".index(row["supervision"]),
        math.isnan(auroc),
        -auroc if auroc == auroc else 0.0,
        *[row[k] for k in _KEY],
    )


def _mark_best(rows: list[dict[str, Any]]) -> None:
    seen = set()
    for row in rows:
        group = (row["supervision"], row["family"])
        if group not in seen and not math.isnan(row["auroc_mean"]):
            seen.add(group)
            row["best"] = f"best {row['family']}"


def _bootstrap_text(found: Sequence[Mapping[str, Any]]) -> str:
    if not found:
        return ""
    level, unit = found[0]["level"], found[0]["unit"]
    units = span(_limits(int(entry["units"]) for entry in found))
    return f"{level:.0%} bootstrap, {found[0]['replicates']:,} draws of {unit}s, {units} in each fold"


def _shared(metrics: Sequence[Metrics], key: str) -> str:
    values = _distinct(one[key] for one in metrics)
    if len(values) > 1:
        word = key.replace("_", " ")
        raise EcganError(
            f"one table cannot hold results of more than one {word}: {', '.join(values)}", "Run `ecgan detect` again."
        )
    return values[0] if values else ""


def _distinct(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(sorted({str(value) for value in values}))


def _part(one: Metrics, part: str) -> dict[str, int]:
    return {str(name): int(count) for name, count in one["counts"].get(part, {}).items()}


def _limits(values: Iterable[int]) -> tuple[int, int]:
    found = list(values)
    return min(found), max(found)


def _fold(one: Metrics) -> int:
    return int(one["fold"])


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
