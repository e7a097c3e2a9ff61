"""The command line: one app `ecgan`, and the classic commands as thin aliases.

Heavy imports stand inside the commands, so that `ecgan --help` answers at once.
"""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from ecgan.errors import EcganError

if TYPE_CHECKING:
    from ecgan.config import Params

T = TypeVar("T")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train generative models on healthy heartbeats and flag the beats that they cannot explain.",
    epilog="The whole pipeline: `make repro`. One stage: `ecgan train params.yaml --model aegan --fold 0`.",
)

Config = Annotated[Path, typer.Argument(help="Parameters, as `ecgan init` writes them.")]
Model = Annotated[str | None, typer.Option("--model", help="Only this model of the list `models`.")]
Fold = Annotated[int | None, typer.Option("--fold", min=0, help="Only this fold of the list `split.folds`.")]
Plugin = Annotated[list[Path] | None, typer.Option("--plugin", help="A Python file with parts of your own.")]
DatasetOption = Annotated[str, typer.Option("-d", "--dataset", help="Dataset; `ecgan list datasets` shows them.")]
OutOption = Annotated[Path, typer.Option("-o", "--out", help="The file to write.")]
DataDir = Annotated[str, typer.Option("-l", "--data-dir", help="Folder of the data; later commands read it here.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the file if it is there.")]


def _load(config: Path, *, models: bool = False, plugin: list[Path] | None = None) -> "Params":
    from ecgan.config import load_params

    _plugins(plugin)
    return load_params(config, models=models)


def _say(message: str) -> None:
    typer.echo(message, err=True)


@app.command(epilog="Example: `ecgan init -d mitbih_beatgan -m aegan -m vaegan -o params.yaml --force ecgan mitbih`")
def init(
    entity: Annotated[str, typer.Argument(help="Who: the first part of the path of results.")] = "ecgan",
    project: Annotated[str, typer.Argument(help="What for: the second part.")] = "demo",
    run: Annotated[
        str | None, typer.Argument(help="Name of the run of a single model (one -m); left out: the model's name.")
    ] = None,
    dataset: DatasetOption = "ecgsyn",
    model: Annotated[list[str] | None, typer.Option("-m", "--model", help="Model; can be given again.")] = None,
    out: OutOption = Path("params.yaml"),
    data_dir: DataDir = "data",
    force: Force = False,
) -> None:
    """Write a commented file of parameters with the defaults of dataset and models."""
    from ecgan.config import render_params
    from ecgan.files import write_text

    if out.is_dir():
        raise EcganError(f"{out} is a folder.", "Name a file: -o FILE.")
    if out.exists() and not force:
        raise EcganError(f"{out} is there already.", "Say --force to overwrite it, or -o FILE to write another.")
    experiment = {"entity": entity, "project": project, "run": run, "data_dir": data_dir}
    text = render_params(dataset, model or ["aegan", "vaegan"], experiment)
    write_text(out, text)
    _say(f"wrote {out}")


@app.command(epilog="Example: `ECGAN_MIRROR=/path/to/mirror ecgan fetch`")
def fetch(config: Config = Path("params.yaml"), plugin: Plugin = None) -> None:
    """Download or simulate the raw files; finished, verified files are kept."""
    from stages import fetch as stage

    params = _load(config, plugin=plugin)
    folder = stage.run(params)
    _say(f"{params.dataset}: {sum(1 for _ in folder.iterdir())} files in {folder}")


@app.command(epilog="Example: `ecgan preprocess params.yaml`")
def preprocess(config: Config = Path("params.yaml"), plugin: Plugin = None) -> None:
    """Turn raw files into samples: `data.pkl`, `label.pkl`, `samples.csv`, `dataset.json`."""
    from stages import preprocess as stage

    about = stage.run(_load(config, plugin=plugin))
    counts = ", ".join(f"{name} {count:,}" for name, count in about.counts.items())
    _say(f"{about.name}: {sum(about.counts.values()):,} samples ({counts}), leads {', '.join(about.leads)}")


@app.command(epilog="Example: `ecgan split params.yaml`")
def split(config: Config = Path("params.yaml"), plugin: Plugin = None) -> None:
    """Divide the samples into training, validation and test, by the protocol `split.protocol`."""
    from stages import split as stage

    for fold in stage.run(_load(config, plugin=plugin)):
        _say(
            f"fold {fold.index}: {len(fold.train):,} train, {len(fold.vali):,} validation, {len(fold.test):,} test"
            f" ({fold.protocol})"
        )


