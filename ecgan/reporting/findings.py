"""Results by finding, where samples have several labels each."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from ecgan.reporting.grid import Cell, Column, Grid, quantity
from ecgan.reporting.tables import Tables, detector_of, mean_std, records, span

FILE: Final = "per_finding.csv"
NOTES: Final = (
    "A sample counts for every finding that it has. AUROC: abnormal samples with the finding against all normal ones;"
    " mean ± standard deviation over the folds. Each method with its best strategy on validation.",
    f"Sensitivities, and every strategy: {FILE}.",
)
_KEY: Final = ("method", "detector", "strategy")


def findings_table(tables: Tables) -> pd.DataFrame:
    """One row per method, detector, strategy and finding: samples, sensitivity and AUROC over the folds.

    Findings are in the order of `metrics.json`; the table is empty where there are none.
    """
    found: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for one in tables.metrics:
        for strategy, entry in one["strategies"].items():
            for finding, figures in entry["test"].get("per_finding", {}).items():
                found.setdefault((str(one["method"]), detector_of(one), strategy, finding), []).append(figures)
    places = {name: place for place, name in enumerate(dict.fromkeys(finding for *_, finding in found))}
    ranked = {tuple(str(row[name]) for name in _KEY): place for place, row in enumerate(records(tables.results))}
    rows = []
    for key, figures in sorted(found.items(), key=lambda item: (ranked[item[0][:3]], places[item[0][3]])):
        counts = [int(one["count"]) for one in figures]
        row: dict[str, Any] = dict(zip((*_KEY, "finding"), key, strict=True))
        row |= {"count_min": min(counts), "count_max": max(counts)}
        for name in ("sensitivity", "auroc"):
            values = [float("nan") if one[name] is None else float(one[name]) for one in figures]
            row[f"{name}_mean"], row[f"{name}_std"], _ = mean_std(values)
        rows.append(row)
    return pd.DataFrame(rows)


def findings_grid(tables: Tables, table: pd.DataFrame) -> Grid:
    """One row a finding: its samples, and the AUROC of each method's best strategy on validation."""
    if not len(table):
        return Grid((), ())
    methods = {
        key: strategy
        for key, strategy in tables.chosen.items()
        if key in set(zip(table["method"], table["detector"], strict=True))
    }
    entries = {tuple(str(row[name]) for name in (*_KEY, "finding")): row for row in records(table)}
    columns = [Column("Finding"), Column("Samples", number=True)]
    for (method, detector), strategy in methods.items():
        name = method if method == detector else f"{method} · {detector}"
        columns.append(Column(f"{name}, {strategy}", number=True, meaning="AUROC against the normal samples"))
    rows = []
    for finding, group in table.groupby("finding", sort=False):
        counts = int(group["count_min"].min()), int(group["count_max"].max())
        cells = [Cell(str(finding)), Cell(span(counts), value=float(counts[1]))]
        for (method, detector), strategy in methods.items():
            row = entries.get((method, detector, strategy, str(finding)), {})
            nothing = float("nan")
            cells.append(quantity(row.get("auroc_mean", nothing), row.get("auroc_std", nothing)))
        rows.append(tuple(cells))
    return Grid(tuple(columns), tuple(rows))
