"""What `ecgan trace` says of a number: its file, stage, command, parameters, data and code, and what does not fit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ecgan.comparing.locks import Lock, Stage, ancestors, from_outside, maker, pipeline_order, read_lock
from ecgan.config.reading import read_document
from ecgan.errors import EcganError
from ecgan.files import flat
from ecgan.provenance.here import GONE, OTHER, SAME, commit_of, state
from ecgan.provenance.numbers import Number

LOCK: Final = Path("dvc.lock")
_DIGITS = 6  # the mean in a table is rounded to as many


def project_lock() -> Lock:
    """Read the lock of the project in this folder.

    Raises:
        EcganError: There is none.
    """
    if not LOCK.is_file():
        raise EcganError("there is no dvc.lock here.", "Go to the folder of a project, where `dvc repro` runs.")
    return read_lock(LOCK)


def trace(number: Number, lock: Lock, params: Path) -> dict[str, Any]:
    """Say where a number came from.

    Args:
        number: The number.
        lock: What the pipeline last made.
        params: The file of parameters, which is set beside those that the lock names.

    Returns:
        `file`, `key`, `value`; `stage`, `command`, `output` (path, hash and state of the stage's output), `parameters`,
        `data` and `code` of the stage; `commit` (that of `dvc.lock`); `made_from` (the stages before, with their
        outputs; of a mean, those before its numbers); `mean_of` (the same of the numbers that it is the mean of);
        `problems`, sentences on what does not fit.

    Raises:
        EcganError: No stage of the lock wrote the file.
    """
    found = _described(number, lock, params)
    commit = commit_of(str(LOCK))
    found["commit"] = {"name": commit.name, "date": commit.date}
    found["mean_of"] = [_described(one, lock, params) for one in number.of]
    last = {one["stage"] for one in found["mean_of"]} or {found["stage"]}
    before = {name for one in last for name in ancestors(lock, one)}
    found["made_from"] = [_outputs(name, lock[name]) for name in pipeline_order(lock) if name in before]
    found["problems"] = list(dict.fromkeys(_problems(found)))
    return found


def lines(found: dict[str, Any]) -> list[str]:
    """Return what a person reads of a trace."""
    shown = [f"{found['file']}: {found['key']} = {_value(found['value'])}", *_origin(found)]
    shown += [f"row       {key} {value}" for key, value in found.get("row", {}).items()]
    for one in found["mean_of"]:
        shown += [f"mean of {one['file']}: {one['key']} = {_value(one['value'])}"]
        shown += [f"  stage {one['stage']}: {one['command']}", f"  {_said(one['output'])}"]
    for one in found["made_from"]:
        shown += [f"made from {one['stage']}: {one['command']}"]
        shown += [f"  {_said(output)}" for output in one["outputs"][:1]]
    return [*shown, *(f"problem: {problem}" for problem in found["problems"])]


def _origin(found: dict[str, Any]) -> Iterator[str]:
    yield f"stage     {found['stage']}"
    yield f"command   {found['command']}"
    yield f"output    {_said(found['output'])}"
    for path, one in found["data"].items():
        yield f"data      {path}, {one['hash']}"
    changed = [name for name, one in found["parameters"].items() if not one["same"]]
    words = "as in the file" if not changed else f"other in the file: {', '.join(changed)}"
    yield f"parameters {len(found['parameters'])} of {found['parameters_file']}, {words}"
    other = [path for path, one in found["code"].items() if one["state"] != SAME]
    words = SAME if not other else f"{len(other)} {OTHER}: {', '.join(other[:3])}{' …' if len(other) > 3 else ''}"
    yield f"code      {len(found['code'])} of its files and folders, {words}"
    commit = found["commit"]
    yield (
        f"commit    {commit['name']}, {commit['date']}"
        if commit["name"]
        else "commit    none: dvc.lock has changed since"
    )


def _described(number: Number, lock: Lock, params: Path) -> dict[str, Any]:
    """Describe a number and the stage that wrote it."""
    path = number.file.as_posix()
    name = maker(lock, path)
    if name is None:
        raise EcganError(
            f"{path} is no output of a stage in dvc.lock: nobody says how it was made.",
            "Numbers of the pipeline are traced: `dvc repro` makes them.",
        )
    stage = lock[name]
    output = next(out for out in stage.outs if path == out or path.startswith(f"{out}/"))
    given = dict(flat(read_document(params, hint="Name it: --params FILE.").data))
    outside = from_outside(lock, name)
    data = {path: one for path, one in stage.deps.items() if path not in outside}
    return {
        "file": path,
        "key": number.key,
        "value": number.value,
        "stage": name,
        "command": stage.command,
        "output": _output(output, stage.outs[output]),
        "parameters_file": str(params),
        "parameters": {
            key: {"value": value, "same": key in given and given[key] == value} for key, value in stage.params.items()
        },
        "data": {path: _output(path, one) for path, one in data.items()},
        "code": {path: _output(path, one) for path, one in outside.items()},
    }


def _outputs(name: str, stage: Stage) -> dict[str, Any]:
    outs = [_output(path, locked) for path, locked in stage.outs.items()]
    return {"stage": name, "command": stage.command, "outputs": outs}


def _output(path: str, locked: str) -> dict[str, str]:
    return {"path": path, "hash": locked, "state": state(Path(path), locked)}


def _problems(found: dict[str, Any]) -> Iterator[str]:
    """Yield what does not fit: outputs that are not those of the lock, a mean that is not that of its numbers."""
    for one in (found, *found["mean_of"]):
        if one["output"]["state"] != SAME:
            yield f"{one['output']['path']} is {one['output']['state']}"
    for stage in found["made_from"]:
        yield from (f"{one['path']} is {one['state']}" for one in stage["outputs"] if one["state"] == OTHER)
    values = [one["value"] for one in found["mean_of"] if one["value"] is not None]
    if values and found["value"] is not None:
        mean = sum(values) / len(values)
        if abs(mean - found["value"]) > 10**-_DIGITS:
            yield f"the mean of the folds is {_value(mean)}, and not {_value(found['value'])}"


def _said(one: dict[str, str]) -> str:
    words = one["state"] if one["state"] != GONE else f"{GONE} (`dvc pull` or `dvc repro` brings it)"
    return f"{one['path']}, {one['hash']}, {words}"


def _value(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
