"""The command line: one app `ecgan`, and the classic commands as thin aliases.

Heavy imports stand inside the commands, so that `ecgan --help` answers at once.
"""

from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from ecgan import commands as cmd
from ecgan.errors import EcganError
from ecgan.terminal import quoted, say, write_json, write_line

app = typer.Typer(
    **cmd.SETTINGS | {"add_completion": True},
    no_args_is_help=True,
    help="Train generative models on healthy heartbeats and flag the beats that they cannot explain.",
    epilog="The whole pipeline: `make repro`. One stage: `ecgan train params.yaml --model aegan --fold 0`.",
)


@app.command(
    epilog="Examples: `ecgan init -d mitbih_beatgan -m aegan -m vaegan --force ecgan mitbih`,"
    " `ecgan init --preset beta-vaegan-2 --force`"
)
def init(
    entity: Annotated[str, typer.Argument(help="Who: the first part of the path of results.")] = "ecgan",
    project: Annotated[str, typer.Argument(help="What for: the second part.")] = "demo",
    run: cmd.RunName = None,
    dataset: cmd.OptionalDataset = None,
    model: cmd.Models = None,
    out: cmd.OutOption = Path("params.yaml"),
    data_dir: cmd.DataDir = "data",
    force: cmd.Force = False,
    preset: cmd.Preset = None,
    plugin: cmd.Plugin = None,
) -> None:
    """Write a commented file of parameters with the defaults of dataset and models, or those of a published variant."""
    from ecgan.presets import write_parameters

    experiment = {"entity": entity, "project": project, "run": run, "data_dir": data_dir}
    notes = write_parameters(out, dataset, model, preset, experiment, plugins=plugin or [], force=force)
    say("\n".join([f"wrote {out}", *notes]))


@app.command(
    epilog="Examples: `ecgan new mine`, `ecgan new mine -d mitbih_beats -m vaegan`,"
    " `ecgan new mine --published https://example.org/published`"
)
def new(
    folder: Annotated[Path, typer.Argument(help="The project's folder; new, or empty.")],
    dataset: cmd.OptionalDataset = None,
    model: cmd.Models = None,
    preset: cmd.Preset = None,
    published: Annotated[
        str | None, typer.Option("--published", help="DVC remote of published models: a clone's published/, or a URL.")
    ] = None,
) -> None:
    """Begin a project: a pipeline that `dvc repro` runs, its parameters, folders for your plug-ins and recordings.

    It uses the ECGAN that is installed; a clone of ECGAN is one already and needs no other.
    """
    from ecgan.project import begin

    notes = begin(folder, dataset, model, preset, published)
    say("\n".join([f"made {folder}", *notes]))
    say(f"Go on with: cd {quoted(folder)} && dvc repro")


@app.command(epilog="Examples: `ECGAN_MIRROR=/path/to/mirror ecgan fetch`, `ecgan fetch --cluster tls://HOST:8786`")
def fetch(config: cmd.Config = Path("params.yaml"), plugin: cmd.Plugin = None, cluster: cmd.Cluster = None) -> None:
    """Download or simulate the raw files; finished, verified files are kept."""
    cmd.use_cluster(cluster)
    params = cmd.load(config, plugin=plugin)
    from ecgan.seals import NAME as SEAL
    from stages import fetch as stage

    with cmd.timed() as took:
        folder = stage.run(params)
    count = sum(file.is_file() and file.name != SEAL for file in folder.rglob("*"))
    say(f"{params.dataset}: {count:,} file{'' if count == 1 else 's'} in {folder}{took()}")


