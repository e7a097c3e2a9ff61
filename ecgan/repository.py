"""What a repository of somebody else would do here: what DVC and Git run, and where they write, before they do.

`dvc pull` writes where the listed files of a folder say, also outside of the repository; `dvc repro` runs the commands
of `dvc.yaml`; Git runs hooks and what its configuration names. Nothing of it is run or changed here.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ecgan.config.reading import read_document
from ecgan.errors import EcganError
from ecgan.files import read_json, read_text
from ecgan.imports import STAGES

_OWN = re.compile(
    r"(?:\$ECGAN_RUN )?python -m ecgan [a-z-]+(?: \$\{item\})?"
    r"|python unit\.py (?:raw|data|row [a-z_]+)(?: \$\{(?:key|item\.[a-z]+)\})+"  # of the paper's tables
)
_SAFE = {"core.analytics", "core.check_update", "core.autostage", "core.remote", "core.verify", "remote.verify"}
_OBJECT = re.compile(r"[0-9a-f]{30}\.dir")
_SECTION = re.compile(r"""\s*\[\s*['"]?(?P<name>[\w.-]+)(?:\s+['"]?(?P<sub>[^\]'"]*)['"]?)?\s*['"]?\]""")
_OPTION = re.compile(r"\s*(?P<name>[\w-]+)\s*[=:]?\s*(?P<value>.*?)\s*")
_GIT_RUNS = re.compile(
    r"core\.(?:fsmonitor|hookspath|sshcommand|editor|pager|askpass|gitproxy)|filter\..*|alias\..*|include.*"
    r"|(?:diff|merge|difftool|mergetool|gpg|credential|sequence|interactive|pager|protocol|man|browser|sendemail)\..*"
    r"|remote\.(?:uploadpack|receivepack|vcs|proxy)|submodule\.update|url\..*"
)
_PATHS = ("outs", "deps", "metrics", "plots", "path", "wdir")
_MOST = 1 << 20
_VALUES = 200_000  # of a dvc.yaml or dvc.lock


def findings(root: Path) -> list[str]:
    """Return what a repository would run besides ECGAN itself, and where it would write or read outside of itself.

    Raises:
        EcganError: There is no such folder.
    """
    if not root.is_dir():
        raise EcganError(f"there is no folder {root}.", "Name the folder of a repository.")
    found = [*_git(root / ".git")]
    for where, below, names in os.walk(root):
        folder = Path(where)
        for name in sorted([*below, *names]):
            found += _link(root, folder / name)
        below[:] = sorted(name for name in below if name == ".dvc" or not name.startswith("."))
        if folder.name == ".dvc":
            below[:] = [name for name in below if name != "tmp"]
        for name in sorted(names):
            if not (folder / name).is_symlink():
                found += _file(root, folder / name)
    return found


def _file(root: Path, file: Path) -> Iterator[str]:
    """Look into a file that DVC reads."""
    shown = file.relative_to(root)
    try:
        if file.parent.name == ".dvc" and file.name in ("config", "config.local"):
            yield from _dvc_config(root, file)
        elif file.name in ("dvc.yaml", "dvc.lock") or file.suffix == ".dvc":
            yield from _pipeline(root, file, read_document(file, hint="", most=_VALUES).data)
        elif file.name == "params.yaml":
            yield from _parameters(shown, read_document(file, hint="").data)
        elif _OBJECT.fullmatch(file.name):
            yield from _listing(shown, read_json(file))
    except EcganError as error:
        yield f"{shown}: cannot be looked into: {error.message}"


def _listing(shown: Path, entries: Any) -> Iterator[str]:
    """The list of the files of a folder that DVC writes: each has its path below that folder."""
    if not isinstance(entries, list):
        yield f"{shown}: is no list of files"
        return
    for entry in entries:
        path = entry.get("relpath") if isinstance(entry, dict) else None
        if not isinstance(path, str) or _leads_out(path) or {".git", ".dvc"} & set(re.split(r"[/\\]", path)):
            yield f"{shown}: `dvc pull` and `dvc checkout` would write {path!r}"


def _leads_out(path: str) -> bool:
    """Whether a path below a folder is none: it begins elsewhere, goes up, or has parts that no name has."""
    parts = re.split(r"[/\\]", path)
    return ".." in parts or "" in parts or bool(re.search(r"[\x00-\x1f]", path)) or bool(re.match(r"[A-Za-z]:|~", path))


