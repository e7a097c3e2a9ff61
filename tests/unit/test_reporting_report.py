"""The whole report: the same numbers everywhere, nothing fetched, nothing executed, the same bytes."""

import base64
import hashlib
import io
import os
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from ecgan.errors import EcganError
from ecgan.evaluation.examples import Example, choose_examples
from ecgan.evaluation.result import Result
from ecgan.reporting import figures, traces
from ecgan.reporting.build import build
from ecgan.reporting.console import print_results
from ecgan.reporting.inputs import ReportInputs
from ecgan.reporting.markdown import CLOSING, OPENING, readme_table
from ecgan.reporting.tables import Tables

CLASSES = ("N", "S", "V")
STRATEGIES = (("reconstruction", "U"), ("lambda_grid", "S"))


def curves(runs):
    return figures.curves(runs, Tables([run.metrics for run in runs]))


def run(method="aegan", fold=0, *, strategies=STRATEGIES, classes=CLASSES, beats=1, record="208", shift=0.0):
    rng = np.random.default_rng(fold)
    labels = np.repeat(np.arange(len(classes)), 20)
    scores = {name: rng.random(len(labels)) + 0.4 * labels for name, _ in strategies}
    frame = {"index": np.arange(len(labels)) * 3, "label": labels, "class": [classes[label] for label in labels]}
    for name, values in scores.items():
        frame |= {name: values, f"{name}_predicted": (values > 0.7).astype(int)}
    classical = method in ("knn", "pca")
    metrics = {
        "method": method, "detector": method if classical else "inverse_mapping", "dataset": "ecgsyn",
        "protocol": "normal_only", "class_mapping": "aami (e, j in N)", "fold": fold, "seed": 0,
        "version": None if classical else "v02", "context": "none",
        "select_by": None if classical else "loss", "train_on": "normal",
        "transformation": "individual", "leads": ["MLII"],
        "counts": {"train": {"N": 90}, "test": dict.fromkeys(classes, 20)},
        "bootstrap": {"replicates": 200, "unit": "patient", "units": 6, "level": 0.95},
        "strategies": {
            name: {
                "supervision": supervision, "threshold": {"method": "best_f1", "value": 0.7},
                "parameters": {} if supervision == "U" else {"lambda": 0.25},
                "test": _test(frame, name, classes, shift),
                "validation": {"auroc": 0.8 if supervision == "U" else 0.9},
            }
            for name, supervision in strategies
        },
    }  # fmt: skip
    curve = np.linspace(0, 1, 201)
    roc = pd.DataFrame({"fpr": curve, **dict.fromkeys(scores, curve**0.3)})
    pr = pd.DataFrame({"recall": curve, **dict.fromkeys(scores, 1 - 0.5 * curve)})
    history = None if classical else pd.DataFrame(_history())
    examples = _examples(frame, strategies[0][0], beats, record, classical)
    decided = pd.DataFrame(
        {"actual": frame["class"], "predicted": np.where(frame[f"{strategies[0][0]}_predicted"], "abnormal", "normal")}
    )
    return Result(metrics, pd.DataFrame(frame), roc, pr, decided, examples, history)


def _test(frame, name, classes, shift):
    test = {"auroc": 0.8 + 0.01 * len(name) / 3 + shift if len(classes) > 1 else None}
    test |= {"auroc_low": 0.7, "auroc_high": 0.9} if len(classes) > 1 else {"auroc_low": None, "auroc_high": None}
    for number, metric in enumerate(("ap", "f1_abnormal", "f1_weighted", "mcc", "sensitivity", "ppv")):
        test[metric] = 0.5 + 0.05 * number + shift if len(classes) > 1 else None
    flagged, labels, per_class = np.array(frame[f"{name}_predicted"]), frame["label"], {}
    for label, word in enumerate(classes):
        per_class[word] = {"count": 20, "flagged": int(flagged[labels == label].sum())}
        per_class[word] |= {"sensitivity": per_class[word]["flagged"] / 20, "ppv": 0.5} if label else {}
    return test | {"specificity": 0.9, "best_f1_on_test": 0.9, "per_class": per_class}


def _history():
    losses = {"epoch": [1, 2, 3], "loss_generator": [3.0, 2.0, 1.0], "loss_discriminator": [1.0, 1.1, 1.2]}
    return losses | {"vali_loss": [0.3, 0.2, 0.25], "vali_auroc": [0.7, 0.8, np.nan], "vali_ap": [0.6, 0.7, 0.7]}


