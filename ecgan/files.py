"""Files and folders: atomic writes, canonical JSON, hashes, one writer at a time."""

import contextlib
import dataclasses
import hashlib
import json
import math
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ecgan.errors import EcganError

if TYPE_CHECKING:
    import pandas as pd
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to a temporary file beside `path`, then rename: a reader never sees a half-written file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, keys sorted; NaN and infinities become null (JSON has no word for them)."""
    write_text(path, json.dumps(_finite(value), indent=2, sort_keys=True, allow_nan=False) + "\n")


def write_frame(path: Path, frame: "pd.DataFrame") -> None:
    """Write a table as CSV atomically, floats with ten significant digits."""
    write_text(path, frame.to_csv(index=False, float_format="%.10g", lineterminator="\n"))


def read_json(path: Path) -> Any:
    """Read JSON; a missing or broken file is one sentence."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EcganError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise EcganError(f"{path} is not JSON: {error}") from None


def read_record(path: Path, kind: type[T], what: str) -> T:
    """Read JSON that holds the fields of the dataclass `kind`, each of its type, and no others.

    Args:
        path: The file.
        kind: The dataclass.
        what: What the file describes, for the message.
    """
    from pydantic import TypeAdapter, ValidationError

    found = read_json(path)
    known = {field.name for field in dataclasses.fields(kind)}
    try:
        record = TypeAdapter(kind).validate_json(json.dumps(found), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise EcganError(f"{path} does not describe {what}: {where}: {first['msg']}.") from None
    if unknown := sorted(found.keys() - known):
        raise EcganError(f"{path} does not describe {what}: unknown key {unknown[0]!r}.")
    return record


def sha256(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def sole_writer(folder: Path, *, clear: bool = True) -> Iterator[Path]:
    """Hold the right to write `folder` alone; a second process waits (the first may have outlived its `dvc`).

    The lock lies in `.ecgan/lock` below the working directory and goes with the process that holds it. An error
    leaves what there was before, and no empty folders.

    Args:
        folder: The output folder; made, and empty at first if `clear`.
        clear: Whether what is there is replaced; if not, it is added to.
    """
    with _locked(folder):
        aside = folder.with_name(f".{folder.name}.old")
        if clear:
            _set_aside(folder, aside)
        made = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        try:
            yield folder
        except BaseException:
            if clear:
                shutil.rmtree(folder, ignore_errors=True)
                if aside.is_dir():
                    aside.replace(folder)
            with contextlib.suppress(OSError):  # the first that is not empty ends it
                for path in made:
                    if path.exists():
                        path.rmdir()
            raise
        if clear:
            shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    import fcntl

    slug = "-".join(folder.absolute().parts[1:])
    lock = Path(".ecgan/lock") / hashlib.sha256(slug.encode()).hexdigest()[:24]
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another process is writing {folder}; waiting for it to end", file=sys.stderr)  # noqa: T201
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _set_aside(folder: Path, aside: Path) -> None:
    """Rename what is there; where a killed process did so before, `folder` is what it left half-written."""
    if folder.is_dir() and aside.is_dir():
        shutil.rmtree(folder)
    elif folder.is_dir():
        folder.replace(aside)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
