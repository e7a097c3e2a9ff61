"""What a stage depends on and DVC cannot find by itself, as links in the project's folder `watched/`.

DVC follows links, but neither imports nor parameters that name files. So `watched/<stage>` leads to the file or folder
that a parameter of the stage names, or to the empty file `none`, and `watched/models/<name>/` and the like hold a link
to each file that a part is made of, be it built in, a plug-in or from an installed package. In a project that
`ecgan new` began, where ECGAN itself is an installed package, `watched/stages/<stage>/` holds one to each file that the
stage runs whatever its parts are; a clone of ECGAN names these in its `dvc.yaml`.

Each stage renews its links before it works. What they are can change only together with something that they lead to,
or with a parameter that is watched as well; so DVC always watches what the last run has read.
"""

import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from ecgan.config.describing import allowed, schema_at, schema_of
from ecgan.config.inverse import AUTO
from ecgan.config.options import Options
from ecgan.errors import EcganError
from ecgan.files import is_dead, read_text
from ecgan.imports import OWN, ROOT, STAGES, closure, module_files
from ecgan.registry import DETECTORS, INVERSIONS, STRATEGIES, Registry, plugin_file

FOLDER: Final = Path("watched")
NOTHING: Final = "none"
ALWAYS: Final = {
    "dataset": ("ecgan/datasets/*.py",),
    "protocol": ("ecgan/protocols/*.py",),
    "model": ("ecgan/models/base.py",),
    "detector": ("ecgan/detection/job.py", "ecgan/detection/strategies/*.py"),
    "strategy": ("ecgan/detection/strategies/*.py",),
    "inversion": ("ecgan/inversion/*.py",),
}
"""What every stage that uses a part of the kind runs, with all that it imports."""

KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "fetch": ("dataset",),
    "preprocess": ("dataset",),
    "split": ("dataset", "protocol"),
    "train": ("model",),
    "inverse": ("model", "inversion"),
    "detect": ("model", "detector", "inversion"),
    "detect-classical": ("detector",),
    "report": ("dataset",),
}
"""Of the parts that a stage takes from registries, which import files by name where no parser sees it."""

# References to models elsewhere are resolved for commands outside the pipeline; its stages read the run beside them.
_REFERENCES = ("ecgan/remotes", "ecgan/tracking")
# `stages/detect.py` serves two stages; the classical detectors never reach the branch that needs torch.
_NOT_REACHED: Final[Mapping[str, tuple[str, ...]]] = {
    "inverse": _REFERENCES,
    "detect": _REFERENCES,
    "detect-classical": (
        "ecgan/runs/loading.py", "ecgan/inversion", "ecgan/models", "ecgan/training", *_REFERENCES,
    ),
}  # fmt: skip
_WHOLE: Final[Mapping[str, tuple[str, ...]]] = {"report": ("ecgan/reporting",)}


def watch_file(stage: str, section: Options) -> None:
    """Let `watched/<stage>` lead to the file or folder that a section of the parameters names.

    Outside of a project with the folder `watched/` nothing happens.

    Args:
        stage: The stage.
        section: The section that it reads; a parameter that names a file has the type `FilePath`.

    Raises:
        EcganError: The section names two: a stage watches one.
    """
    if not FOLDER.is_dir():
        return
    named = {name: Path(value).expanduser() for name, value in _paths(section).items()}
    if len(named) > 1:
        raise EcganError(
            f"{stage}: the parameters {' and '.join(sorted(named))} name a file or folder each, and DVC watches one.",
            "Leave all but one of them empty (null), or put what they name into one folder.",
        )
    target = next(iter(named.values()), FOLDER / NOTHING)
    _link(FOLDER / stage, target if target.exists() else FOLDER / NOTHING)


def watch_code() -> None:
    """Make the folders of the links in a project, whose `dvc.yaml` names them in place of code: a clone has none."""
    pipeline = Path("dvc.yaml")
    if pipeline.is_file() and f"{FOLDER}/stages/" in read_text(pipeline):
        (FOLDER / "stages").mkdir(parents=True, exist_ok=True)
        (FOLDER / NOTHING).touch()


def watch_stage(stage: str) -> None:
    """Let `watched/stages/<stage>/` hold a link to each file of `stage_code`, where there is `watched/stages`."""
    if (FOLDER / "stages").is_dir():
        _hold(FOLDER / "stages" / stage, stage_code(stage))


def watch_part(registry: Registry[Any], name: str) -> None:
    """Let `watched/<kind>s/<name>/` hold a link to each file of a part, but for what every part of its kind needs."""
    watch_parts(FOLDER / registry.kinds / name, registry, [name])


def watch_inversion(method: str) -> None:
    """Do so for the inverse mapping that `inverse.method` names, or for all that it may take."""
    watch_parts(FOLDER / "inversions" / method, INVERSIONS, AUTO if method == "auto" else [method])