@app.command(epilog="Example: `ecgan preprocess params.yaml`")
def preprocess(
    config: cmd.Config = Path("params.yaml"), plugin: cmd.Plugin = None, cluster: cmd.Cluster = None
) -> None:
    """Turn raw files into samples: `data.pkl`, `label.pkl`, `samples.csv`, `dataset.json`."""
    cmd.use_cluster(cluster)
    params = cmd.load(config, plugin=plugin)
    from stages import preprocess as stage

    with cmd.timed() as took:
        about = stage.run(params)
    counts = ", ".join(f"{name} {count:,}" for name, count in about.counts.items())
    say(f"{about.name}: {sum(about.counts.values()):,} samples ({counts}), leads {', '.join(about.leads)}{took()}")


@app.command(epilog="Example: `ecgan split params.yaml`")
def split(config: cmd.Config = Path("params.yaml"), plugin: cmd.Plugin = None) -> None:
    """Divide the samples into training, validation and test, by the protocol `split.protocol`."""
    params = cmd.load(config, plugin=plugin)
    from stages import split as stage

    for fold in stage.run(params):
        sizes = f"{len(fold.train):,} train, {len(fold.vali):,} validation, {len(fold.test):,} test"
        say(f"fold {fold.index}: {sizes} ({fold.protocol})")


@app.command(epilog="On two GPUs: `torchrun --standalone --nproc-per-node 2 -m ecgan train --model aegan --fold 0`")
def train(
    config: cmd.Config = Path("params.yaml"), model: cmd.Model = None, fold: cmd.Fold = None, plugin: cmd.Plugin = None
) -> None:
    """Train the models on the folds; an interrupted training is taken up where it stood."""
    from ecgan.training.joining import together

    cmd.compute_as(config)
    with together("train", str(config), model=model, fold=fold, plugin=plugin):
        params = cmd.load(config, models=True, plugin=plugin)
        from stages import train as stage

        for name, index in cmd.chosen(params, model, fold):
            stage.run(params, name, index)


@app.command(epilog="Example: `ecgan inverse --model aegan --fold 0`")
def inverse(
    config: cmd.Config = Path("params.yaml"), model: cmd.Model = None, fold: cmd.Fold = None, plugin: cmd.Plugin = None
) -> None:
    """Make the inverse mapping x ↦ z of trained models."""
    params = cmd.load(config, models=True, plugin=plugin)
    from stages import inverse as stage

    for name, index in cmd.chosen(params, model, fold):
        with cmd.timed() as took:
            inversion = stage.run(params, name, index)
        say(f"{name}, fold {index}: inverse mapping by {inversion.name}{took()}")


@app.command(epilog="Examples: `ecgan detect --model vaegan --fold 0`, `ecgan detect --detector knn`")
def detect(
    config: cmd.Config = Path("params.yaml"),
    model: cmd.Model = None,
    fold: cmd.Fold = None,
    detector: cmd.Classical = None,
    plugin: cmd.Plugin = None,
) -> None:
    """Score the test beats with trained models and with classical detectors."""
    if model is not None and detector is not None:
        raise EcganError("--model and --detector exclude each other.", "A classical detector needs no model: name one.")
    params = cmd.load(config, models=detector is None, plugin=plugin)
    from stages import detect as stage
    from stages import paths

    if detector is None:
        for name, index in cmd.chosen(params, model, fold):
            with cmd.timed(f"{name}, fold {index}: scoring its test samples with {params.detect.detector}") as took:
                found = stage.run_model(params, name, index)
            cmd.tell_detection(params, found, paths.parts(params, name, index), took())
    if model is None:
        for name in cmd.only(params.detect.classical, detector, "detect.classical"):
            for index in cmd.only(params.split.folds, fold, "split.folds"):
                with cmd.timed(f"{name}, fold {index}: learning the normal training samples, scoring the test") as took:
                    found = stage.run_classical(params, name, index)
                cmd.tell_detection(params, found, paths.parts(params, name, index, classical=True), took())


