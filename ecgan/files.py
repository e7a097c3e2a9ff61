"""Files and folders: atomic writes, canonical JSON, hashes, one writer at a time."""

import contextlib
import dataclasses
import glob
import hashlib
import json
import math
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, TypeVar

from ecgan.errors import EcganError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from _typeshed import DataclassInstance
    from numpy.typing import NDArray
    from pydantic import ValidationError

T = TypeVar("T", bound="DataclassInstance")

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
}
"""What pydantic expected, by the kind of its error."""

_MB = 1 << 20
LARGEST_JSON = 32 * _MB
LARGEST_TABLE = 1024 * _MB
LARGEST_WEIGHTS = 4096 * _MB
_MOST_VALUES = 1_000_000  # lists and mappings of a JSON file: an empty one takes as much memory as ten numbers
_LONGEST_HEADER = 4 * _MB  # of a safetensors file


def flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted names and values of nested mappings; an empty one is a value."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def check_target_file(path: Path, *, force: bool) -> None:
    """Refuse a file that a user names and that cannot be written, or must not be; `force` allows one that is there."""
    if not path.parent.is_dir():
        raise EcganError(f"there is no folder {path.parent} for {path.name}.", f"Make it: mkdir -p {path.parent}")
    if path.is_dir():
        raise EcganError(f"{path} is a folder.", "Name a file.")
    if path.exists() and not force:
        raise EcganError(f"{path} is there already.", "Say --force to overwrite it, or name another file.")


