"""Files and folders: atomic writes, canonical JSON, hashes, one writer at a time."""

import contextlib
import csv
import dataclasses
import errno
import hashlib
import importlib
import json
import math
import os
import re
import shutil
import stat
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, TypeVar

from ecgan.errors import EcganError
from ecgan.terminal import deferred, encodable, quoted, say

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
_ROWS = 50_000  # of a table that become text at once
_MOST_VALUES = 1_000_000  # lists and mappings of a JSON file: an empty one takes as much memory as ten numbers
_LONGEST_HEADER = 4 * _MB  # of a safetensors file
RESTORE = "Run again what wrote it, or restore it: `dvc checkout`, or a copy."
"""What to do about a file that the project wrote and that is damaged."""
FULL = (errno.ENOSPC, errno.EDQUOT)
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:[.:].*)?", re.I | re.DOTALL)
_NOT_IN_NAMES = re.compile(r"""[<>:"/\\|?*\x00-\x1f]|[. ]\Z""")
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")  # spreadsheets in East Asia take the wide ones too
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


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
        raise EcganError(
            f"there is no folder {path.parent} for {path.name}.", f"Make it: mkdir -p {quoted(path.parent)}"
        )
    if path.is_dir():
        raise EcganError(f"{path} is a folder.", "Name a file.")
    if path.exists() and not force:
        raise EcganError(f"{path} is there already.", "Say --force to overwrite it, or name another file.")


def check_target_folder(out: Path) -> None:
    """Refuse what a user names for results and what is, or can be, no folder here."""
    if re.match(r"[a-z][a-z0-9+.-]+:/", str(out)):
        raise EcganError(
            f"--out {out} is no folder here: an object store replaces no folder at once, and adds to no file.",
            "Name a folder, and copy it there at the end, such as by `aws s3 sync`.",
        )
    if os.path.lexists(out) and not out.is_dir():
        raise EcganError(f"--out {out} is no folder.", "Name a folder; it is made if it is not there.")


@contextlib.contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """Give a temporary file beside `path` and rename it at the end: a reader never sees a half-written file.

    Raises:
        EcganError: It cannot be written, as on a full disk; nothing of it is left, nor a folder that was made for it.
    """
    part = path.with_name(f"{_mark(path)}.{os.getpid()}.part")
    try:
        with made(path.parent):
            try:
                with part.open("wb") as file:
                    yield file
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
    except OSError as error:
        if error.filename not in (None, str(part), str(path.parent)):  # of another file, which was to be read
            raise
        raise unwritable(path, error) from error


@contextlib.contextmanager
def made(folder: Path) -> Iterator[None]:
    """Make a folder, and those above it; where the block fails, those that were made go again if they are empty."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):  # the first that is not empty ends it
            for path in missing:
                path.rmdir()
        raise


def unwritable(path: Path, error: OSError) -> EcganError:
    """Return the error for a file that cannot be written, and say where the room is missing if it is that."""
    if _is_full(error):
        folder = next((place for place in path.absolute().parents if place.is_dir()), path)
        hint = f"Make room on the disk of {folder}, or write elsewhere; nothing half-written is left."
        return EcganError(f"cannot write {path}: the disk is full ({os.strerror(error.errno or errno.ENOSPC)}).", hint)
    return EcganError(f"cannot write {path}: {error.strerror or error}.", _next(error))


def unusable(error: OSError) -> EcganError:
    """Return the error for what the system refuses, whatever was tried."""
    full = _is_full(error)
    name = (full and error.filename2) or error.filename  # of two the second is written
    where = f" {os.fsdecode(name)}" if isinstance(name, (str, bytes)) else ""
    if full:
        return EcganError(
            f"cannot write{where}: the disk is full ({os.strerror(error.errno or errno.ENOSPC)}).",
            "Make room, or write elsewhere.",
        )
    return EcganError(f"cannot use{where}: {error.strerror or error}.", _next(error))


def _is_full(error: OSError) -> bool:
    """Whether there is no room; NumPy, which writes records, says no number of it."""
    return error.errno in FULL or (
        error.errno is None and bool(re.fullmatch(r"\d+ requested and \d+ written", str(error)))
    )


def _next(error: OSError) -> str:
    """What to do about what the system refuses."""
    words = {
        errno.ENAMETOOLONG: "Name a shorter folder, or rename what has so long a name.",
        errno.EMFILE: "Let a process open more files: ulimit -n 4096.",
        errno.ENFILE: "End other programs: the system opens no more files.",
        errno.ENOENT: "Look whether another program moves or removes it, and run the command again.",
        errno.EISDIR: "Remove the folder of that name, or take another place.",
        errno.ENOTDIR: "Remove the file that stands where a folder is to be, or take another place.",
        errno.ELOOP: "Remove the link that leads to itself.",
        errno.EIO: "Look whether the disk is whole and there: `dmesg` tells.",
        errno.ESTALE: "The file system that is shared has changed: run the command again.",
        errno.ENOMEM: "End other programs, or take less at once: ECGAN_WORKERS=1.",
        errno.EACCES: "Take a folder of your own, or have its permissions changed: `ls -ld` shows them.",
        errno.EPERM: "Take a folder of your own, or have its permissions changed: `ls -ld` shows them.",
        errno.EROFS: "Take a folder of a disk that can be written to.",
    }
    return words.get(error.errno or 0, "Look whether it is there and yours, or take another place.")


def unsayable(error: UnicodeEncodeError) -> EcganError:
    """Return the error for a text that the system's encoding has no bytes for, such as the name of a file."""
    text = str(error.object)[:100]
    return EcganError(
        f"{text} cannot be said in the encoding of this system, {error.encoding}.",
        "Set PYTHONUTF8=1, or a locale with UTF-8: LC_ALL=C.UTF-8.",
    )