@app.command(epilog="Example: `ecgan generate --model models/ecgan/demo/aegan/fold_0 -n 1000 --out beats.npy`")
def generate(
    model: cmd.OneTrained,
    count: Annotated[int, typer.Option("-n", "--count", help="How many samples.")],
    out: cmd.Signals = Path("generated.npy"),
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same file.")] = 0,
    figure: cmd.Figure = None,
    metrics: cmd.GenerationMetrics = None,
    features: cmd.Features = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
    plugin: cmd.Plugin = None,
) -> None:
    """Generate signals with a trained model, in the unit of its data.

    Beside FILE, FILE.json says what is in it: leads, sampling rate, unit, model, seed.
    """
    run = cmd.trained(model)
    classifier = None if features is None else cmd.trained(features)
    cmd.use_plugins(plugin)
    from stages import generate as stage

    given: dict[str, Any] = {"figure": figure, "metrics": metrics, "features": classifier}
    for line in stage.run(run, count, out, seed=seed, **given, force=force):
        say(line)


@app.command(
    epilog="Examples: `ecgan score 100.hea`, `ecgan score *.edf --model models/ecgan/demo/aegan`,"
    " `ecgan score lead.npy --sampling-rate 250 --leads 1 --model RUN/fold_0 --out mine`,"
    " `ecgan score ARCHIVE --to parquet --pages 100 --out mine`"
)
def score(
    records: cmd.Records,
    model: cmd.UsualRun = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the results; made if need be.")] = Path("scores"),
    leads: cmd.Leads = None,
    sampling_rate: cmd.SamplingRate = None,
    unit: cmd.Unit = None,
    gain: cmd.Gain = None,
    baseline: cmd.Baseline = None,
    annotator: cmd.Annotator = None,
    strategy: cmd.Strategy = None,
    threshold: cmd.Threshold = None,
    decisions: cmd.Decisions = None,
    force: cmd.Force = False,
    to: Annotated[
        str, typer.Option("--to", help="files: those below, of each; parquet: one data set, of an archive.")
    ] = "files",
    page: Annotated[
        list[str] | None, typer.Option("--page", help="With parquet: a recording that gets a page. Repeatable.")
    ] = None,
    pages: Annotated[
        int, typer.Option("--pages", min=0, help="With parquet: so many that lead the ranking get one.")
    ] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="With parquet: go on with what is not yet done.")] = False,
    cluster: cmd.Cluster = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a line of JSON for each recording, and no table.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say no more than errors and warnings.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say what is read, from where, seconds a step.")
    ] = False,
    plugin: cmd.Plugin = None,
) -> None:
    """Score recordings of your own: WFDB, EDF, CSV, NPY, formats of hospitals; here or behind a URL.

    Of each: RECORD.html, a page; RECORD.csv, one row a beat; RECORD.families.csv, flagged beats of one shape;
    RECORD.episodes.csv, flagged beats in a row, noise, irregular rhythm; RECORD.ecgan, WFDB annotations;
    RECORD.json, a summary.
    Of several: summary.csv and summary.html.
    With `--to parquet` of all together: recordings, beats, families and episodes as one data set, and summary.html.
    """
    from ecgan.scoring.usual import USUAL

    runs = {count: cmd.trained(name) for count, name in USUAL.items()} if model is None else cmd.trained(model)
    cmd.use_plugins(plugin)
    from ecgan.remotes.recordings import is_url
    from ecgan.scoring.console import Manner

    cmd.use_cluster(cluster)
    reading = {"sampling_rate": sampling_rate, "unit": unit, "gain": gain, "baseline": baseline, "annotator": annotator}
    settings: dict[str, Any] = {**reading, "leads": leads, "strategy": strategy, "threshold": threshold, "force": force}
    settings["manner"] = Manner(as_json=as_json, quiet=quiet, verbose=verbose)
    if cmd.of_archive(to, pages=pages, page=page, resume=resume, cluster=cluster, decisions=decisions):
        from stages import archive

        whole = archive.run(
            records, runs, out, **settings, pages=pages, named=page or [], plugins=plugin or [], resume=resume
        )
    else:
        from ecgan.scoring.inputs import expand
        from stages import score as stage

        places = [text if is_url(text) else Path(text) for text in expand(records)]
        whole = stage.run(places, runs, out, **settings, decisions=decisions)
    if not whole:
        raise typer.Exit(1)


