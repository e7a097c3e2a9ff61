"""Tables of a report: means, standard deviations, order, marks, and what cannot stand in one table."""

import copy
import math
import statistics

import pytest

from ecgan.errors import EcganError
from ecgan.files import csv_text
from ecgan.reporting.grid import Cell, Column, Grid, class_grid, markdown_table, results_grid, short
from ecgan.reporting.tables import Tables


def metrics(method, fold, auroc, *, strategy="reconstruction", supervision="U", validation=0.9, **changes):
    test = {"auroc": auroc, "auroc_low": auroc - 0.1, "auroc_high": auroc + 0.02}
    test |= {"ap": 0.8, "ap_low": 0.7, "ap_high": 0.9, "f1_abnormal": 0.7, "f1_abnormal_low": 0.6}
    test |= {"f1_abnormal_high": 0.8, "f1_weighted": 0.75, "mcc": -0.05, "sensitivity": 0.6, "specificity": 0.9}
    test |= {"ppv": 0.85, "best_f1_on_test": 0.9}
    test["per_class"] = {
        "F": {"count": 4, "flagged": 1, "sensitivity": 0.25, "ppv": 0.5},
        "N": {"count": 100, "flagged": 7},
        "V": {"count": 20, "flagged": 15 + fold, "sensitivity": (15 + fold) / 20, "ppv": 0.7},
    }
    classical = method in ("knn", "pca")
    one = {
        "method": method,
        "detector": method if classical else "inverse_mapping",
        "dataset": "ecgsyn",
        "protocol": "normal_only",
        "class_mapping": "aami",
        "fold": fold,
        "seed": 0,
        "version": None if classical else "v03",
        "context": "none",
        "select_by": None if classical else "loss",
        "train_on": "normal",
        "transformation": "individual",
        "leads": ["MLII"],
        "counts": {"train": {"N": 900 + fold}, "test": {"N": 100, "V": 20, "F": 4}},
        "bootstrap": {"replicates": 1000, "unit": "patient", "units": 12, "level": 0.95},
        "strategies": {
            strategy: {
                "supervision": supervision,
                "threshold": {"method": "best_f1", "value": 0.2},
                "parameters": {},
                "test": test,
                "validation": {"auroc": validation, "ap": 0.8, "f1_abnormal": 0.7, "f1_weighted": 0.7, "mcc": 0.5},
            }
        },
    }
    return one | changes


def both(first, second):
    """One method with the strategies of two."""
    one = copy.deepcopy(first)
    one["strategies"] |= second["strategies"]
    return one


