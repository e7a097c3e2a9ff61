"""Renew the tables in the documentation from what is registered: `python docs/tables.py`.

A table stands between `<!-- table: NAME -->` and `<!-- /table -->`; a test fails while one is out of date.
"""

import csv
import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer import Context, Typer
from typer.main import get_command

from ecgan import cli
from ecgan.config.describing import allowed, schema_at, schema_of
from ecgan.config.options import Options
from ecgan.config.schema import Split
from ecgan.listing import LISTS, parts
from ecgan.models.layers.initialisation import InitOptions
from ecgan.models.layers.optimizers import OptimizerOptions
from ecgan.preprocessing.options import AlignOptions, Cleansing, FilterOptions, RecordingOptions, Resampling
from ecgan.presets import PRESETS
from ecgan.registry import DATASETS, PROTOCOLS, Registry

HERE = Path(__file__).parent
PAPER = HERE.parent / "paper"
QUALITY = PAPER / "quality"
ROBUSTNESS = PAPER / "robustness"
GENERATION = PAPER / "generation" / "rows"
GENERATORS = ("aegan", "dcgan", "diffusion", "rdcgan", "rgan", "vae", "vaegan")
BENCHMARKS = HERE.parent / "reports" / "benchmarks" / "benchmarks.json"
MARKED = re.compile(r"(<!-- table: ([\w -]+) -->\n).*?(<!-- /table -->)", re.DOTALL)
SHARED: dict[str, type[Options]] = {
    "optimizer": OptimizerOptions,
    "init": InitOptions,
    "recordings": RecordingOptions,
    "filters": FilterOptions,
    "alignment": AlignOptions,
    "cleansing": Cleansing,
    "resampling": Resampling,
    "split": Split,
}

REFERENCE = "reference: "
# What a benchmark may note in extra_info, for a call: heading, and the cell by notes and seconds.
MEASURES: dict[str, tuple[str, Callable[[dict[str, Any], float], str]]] = {
    "beats": ("beats/s", lambda notes, seconds: f"{notes['beats'] / seconds:,.0f}"),
    "scored": ("ms a beat", lambda notes, seconds: f"{1e3 * seconds / notes['scored']:.3g}"),
    "gflop": ("GFLOP/s", lambda notes, seconds: f"{notes['gflop'] / seconds:.3g}"),
    "roof_gflops": ("share of roof", lambda notes, seconds: f"{notes['gflop'] / seconds / notes['roof_gflops']:.0%}"),
}


def renewed(text: str) -> str:
    """Return a page with every table as it should be."""
    return MARKED.sub(lambda match: f"{match[1]}\n{table(match[2])}\n\n{match[3]}", text)


def table(name: str) -> str:
    """Return one table: `models`, `model aegan`, `detector knn`, `options optimizer`, `benchmark lttb`, …."""
    kind, _, part = name.partition(" ")
    if kind == "benchmark":
        return benchmark(part, json.loads(BENCHMARKS.read_text(encoding="utf-8")))
    if kind in MEASURED:
        return grid(*MEASURED[kind](part))
    if name == "commands":
        return commands()
    if name == "presets":
        rows = [(f"`{p.name}`", p.spelling, f"`{p.model}`", p.title) for p in PRESETS.values()]
        return grid(("name", "in the paper", "model", "what"), rows)
    if name == "preset values":
        return grid(*_preset_values())
    if kind == "options":
        return options(SHARED[part])
    if kind in ("fetch", "preprocess"):
        dataset = DATASETS.get(part)
        return options(dataset.Fetch if kind == "fetch" else dataset.Preprocess)
    if kind in LISTS and not part:
        return _parts(LISTS[kind])
    if kind == "protocol":
        return protocol(PROTOCOLS.get(part))
    return options(LISTS[f"{kind}s"].get(part).Options)


