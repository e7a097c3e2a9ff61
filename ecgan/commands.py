"""What the commands share: their options, reading parameters, and how a mistake reaches the user.

Nothing heavy is imported until a command runs.
"""

import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from ecgan import completion
from ecgan.errors import EcganError, Interrupted, ended, nearest
from ecgan.files import unsayable, unusable
from ecgan.progress import Stopwatch
from ecgan.terminal import discard_results, flush_results, interruptible, prepare_streams, printable, say

if TYPE_CHECKING:
    from ecgan.config import Params
    from ecgan.references import Reference

T = TypeVar("T")
RED = 31
_BROKEN_PIPE = 141
_USAGE: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""Typer has no public name for it."""

SETTINGS: dict[str, Any] = {
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": "markdown",
    "context_settings": {"help_option_names": ["-h", "--help"]},
}
"""How every app behaves."""

Config = Annotated[Path, typer.Argument(help="Parameters, as `ecgan init` writes them.")]
Model = Annotated[
    str | None, typer.Option("--model", help="Only this model of the list `models`.", autocompletion=completion.models)
]
Fold = Annotated[int | None, typer.Option("--fold", min=0, help="Only this fold of the list `split.folds`.")]
Plugin = Annotated[list[Path] | None, typer.Option("--plugin", help="A Python file with parts of your own.")]
DatasetOption = Annotated[
    str,
    typer.Option(
        "-d", "--dataset", help="Dataset; `ecgan list datasets` shows them.", autocompletion=completion.datasets
    ),
]
Models = Annotated[
    list[str] | None, typer.Option("-m", "--model", help="Model; can be given again.", autocompletion=completion.models)
]
Kind = Annotated[
    str, typer.Argument(help=f"{', '.join(completion.KINDS[:-1])} or published.", autocompletion=completion.lists)
]
OutOption = Annotated[Path, typer.Option("-o", "--out", help="The file to write.")]
DataDir = Annotated[str, typer.Option("-l", "--data-dir", help="Folder of the data; later commands read it here.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what is there already.")]

Records = Annotated[
    list[str],
    typer.Argument(metavar="RECORD", help="Recordings, folders, '*.hea', @LIST, https://, s3:// …", show_default=False),
]
Cluster = Annotated[
    str | None,
    typer.Option("--cluster", help="Dask: local:N, tcp://HOST:PORT or tls://HOST:PORT; as ECGAN_CLUSTER."),
]
Leads = Annotated[
    str | None,
    typer.Option("--leads", help="The recording's leads that stand for the model's: II,V5; or auto."),
]
SamplingRate = Annotated[float | None, typer.Option("--sampling-rate", help="Hz, of files that do not say it.")]
Unit = Annotated[str | None, typer.Option("--unit", help="mV, uV or V, of files that do not say it; mV if none.")]
Gain = Annotated[
    float | None,
    typer.Option("--gain", help="ADC units per mV, of text and arrays that hold the counts of a converter."),
]
Baseline = Annotated[
    float | None, typer.Option("--baseline", help="The count at 0 mV, beside --gain; the median of each lead if none.")
]
Annotator = Annotated[
    str | None, typer.Option("--annotator", help="Take the beats from this annotation file: atr. Else detect R peaks.")
]
Strategy = Annotated[
    str | None,
    typer.Option(
        "--strategy",
        help="Which score decides; if none, the one best in validation without labels.",
        autocompletion=completion.strategies,
    ),
]
Decisions = Annotated[
    Path | None,
    typer.Option("--decisions", help="CSV that a page exported: annotate beats of the accepted families only."),
]
Threshold = Annotated[float | None, typer.Option("--threshold", help="Flag scores from here on, not as validated.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print JSON, a line for each recording, and no table.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say no more than warnings and errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say what was read, from where, and seconds a step.")]
TrainedRun = Annotated[
    str,
    typer.Option(
        "--model",
        help="Trained run: RUN[/fold_K][:best, :latest or :vNN]; all its folds if none.",
        autocompletion=completion.runs,
    ),
]
UsualRun = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="Trained run: RUN[/fold_K][:best, :latest or :vNN], published:NAME …; published:patient-specific if none.",
        autocompletion=completion.runs,
    ),
]
OneTrained = Annotated[
    str,
    typer.Option(
        "--model",
        help="Trained run: RUN[/fold_K][:best, :latest or :vNN]; its first fold if none.",
        autocompletion=completion.runs,
    ),
]
Repository = Annotated[
    Path | None,
    typer.Option(help="Say what DVC and Git would run, and where they would write outside, in this folder."),
]
RunName = Annotated[
    str | None, typer.Argument(help="Name of the run of a single model (one -m); left out: the model's name.")
]
OldSide = Annotated[str, typer.Argument(metavar="A", help="Run, dvc.lock, folder of reports or project; or in Git.")]
NewSide = Annotated[str, typer.Argument(metavar="B", help="The same kind of thing, which is compared with A.")]
OptionalDataset = Annotated[
    str | None,
    typer.Option(
        "-d",
        "--dataset",
        help="Dataset; `ecgan list datasets` shows them. Left out: ecgsyn.",
        autocompletion=completion.datasets,
    ),
]
Classical = Annotated[
    str | None,
    typer.Option(
        "-a",
        "--detector",
        help="Only this classical detector, which needs no model.",
        autocompletion=completion.detectors,
    ),
]
Names = Annotated[
    list[str] | None, typer.Argument(help="With -i: ENTITY PROJECT NAME. Without: the file to run, if any.")
]
InitOption = Annotated[str | None, typer.Option("-i", "--init", help="Write the file for this RUN[:VERSION].")]
OnnxOption = Annotated[Path, typer.Option("--out", "-o", help="The file to write, FILE.onnx.")]
Signals = Annotated[
    Path, typer.Option("--out", "-o", help="FILE.npy, float32 (N, L, C), or FILE.csv: sample, time, leads.")
]
GenerationMetrics = Annotated[
    Path | None,
    typer.Option("--metrics", help="Compare as many with the real samples of the run's data: FILE.json."),
]
Features = Annotated[
    str | None,
    typer.Option("--features", metavar="RUN", help="A trained cnn, for the Fréchet distance among the metrics."),
]
Figure = Annotated[Path | None, typer.Option("--figure", help="Draw the first samples as well: FILE.svg.")]
Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        help="A published variant of a model; `ecgan list presets` shows them. Its dataset: -d, or mitbih_beats.",
        autocompletion=completion.presets,
    ),
]


def load(config: Path, *, models: bool = False, plugin: list[Path] | None = None) -> "Params":
    """Read the parameters, after the plug-ins that the command line names, and compute as they say from here on."""
    from ecgan.config import load_params

    compute_as(config)
    use_plugins(plugin)
    return load_params(config, models=models)


def check(config: Path, plugin: list[Path] | None) -> "Params":
    """Read parameters to check them; of what they list as plug-ins only the project's own are run."""
    from ecgan.config import load_params

    compute_as(config)
    use_plugins(plugin)
    return load_params(config, plugins=config.absolute() == Path("params.yaml").absolute())


