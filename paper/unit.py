"""What the tables of docs/paper.md are made of, one piece at a time; `paper/dvc.yaml` names the pieces.

    python unit.py raw mitdb                     # fetch: PhysioNet, or the copy that ECGAN_MIRROR names
    python unit.py data mitbih_beatgan           # preprocess and split
    python unit.py row beatgan aegan 0 0         # one row: table, row, fold, seed

The pipeline's own stages train, invert and detect, in a folder of the row's own below `.ecgan/paper`, on one thread in
portable arithmetic: the same bytes on every x86-64 processor with AVX2. What stays is a file for each strategy in
`rows/<data>/<protocol>/<row>/fold_<k>_seed_<s>/`, and of protocols by patient `records.csv`. An interrupted training is
taken up where it stood.
"""

import contextlib
import copy
import functools
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))  # `stages` and `ecgan` of this checkout

from ecgan.arithmetic import set_arithmetic  # noqa: E402
from ecgan.errors import EcganError  # noqa: E402

PARAMS = HERE / "params.yaml"
WORK = ROOT / ".ecgan" / "paper"
DATA = HERE / "data"
LOOKS = HERE / "looks.csv"
CUDA = os.environ.get("ECGAN_DEVICE", "").startswith("cuda")
OUT = Path(os.environ.get("ECGAN_PAPER_OUT") or HERE / ("rows-cuda" if CUDA else "rows"))
BEHAVIOUR = HERE / "behaviour.json"
NOTED_S = 15.0
"""How often the CPU seconds of a stage are written down."""
MAY_DIFFER = ("cpu_seconds", "commit", "parameters_sha256")
"""What a file of a row says that another commit may say otherwise: parameters that it adds have their defaults."""

Table = dict[str, Any]


def asked() -> tuple[dict[str, Any], dict[str, Any], dict[str, Table]]:
    """What `params.yaml` says: raw files, data sets and tables by name, those of databases elsewhere among them."""
    found = copy.deepcopy(_said())
    optional, raw, data = (found.pop(key) for key in ("optional", "raw", "data"))
    others = {name: table | {"optional": True} for name, table in optional["tables"].items()}
    return raw | optional["raw"], data | optional["data"], found | others


@functools.cache
def _said() -> dict[str, Any]:
    said: dict[str, Any] = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    return said


def folder_of(table: str, row: str, fold: int, seed: int) -> Path:
    """Where the files of a unit lie, below the folder of rows."""
    _, sets, tables = asked()
    name = tables[table]["data"]
    return Path(name, sets[name]["split"]["protocol"], row) / f"fold_{fold}_seed_{seed}"


def fetch(name: str) -> None:
    """Fetch what data sets are cut from; Wafer from the folder ECGAN_WAFER where that is named."""
    from ecgan.files import sole_writer
    from ecgan.registry import DATASETS
    from ecgan.seals import seal

    spec = asked()[0][name]
    options = spec.get("fetch", {})
    if name == "wafer" and (folder := os.environ.get("ECGAN_WAFER")):
        options = {"source": folder}
    dataset = DATASETS.get(spec["dataset"])()
    with sole_writer(DATA / "raw" / name, clear=False) as raw:
        dataset.fetch(raw, dataset.Fetch(**options), seed=0)
        seal(raw)


def prepare(name: str) -> None:
    """Cut the samples of a data set and divide them."""
    from stages import preprocess, split

    spec = asked()[1][name]
    files = DATA / "raw" / spec["raw"]
    raw = DATA / name / spec["dataset"] / "raw"
    raw.parent.mkdir(parents=True, exist_ok=True)
    raw.unlink(missing_ok=True)
    raw.symlink_to(os.path.relpath(files, raw.parent))
    if "without" in spec:
        marked = [line for line in (files / "RECORDS").read_text().split() if (files / f"{line}.atr").is_file()]
        spec["preprocess"]["records"] = [record for record in marked if record not in spec["without"]]
    with working(WORK / "data" / name, DATA / name):
        params = parameters(spec, {"detector": "pca"}, spec.get("seed", 0))
        preprocess.run(params)
        split.run(params)
    raw.unlink()


