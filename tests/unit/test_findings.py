"""Several labels a sample: figures by finding, from the table of samples to the report."""

import math

import numpy as np
import pandas as pd

from ecgan.evaluation.findings import per_finding
from ecgan.evaluation.summary import evaluate
from ecgan.reporting.build import build
from ecgan.reporting.findings import findings_grid, findings_table
from ecgan.reporting.tables import Tables
from ecgan.samples import Samples
from tests.making import samples
from tests.unit.test_reporting_report import inputs, run

LABELS = np.array([0, 0, 0, 1, 1, 1, 1])
SCORES = np.array([1.0, 2.0, 5.0, 9.0, 4.0, 3.0, 0.0])
FLAGGED = SCORES > 3.5


def with_findings(**findings: list[int]) -> Samples:
    table = pd.DataFrame({f"finding_{name}": values for name, values in findings.items()})
    return samples(labels=LABELS, table=table, classes=["NORM", "abnormal"])


def test_a_sample_counts_for_every_finding_that_it_has() -> None:
    found = per_finding(
        SCORES,
        FLAGGED,
        with_findings(MI=[0, 0, 0, 1, 1, 0, 0], CD=[0, 0, 0, 0, 1, 1, 1], SR=[1, 1, 1, 0, 0, 0, 1], HYP=[0] * 7),
    )
    assert list(found) == ["MI", "CD", "SR"]  # nobody has HYP
    assert (found["MI"]["count"], found["MI"]["flagged"], found["MI"]["sensitivity"]) == (2, 2, 1.0)
    assert found["MI"]["auroc"] == (3 + 2) / 6  # 9 above all three normal samples, 4 above two of them
    assert found["CD"]["auroc"] == (2 + 2 + 0) / 9
    assert found["CD"]["sensitivity"] == 1 / 3
    assert (found["SR"]["count"], found["SR"]["auroc"]) == (1, 0.0)  # normal samples with a finding stay normal


def test_they_are_in_the_metrics_only_where_there_are_findings() -> None:
    tests, _ = evaluate({"a": SCORES}, {"a": FLAGGED}, with_findings(MI=[0, 0, 0, 1, 1, 0, 0]), replicates=0)
    assert tests["a"]["per_finding"]["MI"]["count"] == 2
    plain, _ = evaluate({"a": SCORES}, {"a": FLAGGED}, samples(labels=LABELS, classes=["N", "V"]), replicates=0)
    assert "per_finding" not in plain["a"]


def test_a_report_has_a_row_for_each_finding() -> None:
    runs = [run("aegan", 0), run("aegan", 1), run("knn", 0), run("knn", 1)]
    for place, one in enumerate(runs):
        for name, strategy in one.metrics["strategies"].items():
            figures = {"count": 3 + place % 2, "flagged": 1, "sensitivity": 0.25}
            strategy["test"]["per_finding"] = {
                "AFIB": figures | {"auroc": (0.5, 0.75)[place % 2] if name == "reconstruction" else 0.125},
                "MI": figures | {"auroc": None},
            }
    tables = Tables([one.metrics for one in runs])
    table = findings_table(tables)
    assert len(table) == 2 * 2 * 2
    row = table[(table["method"] == "aegan") & (table["strategy"] == "reconstruction")].iloc[0]
    assert row[["finding", "count_min", "count_max", "auroc_mean"]].tolist() == ["AFIB", 3, 4, 0.625]
    assert math.isnan(table["auroc_mean"][table["finding"] == "MI"].iloc[0])
    grid = findings_grid(tables, table)
    assert [cells[0].text for cells in grid.rows] == ["AFIB", "MI"]
    assert [cells[1].text for cells in grid.rows] == ["3–4", "3–4"]
    chosen = tables.chosen[("aegan", "inverse_mapping")]
    expected = {"reconstruction": ".625", "lambda_grid": ".125"}[chosen]
    assert grid.rows[0][2].text == expected
    files = build(inputs(runs))
    assert "per_finding.csv" in files
    assert 'id="findings"' in files["index.html"]
    assert "## Results by finding" in files["summary.md"]


def test_a_report_without_findings_does_not_speak_of_them() -> None:
    files = build(inputs([run()]))
    assert "per_finding.csv" not in files
    assert "findings" not in files["index.html"]