@app.command(epilog="Several GPUs or folds: `ecgan train --model aegan --fold 0`, each in its own process.")
def train(config: Config = Path("params.yaml"), model: Model = None, fold: Fold = None, plugin: Plugin = None) -> None:
    """Train the models on the folds; an interrupted training is taken up where it stood."""
    from stages import train as stage

    params = _load(config, models=True, plugin=plugin)
    for name, index in _chosen(params, model, fold):
        stage.run(params, name, index)


@app.command(epilog="Example: `ecgan inverse --model aegan --fold 0`")
def inverse(
    config: Config = Path("params.yaml"), model: Model = None, fold: Fold = None, plugin: Plugin = None
) -> None:
    """Make the inverse mapping x ↦ z of trained models."""
    from stages import inverse as stage

    params = _load(config, models=True, plugin=plugin)
    for name, index in _chosen(params, model, fold):
        inversion = stage.run(params, name, index)
        _say(f"{name}, fold {index}: inverse mapping by {inversion.method}")


@app.command(epilog="Examples: `ecgan detect --model vaegan --fold 0`, `ecgan detect --detector knn`")
def detect(
    config: Config = Path("params.yaml"),
    model: Model = None,
    fold: Fold = None,
    detector: Annotated[
        str | None, typer.Option("-a", "--detector", help="Only this classical detector, which needs no model.")
    ] = None,
    plugin: Plugin = None,
) -> None:
    """Score the test beats with trained models and with classical detectors."""
    from stages import detect as stage

    if model is not None and detector is not None:
        raise EcganError("--model and --detector exclude each other.", "A classical detector needs no model: name one.")
    params = _load(config, models=detector is None, plugin=plugin)
    if detector is None:
        for name, index in _chosen(params, model, fold):
            _tell(stage.run_model(params, name, index))
    if model is None:
        for name in _only(params.detect.classical, detector, "detect.classical"):
            for index in _only(params.split.folds, fold, "split.folds"):
                _tell(stage.run_classical(params, name, index))


def _tell(metrics: dict[str, Any]) -> None:
    """Say in one line what a detection found."""
    best = ", ".join(f"{name} {entry['test']['auroc']:.3f}" for name, entry in metrics["strategies"].items())
    _say(f"{metrics['method']}, fold {metrics['fold']}: AUROC {best}")


@app.command(epilog="Example: `ecgan report params.yaml --readme README.md`")
def report(
    config: Config = Path("params.yaml"),
    readme: Annotated[Path | None, typer.Option(help="Renew the results table in this file as well.")] = None,
    plugin: Plugin = None,
) -> None:
    """Write the results table, figures, summary and page."""
    from stages import report as stage

    stage.run(_load(config, plugin=plugin), readme)


@app.command(epilog="Example: `ecgan info params.yaml` (exits with 1 if the file has a mistake)")
def info(
    config: Annotated[Path | None, typer.Argument(help="Parameters to check.")] = None,
    pipeline: Annotated[bool, typer.Option("--pipeline", help="Check also what `dvc repro` needs of them.")] = False,
    plugin: Plugin = None,
) -> None:
    """Check a file of parameters and show what this installation runs on."""
    from ecgan import about
    from ecgan.pipeline import check_pipeline

    params = None if config is None else _load(config, models=True, plugin=plugin)
    if config is not None and params is not None and pipeline:
        check_pipeline(config, params)
    for line in about.lines(params):
        typer.echo(line)


@app.command("list", epilog="Example: `ecgan list datasets`")
def list_parts(
    kind: Annotated[str, typer.Argument(help="datasets, models, detectors or protocols.")],
    plugin: Plugin = None,
) -> None:
    """Show the datasets, models, detectors or protocols that there are."""
    from ecgan import about

    _plugins(plugin)
    about.show(kind)