@contextlib.contextmanager
def working(folder: Path, data: Path) -> Iterator[Path]:
    """Work in a folder of its own, in which `data` leads to a data set."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data").unlink(missing_ok=True)
    (folder / "data").symlink_to(data)
    with contextlib.chdir(folder):
        yield folder


def parameters(data: dict[str, Any], row: dict[str, Any], seed: int, fold: int = 0) -> Any:
    """Write and read the parameters of one unit, in the folder that is worked in."""
    from ecgan.config import load_params, render_params
    from ecgan.config.checking import overlay
    from ecgan.presets import find

    dataset = data["dataset"]
    changes: dict[str, Any] = {"plugins": [os.path.relpath(HERE / "parts.py")]}
    model = row.get("model", "autoencoder")  # a detector without a model is computed beside one
    if "preset" in row:
        preset = find(row["preset"])
        model, changes = preset.model, overlay(changes, preset.overrides(dataset))
    leads = row.get("leads", data.get("leads"))
    train: dict[str, Any] = {"leads": None if leads == "all" else leads, "evaluate_every": 1}
    train["generation"] = {"metrics": [], "figures": False}  # what is generated has tables of its own
    if "epochs" in row and not CUDA:
        train["epochs"] = row["epochs"]
    own = {"runtime": {"seed": seed, "threads": 1}, "split": dict(data["split"]), "train": train}
    own["split"]["folds"] = [fold]
    if "preprocess" in data:
        own["preprocess"] = data["preprocess"]
    if "detector" in row:
        own["detect"] = {"classical": [row["detector"]]}
        own["detectors"] = {row["detector"]: {}}
    changes = overlay(overlay(overlay(changes, own), data.get("set", {})), row.get("set", {}))
    Path("params.yaml").write_text(render_params(dataset, [model], overrides=changes), encoding="utf-8")
    return load_params("params.yaml")


def row(table: str, name: str, fold: int, seed: int) -> None:
    """Compute one unit and write its files."""
    _, sets, tables = asked()
    about, data, place = tables[table]["rows"][name], sets[tables[table]["data"]], folder_of(table, name, fold, seed)
    with working(WORK / place, DATA / tables[table]["data"]) as work:
        params = parameters(data, about, seed, fold)
        seconds, metrics, scores = compute(params, about, fold)
        patients = params.split.protocol.startswith("interpatient")
        records = by_record(params, metrics, scores) if patients else None
    shared = {
        "table": table,
        "dataset": params.dataset,
        "protocol": params.split.protocol,
        "row": name,
        "model": None if "detector" in about else params.models[0],
        "detector": metrics["detector"],
        "fold": fold,
        "seed": seed,
        "leads": metrics["leads"],
        "context": metrics["context"],
        "counts": metrics["counts"],
        "version": metrics["version"],
        "parameters_sha256": hashlib.sha256((work / "params.yaml").read_bytes()).hexdigest(),
        "data_sha256": metrics["data_sha256"],
        "behaviour": json.loads(BEHAVIOUR.read_text(encoding="utf-8"))["version"] + about.get("moved", 0),
        "epochs": None if "detector" in about else params.train.epochs,
        "budget_minutes": about.get("budget"),
        "cpu_seconds": seconds,
        "commit": commit(),
    }
    target = OUT / place
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for strategy, figures in files(metrics).items():
        text = json.dumps(shared | {"strategy": strategy} | figures, indent=1, ensure_ascii=False)
        (target / f"{strategy}.json").write_text(text + "\n", encoding="utf-8")
    if records is not None:
        (target / "records.csv").write_text(records, encoding="utf-8")
    if tables[table]["data"] == "mitbih":
        look(table, name, seed, target)
    shutil.rmtree(work)


def compute(params: Any, about: dict[str, Any], fold: int) -> tuple[dict[str, float], dict[str, Any], Any]:
    """Run the stages; return CPU seconds of each, the metrics and the scores of the test set."""
    from ecgan.evaluation.result import Result
    from ecgan.preprocessing.processed import load_processed
    from stages import detect, inverse, paths, train

    seconds: dict[str, float] = {}

    def timed(stage: str, function: Callable[..., Any], *arguments: Any) -> None:
        with counted(Path(f"cpu_{stage}.txt").absolute()) as spent:
            function(*arguments)
        seconds[stage] = round(spent(), 1)

    if "detector" in about:
        name = about["detector"]
        timed("detect", detect.run_classical, params, name, fold)
    else:
        name = params.models[0]
        for stage, function in (("train", train.run), ("inverse", inverse.run), ("detect", detect.run_model)):
            timed(stage, function, params, name, fold)
    result = Result.read(paths.report(params, "detect", name, fold))
    metrics = result.metrics | {"data_sha256": load_processed(paths.processed(params)).sha256}
    return seconds, metrics, result.scores


def files(metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What is kept of each strategy."""
    kept = {"supervision": "supervision", "threshold": "threshold", "parameters": "fitted"}
    kept |= {"validation": "validation", "test": "test"}
    return {name: {own: entry[key] for key, own in kept.items()} for name, entry in metrics["strategies"].items()}


