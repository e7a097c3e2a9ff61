"""Two files `dvc.lock`: which outputs differ, and the first stage that does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ecgan.comparing.compared import Compared, one_sided, paired
from ecgan.config.reading import read_document
from ecgan.errors import EcganError
from ecgan.files import flat, shown

_MOST_VALUES = 500_000  # hundreds of models × folds
_NAMED = 3  # causes that are named one by one


@dataclass(frozen=True)
class Stage:
    """What a lock says of one stage: parameters by name, and hashes by path of what it read and wrote."""

    command: str
    params: dict[str, Any] = field(default_factory=dict)
    deps: dict[str, str] = field(default_factory=dict)
    outs: dict[str, str] = field(default_factory=dict)


Lock = Mapping[str, Stage]


def read_lock(path: Path) -> dict[str, Stage]:
    """Read a `dvc.lock`; stages by name, as they stand in the file.

    Raises:
        EcganError: It cannot be read, or is no lock.
    """
    stages = read_document(path, hint="Name a dvc.lock.", most=_MOST_VALUES).data.get("stages")
    if not isinstance(stages, dict):
        raise EcganError(f"{path} is no dvc.lock: it has no stages.", "Name a dvc.lock.")
    return {name: _stage(path, name, stage) for name, stage in stages.items()}


def compare_locks(old: Lock, new: Lock) -> list[Compared]:
    """Set the outputs of two locks side by side, stage by stage in the order of the pipeline.

    A difference has no tolerance: hashes are the same or not. The note of an output says what its stage was asked for
    that is not the same: command, parameters, or files that no stage of the pipeline writes, such as code.
    """
    found: list[Compared] = []
    made = _Made([*old.values(), *new.values()])
    for name in pipeline_order({**old, **new}):
        if name not in old or name not in new:
            found.append(one_sided(name, "the stage", in_old=name in old))
            continue
        first, second = old[name], new[name]
        note = _causes(first, second, made)
        both, alone = paired(name, first.outs, second.outs)
        found += [Compared(name, path, first.outs[path], second.outs[path], note=note) for path in both]
        found += alone
    return found


def pipeline_order(lock: Lock) -> list[str]:
    """Return the stages' names, each after those whose outputs it reads; otherwise as in the file."""
    writers = _Made(lock.values())
    names = {id(stage): name for name, stage in lock.items()}
    needs = {
        name: {names[id(other)] for path in stage.deps for other in writers.of(path) if other is not stage}
        for name, stage in lock.items()
    }
    ordered: dict[str, None] = {}
    while len(ordered) < len(lock):
        ready = [name for name in lock if name not in ordered and needs[name] <= ordered.keys()]
        ordered |= dict.fromkeys(ready or [name for name in lock if name not in ordered])  # a circle ends it
    return list(ordered)


def maker(lock: Lock, path: str) -> str | None:
    """Return the stage that writes a path, or a folder that holds it; None if none does."""
    places = {path, *map(str, PurePosixPath(path).parents)}
    return next((name for name, stage in lock.items() if not places.isdisjoint(stage.outs)), None)


def ancestors(lock: Lock, name: str) -> list[str]:
    """Return the stages whose outputs a stage was made from, directly or through others, in the pipeline's order."""
    writers = _Made(lock.values())
    names = {id(stage): key for key, stage in lock.items()}
    found: set[str] = set()
    left = [name]
    while left:
        made = {names[id(stage)] for path in lock[left.pop()].deps for stage in writers.of(path)} - found - {name}
        found |= made
        left += made
    return [key for key in pipeline_order(lock) if key in found]


def from_outside(lock: Lock, name: str) -> dict[str, str]:
    """Return what a stage read that no stage wrote, such as code: hash by path."""
    writers = _Made(lock.values())
    return {path: found for path, found in lock[name].deps.items() if not writers.of(path)}


class _Made:
    """Which stages write a path, lie below it, or above it."""

    def __init__(self, stages: Iterable[Stage]) -> None:
        self.outs: dict[str, list[Stage]] = {}
        self.above: dict[str, list[Stage]] = {}
        for stage in stages:
            for path in stage.outs:
                self.outs.setdefault(path, []).append(stage)
                for folder in PurePosixPath(path).parents:
                    self.above.setdefault(str(folder), []).append(stage)

    def of(self, path: str) -> list[Stage]:
        """Return the stages that write the path, something in it, or a folder that holds it."""
        found = list(self.above.get(path, []))
        for place in (path, *map(str, PurePosixPath(path).parents)):
            found += self.outs.get(place, [])
        return found


def _causes(old: Stage, new: Stage, made: _Made) -> str:
    """Say what a stage was asked for that is not the same, what other stages wrote aside."""
    causes = ["other command"] if old.command != new.command else []
    params = _unlike(old.params, new.params)
    files = [path for path in _unlike(old.deps, new.deps) if not made.of(path)]
    for words, names in (("other parameters", params), ("other files", files)):
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            causes.append(f"{words}: {', '.join(names[:_NAMED])}{more}")
    return "; ".join(causes)


def _unlike(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [key for key in dict.fromkeys([*old, *new]) if old.get(key, _Made) != new.get(key, _Made)]


def _stage(path: Path, name: str, stage: Any) -> Stage:
    if not isinstance(stage, dict):
        raise EcganError(
            f"{path} is no dvc.lock: stages.{name} is {shown(stage)}, expected a mapping.",
            "Restore it: git checkout, or run `dvc repro`.",
        )
    params = stage.get("params") or {}
    if not isinstance(params, dict) or not all(isinstance(values, dict) for values in params.values()):
        raise EcganError(
            f"{path} is no dvc.lock: stages.{name}.params is no mapping of files.",
            "Restore it: git checkout, or run `dvc repro`.",
        )
    asked = {key: value for values in params.values() for key, value in flat(values)}
    deps, outs = (_hashes(path, name, kind, stage.get(kind)) for kind in ("deps", "outs"))
    return Stage(str(stage.get("cmd", "")), asked, deps, outs)


def _hashes(path: Path, name: str, kind: str, entries: Any) -> dict[str, str]:
    """Hash by path; `dvc.lock` has an entry for each, and `hash` names the key of its hash."""
    found = {}
    for entry in entries if isinstance(entries, list) else [] if entries is None else [entries]:
        if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
            raise EcganError(
                f"{path} is no dvc.lock: stages.{name}.{kind} holds {shown(entry)} without a path.",
                "Restore it: git checkout, or run `dvc repro`.",
            )
        rest = {key: value for key, value in entry.items() if key != "path"}
        found[entry["path"]] = str(rest.get(str(rest.get("hash", "md5")), rest))
    return found