def _pipeline(root: Path, file: Path, document: dict[str, Any]) -> Iterator[str]:
    """A pipeline, its lock, or a file that tracks data: paths that leave the repository, and commands."""
    shown = file.relative_to(root)
    for key, value in _leaves(document, "", ""):
        name = key.rsplit(".", 1)[-1]
        if name == "cmd" and file.name == "dvc.yaml" and not (isinstance(value, str) and _OWN.fullmatch(value)):
            yield f"{shown}: `dvc repro` would run {value!r}"
        if not isinstance(value, str):
            continue
        if name in ("url", "repo") or (name in _PATHS and re.match(r"[a-z0-9+]+://", value)):
            yield f"{shown}: {key} fetches from {value!r}"
        elif name in _PATHS and not _inside(root, file.parent / value):
            yield f"{shown}: {key} is {value!r}, outside of the repository"


def _leaves(value: Any, key: str, name: str) -> Iterator[tuple[str, Any]]:
    """Yield plain values with their key, dotted; where entries of a list of paths are keys themselves, these too."""
    if isinstance(value, dict):
        for inner, one in value.items():
            if name in _PATHS:
                yield key, inner
            yield from _leaves(one, f"{key}.{inner}".lstrip("."), inner)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one, key, name)
    else:
        yield key, value


def _inside(root: Path, path: Path) -> bool:
    """Whether a path stays in the repository, and out of what Git and DVC keep there for themselves."""
    top, place = Path(os.path.normpath(root.absolute())), Path(os.path.normpath(path.absolute()))
    return place == top or (place.is_relative_to(top) and place.relative_to(top).parts[0] != ".git")


def _parameters(shown: Path, values: dict[str, Any]) -> Iterator[str]:
    """Parameters: what they have run, and values that become paths."""
    plugins = values.get("plugins")
    for file in plugins if isinstance(plugins, list) else [plugins] if plugins else []:
        yield f"{shown}: the plug-in {file!r} would be run"
    experiment = values.get("experiment")
    for key in ("data_dir", "entity", "project", "run"):
        value = experiment.get(key) if isinstance(experiment, dict) else None
        if isinstance(value, str) and _leads_out(value):
            yield f"{shown}: experiment.{key} is {value!r}, outside of the repository"


def _dvc_config(root: Path, file: Path) -> Iterator[str]:
    """The configuration of DVC: remotes and caches elsewhere, and all that is not harmless."""
    shown = file.relative_to(root)
    for key, value in _options(file):
        if key in ("remote.url", "cache.dir"):
            if re.match(r"[a-z0-9+]+://", value) or not _inside(root, file.parent / value):
                yield f"{shown}: {key} is {value!r}, outside of the repository"
        elif key not in _SAFE:
            yield f"{shown}: sets {key} = {value}"


def _git(folder: Path) -> Iterator[str]:
    """What Git would run by itself."""
    hooks = folder / "hooks"
    for file in sorted(hooks.iterdir()) if hooks.is_dir() else []:
        if file.suffix != ".sample":
            yield f".git/hooks/{file.name}: Git would run it"
    if (folder / "config").is_file():
        for key, value in _options(folder / "config"):
            if _GIT_RUNS.fullmatch(key) or (key == "remote.url" and "::" in value):
                yield f".git/config: sets {key} = {value}"


def _link(root: Path, path: Path) -> Iterator[str]:
    if path.is_symlink():
        target = str(path.readlink())
        if not _inside(root, path.parent / target) and not _watches(path.relative_to(root), Path(target)):
            yield f"{path.relative_to(root)}: is a link to {target!r}, outside of the repository"


def _watches(path: Path, target: Path) -> bool:
    """Whether it is a link by which DVC watches the code of the installed ECGAN, as in a project of `ecgan new`."""
    own = any(target.is_relative_to(folder) for folder in (Path(__file__).parent, STAGES))
    return path.parts[0] == "watched" and own and ".." not in target.parts


def _options(file: Path) -> Iterator[tuple[str, str]]:
    """Yield `section.option` in small letters, without the name of a subsection, and its value."""
    section = ""
    for line in read_text(file, most=_MOST, errors="replace").splitlines():
        if found := _SECTION.match(line):
            section, line = found["name"].lower(), line[found.end() :]
        if (option := _OPTION.fullmatch(line)) and not line.lstrip().startswith(("#", ";")):
            yield f"{section}.{option['name'].lower()}", option["value"]
