"""Where the stages read and write; the only place that knows."""

from pathlib import Path
from typing import Literal

from ecgan.config import Params
from ecgan.runs import layout

MODELS = Path("models")
REPORTS = Path("reports")
RESUME = Path(".ecgan/resume")
SHARDS = Path(".ecgan/shards")


def dataset(params: Params) -> Path:
    """`data/<dataset>`."""
    return Path(params.experiment.data_dir) / params.dataset


def raw(params: Params) -> Path:
    """Output of `fetch`."""
    return dataset(params) / "raw"


def processed(params: Params) -> Path:
    """Output of `preprocess`."""
    return dataset(params) / "processed"


def shards(params: Params) -> Path:
    """Where `preprocess` keeps what is cut until all is: `.ecgan/shards/<path of its output>`."""
    return SHARDS / "-".join(part for part in processed(params).parts if part not in ("/", ".", ".."))


def folds(params: Params) -> Path:
    """Output of `split`."""
    return dataset(params) / "folds"


def run(params: Params, model: str) -> Path:
    """`models/<entity>/<project>/<run>`; the run is the model's name unless `experiment.run` names it."""
    experiment = params.experiment
    return MODELS / experiment.entity / experiment.project / params.run_name(model)


def part(params: Params, stage: layout.Part, model: str, fold: int) -> Path:
    """`<run>/<stage>/fold_<k>`, stage being train, inverse or detect."""
    return layout.part(run(params, model), stage, fold)


def classical_run(params: Params, detector: str) -> Path:
    """`models/<entity>/<project>/<detector>`, or `<run>-<detector>` where `experiment.run` names the run."""
    experiment = params.experiment
    name = detector if experiment.run is None else f"{experiment.run}-{detector}"
    return MODELS / experiment.entity / experiment.project / name


def classical(params: Params, detector: str, stage: Literal["train", "detect"], fold: int) -> Path:
    """What a classical detector learned, or is fed with: `<run>/<stage>/fold_<k>`."""
    return layout.part(classical_run(params, detector), stage, fold)


def parts(params: Params, method: str, fold: int, *, classical: bool = False) -> dict[str, Path]:
    """The folders of one fold of a run that are there, by part: what detection was made with, and what it leaves."""
    folder = classical_run(params, method) if classical else run(params, method)
    return {name: place for name in layout.PARTS if (place := layout.part(folder, name, fold)).is_dir()}


def report(params: Params, stage: str, name: str, fold: int) -> Path:
    """`reports/<stage>/<name>/fold_<k>`; below `reports/<entity>/<project>/<run>` if the run has a name."""
    experiment = params.experiment
    top = REPORTS
    if experiment.run is not None:
        top = REPORTS / experiment.entity / experiment.project / experiment.run
    return top / stage / name / f"fold_{fold}"


def summary(params: Params) -> Path:
    """Output of `report`: `reports/report`, or `reports/<entity>/<project>/<run>/report` if the run has a name."""
    experiment = params.experiment
    if experiment.run is None:
        return REPORTS / "report"
    return REPORTS / experiment.entity / experiment.project / experiment.run / "report"


def headline(params: Params) -> Path:
    """The few numbers of each method that DVC shows as metrics: `headline.json` beside the folder of the report."""
    return summary(params).with_name("headline.json")


def resume(params: Params, model: str, fold: int) -> Path:
    """State of an interrupted training, outside every output of the pipeline."""
    return RESUME / run(params, model).relative_to(MODELS) / f"fold_{fold}.safetensors"
