"""Numbers of the results by name: of which file, under which key, and of which others they are the mean."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ecgan.errors import EcganError, nearest
from ecgan.evaluation.choosing import Rank, deciding
from ecgan.evaluation.result import read_metrics, read_results
from ecgan.files import flat, read_json
from ecgan.reporting.tables import HEADLINE, METRICS, records

HEADLINES: Final = Path("reports/headline.json")
RESULTS: Final = Path("reports/report/results.csv")
DETECTED: Final = Path("reports/detect")
TRAINED: Final = Path("reports/train")

_WORDS = ("method", "detector", "strategy", "supervision", "context", "family", "best", "dataset", "protocol")
_MORE_WORDS = ("class_mapping", "test_counts", "labels_used")
_LONG = {short: name for name, short in HEADLINE.items()}
_HINT = "`dvc pull` brings published results, `dvc repro` makes them anew."


@dataclass(frozen=True)
class Number:
    """One number of a file.

    Attributes:
        file: The file, from the project's folder.
        key: Where in it: keys with dots between them; of a table, row and column.
        value: The number; None where it is not defined.
        of: The numbers that it is the mean of.
    """

    file: Path
    key: str
    value: float | None
    of: tuple["Number", ...] = ()


def find_number(metric: str, method: str, fold: int | None = None, strategy: str | None = None) -> Number:
    """Find a number by the names that tables have for it.

    Args:
        metric: `AUROC`, `F1`, `MCC`; a column of `results.csv`; a key of `metrics.json` or `generation.json`.
        method: A model or a classical detector.
        fold: One fold; None: the mean over the folds.
        strategy: Name of the strategy; None: the one that decides.

    Raises:
        EcganError: There is no such number here; the message names the nearest, the hint all that there are.
    """
    methods = _methods()
    if method not in methods:
        known = ", ".join(methods)
        raise EcganError(
            f"there are no results of {method!r} here{nearest(method, methods)}",
            f"Here are: {known}." if known else _HINT,
        )
    folder = method.partition(", ")[0]
    folds = _folds(folder)
    if fold is not None:
        if fold not in folds:
            raise EcganError(f"{method} has no fold {fold} here.", f"Here are: {', '.join(map(str, folds))}.")
        return _of_fold(metric, method, fold, _strategy(method, folds, strategy))
    found = _headline(metric, method, strategy)
    return found if found is not None else _cell(metric, method, _strategy(method, folds, strategy))


def number_in(file: Path, metric: str) -> Number:
    """Find a number in a JSON file of results, by its key or, of a row of the paper's tables, by that in `test`.

    Raises:
        EcganError: There is no such number in it.
    """
    found = read_json(file)
    numbers = {name: value for name, value in flat(found if isinstance(found, dict) else {}) if _is(value)}
    bare = {name: name.removeprefix("test.") for name in numbers}
    name = _match(metric, {name: (name, bare[name], METRICS.get(bare[name], name)) for name in numbers})
    if name is None:
        raise _unknown(metric, str(file), numbers)
    return Number(file, name, numbers[name])


def _headline(metric: str, method: str, strategy: str | None) -> Number | None:
    """Return a number that `dvc metrics show` shows; none where it is not among them."""
    if strategy is not None or not HEADLINES.is_file():
        return None
    numbers = read_json(HEADLINES).get(method, {})
    name = _match(metric, {key: (key, _LONG.get(key, key), METRICS.get(_LONG.get(key, key), key)) for key in numbers})
    if name is None:
        return None
    folds = _folds(method.partition(", ")[0])
    chosen = _strategy(method, folds, None)
    of = [_of_fold(_LONG.get(name, name), method, fold, chosen) for fold in folds]
    return Number(HEADLINES, f"{method}.{name}", numbers[name], tuple(of))


def _cell(metric: str, method: str, strategy: str) -> Number:
    """Return a cell of the table of results."""
    table = read_results(RESULTS, ["method", "strategy"], (*_WORDS, *_MORE_WORDS))
    rows = [row for row in records(table) if row["method"] == method.partition(", ")[0] and row["strategy"] == strategy]
    numbers = [name for name in map(str, table) if name not in (*_WORDS, *_MORE_WORDS)]
    bare = {name: name.removesuffix("_mean") for name in numbers}
    column = _match(metric, {name: (name, bare[name], METRICS.get(bare[name], name)) for name in numbers})
    if column is None or not rows:
        raise _unknown(metric, method, [*HEADLINE.values(), *numbers])
    folds = _folds(method.partition(", ")[0]) if column.endswith("_mean") else []
    of = [_of_fold(bare[column], method, fold, strategy) for fold in folds if column != "validation_auroc_mean"]
    return Number(RESULTS, f"{method}, {strategy}: {column}", _finite(rows[0][column]), tuple(of))


def _of_fold(metric: str, method: str, fold: int, strategy: str) -> Number:
    """Return a number of the detection on one fold, or of what its training found of generated signals."""
    folder = method.partition(", ")[0]
    file = _results_file(folder, fold)
    tested = {name: value for name, value in flat(read_metrics(file)["strategies"][strategy]["test"]) if _is(value)}
    name = _match(metric, {name: (name, METRICS.get(name, name), HEADLINE.get(name, name)) for name in tested})
    if name is not None:
        return Number(file, f"strategies.{strategy}.test.{name}", tested[name])
    generated = TRAINED / folder / f"fold_{fold}" / "generation.json"
    numbers = {}
    if generated.is_file():
        numbers = {name: value for name, value in flat(read_json(generated)) if _is(value)}
    name = _match(metric, {name: (name,) for name in numbers})
    if name is None:
        raise _unknown(metric, method, [*tested, *numbers])
    return Number(generated, name, numbers[name])


def _strategy(method: str, folds: Iterable[int], wanted: str | None) -> str:
    """Return the strategy that is wanted, or the one that decides over all folds."""
    found: dict[str, list[Rank]] = {}
    for fold in folds:
        for name, one in read_metrics(_results_file(method.partition(", ")[0], fold))["strategies"].items():
            found.setdefault(name, []).append(Rank(one["supervision"], one["validation"]["auroc"]))
    if wanted is not None and wanted not in found:
        raise EcganError(
            f"{method} has no strategy {wanted!r}{nearest(wanted, [*found])}", f"Here are: {', '.join(found)}."
        )
    return wanted or deciding(found)


def _methods() -> list[str]:
    shown = read_json(HEADLINES) if HEADLINES.is_file() else {}
    here = sorted({path.parent.parent.name for path in DETECTED.glob("*/fold_*/metrics.json")})
    return [*(shown if isinstance(shown, dict) else {}), *(name for name in here if name not in shown)]


def _folds(folder: str) -> list[int]:
    names = [path.parent.name for path in (DETECTED / folder).glob("fold_*/metrics.json")]
    return sorted(int(name[5:]) for name in names if name[5:].isdecimal())


def _results_file(folder: str, fold: int) -> Path:
    return DETECTED / folder / f"fold_{fold}" / "metrics.json"


def _match(metric: str, known: Mapping[str, Iterable[str]]) -> str | None:
    """Return the key one of whose spellings is the one that is asked for."""
    return next((key for key, names in known.items() if _plain(metric) in map(_plain, names)), None)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "_", name.lower()).strip("_")


def _unknown(metric: str, method: str, names: Iterable[str]) -> EcganError:
    known = list(dict.fromkeys(names))
    return EcganError(
        f"{method} has no number {metric!r} here{nearest(_plain(metric), known)}", f"Here are: {', '.join(known)}."
    )


def _is(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _finite(value: Any) -> float | None:
    return None if math.isnan(number := float(value)) else number
