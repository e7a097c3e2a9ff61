"""What `ecgan list` shows: every part with its names, its source, its size, its licence and where it comes from."""

import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution
from typing import Any

from rich.console import Console
from rich.table import Table

from ecgan.errors import EcganError, nearest
from ecgan.evaluation.choosing import decides_in
from ecgan.evaluation.result import read_metrics
from ecgan.presets import PRESETS
from ecgan.publishing.layout import FOLDER, RESULTS, published_names
from ecgan.registry import REGISTRIES, Registry, is_built_in, plugin_file
from ecgan.terminal import printable, say, write_json

LISTS = {registry.kinds: registry for registry in REGISTRIES}
SHAPE = (2, 320)
"""Leads and time steps of the samples for which weights of models are counted, those of the BeatGAN data set."""
_SIDE_BY_SIDE = 140  # columns of a terminal from which every field of a part gets a column of its own

Row = dict[str, str]


def show(kind: str, *, as_json: bool = False) -> None:
    """Print what there is, of `LISTS`, presets or published models.

    A table on a terminal, plain lines with nothing cut off into a pipe.

    Raises:
        EcganError: There is no such list.
    """
    known = [*LISTS, "presets", "published"]
    if kind not in known:
        raise EcganError(f"there is no list of {kind!r}{nearest(kind, known)}", f"Lists: {', '.join(known)}.")
    own = {"presets": _presets, "published": _published}
    rows = list(own[kind]() if kind in own else parts(LISTS[kind]))
    if not rows:
        raise EcganError(f"there are no {kind} models here.", "`dvc pull` in a clone brings them.")
    if as_json:
        write_json(rows)
    else:
        rows = [{key: printable(" ".join(value.split())) for key, value in row.items()} for row in rows]
        console = Console(markup=False, highlight=False)
        if console.is_terminal:
            console.print(_wide(rows) if console.width >= _SIDE_BY_SIDE else _narrow(rows))
        else:
            sys.stdout.writelines(f"{line}\n" for line in _plain(rows))
    for failure in LISTS[kind].failures.values() if kind in LISTS else ():
        say(f"warning: {failure}")


def parts(registry: Registry[Any]) -> Iterator[Row]:
    """Yield what there is to say of each registered part; an empty text where there is nothing."""
    for name in registry.names():
        cls = registry.get(name)
        card = getattr(cls, "card", cls)
        package = registry.package_of(name)
        row = {
            "name": name,
            "other names": ", ".join(registry.aliases(name)),
            "what": card.title,
            "source": getattr(card, "source", ""),
            "size": _weights(cls) if registry.kind == "model" else getattr(card, "size", ""),
            "licence": getattr(card, "licence", "") or _licence(package, built_in=is_built_in(cls)),
            "from": _origin(cls, package),
        }
        yield {key: value for key, value in row.items() if key != "size" or registry.kind in ("dataset", "model")}


def _presets() -> Iterator[Row]:
    for preset in PRESETS.values():
        yield {"name": preset.name, "in the paper": preset.spelling, "model": preset.model, "what": preset.title}


def _published() -> Iterator[Row]:
    """Yield what the result file of the first fold of each published model says."""
    for name in published_names():
        folder = FOLDER / name
        found = read_metrics(min((folder / RESULTS).glob("fold_*.json"), default=folder / RESULTS))
        strategy = decides_in(found)
        entry = found["strategies"][strategy]
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        yield {
            "name": name,
            "method": found["method"] if found["method"] == found["detector"] else f"{found['method']}, {strategy}",
            "data": f"{found['dataset']}, {found['protocol']}",
            "leads": ", ".join(found.get("leads", [])),
            "context": found.get("context", "none"),
            "supervision": entry["supervision"],
            "AUROC, AP": f"{entry['test']['auroc']:.3f}, {entry['test']['ap']:.3f}",
            "size": f"{size / 1e6:.1f} MB",
        }


def _origin(cls: type[Any], package: Distribution | None) -> str:
    if is_built_in(cls):
        return "ecgan"
    if package is not None:
        return f"package {package.name} {package.version}"
    return f"plug-in {plugin_file(cls) or cls.__module__}"


def _licence(package: Distribution | None, *, built_in: bool) -> str:
    """Return the licence of the code: ECGAN's, or what a package says of itself; a file says nothing."""
    if built_in:
        return "MIT"
    if package is None:
        return ""
    about = package.metadata
    return next((about[key] for key in ("License-Expression", "License") if key in about), "")


def _weights(cls: Any) -> str:
    """Return how many weights a model has for samples of `SHAPE`; empty if it does not take such samples."""
    channels, length = SHAPE
    try:
        model = cls(cls.Options(), channels=channels, length=length, classes=5)
    except Exception:  # one's own model may fail in any way, and is listed all the same
        return ""
    return f"{sum(weight.numel() for weight in model.parameters()):,} weights for {channels} × {length}"


def _wide(rows: list[Row]) -> Table:
    """Return a table with a column for every field that some part fills."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
    columns = _columns(rows)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column == "name")
    for row in rows:
        table.add_row(*(row[column] for column in columns))
    return table


def _narrow(rows: list[Row]) -> Table:
    """Return a table of two columns, the name and all else one below the other."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0), show_header=False)
    table.add_column("name", no_wrap=True)
    table.add_column("what", overflow="fold")
    for row in rows:
        lines = [row["what"]] if "what" in row else []
        lines += [f"{key}: {value}" for key, value in row.items() if value and key not in ("name", "what")]
        table.add_row(row["name"], "\n".join(lines))
    return table


def _plain(rows: list[Row]) -> Iterable[str]:
    """Return lines for other programs: a part a line, fields by tabs, the first line names them."""
    columns = _columns(rows)
    yield "\t".join(columns)
    for row in rows:
        yield "\t".join(row[column] for column in columns)


def _columns(rows: list[Row]) -> list[str]:
    return [column for column in rows[0] if any(row[column] for row in rows)] if rows else []