def options(cls: type[Options]) -> str:
    """Return the parameters of a class with defaults, admitted values and meaning."""
    if not cls.model_fields:
        return "It has no parameters."
    rows = []
    for key, field in cls.model_fields.items():
        value = getattr(cls(), key)
        admitted = "" if isinstance(value, Options) else allowed(schema_at(cls, (key,)), schema_of(cls))
        shown = _shown(value)
        rows.append((f"`{key}`", f"`{shown}`" if shown else "", admitted, field.description or ""))
    return grid(("key", "default", "allowed", "meaning"), rows)


def _shown(value: Any) -> str:
    """Return a default; of a section inside, its name and what differs from that section's own defaults."""
    if not isinstance(value, Options):
        return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    usual = type(value)().model_dump()
    own = {k: v for k, v in value.model_dump().items() if k == "name" or v != usual[k]}
    return ", ".join(f"{k}: {v}" for k, v in own.items())


def _parts(registry: Registry[Any]) -> str:
    rows = [row for row in parts(registry) if row["from"] == "ecgan"]
    hidden = {"other names", "from"} if registry is DATASETS else {"other names", "from", "licence"}
    columns = [column for column in rows[0] if column not in hidden and any(row[column] for row in rows)]
    for row in rows:
        names = [row["name"], *filter(None, row["other names"].split(", "))]
        row["name"] = ", also ".join(f"`{name}`" for name in names)
    return grid(tuple(columns), [tuple(row[column] for column in columns) for row in rows])


def protocol(cls: Any) -> str:
    """Return what the docstring of a protocol says, and what its class declares."""
    text = inspect.getdoc(cls) or ""
    patients = "stay together" if cls.by_patient else "are not looked at"
    facts = [
        f"- Source: {cls.source or 'none; it is common practice'}.",
        f"- Patients {patients}. `split.train_on`: {' or '.join(f'`{kind}`' for kind in cls.train_on)}.",
        f"- Least `split.k`: {cls.least_folds}.",
    ]
    return text + "\n\n" + "\n".join(facts)


def commands() -> str:
    """Return the help of every command, first those of `ecgan`, then the classic ones."""
    app = get_command(cli.app)
    context = Context(app, info_name="ecgan")
    sections = [_command(app.get_command(context, name), f"ecgan {name}") for name in app.list_commands(context)]
    for name in ("init", "preprocess", "train", "detect", "inverse"):
        single = Typer(add_completion=False)
        single.command()(getattr(cli, f"{name}_classic").__wrapped__)
        sections.append(_command(get_command(single), f"ecgan-{name}"))
    return "\n\n".join(sections)


def _command(command: Any, name: str) -> str:
    """Return one command: heading, what it does, usage, and a table of its arguments and options."""
    context = Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    records = [(param, param.get_help_record(context)) for param in command.get_params(context)]
    rows = [(f"`{record[0]}`", record[1]) for param, record in records if record and "--help" not in param.opts]
    text = f"### {name}\n\n{command.help}\n\n```\n{usage}\n```\n\n{grid(('argument or option', 'meaning'), rows)}"
    return f"{text}\n\n{command.epilog}" if command.epilog else text


def _preset_values() -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    head = ("preset", "Z", "norm of D", "spectral", "optimizer", "steps D : G", "output", "batch", "β")
    rows = []
    for preset in PRESETS.values():
        o = preset.overrides("mitbih_beatgan")["modules"][preset.model]
        w = preset.overrides("wafer")["modules"][preset.model]
        rule = o.get("optimizer") or o["generator"]
        rounds = f"{o['discriminator_rounds']} : {o['generator_rounds']}" if "discriminator_rounds" in o else ""
        optimizer = f"{rule['name']} {rule['lr']} {rule['betas']} eps {rule['eps']}"
        sizes = [
            str(o[key]) if o[key] == w[key] else f"{o[key]} (Wafer {w[key]})" for key in ("latent_size", "batch_size")
        ]
        spectral = {True: "yes", False: "no"}.get(o.get("spectral_norm"), "")  # type: ignore[arg-type]
        norm, beta = o.get("discriminator_norm", ""), str(o.get("kl_beta", ""))
        rows.append((f"`{preset.name}`", sizes[0], norm, spectral, optimizer, rounds, o["output"], sizes[1], beta))
    return head, rows