def clear_parts(path: Path) -> None:
    """Remove temporary files that killed processes left beside `path`; those of processes that are there stay."""
    for part in path.parent.glob(f"{_mark(path)}.*.part"):
        if is_dead(part.name.split(".")[-2]):
            part.unlink(missing_ok=True)


def _mark(path: Path) -> str:
    """How the names of temporary files for `path` begin: as long as any file may be called."""
    return f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}"


@contextlib.contextmanager
def unfinished(folder: Path, word: str) -> Iterator[Path]:
    """Give a hidden folder within another for what is not finished; what killed processes left in theirs goes first.

    Args:
        folder: Where it is made; it must be there.
        word: What is done, such as "scored": how it is called.
    """
    for left in folder.glob(f".{word}-*-*"):
        if is_dead(left.name.split("-")[1]):
            _remove(left)
    with tempfile.TemporaryDirectory(prefix=f".{word}-{os.getpid()}-", dir=folder) as made:
        yield Path(made)


def is_dead(process: str) -> bool:
    """Whether the process of a number that a name holds has ended."""
    return process.isdecimal() and not _is_there(int(process))


def _is_there(process: int) -> bool:
    if os.name == "nt":  # where signal 0 is Ctrl-C, and no harmless one is there
        return True
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
    r"""Write UTF-8 text atomically; bytes of file names that are no UTF-8 are written as they are shown, `\xff`."""
    write_bytes(path, encodable(text).encode())


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, keys sorted; NaN and infinities become null (JSON has no word for them)."""
    write_text(path, json.dumps(finite(value), indent=2, sort_keys=True, allow_nan=False) + "\n")


def write_frame(path: Path, frame: "pd.DataFrame") -> None:
    """Write a table as CSV atomically, floats with ten significant digits; see `csv_text`. It is made in blocks."""
    quoting = _quoting(frame)
    with written(path) as file:
        for start in range(0, max(len(frame), 1), _ROWS):
            block = frame.iloc[start : start + _ROWS]
            file.write(encodable(csv_text(block, header=not start, quoting=quoting)).encode())


def csv_text(frame: "pd.DataFrame", number: str = "%.10g", *, header: bool = True, quoting: Any = None) -> str:
    """Return a table as CSV of which a spreadsheet computes nothing: texts that would be formulas get a `'` in front.

    Args:
        frame: The table, whose index is left out.
        number: How numbers with a fraction are written.
        header: Whether the first line has the names.
        quoting: What stands in quotation marks, a constant of `csv`; None: what has to.
    """
    frame = _with_texts(frame, neutral)
    quoting = _quoting(frame) if quoting is None else quoting
    if quoting == csv.QUOTE_MINIMAL:  # texts without quotation marks are the same as numbers, and much faster
        frame = _written(frame, number)
    return str(frame.to_csv(index=False, header=header, float_format=number, lineterminator="\n", quoting=quoting))


def _quoting(frame: "pd.DataFrame") -> Any:
    """Return what stands in quotation marks: all texts where one has a line end that pandas would leave without."""
    return csv.QUOTE_NONNUMERIC if any("\r" in cell for cell in _texts(frame)) else csv.QUOTE_MINIMAL


def _with_texts(frame: "pd.DataFrame", change: Callable[[Any], Any]) -> "pd.DataFrame":
    """Return a table with its texts, names of columns included, changed; what is no text is left alone."""
    import pandas as pd

    for place, name in enumerate(frame.columns):
        column = frame.iloc[:, place]
        if column.dtype.kind == "O":
            changed = {cell: new for cell in _words(column) if (new := change(cell)) != cell}
            if changed:
                texts = [changed.get(cell, cell) if isinstance(cell, str) else cell for cell in column.tolist()]
                frame = frame.assign(**{name: pd.Series(texts, index=frame.index, dtype=object)})
    return frame.set_axis([change(name) for name in frame.columns], axis=1)


def _written(frame: "pd.DataFrame", number: str) -> "pd.DataFrame":
    """Return a table with its columns of floats written as texts, empty where they are NaN."""
    import pandas as pd

    columns = []
    for place, kind in enumerate(frame.dtypes):
        column = frame.iloc[:, place]
        if str(kind) in ("float32", "float64") and len(frame):
            texts = (f"{number}\n" * len(frame) % tuple(column.tolist())).split("\n")[:-1]
            column = pd.Series(["" if text == "nan" else text for text in texts], index=frame.index, dtype=object)
        columns.append(column)
    return pd.concat(columns, axis=1).set_axis(frame.columns, axis=1) if columns else frame


def _texts(frame: "pd.DataFrame") -> Iterator[str]:
    """Yield the names of the columns and the texts in them, those of a column once each."""
    yield from (name for name in frame.columns if isinstance(name, str))
    for place, kind in enumerate(frame.dtypes):
        if kind.kind == "O":
            yield from _words(frame.iloc[:, place])


def _words(column: "pd.Series[Any]") -> set[str]:
    """The texts in a column; of a day's beats most are the same."""
    return {cell for cell in column.tolist() if isinstance(cell, str)}