def _examples(frame, strategy, beats, record, classical):
    signal = np.sin(np.arange(100) / 8)[:, None]
    chosen = choose_examples(frame[strategy], frame["label"], frame[f"{strategy}_predicted"], beats)
    return [
        Example(
            int(i), frame["class"][i], record, "p", 360 * int(i), float(i), float(frame[strategy][i]), strategy,
            bool(frame[f"{strategy}_predicted"][i]), kind, signal, None if classical else signal * 0.8, 360.0,
            ("MLII",), 40,
        )
        for i, kind in chosen
    ]  # fmt: skip


def inputs(runs=None, **changes):
    if runs is None:
        runs = [run(method, fold, shift=0.02 * fold) for method in ("aegan", "vaegan") for fold in (0, 1)]
        runs += [run("knn", fold, strategies=(("plain", "U"),), shift=0.04 * fold) for fold in (0, 1)]
    dataset = {"name": "ecgsyn", "title": "Simulated ECG", "source": "embedded", "licence": "MIT",
               "counts": {"N": 300, "S": 40, "V": 50}, "sampling_rate": 360.0, "leads": ["MLII"],
               "class_mapping": "aami (e, j in N)"}  # fmt: skip
    values = {"title": "A report", "dataset": dataset, "params": {"train": {"epochs": 3, "leads": None}},
              "runs": runs, "demonstration": True, "commands": ["make repro"]}  # fmt: skip
    return ReportInputs(**(values | changes))