@app.callback(invoke_without_command=True)
def version_option(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Show the version when asked."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"ecgan {installed('ecgan')}")
        raise typer.Exit


def _chosen(params: "Params", model: str | None, fold: int | None) -> Iterator[tuple[str, int]]:
    """Yield the models × folds that the options leave."""
    from ecgan.registry import MODELS

    wanted = None if model is None else MODELS.resolve(model)
    folds = _only(params.split.folds, fold, "split.folds")
    for name in _only(params.models, wanted, "models"):
        for index in folds:
            yield name, index


def _only(listed: list[T], wanted: T | None, key: str) -> list[T]:
    if wanted is None:
        return listed
    if wanted not in listed:
        raise EcganError(f"{wanted!r} is not in {key}: {listed}.", f"Add it to {key}, or name one that is listed.")
    return [wanted]


def _guarded(call: Callable[[], Any]) -> NoReturn:
    """Run a command; a user's mistake is a message and status 1, never a traceback."""
    os.environ.setdefault(
        "OMP_WAIT_POLICY", "PASSIVE"
    )  # threads that wait give way: up to ten times faster on a busy machine
    try:
        call()
    except EcganError as error:
        typer.secho(f"error: {error.message}", fg="red", err=True)
        if error.hint:
            typer.echo(error.hint, err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(141)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        typer.secho(f"error: cannot use{where}: {error.strerror or error}", fg="red", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        sys.exit(130)
    sys.exit(0)


def main() -> NoReturn:
    """Entry point of `ecgan`."""
    _guarded(app)


def _single(command: Callable[..., None]) -> NoReturn:
    single = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    single.command()(command)
    _guarded(single)


def init_classic() -> NoReturn:
    """Entry point of `ecgan-init`."""

    def command(
        entity: Annotated[str, typer.Argument(help="Who.")],
        project: Annotated[str, typer.Argument(help="What for.")],
        run: Annotated[str, typer.Argument(help="Name of the run.")],
        dataset: DatasetOption = "mitbih_beatgan",
        model: Annotated[str, typer.Option("-m", "--model", help="Model.")] = "vaegan",
        out: OutOption = Path("config.yml"),
        data_dir: DataDir = "data",
        force: Force = False,
    ) -> None:
        """Write the parameters of one run: `ecgan-init -d mitbih_beatgan -m beatgan ENTITY PROJECT RUN`."""
        init(entity, project, run, dataset, [model], out, data_dir, force)

    _single(command)


def preprocess_classic() -> NoReturn:
    """Entry point of `ecgan-preprocess`."""

    def command(config: Config = Path("config.yml"), plugin: Plugin = None) -> None:
        """Fetch and preprocess the dataset that the file names."""
        fetch(config, plugin)
        preprocess(config, plugin)

    _single(command)


def train_classic() -> NoReturn:
    """Entry point of `ecgan-train`."""

    def command(config: Config = Path("config.yml"), plugin: Plugin = None) -> None:
        """Split the data and train on every fold that the file lists."""
        split(config, plugin)
        train(config, None, None, plugin)

    _single(command)


def detect_classic() -> NoReturn:
    """Entry point of `ecgan-detect`."""

    def command(
        names: Annotated[
            list[str] | None, typer.Argument(help="With -i: ENTITY PROJECT NAME. Without: the file to run, if any.")
        ] = None,
        model: Annotated[
            str | None, typer.Option("-i", "--init", help="Write the file for this RUN[:VERSION].")
        ] = None,
        out: OutOption = Path("ad_config.yml"),
        detector: Annotated[str, typer.Option("-a", "--detector", help="Detector.")] = "inverse_mapping",
        force: Force = False,
        plugin: Plugin = None,
    ) -> None:
        """Detect anomalies with a trained run: first `-i RUN:VERSION ENTITY PROJECT NAME`, then without options."""
        from stages import classic

        _plugins(plugin)
        if model is None:
            classic.detect(_one_file(names, out))
        else:
            classic.write_detection(model, names or [], out, detector, force=force)
            _say(f"wrote {out}; now run: ecgan-detect {'' if out == Path('ad_config.yml') else out}")

    _single(command)


def inverse_classic() -> NoReturn:
    """Entry point of `ecgan-inverse`."""

    def command(
        config: Annotated[Path | None, typer.Argument(help="The file to run.")] = None,
        model: Annotated[
            str | None, typer.Option("-i", "--init", help="Write the file for this RUN[:VERSION].")
        ] = None,
        out: OutOption = Path("inverse_config.yml"),
        force: Force = False,
        plugin: Plugin = None,
    ) -> None:
        """Make the inverse mapping of a trained run: first `-i RUN:VERSION`, then without options."""
        from stages import classic

        _plugins(plugin)
        if model is None:
            classic.inverse(config or out)
        else:
            classic.write_inverse(model, out, force=force)
            _say(f"wrote {out}; now run: ecgan-inverse {'' if out == Path('inverse_config.yml') else out}")

    _single(command)


def _plugins(files: list[Path] | None) -> None:
    from ecgan.registry import load_plugins

    load_plugins([str(path) for path in files or []], Path())


def _one_file(names: list[str] | None, default: Path) -> Path:
    if names and len(names) > 1:
        raise EcganError(f"one file is run at a time, not {' '.join(names)}.", "To write one, say -i RUN:VERSION.")
    return Path(names[0]) if names else default