def neutral(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula; numbers stay as they are."""
    if isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def restored(cell: Any) -> Any:
    """Return what `neutral` was given."""
    return cell[1:] if isinstance(cell, str) and cell[:1] == "'" and _FORMULA.match(cell[1:]) else cell


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
        raise EcganError(
            f"{path} is no safetensors file, or is cut off: its header would have {length:,} bytes.",
            RESTORE,
        )
    return content


def read_json(path: Path) -> Any:
    """Read JSON; a missing, broken or huge file is one sentence."""
    content = read_bytes(path, LARGEST_JSON)
    if content.count(b"[") + content.count(b"{") > _MOST_VALUES:
        raise EcganError(
            f"{path} holds more than {_MOST_VALUES:,} lists and mappings.",
            RESTORE,
        )
    try:
        return json.loads(content, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        what = f"line {error.lineno}, column {error.colno}: {error.msg[:1].lower()}{error.msg[1:]}"
        raise EcganError(
            f"{path} is not JSON, or is cut off: {what}.",
            RESTORE,
        ) from None
    except RecursionError:
        raise EcganError(
            f"{path} is not JSON: it is nested too deeply.",
            RESTORE,
        ) from None
    except UnicodeDecodeError:
        raise EcganError(
            f"{path} is not JSON: it is no UTF-8 text.",
            RESTORE,
        ) from None
    except ValueError as error:
        raise EcganError(f"{path} is not JSON: {error}.", RESTORE) from None


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
        raise EcganError(
            f"{path} does not describe {what}: it holds {shown(found)}, expected keys and values.",
            RESTORE,
        )
    known = {field.name for field in dataclasses.fields(kind)}
    if unknown := sorted(found.keys() - known):
        raise EcganError(
            f"{path} does not describe {what}: unknown key {unknown[0]!r}.",
            RESTORE,
        )
    try:
        return TypeAdapter(kind).validate_json(json.dumps(found), strict=True)
    except ValidationError as error:
        raise EcganError(
            f"{path} does not describe {what}: {found_words(error)}.",
            RESTORE,
        ) from None


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
    """Read a CSV file as `write_frame` writes it; `types` are those of columns that pandas is not to guess.

    Raises:
        EcganError: It is missing, is no UTF-8 text, is empty, or its lines differ in length; `hint` says what to do.
    """
    import pandas as pd

    try:
        check_plain(path, LARGEST_TABLE, hint)
        table = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=[""])
    except OSError as error:
        raise EcganError(f"cannot read {path}: {error.strerror or error}.", hint) from None
    except UnicodeDecodeError as error:
        raise EcganError(f"{path} is no table: it is no UTF-8 text (byte {error.start}).", hint) from None
    except pd.errors.EmptyDataError:
        raise EcganError(f"{path} is no table: it is empty.", hint) from None
    except ValueError as error:
        raise EcganError(f"{path} is no table: {table_words(error)}.", hint) from None
    return _with_texts(table, restored)


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

    The lock lies in `.ecgan/lock` below the working directory and goes with the process that holds it. Without `clear`
    the folder is made and added to. With it the block writes beside the folder, into what is given, which takes the
    folder's place at the end: until then, and after an error, there is what was there before, or nothing. Whatever
    kills the process leaves one of the two whole, and the next writer clears up after it.
    """
    with locked(folder), made(folder.parent if clear else folder):
        if not clear:
            yield folder
            return
        part, aside = (folder.with_name(f".{folder.name}.{word}") for word in ("new", "old"))
        _clear_up(folder, part, aside)
        part.mkdir()
        try:
            yield part
        except BaseException:
            _remove(part)
            raise
        with deferred():
            if folder.exists():
                folder.replace(aside)
            part.replace(folder)
        _remove(aside)


def _clear_up(folder: Path, part: Path, aside: Path) -> None:
    """Remove what a killed process left; where it had set the old folder aside, the new one is whole."""
    if aside.exists() and not folder.exists():
        (part if part.exists() else aside).replace(folder)
    _remove(part)
    _remove(aside)


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def locked(place: Path) -> Iterator[None]:
    """Hold what stands for a file or folder, by whatever name, alone as long as the block lasts; wait if need be."""
    slug = "-".join(Path(os.path.realpath(place)).parts[1:])
    lock = Path(".ecgan/lock") / hashlib.sha256(os.fsencode(slug)).hexdigest()[:24]
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        if not take(handle.fileno()):
            say(f"another process is writing {place}; waiting for it to end")
            take(handle.fileno(), wait=True)
        yield


def take(handle: int, *, wait: bool = False) -> bool:
    """Lock an open file for this process until it is closed; return whether it could be had.

    Raises:
        OSError: The system locks no such files.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return _take_byte(handle, wait=wait)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _take_byte(handle: int, *, wait: bool) -> bool:
    """Do so on Windows, where the first byte of a file is locked, and there is no waiting without end."""
    msvcrt: Any = importlib.import_module("msvcrt")
    while True:
        try:
            os.lseek(handle, 0, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            if not wait:
                return False
            time.sleep(0.1)
        else:
            return True


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[bool]:
    """Write alone into a folder that is there, wherever it is named from; give whether another process came first.

    Where the system locks nothing, such as on some shares of a network, nobody waits, and that is said.
    """
    waited, handle = False, -1
    try:
        try:
            handle = _opened(folder)
            if waited := not take(handle):
                say(f"another process is writing into {folder}; waiting for it to end")
                take(handle, wait=True)
        except OSError:
            say(f"warning: {folder} cannot be locked: do not let two commands write into it at once")
        yield waited
    finally:
        if handle >= 0:
            os.close(handle)


def _opened(folder: Path) -> int:
    """Open a folder to lock it; where folders cannot be opened, as on Windows, a file elsewhere that stands for it."""
    try:
        return os.open(folder, os.O_RDONLY)
    except PermissionError:
        name = hashlib.sha256(os.fsencode(alike(os.path.realpath(folder)))).hexdigest()[:24]
        return os.open(Path(tempfile.gettempdir(), f"ecgan-{name}.lock"), os.O_RDWR | os.O_CREAT)


def alike(name: str) -> str:
    """Return the same text for names that are one file on some system: in other letters, or composed otherwise."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def is_portable(name: str) -> bool:
    """Whether a file or folder can have the name on every system; Windows keeps some for devices."""
    return not (_DEVICE.fullmatch(name) or _NOT_IN_NAMES.search(name) or name in ("", ".", ".."))


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
