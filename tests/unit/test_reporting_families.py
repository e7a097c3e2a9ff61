"""Reports over generative models, classical methods and classifiers together, and over many of them."""

import importlib.util
import io
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from ecgan.errors import EcganError
from ecgan.evaluation.classification import classification
from ecgan.reporting import figures
from ecgan.reporting.build import build
from ecgan.reporting.console import print_results
from ecgan.reporting.markdown import CLOSING, OPENING, readme_table
from ecgan.reporting.tables import Tables
from tests.making import samples

spec = importlib.util.spec_from_file_location("report_inputs", Path(__file__).with_name("test_reporting_report.py"))
made = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made)
Page, inputs, markdown_rows, run = made.Page, made.inputs, made.markdown_rows, made.run

CLASSES = ["N", "S", "V"]
FIVE = ("reconstruction", "lambda_grid", "lambda_gamma_grid", "svm_lambda", "svm_lambda_gamma")


def curves(runs):
    return figures.curves(runs, Tables([run.metrics for run in runs]))


def classifier(name="cnn", fold=0, share=0.8):
    rng = np.random.default_rng(fold)
    labels = np.repeat(np.arange(3), 20)
    named = np.where(rng.random(60) < share, labels, (labels + 1) % 3)
    one = run(name, fold, strategies=(("plain", "S"),), shift=0.1)
    one.metrics.update(detector="argmax", family="classifier", input="samples", train_on="all")
    one.metrics["classification"] = classification(named, samples(labels=labels, classes=CLASSES))
    table = pd.DataFrame({"actual": np.array(CLASSES)[labels], "predicted": np.array(CLASSES)[named]})
    examples = [replace(example, reconstruction=None) for example in one.examples]
    return replace(one, confusion=table, examples=examples)


def on_latents(method="aegan", detector="knn", fold=0):
    one = run(method, fold, strategies=(("plain", "U"),))
    one.metrics.update(detector=detector, family="generative", input="latents")
    return one


def knn(fold=0):
    return run("knn", fold, strategies=(("plain", "U"),))


@pytest.fixture(scope="module")
def three():
    runs = [one(fold=fold) for one in (run, classifier, on_latents, knn) for fold in (0, 1)]
    return inputs(runs)


@pytest.fixture(scope="module")
def files(three):
    return build(three)


def test_every_family_has_its_own_best_and_a_classifier_is_never_generative(three):
    table = Tables(three.metrics).results
    cnn = table[table["method"] == "cnn"].iloc[0]
    assert (cnn["family"], cnn["supervision"], cnn["best"]) == ("classifier", "S", "best classifier")
    assert set(table.loc[table["method"] == "aegan", "family"]) == {"generative"}
    assert table.loc[table["method"] == "knn", "family"].tolist() == ["classical"]


def test_marks_name_only_the_families_that_are_there(files, three):
    marks = ("● best generative model", "○ best classical method", "◆ best classifier")
    assert all(mark in files["summary.md"] for mark in marks)
    assert re.search(r"\| ◆ +\| \*\*cnn\*\*", files["summary.md"])
    assert "◆" not in build(inputs())["summary.md"]
    output = io.StringIO()
    print_results(three.metrics, Console(file=output, width=160))
    assert "◆ best classifier" in output.getvalue()


def test_the_headline_tells_classifiers_apart(files):
    head = files["summary.md"].split("## Results")[0]
    assert "best classifier cnn, AUROC" in head
    assert "best generative model aegan (lambda\\_grid)" in head.replace("lambda_grid", "lambda\\_grid")


def test_detectors_on_latents_are_named_everywhere(files, three):
    for table in (markdown_rows(files["summary.md"], "Results"), Page(files["index.html"]).tables[0]):
        assert table[0][2] == "Detector"
        assert ["aegan", "knn on latents", "plain"] in [row[1:4] for row in table]
        assert ["aegan", "inverse_mapping"] in [row[1:3] for row in table]
    assert "aegan, knn on latents (U)" in files["figures/roc.svg"]
    assert "### aegan · knn on latents" in files["summary.md"]
    alone = build(inputs([on_latents(), knn()]))["summary.md"]
    assert "best generative model aegan, knn on latents, AUROC" in alone
    lines = curves(three.runs)
    assert sorted(line.method for line in lines) == ["aegan, inverse_mapping", "aegan, knn on latents", "cnn", "knn"]


