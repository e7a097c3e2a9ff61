"""What a report says, once: Markdown, page and files show the same text, tables and figures."""

import json
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from ecgan.files import flat
from ecgan.reporting import figures, traces
from ecgan.reporting.beats import BeatGroup, beat_groups
from ecgan.reporting.findings import FILE, findings_grid, findings_table
from ecgan.reporting.findings import NOTES as FINDING_NOTES
from ecgan.reporting.generation import NOTES, generation_figures, generation_grid
from ecgan.reporting.grid import (
    WORDS,
    Grid,
    class_grid,
    count_grid,
    fold_grid,
    marks_text,
    method_grid,
    quantity,
    results_grid,
)
from ecgan.reporting.inputs import Plot, ReportInputs
from ecgan.reporting.naming import Naming, naming
from ecgan.reporting.tables import (
    CLASSIFIER,
    FAMILIES,
    GENERATIVE,
    ON_LATENTS,
    SUPERVISION,
    Facts,
    Tables,
    mean_std,
    records,
)

DEMONSTRATION: Final = (
    "This is a demonstration on simulated beats. It shows that the pipeline works from end to end; "
    "its numbers say nothing about patients and are no clinical evidence."
)
_PROTOCOLS: Final = {
    "normal_only": "trained on normal samples only; validation and test hold all classes",
    "beatgan": "trained on normal samples only, folds as in the BeatGAN paper",
    "stratified": "a partition with the same share of each class in every part",
    "interpatient": "DS1 → DS2 of de Chazal: no record in two parts (201 and 202, one man, are on both sides)",
    "interpatient_strict": "DS1 without record 201 → DS2: no patient in two parts",
    "fixed": "the folds of an earlier run",
    "published": "the folds of the dataset's authors, whole patients: the last tests, one validates, the others train",
}
_THRESHOLDS: Final = {
    "best_f1": "at the threshold with the best F1 of the abnormal class on the fitting half of validation",
    "quantile": "at a quantile of the scores of normal validation samples",
    "alarms_per_hour": "at as many false alarms an hour as were allowed on the fitting half of validation",
    "alarms_by_patient": "at as many false alarms an hour as each patient of the fitting half was allowed",
    "fixed": "at a threshold given in advance",
}
_METHODS: Final = "Each method with the strategy that decides, U or S in brackets.{band}"
_PLOTS: Final = {
    "roc": ("ROC", _METHODS),
    "pr": ("Precision and recall", f"{_METHODS} Chance is the share of abnormal samples in the test set."),
    "sensitivity": (
        "Which classes are found",
        "Share of each class that was flagged: means over the folds, and single folds as dots or their range below. "
        "For the normal class these are false alarms.",
    ),
    "scores": (
        "Scores of each class",
        "Each class scaled to its own highest bar, first fold. The line is the threshold, what is coloured was "
        "flagged; the last bar holds everything beyond.",
    ),
    "training": ("Training", "Thin lines: folds; thick line: their mean; dots: the versions that were used."),
}
_CLASS_NOTES: Final = (
    "One row for each method and use of labels, with its best strategy on validation.",
    "Sensitivity: share of a class that was flagged; for the normal class these are false alarms. "
    "PPV: flagged samples of the class among these and the false alarms.",
)
_CONTEXTS: Final = (
    "Context: what a method looks at besides the sample that it scores; record: the other samples of its record,"
    " rhythm: when the beats of its record occurred."
)
_METHOD_NOTES: Final = (
    "“Shown with” is the strategy that the figures show and that `ecgan score` decides by: the one with the best AUROC "
    "on the reporting half of validation, mean over the folds, among those of supervision U; the test set has no say.",
)
_DATASET: Final = {
    "name": "Name",
    "title": "What",
    "source": "Source",
    "licence": "Licence",
    "counts": "Samples",
    "sampling_rate": "Sampling rate",
    "leads": "Leads",
    "class_mapping": "Class mapping",
}


@dataclass(frozen=True, eq=False)
class Block:
    """A table, what a reader must know of it, and its diagrams."""

    grid: Grid
    notes: tuple[str, ...] = ()
    plots: tuple[Plot, ...] = ()