@app.command(epilog="Example: `ecgan export --model models/ecgan/demo/aegan/fold_0 --out aegan.onnx`")
def export(
    model: cmd.TrainedRun,
    out: cmd.OnnxOption = Path("model.onnx"),
    strategy: cmd.Strategy = None,
    threshold: cmd.Threshold = None,
    force: cmd.Force = False,
    plugin: cmd.Plugin = None,
) -> None:
    """Write a trained run as ONNX: from cut samples to components, score and decision, for use without ECGAN."""
    run = cmd.trained(model)
    cmd.use_plugins(plugin)
    from stages import export as stage

    for line in stage.run(run, out, strategy=strategy, threshold=threshold, force=force):
        say(line)


@app.command(
    epilog="Examples: `ecgan publish models/ecgan/demo/aegan/fold_0 demo-aegan`,"
    " `ecgan publish RUN/fold_0 NAME --notes notes.md --results reports/detect/RUN --no-push`"
)
def publish(
    model: Annotated[str, typer.Argument(metavar="REF", help="Trained run: RUN[/fold_K]; all its folds if none.")],
    name: Annotated[str, typer.Argument(help="Name of the published model: beta-vaegan-2.")],
    results: Annotated[
        Path | None, typer.Option("--results", help="Folder of its detection's results; reports/detect/RUN if none.")
    ] = None,
    notes: Annotated[Path | None, typer.Option("--notes", help="Markdown: where it fails. Goes into the card.")] = None,
    licence: Annotated[str, typer.Option("--licence", help="Of the weights, an SPDX identifier.")] = "MIT",
    push: Annotated[bool, typer.Option("--push/--no-push", help="Add to DVC, and push this one model.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace a model of that name.")] = False,
    plugin: cmd.Plugin = None,
) -> None:
    """Publish a run: models/published/NAME with its hashes and a model card, pushed to the remote `published`."""
    run = cmd.trained(model)
    cmd.use_plugins(plugin)
    from stages import publish as stage

    settings: dict[str, Any] = {"results": results, "notes": notes, "licence": licence, "push": push}
    for line in stage.run(run, name, **settings, force=force):
        say(line)


@app.command(epilog="Example: `ecgan report params.yaml --readme README.md`")
def report(
    config: cmd.Config = Path("params.yaml"),
    readme: Annotated[Path | None, typer.Option(help="Renew the results table in this file as well.")] = None,
    plugin: cmd.Plugin = None,
) -> None:
    """Write the results table, figures, summary and page."""
    params = cmd.load(config, plugin=plugin)
    from stages import paths
    from stages import report as stage

    with cmd.timed("report: a table, figures and a page of all results") as took:
        stage.run(params, readme)
    say(f"wrote {paths.summary(params) / 'index.html'}{took()}")