class Page(HTMLParser):
    """What a browser would make of the page: tags with attributes, text of the cells, text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.tables, self.words, self.open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.tables[-1][-1][-1] = self.tables[-1][-1][-1].strip()
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        self.words.append(data)
        unseen = any(tag == "span" and attrs.get("class") == "unseen" for tag, attrs in self.tags[-1:])
        if {"td", "th"} & set(self.open) and not unseen:
            self.tables[-1][-1][-1] += data

    def attributes(self, *names):
        return [(tag, attrs[name]) for tag, attrs in self.tags for name in names if name in attrs]


@pytest.fixture(scope="module")
def files():
    return build(inputs())


@pytest.fixture(scope="module")
def page(files):
    return Page(files["index.html"])


def markdown_rows(text, title):
    table = text.split(f"## {title}\n\n")[1].split("\n\n")[0].splitlines()
    rows = [[cell.strip().replace("**", "") for cell in line.strip("|").split("|")] for line in table]
    return [rows[0], *rows[2:]]


def test_the_files_of_a_report(files):
    assert set(files) >= {"summary.md", "index.html", "results.csv", "per_class.csv", "folds.csv"}
    assert set(files) >= {f"figures/{name}.svg" for name in ("roc", "pr", "sensitivity", "scores", "training")}
    assert sum(name.startswith("figures/beats/") for name in files) == 12
    for name, text in files.items():
        if name.endswith(".svg"):
            assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"


def test_page_summary_and_csv_hold_the_means_of_the_inputs(files, page):
    mean, std = 0.8 + 0.01 * len("reconstruction") / 3 + 0.01, 0.02 / np.sqrt(2)
    table = pd.read_csv(io.StringIO(files["results.csv"]))
    chosen = table[(table["method"] == "aegan") & (table["strategy"] == "reconstruction")].iloc[0]
    assert chosen["auroc_mean"] == pytest.approx(mean, abs=1e-6)
    assert chosen["auroc_std"] == pytest.approx(std, abs=1e-6)
    written = f"{mean:.3f}"[1:] + " ± " + f"{std:.3f}"[1:]
    for rows in (page.tables[0], markdown_rows(files["summary.md"], "Results")):
        row = next(row for row in rows if row[1:3] == ["aegan", "reconstruction"])
        assert written in row


@pytest.mark.parametrize(("title", "number"), [("Results", 0), ("Results per class", 1), ("Every fold", 2)])
def test_page_and_summary_show_the_same_tables(files, page, title, number):
    assert page.tables[number] == markdown_rows(files["summary.md"], title)
    assert len(page.tables[number]) > 3


def test_every_table_states_protocol_mapping_counts_and_legend(files):
    for title in ("Results", "Results per class", "Every fold"):
        section = files["summary.md"].split(f"## {title}\n")[1].split("\n## ")[0]
        for words in ("protocol normal_only", "aami (e, j in N)", "N 20, S 20, V 20", "Labels U: ", "Labels S: "):
            assert words in section


def test_a_demonstration_says_so_and_real_data_does_not(files):
    assert "no clinical evidence" in files["summary.md"]
    assert "no clinical evidence" in files["index.html"]
    real = build(inputs(demonstration=False))
    assert "clinical" not in real["summary.md"] + real["index.html"]


def test_the_difference_of_the_best_is_paired_by_fold(files):
    assert "aegan (reconstruction) − knn: +.020 ± .014 over 2 folds" in files["summary.md"]


def test_figures_are_linked_by_paths_that_exist(files):
    links = re.findall(r"!\[[^]]*\]\(([^)]+)\)", files["summary.md"])
    assert len(links) == 17
    assert set(links) <= set(files)


def test_the_page_loads_nothing(files, page):
    text = files["index.html"]
    references = page.attributes("src", "href", "xlink:href", "srcset", "data", "action", "poster", "background")
    assert all(value.startswith("#") for _, value in references)
    assert all(target.startswith("#") for target in re.findall(r"url\(\s*['\"]?([^)]*)", text))
    assert "@import" not in text
    assert not {"link", "iframe", "object", "embed", "img", "base"} & {tag for tag, _ in page.tags}
    internal = {value.removeprefix("#") for _, value in references}
    assert internal <= {value for _, value in page.attributes("id")}


def test_the_policy_of_the_page_admits_its_own_script_only(files, page):
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    script = files["index.html"].split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]


def test_no_id_is_there_twice(page):
    ids = [value for _, value in page.attributes("id")]
    assert [name for name, count in Counter(ids).items() if count > 1] == []


def test_hostile_names_are_shown_and_never_run():
    evil = "<script>alert('x')</script>"
    runs = [
        run(f'm"{evil}', record=evil, classes=("N", f"S{evil}")),
        run("knn", strategies=(("plain", "U"),), classes=("N", f"S{evil}")),
    ]
    dataset = {"name": evil, "title": f"{evil}|`**", "source": "javascript:alert(1)", "counts": {evil: 3}}
    files = build(
        inputs(runs, title=f"{evil} & co", dataset=dataset, params={evil: {evil: evil}}, commands=[evil, "```"])
    )
    page = Page(files["index.html"])
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert any(evil in word for word in page.words)
    assert "<script" not in files["summary.md"].split("## How to get the same")[0]
    assert "````sh" in files["summary.md"]
    for name, text in files.items():
        assert re.fullmatch(r"[a-z0-9_./-]+", name)
        if name.endswith(".svg"):
            assert not [element for element in ElementTree.fromstring(text).iter() if "script" in str(element.tag)]


@pytest.mark.slow
def test_the_same_bytes_in_every_process_with_any_settings(tmp_path):
    (tmp_path / "matplotlibrc").write_text(
        "font.family: serif\nsvg.fonttype: path\nxtick.labelsize: 30\naxes.labelsize: 30\naxes.grid: False\n"
    )
    code = (
        "import hashlib, importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('report_inputs', {__file__!r})\n"
        "module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)\n"
        "files = module.build(module.inputs())\n"
        "print(hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest())\n"
        "print('torch' in sys.modules, 'matplotlib.pyplot' in sys.modules)\n"
    )
    answers = set()
    for seed, settings in (("0", None), ("1", str(tmp_path / "matplotlibrc"))):
        environment = os.environ | {"PYTHONHASHSEED": seed} | ({"MATPLOTLIBRC": settings} if settings else {})
        found = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
        )
        answers.add(found.stdout)
    (answer,) = answers
    assert answer.splitlines()[1] == "False False"


def test_figures_hold_no_date_and_no_version(files):
    for name, text in files.items():
        if name.endswith(".svg"):
            assert "matplotlib" not in text.lower()
            assert "<metadata" not in text
            assert "<style" not in text  # it would restyle the page that the figure stands in
            assert "<?xml" not in text


def test_without_results_there_is_still_a_report():
    files = build(inputs([]))
    assert "There are no results yet." in files["summary.md"]
    assert "There are no results yet." in files["index.html"]
    assert "Simulated ECG" in files["summary.md"]
    assert not [name for name in files if name.endswith(".svg")]


def test_one_fold_one_method_without_training_or_reconstruction():
    files = build(inputs([run("knn", strategies=(("plain", "U"),))]))
    assert "One fold (0), so there is no standard deviation" in files["summary.md"]
    assert "±" not in markdown_rows(files["summary.md"], "Results")[1][4]
    assert "figures/training.svg" not in files
    assert "Training" not in files["summary.md"].split("## Data")[0]
    beats = [text for name, text in files.items() if "beats" in name]
    assert len(beats) == 4
    assert not any("reconstruction" in text for text in beats)


def test_a_test_set_of_one_class_has_no_auroc():
    files = build(inputs([run(classes=("N",), beats=0)]))
    assert "AUROC is not defined" in files["summary.md"]
    assert markdown_rows(files["summary.md"], "Results")[1][5] == "–"
    assert "figures/beats" not in files["summary.md"]


def test_curves_without_a_value_are_left_out():
    one, other = run("aegan", 0), run("vaegan", 0)
    one.roc.loc[:, "reconstruction"] = np.nan
    svg = figures.roc_figure(curves([one, other]))
    colours = [line.line["color"] for line in curves([one, other])]
    root = ElementTree.fromstring(svg)
    drawn = Counter(colour for e in root.iter() for colour in colours if f"stroke: {colour}" in e.get("style", ""))
    assert sorted(drawn[colour] for colour in colours) == [1, 2]  # legend only, legend and curve


def test_a_method_keeps_its_colour_when_results_change():
    def colours(shift):
        runs = [run("aegan", shift=shift), run("vaegan"), run("knn", strategies=(("plain", "U"),))]
        return {line.method: line.line["color"] for line in curves(runs)}

    assert colours(-0.2) == colours(0.1)
    assert len(set(colours(0.0).values())) == 3


def test_training_curves_mark_the_chosen_version():
    svg = traces.training_figure(curves([run()]))
    assert svg.count("<use ") == 2  # epoch 2, in the panels of the loss and of the AUROC
    assert "loss_generator" in svg
    assert traces.training_figure(curves([run("knn", strategies=(("plain", "U"),))])) is None


def test_scores_name_classes_shares_and_threshold():
    one = run()
    svg = traces.scores_figure(curves([one]), Tables([one.metrics]).facts)
    flagged = one.scores[one.scores["class"] == "V"]["lambda_grid_predicted"].mean()
    assert f"{flagged:.0%} of 20" in svg
    assert "threshold 0.7" in svg


@pytest.mark.parametrize("scores", [np.zeros(60), np.r_[np.zeros(59), 1e9], np.full(60, 0.7)])
@pytest.mark.parametrize("threshold", [0.7, None, -3.0])
def test_odd_scores_can_be_drawn(scores, threshold):
    one = run(strategies=(("reconstruction", "U"),), beats=0)
    one.scores["reconstruction"] = scores
    one.metrics["strategies"]["reconstruction"]["threshold"]["value"] = threshold
    ElementTree.fromstring(traces.scores_figure(curves([one]), Tables([one.metrics]).facts))


def test_many_methods_and_long_names():
    runs = [run(f"a rather long name of a method, number {number}", beats=0) for number in range(9)]
    lines = curves(runs)
    assert len({(line.line["color"], str(line.line["linestyle"])) for line in lines}) == 9
    assert all(len(line.label) <= figures.LABEL_LENGTH + 4 for line in lines)
    ElementTree.fromstring(figures.sensitivity_figure(lines, Tables([one.metrics for one in runs])))


def test_a_readme_gets_its_table_and_keeps_the_rest():
    metrics = inputs().metrics
    before = f"# Title\n\n{OPENING}\noutdated\n{CLOSING}\n\nThe end.\n"
    after = readme_table(before, metrics, warning="Simulated beats.", link="reports/report/summary.md")
    assert after.startswith(f"# Title\n\n{OPENING}\n")
    assert after.endswith(f"{CLOSING}\n\nThe end.\n")
    assert "outdated" not in after
    for words in ("> Simulated beats.", "| **aegan** |", "Labels U: ", "(reports/report/summary.md)"):
        assert words in after
    assert readme_table(after, metrics, warning="Simulated beats.", link="reports/report/summary.md") == after


@pytest.mark.parametrize("text", ["", OPENING, f"{CLOSING}{OPENING}", f"{OPENING}{CLOSING}{OPENING}{CLOSING}"])
def test_a_readme_without_clear_markers_is_refused(text):
    with pytest.raises(EcganError, match="needs one line <!-- results -->"):
        readme_table(text, [])


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_terminal_shows_what_fits(width):
    metrics = inputs().metrics
    output = io.StringIO()
    print_results(metrics, Console(file=output, width=width))
    text = output.getvalue()
    assert max(map(len, text.splitlines())) <= width
    for words in ("ecgsyn · normal_only · folds 0, 1", "aegan", "test samples per fold: N 20, S 20, V 20"):
        assert words in text
    best = Tables(metrics).results.iloc[0]["auroc_mean"]
    assert f"{best:.3f}"[1:] in text
    assert ("MCC" in text.split("●")[0]) == (width == 200)
    assert ("not shown" in text) == (width < 200)


def test_names_on_the_terminal_are_no_markup():
    output = io.StringIO()
    print_results([run("[red]x[/red]\x1b[2J").metrics], Console(file=output, width=160))
    assert "[red]x[/red]" in output.getvalue()
    assert "\x1b[2J" not in output.getvalue()