@dataclass(frozen=True, eq=False)
class Content:
    """Everything that the report shows, ready to be set."""

    title: str
    warning: str
    headline: tuple[str, ...]
    results: Block
    classes: Block
    findings: Block
    naming: Naming | None
    beats: tuple[BeatGroup, ...]
    training: tuple[Plot, ...]
    generation: Block
    every_strategy: Block
    folds: Block
    methods: Block
    dataset: tuple[tuple[str, str], ...]
    counts: Block
    params: tuple[tuple[str, str], ...]
    commands: tuple[str, ...]
    frames: dict[str, pd.DataFrame]

    @property
    def plots(self) -> tuple[Plot, ...]:
        """All diagrams, beats apart."""
        named = () if self.naming is None else (self.naming.plot,)
        return (*self.results.plots, *self.classes.plots, *named, *self.training, *self.generation.plots)


def compose(inputs: ReportInputs) -> Content:
    """Compute tables, draw figures and word the sentences of a report.

    Raises:
        EcganError: Results that do not belong into one table, see `ecgan.reporting.tables.facts`.
    """
    tables = Tables(inputs.metrics)
    shared, results, shown = tables.facts, tables.results, tables.condensed
    lines, named = figures.curves(inputs.runs, tables), naming(inputs.runs, shared)
    curves = _plots(shared, roc=figures.roc_figure(lines), pr=figures.pr_figure(lines, shared)) if lines else ()
    bars = figures.sensitivity_figure(lines, tables) if lines else None
    by_class = _plots(shared, sensitivity=bars, scores=traces.scores_figure(lines, shared))
    generated = tuple(Plot(*figure) for figure in generation_figures(inputs.generation))
    notes = (_context(shared), *supervision_notes())
    findings = findings_table(tables)
    frames = {"results.csv": results, "per_class.csv": tables.classes, "folds.csv": tables.folds}
    frames |= {FILE: findings} if len(findings) else {}
    return Content(
        title=inputs.title,
        warning=DEMONSTRATION if inputs.demonstration else "",
        headline=headline(tables),
        results=Block(results_grid(shown), result_notes(tables), curves),
        classes=Block(class_grid(tables), (notes[0], *_CLASS_NOTES, *notes[1:]), by_class),
        findings=Block(findings_grid(tables, findings), FINDING_NOTES),
        naming=named,
        beats=beat_groups(inputs.runs),
        training=_plots(shared, training=traces.training_figure(lines)),
        generation=Block(generation_grid(inputs.generation), NOTES, generated),
        every_strategy=Block(results_grid(results if len(shown) < len(results) else results.iloc[:0]), notes),
        folds=Block(fold_grid(tables.folds), notes),
        methods=Block(method_grid(tables), _METHOD_NOTES),
        dataset=_dataset_rows(inputs.dataset),
        counts=Block(
            count_grid(shared),
            (f"Protocol {_protocol(shared)}. Samples per fold; two numbers: the smallest and largest fold.",),
        ),
        params=tuple((key, _text(value)) for key, value in flat(inputs.params)),
        commands=tuple(inputs.commands),
        frames=frames if named is None else frames | named.frames,
    )


def headline(tables: Tables) -> tuple[str, ...]:
    """The result in sentences: the best row of each family, and differences from the first on the same folds."""
    sentences = []
    for supervision, words in (("U", "Without abnormal labels but for the threshold"), ("S", "With abnormal labels")):
        rows = {r["best"]: r for r in records(tables.condensed) if r["supervision"] == supervision and r["best"]}
        best = [rows[f"best {family}"] for family in FAMILIES if f"best {family}" in rows]
        if best:
            parts = [
                f"best {WORDS[r['family']]} {_row_name(r)}, AUROC {quantity(r['auroc_mean'], r['auroc_std']).full}"
                for r in best
            ]
            sentences.append(f"{words} ({supervision}): {'; '.join(parts)}.")
        sentences += [_difference(tables.folds, best[0], other) for other in best[1:]]
    if not tables.metrics:
        return ("There are no results yet.",)
    return tuple(sentences) or ("AUROC is not defined on these test sets: they hold one class only.",)