def row(table, **where):
    for key, value in where.items():
        table = table[table[key] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_means_and_standard_deviations_over_the_folds():
    values = [0.91, 0.87, 0.95]
    table = Tables([metrics("aegan", fold, value) for fold, value in enumerate(values)]).results
    found = row(table, method="aegan")
    assert found["folds"] == 3
    assert found["auroc_mean"] == pytest.approx(statistics.mean(values))
    assert found["auroc_std"] == pytest.approx(statistics.stdev(values))
    assert found["auroc_interval_low"] == pytest.approx(0.77)
    assert found["auroc_interval_high"] == pytest.approx(0.97)
    assert list(Tables([metrics("aegan", fold, value) for fold, value in enumerate(values)]).folds["auroc"]) == values


def test_one_fold_has_no_standard_deviation():
    table = Tables([metrics("aegan", 0, 0.9)]).results
    assert math.isnan(table.iloc[0]["auroc_std"])
    text = markdown_table(results_grid(table))
    assert "±" not in text
    assert ".900" in text
    assert ",0.900000,,1,0.800000," in csv_text(table, "%.6f")


def test_a_fold_without_a_value_is_left_out_and_said():
    missing = metrics("aegan", 1, 0.9)
    missing["strategies"]["reconstruction"]["test"]["auroc"] = None
    table = Tables([metrics("aegan", 0, 0.8), metrics("aegan", 2, 0.9), missing]).results
    assert table.iloc[0]["auroc_mean"] == pytest.approx(0.85)
    assert ".850 ± .071 (2 of 3)" in markdown_table(results_grid(table))


def test_unsupervised_rows_come_first_then_the_best():
    runs = [metrics("pca", 0, 0.7), metrics("knn", 0, 0.9), metrics("aegan", 0, 0.8)]
    runs.append(metrics("vaegan", 0, 0.99, strategy="svm_lambda", supervision="S"))
    table = Tables(runs).results
    assert list(table["method"]) == ["knn", "aegan", "pca", "vaegan"]
    assert list(table["best"]) == ["best classical", "best generative", "", "best generative"]
    lines = markdown_table(results_grid(table)).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["○", "●", "", "●"]


def test_one_supervised_fold_makes_the_row_supervised():
    runs = [metrics("aegan", 0, 0.8), metrics("aegan", 1, 0.8, supervision="S")]
    assert list(Tables(runs).results["supervision"]) == ["S"]


def test_the_shown_strategy_is_chosen_on_validation_not_on_test():
    first = metrics("aegan", 0, 0.99, validation=0.80)
    second = metrics("aegan", 0, 0.60, strategy="smoothed", validation=0.95)
    assert Tables([both(first, second)]).chosen == {("aegan", "inverse_mapping"): "smoothed"}


def test_the_shown_strategy_is_one_without_labels_if_there_is_one():
    first = metrics("aegan", 0, 0.80, validation=0.80)
    second = metrics("aegan", 0, 0.99, strategy="lambda_grid", supervision="S", validation=0.95)
    assert Tables([both(first, second)]).chosen == {("aegan", "inverse_mapping"): "reconstruction"}
    assert Tables([second]).chosen == {("aegan", "inverse_mapping"): "lambda_grid"}


def test_class_table_counts_flags_and_order():
    runs = [metrics("aegan", fold, 0.9) for fold in (0, 1)]
    table = Tables(runs).classes
    assert list(table["class"]) == ["N", "V", "F"]
    beat = row(table, **{"class": "V"})
    assert (beat["count_min"], beat["count_max"]) == (20, 20)
    assert beat["sensitivity_mean"] == pytest.approx(0.775)
    assert beat["sensitivity_std"] == pytest.approx(statistics.stdev([0.75, 0.8]))
    normal = row(table, **{"class": "N"})
    assert normal["flagged_mean"] == pytest.approx(0.07)
    assert math.isnan(normal["sensitivity_mean"])
    text = markdown_table(class_grid(Tables(runs)))
    assert [cell.strip() for cell in text.splitlines()[0].split("|")][4:-1] == [
        "Context", "N flagged", "V sens.", "V PPV", "F sens.", "F PPV"
    ]  # fmt: skip
    assert ".775 ± .035" in text


def test_per_class_rows_show_the_best_validated_strategy_of_each_use_of_labels():
    one = both(
        metrics("aegan", 0, 0.8, validation=0.7),
        metrics("aegan", 0, 0.9, strategy="lambda_grid", supervision="S", validation=0.9),
    )
    one = both(one, metrics("aegan", 0, 0.99, strategy="svm_lambda", supervision="S", validation=0.8))
    table = Tables([one]).classes
    assert set(table[table["chosen"]]["strategy"]) == {"reconstruction", "lambda_grid"}


def test_classes_without_test_samples_have_no_column():
    one = metrics("aegan", 0, 0.9)
    one["counts"]["test"]["Q"] = 0
    per_class = one["strategies"]["reconstruction"]["test"]["per_class"]
    per_class["Q"] = {"count": 0, "flagged": 0, "sensitivity": None, "ppv": None}
    assert "Q" not in markdown_table(class_grid(Tables([one])))


def test_every_csv_row_states_protocol_mapping_counts_and_labels():
    text = csv_text(Tables([metrics("aegan", 0, 0.9)]).results, "%.6f")
    for words in (
        "normal_only",
        "aami",
        '"N 100, V 20, F 4"',
        "abnormal labels were used for nothing but the threshold",
    ):
        assert words in text


def test_counts_that_differ_between_folds_are_a_range():
    shared = Tables([metrics("aegan", 0, 0.9), metrics("aegan", 1, 0.9)]).facts
    assert shared.count_text("train") == "N 900–901"
    assert shared.count_text("test") == "N 100, V 20, F 4"


@pytest.mark.parametrize("key", ["dataset", "protocol", "class_mapping"])
def test_what_cannot_be_compared_is_refused(key):
    runs = [metrics("aegan", 0, 0.9), metrics("knn", 0, 0.9, **{key: "other"})]
    with pytest.raises(EcganError, match=f"more than one {key.replace('_', ' ')}.*other"):
        assert Tables(runs).results is not None


def test_other_test_samples_are_refused():
    other = metrics("knn", 0, 0.9, counts={"test": {"N": 99, "V": 20, "F": 4}})
    with pytest.raises(EcganError, match="knn was tested on other samples of fold 0 than aegan"):
        assert Tables([metrics("aegan", 0, 0.9), other]).results is not None


def test_the_same_fold_twice_is_refused():
    with pytest.raises(EcganError, match="aegan × reconstruction is there twice for fold 1"):
        assert Tables([metrics("aegan", 1, 0.9), metrics("aegan", 1, 0.9)]).results is not None


def test_incomplete_metrics_name_what_is_missing():
    one = metrics("aegan", 0, 0.9)
    del one["strategies"]["reconstruction"]["test"]["mcc"]
    with pytest.raises(EcganError, match=r"aegan · inverse_mapping, fold 0, reconstruction.*'mcc'"):
        assert Tables([one]).results is not None


def test_no_results_make_empty_tables():
    assert len(Tables([]).results) == len(Tables([]).classes) == len(Tables([]).folds) == 0
    assert csv_text(Tables([]).results).startswith("method,detector,strategy,supervision")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.9124, ".912"), (1.0, "1.000"), (0.0, ".000"), (-0.0502, "-.050"), (-0.0001, ".000"), (math.nan, "–")],
)
def test_numbers_have_three_decimals(value, text):
    assert short(value) == text


def test_markdown_tables_are_aligned_and_names_are_no_markup():
    cells = (Cell("a|b <b>*x*</b> `y`\nz_"), Cell(".9"))
    text = markdown_table(Grid((Column("Method"), Column("AUROC", number=True)), (cells,)))
    lines = text.splitlines()
    assert len(lines) == 3
    assert len({len(line) for line in lines}) == 1
    assert lines[1].endswith("----: |")
    assert r"a\|b &lt;b&gt;\*x\*&lt;/b&gt; \`y\` z\_" in lines[2]
    assert "lambda_grid" in markdown_table(Grid((Column("lambda_grid"),), ()))