def test_the_table_of_classes_holds_the_means_over_the_folds(files, three):
    metrics = [one for one in three.metrics if one["method"] == "cnn"]
    frame = pd.read_csv(io.StringIO(files["classification_per_class.csv"]))
    row = frame[frame["class"] == "S"].iloc[0]
    for metric in ("precision", "recall", "f1"):
        values = [one["classification"]["per_class"]["S"][metric] for one in metrics]
        assert row[f"{metric}_mean"] == pytest.approx(np.mean(values), abs=1e-6)
    assert row["count"] == 40
    overall = pd.read_csv(io.StringIO(files["classification.csv"])).iloc[0]
    assert overall["accuracy_mean"] == pytest.approx(
        np.mean([one["classification"]["accuracy"] for one in metrics]), abs=1e-6
    )
    rows = markdown_rows(files["summary.md"], "Classes named")
    assert rows[0] == ["Method", "Accuracy", "F1 macro", "F1 micro"]
    assert rows[1][0] == "cnn · argmax"
    page = Page(files["index.html"])
    assert rows in page.tables
    assert any(table[0] == ["Method", "Class", "Test samples", "Precision", "Recall", "F1"] for table in page.tables)


def test_the_confusion_matrix_counts_every_sample_once(files, three):
    svg = files["figures/confusion.svg"]
    words = [element.text for element in ElementTree.fromstring(svg).iter() if element.text]
    counts = [int(word) for word in words if re.fullmatch(r"\d+", word)]
    assert sum(counts) == 120
    table = pd.concat([one.confusion for one in three.runs if "classification" in one.metrics])
    hits = ((table["actual"] == "V") & (table["predicted"] == "V")).sum()
    assert str(hits) in words
    assert f"{hits / 40:.0%}" in words


def test_without_classifiers_there_is_nothing_about_names():
    files = build(inputs())
    assert "Classes named" not in files["summary.md"]
    assert not [name for name in files if "confusion" in name or "classification" in name]


def test_results_of_classifiers_that_do_not_fit_are_named():
    broken = classifier()
    del broken.metrics["classification"]["accuracy"]
    with pytest.raises(EcganError, match=r"cnn · argmax, fold 0.*'accuracy'"):
        build(inputs([broken]))
    strange = classifier()
    strange.confusion.loc[3, "predicted"] = "X"
    with pytest.raises(EcganError, match="holds the class 'N' or 'X'"):
        build(inputs([strange]))
    lost = replace(classifier(), confusion=pd.DataFrame({"actual": ["N"]}))
    with pytest.raises(EcganError, match="lacks the columns actual and predicted"):
        build(inputs([lost]))
    other = classifier()
    other.metrics["family"] = "oracle"
    with pytest.raises(EcganError, match="family is 'oracle'"):
        build(inputs([other]))


def test_strategies_that_a_model_could_not_feed_are_named():
    one = run("vae", strategies=(("reconstruction", "U"),))
    one.metrics["left_out"] = ["lambda_grid", "svm_lambda"]
    text = build(inputs([one, run("aegan")]))["summary.md"]
    assert "vae · inverse_mapping has no lambda_grid, svm_lambda" in text


@pytest.fixture(scope="module")
def many():
    strategies = tuple((name, "U" if name == "reconstruction" else "S") for name in FIVE)
    runs = [run(f"model{n}", strategies=strategies, shift=0.01 * n, beats=0) for n in range(9)]
    return inputs([*runs, classifier(), on_latents(), knn()])


def test_a_table_of_many_rows_shows_the_validated_strategy_of_each_method(many):
    results = Tables(many.metrics).results
    shown = Tables(many.metrics).condensed
    assert len(results) == 48
    assert len(shown) == 9 * 2 + 3
    assert sorted(shown["best"])[-4:] == ["best classical", "best classifier", "best generative", "best generative"]
    assert len(Tables(many.metrics[:2]).condensed) == 10


def test_the_report_on_many_models_keeps_every_row_somewhere(many):
    files = build(many)
    assert len(markdown_rows(files["summary.md"], "Results")) == 22
    assert len(markdown_rows(files["summary.md"], "Every strategy")) == 49
    assert "with its best strategy on validation; in all 48" in files["summary.md"]
    assert markdown_rows(files["summary.md"], "Every strategy") in Page(files["index.html"]).tables
    assert len(pd.read_csv(io.StringIO(files["results.csv"]))) == 48
    readme = readme_table(f"{OPENING}\n{CLOSING}", many.metrics)
    assert readme.count("| model") + readme.count("| **model") == 18
    assert "in all 48" in readme
    output = io.StringIO()
    print_results(many.metrics, Console(file=output, width=120))
    assert "21 of 48 rows" in output.getvalue()


def test_more_methods_than_colours_are_a_table_of_shares(many):
    lines = curves(many.runs)
    svg = figures.sensitivity_figure(lines, Tables(many.metrics))
    words = [element.text for element in ElementTree.fromstring(svg).iter() if element.text]
    for line in lines:
        assert line.label in words
    share = figures._shares(lines[0], "V")[0]
    assert f"{share:.0%}" in words
    assert sum(word.endswith("%") for word in words) == len(lines) * 3