def result_notes(tables: Tables) -> tuple[str, ...]:
    """What a reader must know to read the results table."""
    shared, results = tables.facts, tables.condensed
    if not shared.folds:
        return ()
    several = f"Mean ± standard deviation (n − 1) over folds {', '.join(map(str, shared.folds))}"
    one = f"One fold ({shared.folds[0]}), so there is no standard deviation"
    notes = [_context(shared), f"{several if len(shared.folds) > 1 else one}."]
    notes += [*supervision_notes(), _CONTEXTS, f"{marks_text(results)}."]
    methods = [_THRESHOLDS.get(name, f"at thresholds chosen by {name}") for name in shared.thresholds]
    notes.append(f"F1, MCC, sensitivity and PPV are {' or '.join(methods)}, never at the best one on test.")
    if shared.bootstrap:
        reach = "; from the lowest to the highest limit of the folds’ intervals" if len(shared.folds) > 1 else ""
        notes += [f"AUROC interval: {shared.bootstrap}{reach}.", shared.tolerance]
    for family, kind in ((GENERATIVE, "Generative models"), (CLASSIFIER, "Classifiers")):
        used = results.loc[results["family"] == family, "detector"].drop_duplicates()
        notes += [f"{kind} are scored by the detector {', '.join(map(str, used))}."] if len(used) else []
    for name, left in shared.left_out.items():
        notes.append(f"{name} has no {', '.join(left)}: its model does not give what they weigh.")
    if len(results) < (every := len(tables.results)):
        notes.append(
            f"One row for each method and use of labels, with its best strategy on validation; in all {every}."
        )
    return tuple(notes)


def supervision_notes() -> list[str]:
    """The legend of U and S."""
    return [f"Labels {letter}: {meaning}." for letter, meaning in SUPERVISION.items()]


def _context(shared: Facts) -> str:
    counts = shared.count_text("test")
    test = f" Test samples per fold: {counts}." if counts else ""
    return (
        f"Dataset {shared.dataset}, protocol {_protocol(shared)}; class mapping {shared.class_mapping or 'none'}.{test}"
    )


def _protocol(shared: Facts) -> str:
    known = _PROTOCOLS.get(shared.protocol)
    return f"{shared.protocol} ({known})" if known else shared.protocol


def _difference(folds: pd.DataFrame, first: dict[str, Any], second: dict[str, Any]) -> str:
    keys = ("method", "detector", "strategy")
    pair = [folds[(folds[list(keys)] == [row[key] for key in keys]).all(axis=1)] for row in (first, second)]
    left, right = (frame.set_index("fold")["auroc"] for frame in pair)
    mean, std, count = mean_std((left - right).dropna())
    sign = "+" if mean > 0 else ""
    over = f"over {count} folds" if count > 1 else "on one fold"
    names = f"{_row_name(first)} − {_row_name(second)}"
    return f"Difference in AUROC on the same samples, {names}: {sign}{quantity(mean, std).full} {over}."


def _row_name(row: dict[str, Any]) -> str:
    name = f"{row['method']}, {row['detector']}" if row["detector"].endswith(ON_LATENTS) else str(row["method"])
    return name if row["strategy"] == "plain" else f"{name} ({row['strategy']})"


def _plots(shared: Facts, **svgs: str | None) -> tuple[Plot, ...]:
    """The diagrams by name that could be drawn, with what `_PLOTS` says of them."""
    band = " Line: mean of the folds; band: lowest to highest fold." if len(shared.folds) > 1 else ""
    found = [(name, svg, *_PLOTS[name]) for name, svg in svgs.items() if svg]
    return tuple(Plot(f"figures/{name}.svg", title, words.format(band=band), svg) for name, svg, title, words in found)


def _dataset_rows(dataset: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    rows = []
    for key, title in _DATASET.items():
        value = dataset.get(key)
        if value is None or value in ("", {}, []):
            continue
        if isinstance(value, dict):
            text = ", ".join(f"{name} {int(count):,}" for name, count in value.items())
            text += f" (in all {sum(int(count) for count in value.values()):,})"
        elif key == "sampling_rate":
            text = f"{float(value):g} Hz" if float(value) else "time has no unit"
        else:
            text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        rows.append((title, text))
    return tuple(rows)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
