"""Generated signals in the report: the table, and the figures of the first fold."""

import math

import pandas as pd

from ecgan.evaluation.result import Result
from ecgan.reporting.build import build
from ecgan.reporting.figures import Curve
from ecgan.reporting.generation import generation_figures, generation_grid
from ecgan.reporting.inputs import GenerationResult, ReportInputs
from ecgan.reporting.traces import training_figure

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><title>t</title><path d="M0 0h1"/></svg>'


def entry(f1: float, ratio: float | None = 0.5) -> dict:
    return {"f1_weighted": f1, "auroc": 0.9, "ratio": ratio}


def result(method: str, fold: int, mmd: float | None, **more) -> GenerationResult:
    metrics = {"mmd_median": mmd, "real": entry(0.8), "tstr": entry(0.4), "version": "v03"} | more
    return GenerationResult(method, fold, metrics, {"samples": SVG})


def test_the_table_has_mean_and_deviation_over_folds_and_only_columns_with_values() -> None:
    found = generation_grid([result("aegan", 0, 0.1), result("aegan", 1, 0.3), result("vae", 0, None)])
    titles = [column.title for column in found.columns]
    assert titles[:4] == ["Model", "Folds", "MMD²", "F1 real"]
    assert "F1 TRTS" not in titles
    aegan, vae = ([cell.full for cell in row] for row in found.rows)
    assert aegan[:3] == ["aegan", "2", ".200 ± .141"]
    assert vae[:3] == ["vae", "1", "–"]


def test_classifiers_and_nothing_have_no_table() -> None:
    assert generation_grid([]).rows == ()
    assert generation_grid([GenerationResult("cnn", 0, {}, {})]).rows == ()
    assert generation_figures([GenerationResult("cnn", 0, {}, {})]) == []
    only = generation_grid([GenerationResult("aegan", 0, {"version": "v01"}, {})])
    assert only.rows == ()


def test_figures_are_those_of_the_first_fold() -> None:
    found = generation_figures([result("My model/2", 3, 0.1), result("My model/2", 4, 0.2)])
    assert [(path, title) for path, title, _, _ in found] == [
        ("figures/generation/my-model-2-samples.svg", "Samples, My model/2")
    ]
    assert "Fold 3." in found[0][2]


def test_numbers_that_are_not_defined_are_a_dash() -> None:
    row = generation_grid([result("aegan", 0, 0.1, trts=entry(math.nan, None))]).rows[0]
    assert "nan" not in " ".join(cell.full for cell in row)


def test_the_report_shows_table_and_figures() -> None:
    inputs = ReportInputs("t", {}, {}, [], False, [], [result("aegan", 0, 0.125), result("aegan", 1, 0.125)])
    files = build(inputs)
    assert "figures/generation/aegan-samples.svg" in files
    for name in ("summary.md", "index.html"):
        assert "Generated samples" in files[name]
        assert ".125" in files[name]
    assert "(figures/generation/aegan-samples.svg)" in files["summary.md"]
    none = build(ReportInputs("t", {}, {}, [], False, []))
    assert "Generated samples" not in none["summary.md"] + none["index.html"]


def test_metrics_of_generation_are_no_training_losses() -> None:
    history = pd.DataFrame(
        {"epoch": [1, 2], "features": [1.0, 0.5], "vali_loss": [1.0, 0.9], "vali_mmd_fixed": [0.4, 0.3]}
    )
    empty = pd.DataFrame()
    run = Result({"version": "v02"}, empty, empty, empty, empty, history=history)
    svg = training_figure([Curve("aegan", "aegan", "reconstruction", (run,), {"color": "#000000"})])
    assert svg is not None
    assert "features" in svg
    assert "mmd" not in svg