def look_into(repository: Path) -> None:
    """Say what is found in a repository; exit with 1 if it is anything."""
    from ecgan.repository import findings

    found = findings(repository)
    for line in found:
        typer.echo(line)
    if found:
        raise typer.Exit(1)
    say(f"{repository}: nothing leaves it, and nothing but ECGAN is run by DVC and Git")


def compute_as(config: Path) -> None:
    """Set the arithmetic that a file of parameters asks for; to be called before a stage is imported."""
    from ecgan.arithmetic import set_arithmetic
    from ecgan.config import arithmetic_of

    set_arithmetic(arithmetic_of(config))


def trained(model: str) -> "Reference":
    """Find a trained run, wherever it lies, and compute as it was trained from here on."""
    from ecgan.arithmetic import begin_again, set_arithmetic
    from ecgan.config import arithmetic_of
    from ecgan.references import folds_of, parse_reference
    from ecgan.runs.layout import part

    reference = parse_reference(model)
    wanted = arithmetic_of(part(reference.folder, "train", folds_of(reference)[0]) / "config.yml")
    begin_again(wanted)
    set_arithmetic(wanted)
    return reference


def chosen(params: "Params", model: str | None, fold: int | None) -> Iterator[tuple[str, int]]:
    """Yield the models × folds that the options leave."""
    from ecgan.registry import MODELS

    wanted = None if model is None else MODELS.resolve(model)
    folds = only(params.split.folds, fold, "split.folds")
    for name in only(params.models, wanted, "models"):
        for index in folds:
            yield name, index


def only(listed: list[T], wanted: T | None, key: str) -> list[T]:
    """Return the one item that is wanted, or all; `key` names the list in the message."""
    if wanted is None:
        return listed
    if wanted not in listed:
        raise EcganError(f"{wanted!r} is not in {key}: {listed}.", f"Add it to {key}, or name one that is listed.")
    return [wanted]


