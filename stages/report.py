"""Stage `report`: results of `detect` and `train` → `reports/report` (table, figures, page) and `headline.json`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from ecgan.config import Params
from ecgan.config.declaring import reads
from ecgan.errors import EcganError
from ecgan.evaluation.examples import KINDS
from ecgan.evaluation.result import Result
from ecgan.files import LARGEST_JSON, read_json, read_text, sole_writer, write_json, write_text
from ecgan.generation.drawn import load_drawn
from ecgan.generation.figures import draw
from ecgan.preprocessing.processed import load_about
from ecgan.registry import DATASETS
from ecgan.reporting.build import build
from ecgan.reporting.console import print_results
from ecgan.reporting.content import DEMONSTRATION
from ecgan.reporting.inputs import GenerationResult, ReportInputs
from ecgan.reporting.markdown import readme_table
from ecgan.reporting.tables import headline
from ecgan.seals import check_seal
from ecgan.watched import watch_part, watch_stage
from stages import paths

COMMANDS = ["make repro", "dvc metrics show", "dvc plots show"]


@reads("report", "experiment dataset runtime fetch preprocess split train models detect.classical report")
def run(params: Params, readme: Path | None = None) -> None:
    """Write the report over the models, detectors and folds that the parameters list.

    Args:
        params: The parameters.
        readme: A file whose results table is renewed as well, between its two markers.
    """
    watch_stage("report")
    watch_part(DATASETS, params.dataset)
    inputs = _inputs(params)
    renewed = None if readme is None else _renewed(params, readme, inputs)
    with sole_writer(paths.summary(params)) as folder:
        for name, text in build(inputs).items():
            write_text(folder / name, text)
    write_json(paths.headline(params), headline(inputs.metrics))
    if readme is not None and renewed is not None:
        write_text(readme, renewed)
    print_results(inputs.metrics)


def _renewed(params: Params, readme: Path, inputs: ReportInputs) -> str:
    """Return the README with the new results table."""
    link = str(paths.summary(params) / "summary.md")
    warning = DEMONSTRATION if inputs.demonstration else ""
    text = read_text(readme, "Name a README in UTF-8.", most=LARGEST_JSON)
    try:
        return readme_table(text, inputs.metrics, warning=warning, link=link)
    except EcganError as error:
        raise EcganError(f"{readme}: {error.message}", error.hint) from None


def _inputs(params: Params) -> ReportInputs:
    about = load_about(paths.processed(params))
    card = DATASETS.get(params.dataset).card
    dataset: dict[str, Any] = {
        "name": about.name,
        "title": card.title,
        "source": card.source,
        "licence": card.licence,
        "counts": about.counts,
        "sampling_rate": about.sampling_rate,
        "leads": about.leads,
        "class_mapping": about.mapping,
    }
    shown = ("fetch", "preprocess", "split", "train", "runtime")
    methods = [(name, True) for name in params.models] + [(name, False) for name in params.detect.classical]
    return ReportInputs(
        title=f"{params.experiment.entity} / {params.experiment.project}",
        dataset=dataset,
        params={name: getattr(params, name).model_dump(mode="json") for name in shown},
        runs=[_result(params, name, fold, trained) for name, trained in methods for fold in params.split.folds],
        demonstration=params.dataset == "ecgsyn",
        commands=COMMANDS,
        generation=[_generation(params, name, fold) for name in params.models for fold in params.split.folds],
    )


def _result(params: Params, name: str, fold: int, trained: bool) -> Result:
    """Read what `detect` and `train` wrote of one method and fold; of each kind of examples as many as are shown."""
    folder = paths.report(params, "detect", name, fold)
    if not (folder / "metrics.json").is_file():
        raise EcganError(f"there are no results of {name}, fold {fold}, in {folder}.", "Run `ecgan detect` first.")
    train = paths.part(params, "train", name, fold)
    if trained:
        check_seal(train, only=["history.csv"])
    found = Result.read(folder, train / "history.csv" if trained else None)
    shown = [one for kind in KINDS for one in [e for e in found.examples if e.kind == kind][: params.report.beats]]
    return replace(found, examples=shown)


def _generation(params: Params, model: str, fold: int) -> GenerationResult:
    """Read what `train` found of generated signals; figures are those of the first fold."""
    folder = paths.report(params, "train", model, fold)
    check_seal(folder, "Run `ecgan train` again.", only=["drawn.safetensors", "generation.json"])
    figures = draw(load_drawn(folder / "drawn.safetensors")) if fold == params.split.folds[0] else {}
    return GenerationResult(model, fold, read_json(folder / "generation.json"), figures)