def benchmark(topic: str, kept: dict[str, Any]) -> str:
    """Return a topic's benchmarks, each way beside the reference of its group; or, for `machine`, where they ran."""
    if topic == "machine":
        m = kept["machine"]
        libraries = ", ".join(f"{name} {version}" for name, version in m["libraries"].items())
        return f"{m['cpu']}, {m['cores']} cores; {m['threads']} threads; Python {m['python']}, {libraries}."
    rows = kept["topics"].get(topic)
    if not rows:
        return "Not measured."
    references = {row["group"]: row for row in rows if row["way"].startswith(REFERENCE)}
    shown = [row for row in rows if not row["way"].startswith(REFERENCE)]
    noted = dict.fromkeys(key for row in shown for key in row["extra"])
    extra = [*(key for key in MEASURES if key in noted), *(key for key in noted if key not in MEASURES)]
    head = ("what", "way", "time", "reference", "its time", "times as fast", *(_measure(key)[0] for key in extra))
    return grid(head, [_benchmark(row, references[row["group"]], extra) for row in shown])


def _tuning(part: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return where each of the `runs` ended, the `results` on test, or a file of `paper/quality` as it is."""
    if part != "runs":
        return _tuning_results() if part == "results" else _read(QUALITY / f"{part}.csv")
    _, rows = _read(QUALITY / "runs.csv")
    last = {row[0]: row for row in rows}
    head = ("run", "epochs", "CPU seconds", "AUROC, R", "AP, R", "AUROC, S", "AP, S")
    found = []
    for name, seconds, epoch, _loss, *scores in last.values():
        found.append((name, epoch, f"{float(seconds):.0f}", *(_short(float(score)) for score in scores)))
    return head, found


def _tuning_results() -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return what each model of `results.json` reached on the test fold without abnormal labels."""
    results = json.loads((QUALITY / "results.json").read_text(encoding="utf-8"))
    rows = []
    for model, found in results.items():
        seconds = (f"{found['cpu_seconds'][stage]:.0f}" for stage in ("train", "inverse", "detect"))
        scores = (
            _short(found["test"][name][key]) for name in ("reconstruction", "smoothed") for key in ("auroc", "ap")
        )
        rows.append((f"`{model}`", *seconds, *scores))
    return ("model", "train, CPU s", "inverse", "detect", "AUROC, R", "AP, R", "AUROC, S", "AP, S"), rows


def _short(value: float) -> str:
    return f"{value:.4f}".removeprefix("0")


def _csv(part: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return head and rows of a file that a benchmark wrote."""
    return _read(BENCHMARKS.with_name(f"{part}.csv"))


def _robustness(part: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return head and rows of a file of `paper/robustness`."""
    return _read(ROBUSTNESS / f"{part}.csv")


def _peaks(part: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return head and rows of a file of `paper/peaks`."""
    return _read(PAPER / "peaks" / f"{part}.csv")


def _paper(part: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return a table of the paper's rows, `paper/rows`."""
    return _elsewhere(PAPER, "cells", part)


def _own_normal(part: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return a table of what was measured of `patient_specific`, `paper/own_normal`."""
    return _elsewhere(PAPER / "own_normal", "shown", part)


def _elsewhere(folder: Path, module: str, part: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return what the function `table` of a module beside its rows returns."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    found: tuple[tuple[str, ...], list[tuple[str, ...]]] = importlib.import_module(module).table(part)
    return found


def _generation(part: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return head and rows of what `paper/generation/run.py` measured (results), or of how (budget)."""
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(GENERATION.glob("*.json"))]
    if part == "budget":
        head = ("model", "not the defaults", "weights", "epochs", "CPU seconds of training", "of measuring", "commit")
        return head, [_spent(row) for row in rows]
    head = ("model", "MMD²", "Fréchet", "F1 TSTR", "F1 TRTS", "distance ÷ real", "nearer", "p", "authentic")
    found = [_generated(row["model"], row["metrics"]) for row in rows]
    missing = [name for name in GENERATORS if name not in {row["model"] for row in rows}]
    return head, found + [(name, "not computed yet", *[""] * (len(head) - 2)) for name in missing] + _perfect(rows[:1])


def _spent(row: dict[str, Any]) -> tuple[str, ...]:
    changed = ", ".join(f"{name} {value}" for name, value in row["changed"].items())
    seconds = row["cpu_seconds"]
    counts = (f"{row['weights']:,}", str(row["epochs"]), f"{seconds['train']:.0f}", f"{seconds['measure']:.0f}")
    return (row["model"], changed, *counts, row["commit"][:7])


def _generated(name: str, found: dict[str, Any]) -> tuple[str, ...]:
    near = found["memorisation"]
    cells: tuple[str, ...] = (f"{found['mmd_median']:.4f}", f"{found['frechet']:.4g}")
    cells += (f"{found['tstr']['f1_weighted']:.3f}", f"{found['trts']['f1_weighted']:.3f}")
    cells += (f"{near['ratio']:.3f}", f"{near['nearer']:.3f}", f"{near['p']:.2g}", f"{near['authentic']:.3f}")
    return (name, *cells)


def _perfect(rows: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return what real samples would have, by the row of one model."""
    found = []
    for row in rows:
        one = row["metrics"]
        f1 = f"{one['real']['f1_weighted']:.3f}"
        cells = (f"{one['mmd_median_real']:.4f}", f"{one['frechet_real']:.4g}", f1, f1, "1", "0.5", "")
        found.append(("real beats", *cells, f"{one['memorisation']['authentic_real']:.3f}"))
    return found


MEASURED = {
    "csv": _csv,
    "tuning": _tuning,
    "robustness": _robustness,
    "own-normal": _own_normal,
    "peaks": _peaks,
    "paper": _paper,
    "generation": _generation,
}


def _read(path: Path) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    head, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
    return tuple(head), [tuple(row) for row in rows]


def _benchmark(row: dict[str, Any], reference: dict[str, Any], extra: list[str]) -> tuple[str, ...]:
    seconds, slow = row["median_s"], reference["median_s"]
    name = reference["way"].removeprefix(REFERENCE)
    ratio = f"{slow / seconds:.3g}" if slow < 1000 * seconds else f"{slow / seconds:,.0f}"
    measured = (_measure(key)[1](row["extra"], seconds) if key in row["extra"] else "" for key in extra)
    return (row["group"], row["way"], _time(seconds), name, _time(slow), ratio, *measured)


def _measure(key: str) -> tuple[str, Callable[[dict[str, Any], float], str]]:
    """Return the heading of what a benchmark noted, and what makes the cell of its notes and seconds."""
    return MEASURES.get(key) or (key.replace("_", " "), lambda notes, seconds: f"{notes[key]}")


def _time(seconds: float) -> str:
    """Return a time with three digits and a unit that suits it."""
    for factor, unit in ((1.0, "s"), (1e3, "ms")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def grid(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def pages() -> list[Path]:
    """Return every page of the documentation, and README."""
    return [HERE.parent / "README.md", *sorted(page for page in HERE.rglob("*.md") if "_build" not in page.parts)]


def main() -> int:
    """Renew all pages; say which changed."""
    for page in pages():
        old = page.read_text(encoding="utf-8")
        if (new := renewed(old)) != old:
            page.write_text(new, encoding="utf-8")
            sys.stdout.write(f"renewed {page}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