def guarded(app: Callable[..., Any]) -> NoReturn:
    """Run an app; a user's mistake is a message and status 1, an interruption one of 130 or 143, never a traceback."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait give way: up to ten times faster
    prepare_streams()
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module("ecgan._stages")  # of a wheel, which from here on are `stages`
    status = _status(app)
    try:
        flush_results()
    except BrokenPipeError:
        status = _BROKEN_PIPE
    except EcganError as error:
        _tell(error)
        status = 1
    if status == _BROKEN_PIPE:
        discard_results()
    sys.exit(status)


def _status(app: Callable[..., Any]) -> int:
    """Run an app, say what went wrong, and return the exit code."""
    try:
        with interruptible():
            return int(app(standalone_mode=False) or 0)
    except EcganError as error:
        _tell(error)
    except Interrupted as error:
        return _interrupted(error)
    except (BrokenPipeError, SystemExit) as error:
        return _ended(error)
    except MemoryError:
        _tell(
            EcganError(
                "there is not enough memory for this.",
                "End other programs, or take less at once: ECGAN_WORKERS=1, a smaller batch_size, fewer recordings.",
            )
        )
    except OSError as error:
        _tell(unusable(error))
    except UnicodeEncodeError as error:
        _tell(unsayable(error))
    except Exception as error:
        if (status := _misused(error)) is None:
            raise
        return status
    return 1


def _ended(error: BaseException) -> int:
    """Return the exit code of what ended by itself, or as nobody reads on: Typer ends with 1 then."""
    if isinstance(error, BrokenPipeError) or isinstance(error.__context__, BrokenPipeError):
        return _BROKEN_PIPE
    code = getattr(error, "code", None)
    if isinstance(code, str):
        say(code)
    return code if isinstance(code, int) else int(code is not None)


def _misused(error: Any) -> int | None:
    """Say what Typer makes of a command line that it does not understand; None if the error is another one."""
    if not isinstance(error, _USAGE):
        return None
    from typer.rich_utils import rich_format_error

    error.message = printable(error.message)
    rich_format_error(error)
    return int(error.exit_code)


def _interrupted(error: Interrupted) -> int:
    """Say that the user, or who acts for them, has had enough, what is kept and how to go on."""
    if os.environ.get("RANK", "0") == "0":  # of several processes that train together, one says it
        say("interrupted: the results from before stay as they were.")
        for note in getattr(error, "__notes__", []) or ["The same command begins again."]:
            say(note)
    return 128 + error.number


def _tell(error: EcganError) -> None:
    say(f"error: {ended(error.message) if not error.items else error.message}", RED)
    for item in error.items:
        say(f"  {item}", RED)
    if error.hint:
        say(error.hint)


def classic(command: Callable[..., None]) -> Callable[[], NoReturn]:
    """Make a function a classic command: the entry point of an app of its own."""
    app = typer.Typer(**SETTINGS)
    app.command()(command)

    @wraps(command)
    def run() -> NoReturn:
        guarded(app)

    return run


def use_cluster(address: str | None) -> None:
    """Let a cluster do the work that the command can share out."""
    if address is not None:
        os.environ["ECGAN_CLUSTER"] = address


def of_archive(to: str, **options: Any) -> bool:
    """Whether `ecgan score` is to make one data set; the options of one belong to no other."""
    if to not in (known := ["files", "parquet"]):
        raise EcganError(f"scores are not written as {to!r}{nearest(to, known)}", "Say --to files or --to parquet.")
    given = [f"--{name}" for name, value in options.items() if value]
    if to == "files" and (of_archives := [name for name in given if name != "--decisions"]):
        raise EcganError(f"{of_archives[0]} is of an archive.", "Say --to parquet as well.")
    if to == "parquet" and "--decisions" in given:
        raise EcganError("--decisions is of one recording, and --to parquet of an archive.", "Leave one of them out.")
    return to == "parquet"


def use_plugins(files: list[Path] | None) -> None:
    """Run the plug-ins that the command line names."""
    from ecgan.registry import load_plugins

    load_plugins([str(path) for path in files or []], Path())


def one_file(names: list[str] | None, default: Path) -> Path:
    """Return the one file that the arguments name, or the default."""
    if names and len(names) > 1:
        raise EcganError(f"one file is run at a time, not {' '.join(names)}.", "To write one, say -i RUN:VERSION.")
    return Path(names[0]) if names else default


@contextlib.contextmanager
def timed(what: str = "") -> Iterator[Callable[[], str]]:
    """Say what begins, if anything is to be said; give what a line at the end says of the time that the block took."""
    if what:
        say(what)
    watch = Stopwatch()
    with watch.step("took"):
        yield lambda: f" ({watch.seconds['took']:.1f} s)"


def tell_detection(params: "Params", metrics: dict[str, Any], parts: dict[str, Path], took: str) -> None:
    """Say in one line what a detection found, and tell the tracker, if there is one, the whole."""
    from ecgan.tracking.opening import track_detection

    track_detection(params, metrics, parts)
    best = ", ".join(f"{name} {entry['test']['auroc']:.3f}" for name, entry in metrics["strategies"].items())
    say(f"{metrics['method']}, fold {metrics['fold']}: AUROC {best}{took}")