@app.command(
    epilog="Examples: `ecgan compare` (the project against its last commit), `ecgan compare HEAD:reports reports`,"
    " `ecgan compare HEAD~3 dvc.lock`, `ecgan compare ../other/models/ecgan/demo/aegan models/ecgan/demo/aegan --json`"
)
def compare(
    old: cmd.OldSide = "HEAD",
    new: cmd.NewSide = ".",
    everything: Annotated[bool, typer.Option("--all", help="Show every difference on a terminal, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say which numbers of B moved against those of A, by how much, and whether that is within the report's tolerance.

    A and B are two runs, two files dvc.lock, two folders of reports or two projects (lock and reports). In Git they are
    `REVISION:PATH`; a `REVISION` alone means the same path as the other one's. The exit code is 0 if all is the same or
    within the tolerance, else 1.
    """
    from ecgan.comparing import showing
    from stages import compare as stage

    sections = stage.run(old, new)
    if as_json:
        write_json(showing.as_document(sections, old, new))
    else:
        showing.show(sections, old, new, everything=everything)
    for sentence in showing.sentences(sections):
        say(sentence)
    if not showing.agree(sections):
        raise typer.Exit(1)


@app.command(
    epilog="Examples: `ecgan trace AUROC aegan`, `ecgan trace mcc vaegan --strategy smoothed`,"
    " `ecgan trace ppv knn --fold 1 --json`, `ecgan trace AUROC paper/rows/DATASET/PROTOCOL/ROW/FOLD/plain.json`"
)
def trace(
    metric: Annotated[str, typer.Argument(help="AUROC, F1, a column of results.csv, a key of metrics.json, …")],
    method: Annotated[
        str, typer.Argument(metavar="MODEL", help="Model or classical detector: the row of the table; or FILE.json.")
    ],
    fold: Annotated[int | None, typer.Option("--fold", help="One fold; left out: the mean over the folds.")] = None,
    strategy: Annotated[str | None, typer.Option("--strategy", help="Left out: the one that decides.")] = None,
    params: Annotated[Path, typer.Option("--params", help="The file of parameters.")] = Path("params.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with parameters, data and code.")] = False,
) -> None:
    """Say where a number of the results came from: file, stage, command, parameters, data, commit.

    Files are compared with the hashes in dvc.lock. The exit code is 1 if one is not what dvc.lock says.
    """
    from ecgan.provenance.tracing import lines
    from stages import trace as command

    found = command.run(metric, method, params, fold, strategy)
    if as_json:
        write_json(found)
    else:
        for line in lines(found):
            write_line(line)
    if found["problems"]:
        raise typer.Exit(1)


@app.command(epilog="Example: `ecgan crate`, after `dvc pull` or `dvc repro`")
def crate(config: cmd.Config = Path("params.yaml"), plugin: cmd.Plugin = None) -> None:
    """Describe the run in dvc.lock for other programs: ro-crate-metadata.json and croissant.json.

    As RO-Crate and Croissant: inputs with hashes and licence, stages with commands, parameters and outputs, code,
    environment. Both files lie in the project's folder, which is the crate.
    """
    params = cmd.load(config, plugin=plugin)
    from stages import crate as command

    for line in command.run(params):
        say(line)


@app.command(
    epilog="Examples: `ecgan info params.yaml` (exits with 1 if the file has a mistake), `ecgan info --repository .`"
)
def info(
    config: Annotated[Path | None, typer.Argument(help="Parameters to check.")] = None,
    pipeline: Annotated[bool, typer.Option("--pipeline", help="Check and renew what `dvc repro` needs.")] = False,
    repository: cmd.Repository = None,
    plugin: cmd.Plugin = None,
) -> None:
    """Check a file of parameters and show what this installation runs on.

    Plug-ins that the file lists are run of `params.yaml` in this folder alone; of another file name them: --plugin.
    """
    from ecgan import about
    from ecgan.pipeline import check_pipeline, renew_links

    if repository is not None:
        cmd.look_into(repository)
        return
    config = Path("params.yaml") if config is None and pipeline else config
    params = None if config is None else cmd.check(config, plugin)
    if config is not None and params is not None and pipeline:
        check_pipeline(config, params)
        renew_links(params)
    for line in about.lines(params):
        write_line(line)


@app.command(epilog="Example: `ecgan seal models/ecgan/demo/aegan`, a run from before runs were sealed")
def seal(model: Annotated[str, typer.Argument(metavar="RUN", help="The run, RUN[/fold_K].")]) -> None:
    """Say of a run, as it is, that it is sound: note size and SHA-256 of its files, which are compared at each use.

    Training does that itself. It is needed for runs from before that, and for files that were changed on purpose.
    """
    from ecgan.references import folds_of, parse_reference
    from ecgan.runs.layout import PARTS, part
    from ecgan.seals import NAME, seal

    run = parse_reference(model)
    for folder in (part(run.folder, name, fold) for fold in folds_of(run) for name in PARTS):
        if folder.is_dir():
            seal(folder)
            say(f"wrote {folder / NAME}")


@app.command("list", epilog="Examples: `ecgan list datasets`, `ecgan list models --json`")
def list_parts(
    kind: cmd.Kind,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
    plugin: cmd.Plugin = None,
) -> None:
    """Show what there is, with source, size and licence; into a pipe one part a line, with tabs between the fields."""
    from ecgan.listing import show

    cmd.use_plugins(plugin)
    show(kind, as_json=as_json)


@app.callback(invoke_without_command=True)
def version_option(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Show the version when asked."""
    if version:
        from importlib.metadata import version as installed

        write_line(f"ecgan {installed('ecgan')}")
        raise typer.Exit


def main() -> NoReturn:
    """Entry point of `ecgan`."""
    cmd.guarded(app)


@cmd.classic
def init_classic(
    entity: Annotated[str, typer.Argument(help="Who.")],
    project: Annotated[str, typer.Argument(help="What for.")],
    run: Annotated[str, typer.Argument(help="Name of the run.")],
    dataset: cmd.DatasetOption = "mitbih_beats",
    model: Annotated[str, typer.Option("-m", "--model", help="Model.")] = "vaegan",
    out: cmd.OutOption = Path("config.yml"),
    data_dir: cmd.DataDir = "data",
    force: cmd.Force = False,
) -> None:
    """Write the parameters of one run: `ecgan-init -d mitbih_beats -m vaegan ENTITY PROJECT RUN`."""
    init(entity, project, run, dataset, [model], out, data_dir, force)


@cmd.classic
def preprocess_classic(config: cmd.Config = Path("config.yml"), plugin: cmd.Plugin = None) -> None:
    """Fetch and preprocess the dataset that the file names."""
    fetch(config, plugin)
    preprocess(config, plugin)


@cmd.classic
def train_classic(config: cmd.Config = Path("config.yml"), plugin: cmd.Plugin = None) -> None:
    """Split the data and train on every fold that the file lists."""
    split(config, plugin)
    train(config, None, None, plugin)


@cmd.classic
def detect_classic(
    names: cmd.Names = None,
    model: cmd.InitOption = None,
    out: cmd.OutOption = Path("ad_config.yml"),
    detector: Annotated[
        str | None, typer.Option("-a", "--detector", help="Detector; `ecgan list detectors` shows them.")
    ] = None,
    force: cmd.Force = False,
    plugin: cmd.Plugin = None,
) -> None:
    """Detect anomalies with a trained run: first `-i RUN:VERSION ENTITY PROJECT NAME`, then without options."""
    if model is None:
        cmd.compute_as(cmd.one_file(names, out))
    cmd.use_plugins(plugin)
    from stages import classic

    if model is None:
        classic.detect(cmd.one_file(names, out))
    else:
        classic.write_detection(model, names or [], out, detector, force=force)
        say(f"wrote {out}; now run: ecgan-detect{'' if out == Path('ad_config.yml') else f' {quoted(out)}'}")


@cmd.classic
def inverse_classic(
    config: Annotated[Path | None, typer.Argument(help="The file to run.")] = None,
    model: cmd.InitOption = None,
    out: cmd.OutOption = Path("inverse_config.yml"),
    force: cmd.Force = False,
    plugin: cmd.Plugin = None,
) -> None:
    """Make the inverse mapping of a trained run: first `-i RUN:VERSION`, then without options."""
    if model is None:
        cmd.compute_as(config or out)
    cmd.use_plugins(plugin)
    from stages import classic

    if model is None:
        classic.inverse(config or out)
    else:
        classic.write_inverse(model, out, force=force)
        say(f"wrote {out}; now run: ecgan-inverse{'' if out == Path('inverse_config.yml') else f' {quoted(out)}'}")