def by_record(params: Any, metrics: dict[str, Any], scores: Any) -> str:
    """Operating points of each test record: what is flagged, and false alarms an hour."""
    from ecgan.evaluation.ranking import auroc
    from ecgan.preprocessing.processed import load_processed
    from stages import paths

    samples = load_processed(paths.processed(params))[scores["index"].to_numpy()]
    lines = [
        "strategy,record,hours,normal,false_alarms,false_alarms_per_hour,S,S_flagged,V,V_flagged,F,F_flagged,auroc"
    ]
    classes, records = samples.table["class_name"].to_numpy(), samples.records
    assert records is not None
    for strategy in metrics["strategies"]:
        flagged = scores[f"{strategy}_predicted"].to_numpy(bool)
        values = scores[strategy].to_numpy()
        for record in sorted(set(records.tolist())):
            here = records == record
            abnormal, hours = samples.class_ids[here] != 0, samples[here].hours or float("nan")
            alarms = int((flagged[here] & ~abnormal).sum())
            cells: list[Any] = [
                strategy,
                record,
                f"{hours:.4f}",
                int((~abnormal).sum()),
                alarms,
                f"{alarms / hours:.1f}",
            ]
            for kind in "SVF":
                cells += [int((classes[here] == kind).sum()), int((flagged[here] & (classes[here] == kind)).sum())]
            cells.append(f"{auroc(values[here], abnormal):.4f}" if 0 < abnormal.sum() < len(abnormal) else "")
            lines.append(",".join(map(str, cells)))
    return "\n".join(lines) + "\n"


def look(table: str, name: str, seed: int, target: Path) -> None:
    """Count a look at DS2: a line of `looks.csv` for each configuration, the first time that it is computed so."""
    found = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(target.glob("*.json"))}
    known = LOOKS.read_text(encoding="utf-8")
    for strategy, entry in found.items():
        configuration = f"paper {table}: {name}, {strategy}, seed {seed}"
        if (behaviour := entry["behaviour"]) > 1:
            configuration += f", behaviour {behaviour}"
        if f'"{configuration}"' in known:
            continue
        test = entry["test"]
        leads = "MLII and other" if len(entry["leads"]) > 1 else entry["leads"][0]
        ranked = [test["auroc"], test["ap"]]
        date = datetime.now(UTC).date().isoformat()
        figures = ",".join(f"{value:.4f}" for value in ranked)
        with LOOKS.open("a", newline="", encoding="utf-8") as file:
            file.write(f'{date},"{configuration}",{entry["commit"][:7]},{leads},{figures},,,\n')


@contextlib.contextmanager
def counted(file: Path) -> Iterator[Callable[[], float]]:
    """Count CPU seconds, also those before an interruption: they are written to a file every now and then."""
    before, began, over = float(file.read_text()) if file.is_file() else 0.0, cpu(), threading.Event()

    def spent() -> float:
        return before + cpu() - began

    def note() -> None:
        while not over.wait(NOTED_S):
            beside = file.with_suffix(".part")
            beside.write_text(str(spent()))
            beside.replace(file)

    noting = threading.Thread(target=note, daemon=True)
    noting.start()
    try:
        yield spent
    finally:
        over.set()
        noting.join()


def cpu() -> float:
    """CPU seconds of this process and of those that it waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def commit() -> str:
    """The commit of the code, marked where files differ from it."""
    code = ("ecgan", "stages", "paper/unit.py", "paper/parts.py", "paper/params.yaml")
    head, changes = (
        subprocess.check_output(("git", *command), cwd=ROOT, text=True).strip()
        for command in (("rev-parse", "HEAD"), ("status", "--porcelain", "--", *code))
    )
    return f"{head}-dirty" if changes else head


def main() -> int:
    """Do what the arguments say."""
    set_arithmetic("portable")
    from ecgan.runtime import set_threads

    set_threads(1)
    kind, *names = sys.argv[1:]
    try:
        if kind == "row":
            row(names[0], names[1], int(names[2]), int(names[3]))
        else:
            {"raw": fetch, "data": prepare}[kind](names[0])
    except EcganError as error:
        raise SystemExit(f"{error.message} {error.hint}".strip()) from None
    return 0


if __name__ == "__main__":
    sys.exit(main())