def watch_strategies(names: Iterable[str]) -> None:
    """Do so in one folder for the strategies that `detect.strategies` names."""
    watch_parts(FOLDER / "strategies", STRATEGIES, names)


def watch_parts(folder: Path, registry: Registry[Any], names: Iterable[str]) -> None:
    """Let a folder hold a link to each file of some parts, but for what every part of their kind needs."""
    if not FOLDER.is_dir():
        return
    files: set[Path] = set()
    for name in names:
        own = Path(str(sys.modules[registry.get(name).__module__].__file__))
        files |= part_files(registry, name) - _always(registry.kind) | {own}
    _hold(folder, files)


def _hold(folder: Path, files: Iterable[Path]) -> None:
    """Let a folder hold a link to each of the files, and to no others."""
    links = {_label(file): file for file in files}
    folder.mkdir(parents=True, exist_ok=True)
    for entry in folder.iterdir():
        unfinished = entry.name.startswith(".")  # another process is about to rename it, if it is there
        if is_dead(entry.name.split(".")[-2]) if unfinished else entry.name not in links:
            entry.unlink(missing_ok=True)
    for link, file in links.items():
        _link(folder / link, file)


def part_files(registry: Registry[Any], name: str) -> set[Path]:
    """Return the files that a part is made of: its own, what it imports, and the metadata of an installed package."""
    module, file = registry.get(name).__module__, plugin_file(registry.get(name))
    package = registry.package_of(name)
    tops = dict(OWN) | {"plugins": Path.cwd() / "plugins"}
    if package is not None:
        own = Path(str(sys.modules[module].__file__))
        top = module.partition(".")[0]
        tops[top] = own.parents[module.count(".") + (own.name == "__init__.py")] / top
    looked_into = tuple(tops.items())
    files = closure([file] if file is not None else module_files(module, looked_into), looked_into)
    if registry is DETECTORS:
        files = files.union(*(part_files(STRATEGIES, own) for own in registry.get(name).strategies))
    about = getattr(package, "_path", None)  # the folder of its metadata, whose name holds the version
    return files | ({Path(about) / "METADATA"} if about is not None else set())


def code(stage: Path, registry: Registry[Any], name: str) -> list[Path]:
    """Return the files that a stage runs with one part, sorted.

    Args:
        stage: The file of the stage.
        registry: Where the part is registered.
        name: Its name.
    """
    return sorted(closure([stage]) | part_files(registry, name))


def stage_code(stage: str) -> set[Path]:
    """Return the files that a stage runs whatever its parts are; `stage` is its name in `dvc.yaml`."""
    begin = {STAGES / f"{stage.partition('-')[0]}.py"}
    begin |= {file for kind in KINDS[stage] for pattern in ALWAYS[kind] for file in ROOT.glob(pattern)}
    left_out = [ROOT / path for path in _NOT_REACHED.get(stage, ())]
    found = {file for file in closure(begin) if not any(place in (file, *file.parents) for place in left_out)}
    found |= {file for folder in _WHOLE.get(stage, ()) for file in (ROOT / folder).rglob("*.py")}
    packages = [file.parent for file in found if file.name == "__init__.py" and file.parent.parent != ROOT]
    return found.union(*(_data(package) for package in packages))


@cache
def _data(package: Path) -> set[Path]:
    """Return the files of a package that are no Python: templates, lists of hashes."""
    return {file for file in package.rglob("*.*") if file.is_file() and file.suffix not in (".py", ".pyc")}


@cache
def _always(kind: str) -> set[Path]:
    return closure(file for pattern in ALWAYS[kind] for file in ROOT.glob(pattern))


def _paths(section: Options) -> dict[str, str]:
    """Return the parameters of a section that name a file or folder."""
    cls = type(section)
    kinds = {name: allowed(schema_at(cls, (name,)), schema_of(cls)) for name in cls.model_fields}
    return {name: value for name, value in section if value is not None and kinds[name] in ("a path", "null or a path")}


def _label(file: Path) -> str:
    """Return a name for the link to a file: its path in the project, with dots."""
    roots = [root for root in (ROOT, Path.cwd()) if file.is_relative_to(root)]
    return (file.relative_to(roots[0]) if roots else file).as_posix().strip("/").replace("/", ".")


def _link(place: Path, target: Path) -> None:
    """Make a symbolic link, relative where it stays within the project; one that is right is left as it is."""
    full = Path(os.path.normpath(Path.cwd() / target))  # what lies behind a link of the user's is the user's
    inside = full.is_relative_to(Path.cwd())
    text = os.path.relpath(full, place.parent.absolute()) if inside else str(full)
    if place.is_symlink() and str(place.readlink()) == text:
        return
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        part.symlink_to(text)
    except OSError:  # Windows lets only some users make links
        if not full.is_file():
            hint = "On Windows switch on the developer mode, which allows them."
            raise EcganError(f"cannot make a link to the folder {target}.", hint) from None
        shutil.copyfile(full, part)
    part.replace(place)
