"""The model card of a published model: what it is, from what, how good, how to use it, where it fails.

The YAML header is the one that model hubs read (`license`, `tags`, `datasets`, `model-index`). Every figure comes from
the result files that detection wrote, which are published beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from ecgan.config import Params
from ecgan.evaluation.choosing import decides_in
from ecgan.preprocessing.inputs import Input
from ecgan.registry import DATASETS, DETECTORS, MODELS

FIGURES = {
    "auroc": ("AUROC", "roc_auc"),
    "ap": ("average precision", "average_precision"),
    "f1_weighted": ("F1, weighted", "f1"),
    "mcc": ("MCC", "matthews_correlation"),
    "sensitivity": ("sensitivity", "recall"),
    "ppv": ("PPV", "precision"),
    "false_alarms_per_hour": ("false alarms an hour", "false_alarms_per_hour"),
}
"""Figure in a result file → its name in the table, and the metric's name for model hubs."""

TAGS = ("ecg", "electrocardiogram", "anomaly-detection", "unsupervised")
INTENDED = (
    "Research, and the screening of recordings whose flagged beats a person looks at. It is no medical device, has not"
    " been validated clinically, and must not be the only ground of a decision about a patient."
)


@dataclass(frozen=True)
class Facts:
    """What a card is made of.

    Attributes:
        name: Of the published model.
        params: What the run was made with.
        expected: What it expects of its input.
        results: `metrics.json` of each of its folds.
        commit: Of the code that published it; empty where that is not known.
        notes: Markdown of the publisher: where it fails, what was seen.
        licence: Of the weights, an SPDX identifier.
    """

    name: str
    params: Params
    expected: Input
    results: Sequence[Mapping[str, Any]]
    commit: str
    notes: str
    licence: str


def card_of(facts: Facts) -> str:
    """Return the card as Markdown with a YAML header."""
    first, data = facts.results[0], DATASETS.get(facts.params.dataset).card
    method = (MODELS.get(facts.params.models[0]) if facts.params.models else DETECTORS.get(first["detector"])).title
    sections = {
        "Use": _use(facts),
        "What it was made from": _made_from(facts, f"{data.title} ({data.source}; {data.licence})"),
        "Results": _results(facts),
        "Intended use": INTENDED,
        "Where it fails": facts.notes or "The publisher says nothing of it.",
        "Files": (
            "`train`, `inverse`, `detect`: the run, a folder a fold. `results`: what detection measured on the test"
            " set, from which the tables above are made. `seal.json`: hashes of all files, compared at each use."
            " Weights are safetensors; nothing in here is executed."
        ),
        "Licence and citation": (
            f"Weights: {facts.licence}. Data: {data.licence}. Cite the data's source, and ECGAN by its CITATION.cff."
        ),
    }
    body = "\n\n".join(f"## {title}\n\n{text.strip()}" for title, text in sections.items())
    return f"---\n{_header(facts)}---\n\n# {facts.name}\n\n{_sentence(method)} ({first['detector']}).\n\n{body}\n"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] if text[:1].isascii() else text  # β stays small


def _header(facts: Facts) -> str:
    from ruamel.yaml import YAML

    first = facts.results[0]
    tested = first["strategies"][decides_in(first)]["test"]
    metrics = [
        {"type": hub, "name": name, "value": round(float(tested[key]), 4)}
        for key, (name, hub) in FIGURES.items()
        if tested.get(key) is not None
    ]
    result = {
        "task": {"type": "anomaly-detection", "name": "Abnormal heartbeats"},
        "dataset": {"type": facts.params.dataset, "name": facts.params.dataset, "split": "test"},
        "metrics": metrics,
    }
    header = {
        "license": facts.licence.lower(),
        "library_name": "ecgan",
        "tags": [*TAGS, first["detector"], *facts.params.models],
        "datasets": [facts.params.dataset],
        "metrics": [metric["type"] for metric in metrics],
        "model-index": [{"name": facts.name, "results": [result]}],
    }
    stream, yaml = StringIO(), YAML()
    yaml.default_flow_style = False
    yaml.dump(header, stream)
    return stream.getvalue()


def _use(facts: Facts) -> str:
    name = f"published:{facts.name}"
    return (
        f"```sh\necgan score RECORDING --model {name}\n```\n\n"
        f'```python\nimport ecgan\n\nscored = ecgan.load("{name}").score("RECORDING")\n```'
    )


def _made_from(facts: Facts, data: str) -> str:
    first, expected = facts.results[0], facts.expected
    rate = "" if expected.sampling_rate is None else f" at {expected.sampling_rate:g} Hz"
    counts = first["counts"]
    rows = {
        "Data": data,
        "Protocol": f"{first['protocol']}, fold {', '.join(str(one['fold']) for one in facts.results)}",
        "Classes": first["class_mapping"],
        "Training": f"{_counted(counts.get('train', {}))}; {facts.params.train.transformation} scaling",
        "Test": _counted(counts.get("test", {})),
        "Input": f"leads {', '.join(expected.leads)}, {expected.length} time steps{rate}, {expected.unit}",
        "Context": first.get("context", "none"),
        "Seed, arithmetic": f"{facts.params.runtime.seed}, {facts.params.runtime.arithmetic}",
        "Code": facts.commit or "not known",
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {key} | {_cell(value)} |" for key, value in rows.items())])


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"


def _results(facts: Facts) -> str:
    """The tables of the test set: a row a strategy and fold, and what becomes of each class."""
    shown = [key for key in FIGURES if any(_has(one, key) for one in facts.results)]
    head = ["Fold", "Strategy", "Supervision", *(FIGURES[key][0] for key in shown), "Threshold, chosen by"]
    rows = [
        [
            str(one["fold"]),
            name,
            entry["supervision"],
            *(_number(entry["test"].get(key)) for key in shown),
            f"{entry['threshold']['value']:.4g}, {entry['threshold']['method']}",
        ]
        for one in facts.results
        for name, entry in one["strategies"].items()
    ]
    first = facts.results[0]
    decides = decides_in(first)
    classes = first["strategies"][decides]["test"]["per_class"].items()
    seen = [[key, f"{found['count']:,}", f"{found['flagged']:,}"] for key, found in classes if found["count"]]
    sentence = (
        f"`ecgan score` decides by `{decides}`, the best in validation of those without labels. What it flags"
        f" at its threshold, fold {first['fold']}:"
    )
    return f"{_table(head, rows)}\n\n{sentence}\n\n{_table(['Class', 'Samples', 'Flagged'], seen)}"


def _has(result: Mapping[str, Any], key: str) -> bool:
    return any(entry["test"].get(key) is not None for entry in result["strategies"].values())


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.3f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