@contextlib.contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """Give a temporary file beside `path` and rename it at the end: a reader never sees a half-written file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def clear_parts(path: Path) -> None:
    """Remove temporary files that killed processes left beside `path`; those of processes that are there stay."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        owner = part.name.removeprefix(f".{path.name}.").removesuffix(".part")
        if owner.isdecimal() and not _is_there(int(owner)):
            part.unlink(missing_ok=True)


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` atomically."""
    with written(path) as file:
        file.write(content)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, keys sorted; NaN and infinities become null (JSON has no word for them)."""
    write_text(path, json.dumps(finite(value), indent=2, sort_keys=True, allow_nan=False) + "\n")


def write_frame(path: Path, frame: "pd.DataFrame") -> None:
    """Write a table as CSV atomically, floats with ten significant digits."""
    write_text(path, frame.to_csv(index=False, float_format="%.10g", lineterminator="\n"))


def read_bytes(path: Path, most: int, hint: str = "") -> bytes:
    """Read a plain file of at most so many bytes; pipes and devices are refused, since they may never end.

    Raises:
        EcganError: It cannot be read, is no plain file, or is too large; `hint` says what to do.
    """
    try:
        check_plain(path, most, hint)
        with path.open("rb") as file:
            content = file.read(most + 1)  # what stat says of files of the system itself is not true
    except OSError as error:
        raise EcganError(f"cannot read {path}: {error.strerror or error}.", hint) from error
    if len(content) > most:
        raise _too_large(path, len(content), most, hint)
    return content


def check_plain(path: Path, most: int, hint: str = "") -> None:
    """Refuse what is no plain file of at most so many bytes, before it is opened."""
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise EcganError(f"{path} is a folder, expected a file.", hint)
    if not stat.S_ISREG(found.st_mode):
        raise EcganError(f"{path} is no plain file: a pipe or a device is not read.", hint)
    if found.st_size > most:
        raise _too_large(path, found.st_size, most, hint)


def _too_large(path: Path, size: int, most: int, hint: str) -> EcganError:
    return EcganError(f"{path} has {size:,} bytes; a file of this kind has no more than {most:,} bytes.", hint)


def read_safetensors(path: Path) -> bytes:
    """Read the bytes of a safetensors file whose header has the length of one.

    Raises:
        EcganError: It cannot be read, or its header is longer than that of any model.
    """
    content = read_bytes(path, LARGEST_WEIGHTS)
    if (length := int.from_bytes(content[:8], "little")) > min(_LONGEST_HEADER, len(content)):
        raise EcganError(f"{path} is no safetensors file, or is cut off: its header would have {length:,} bytes.")
    return content


def read_json(path: Path) -> Any:
    """Read JSON; a missing, broken or huge file is one sentence."""
    content = read_bytes(path, LARGEST_JSON)
    if content.count(b"[") + content.count(b"{") > _MOST_VALUES:
        raise EcganError(f"{path} holds more than {_MOST_VALUES:,} lists and mappings.")
    try:
        return json.loads(content, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        what = f"line {error.lineno}, column {error.colno}: {error.msg[:1].lower()}{error.msg[1:]}"
        raise EcganError(f"{path} is not JSON, or is cut off: {what}.") from None
    except RecursionError:
        raise EcganError(f"{path} is not JSON: it is nested too deeply.") from None
    except UnicodeDecodeError:
        raise EcganError(f"{path} is not JSON: it is no UTF-8 text.") from None
    except ValueError as error:
        raise EcganError(f"{path} is not JSON: {error}.") from None


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"it holds {word}, which is no number")


def read_record(path: Path, kind: type[T], what: str) -> T:
    """Read JSON that holds the fields of the dataclass `kind`, each of its type, and no others.

    Raises:
        EcganError: It does not; `what` says in the message what the file is to describe.
    """
    from pydantic import TypeAdapter, ValidationError

    found = read_json(path)
    if not isinstance(found, dict):
        raise EcganError(f"{path} does not describe {what}: it holds {shown(found)}, expected keys and values.")
    known = {field.name for field in dataclasses.fields(kind)}
    if unknown := sorted(found.keys() - known):
        raise EcganError(f"{path} does not describe {what}: unknown key {unknown[0]!r}.")
    try:
        return TypeAdapter(kind).validate_json(json.dumps(found), strict=True)
    except ValidationError as error:
        raise EcganError(f"{path} does not describe {what}: {found_words(error)}.") from None


def found_words(error: "ValidationError") -> str:
    """Say the first mistake that pydantic found: where, what was found, what was expected."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"])) or "it"
    if first["type"] == "missing":
        return f"the key {where!r} is missing"
    if first["type"] == "extra_forbidden":
        return f"unknown key {where!r}"
    expected = _KINDS.get(first["type"], first["msg"].removeprefix("Input should be "))
    return f"{where} is {shown(first['input'])}, expected {expected}"


def shown(value: Any) -> str:
    """A value in few words."""
    if isinstance(value, (dict, list)):
        return "a list" if isinstance(value, list) else "a mapping"
    text = "null" if value is None else repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def read_table(path: Path, types: dict[str, Any], *, hint: str) -> "pd.DataFrame":
    """Read a CSV file with a line of names; `types` are those of columns that pandas is not to guess.

    Raises:
        EcganError: It is missing, is no UTF-8 text, is empty, or its lines differ in length; `hint` says what to do.
    """
    import pandas as pd

    try:
        check_plain(path, LARGEST_TABLE, hint)
        return pd.read_csv(path, dtype=types, keep_default_na=False, na_values=[""])
    except OSError as error:
        raise EcganError(f"cannot read {path}: {error.strerror or error}.", hint) from None
    except UnicodeDecodeError as error:
        raise EcganError(f"{path} is no table: it is no UTF-8 text (byte {error.start}).", hint) from None
    except pd.errors.EmptyDataError:
        raise EcganError(f"{path} is no table: it is empty.", hint) from None
    except ValueError as error:
        raise EcganError(f"{path} is no table: {table_words(error)}.", hint) from None


def read_text(path: Path, hint: str = "", *, most: int | None = None, errors: str = "strict") -> str:
    """Read UTF-8 text of at most so many bytes; `errors` says how other bytes are read, if at all.

    Raises:
        EcganError: It cannot be read, is too large, or is no such text; `hint` says what to do.
    """
    try:
        return read_bytes(path, LARGEST_TABLE if most is None else most, hint).decode("utf-8-sig", errors)
    except UnicodeDecodeError:
        raise EcganError(f"cannot read {path}: it is no UTF-8 text.", hint) from None


def numbers_of(path: Path, lines: "list[str]", separator: str | None, hint: str = "") -> "NDArray[np.float64]":
    """Return the numbers in lines of a file, shape (rows, columns); without a separator blanks stand between them.

    Raises:
        EcganError: There are none, or not as many in every line; `hint` says what to do.
    """
    import numpy as np

    if not lines:
        raise EcganError(f"{path} has no data rows.", hint)
    try:
        return np.loadtxt(lines, delimiter=separator, comments=None, ndmin=2)
    except ValueError as error:
        what = table_words(error)
        raise EcganError(f"{path} holds something else than rows of equally many numbers: {what}.", hint) from None


def table_words(error: Exception) -> str:
    """Say what pandas or NumPy found in a file that is no table of numbers."""
    text = (str(error).splitlines() or ["it is damaged"])[0]
    if isinstance(error, UnicodeError):
        return "it is no plain text"
    if word := re.search(r"could not convert string (?:to float: )?'(.*?)'", text):
        return f"found {word[1][:40]!r}, expected a number"
    text = text.removeprefix("Error tokenizing data. C error: ").split(";")[0].strip().rstrip(".")
    return text[:1].lower() + text[1:]


def check_numbers(path: Path, table: "pd.DataFrame", name: str, *, hint: str) -> None:
    """Refuse a column that holds text among its numbers.

    Raises:
        EcganError: It does; the first such value and its line are named.
    """
    import pandas as pd

    if pd.api.types.is_numeric_dtype(table[name]):
        return
    wrong = pd.to_numeric(table[name], errors="coerce").isna() & table[name].notna()
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        value = str(table[name].iloc[row])[:40]
        raise EcganError(f"{path}, line {row + 2}: {name} is {value!r}, expected a number.", hint)


def sha256(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def sole_writer(folder: Path, *, clear: bool = True) -> Iterator[Path]:
    """Hold the right to write `folder` alone; a second process waits (the first may have outlived its `dvc`).

    The lock lies in `.ecgan/lock` below the working directory and goes with the process that holds it. The folder is
    made; what is there is replaced, or without `clear` added to. An error leaves what there was before, and no empty
    folders.
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


def finite(value: Any) -> Any:
    """Return plain values for JSON; what is no finite number becomes None."""
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
