"""An archive: which recordings are meant by folders with folders in them, lists, globs and URLs."""

import glob
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ecgan.datasets.inventory import recordings_among
from ecgan.ecg.files.hospital import ENDINGS
from ecgan.ecg.files.recordings import FORMATS, files_of_recording
from ecgan.errors import EcganError
from ecgan.files import LARGEST_TABLE, alike, check_plain
from ecgan.remotes.recordings import is_url, plain, told_place
from ecgan.terminal import encodable

LIST = "@"
"""In front of the name of a file that lists recordings, a path or URL a line."""
URL_BYTES = 1 << 20
"""A recording behind a URL counts as much: how large it is nobody says before it comes."""
MANIFEST = "manifest.jsonl"
"""In a folder of results: what was scored; with it recordings are not looked for in there."""
_LONGEST = 1 << 16
"""Characters of a line of a list."""
_HINT = "A list has a path or URL a line."
_BESIDE = (".dat", ".mat", ".DAT", ".MAT")
_PATTERN = "*?["


class Input(NamedTuple):
    """A recording of an archive, in as little memory as there is for a million of them.

    Attributes:
        name: What its results are called: its path below what all have in common, without the ending.
        place: Where it is, as it was named; a path or a URL.
        size: Bytes of all its files.
        mark: When one of them was last changed, ns; empty for a URL.
    """

    name: str
    place: str
    size: int
    mark: str


def expand(words: Iterable[str]) -> Iterator[str]:
    """Yield places: of `@FILE` those that the file lists, of a pattern such as `'**/*.hea'` the files that match it.

    Raises:
        EcganError: A list cannot be read, or nothing matches a pattern.
    """
    for word in words:
        if word.startswith(LIST) and not os.path.lexists(word):
            yield from expand(_listed(Path(word[1:])))
        elif is_url(word) or os.path.lexists(word) or not any(sign in word for sign in _PATTERN):
            yield word
        else:
            found = sorted(glob.glob(word, recursive=True))  # noqa: PTH207 (of Path, it needs a folder)
            if not found:
                raise EcganError(f"nothing matches {word}.", "Put a pattern in quotes: 'archive/**/*.hea'.")
            yield from found


def _listed(file: Path) -> Iterator[str]:
    """The lines of a list; blank ones and those that begin with # do not count."""
    try:
        check_plain(file, LARGEST_TABLE, _HINT)
        with file.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
            while line := lines.readline(_LONGEST):
                if len(line) == _LONGEST:
                    raise EcganError(f"{file} has a line of {_LONGEST:,} characters and more.", _HINT)
                if "\0" in line:
                    raise EcganError(f"cannot read {file}: it is no text.", _HINT)
                if (word := line.strip()) and not word.startswith(("#", LIST)):
                    yield word
    except OSError as error:
        raise EcganError(f"cannot read {file}: {error.strerror or error}.", _HINT) from error


def list_archive(places: Sequence[str], annotator: str | None = None, without: Path | None = None) -> list[Input]:
    """Return the recordings at places, each once, of folders those in all folders below them, too.

    The order is that in which they are named, and sorted within a folder. Of recordings that differ in nothing else the
    ending is part of the name.

    Args:
        places: Folders, recordings, URLs.
        annotator: Of annotation files that are read, too.
        without: A folder that does not count: that of the results.

    Raises:
        EcganError: There is none, or two have the same name.
    """
    found: dict[str, tuple[int, str]] = {}
    known: set[str] = set()
    folders = {place for place in places if not is_url(place) and _is_folder(place)}
    for place in places:
        for one in _below(place, without) if place in folders else [_recording(place)]:
            path = one if is_url(one) or len(places) == 1 else os.path.abspath(one)  # noqa: PTH100
            if path not in known:
                known.add(path)
                found[one] = _identity(one, annotator)
    if not found:
        raise EcganError(
            f"there is no recording in {', '.join(places) or 'an empty list'}.",
            "Name folders with recordings in them, recordings, patterns or @LIST.",
        )
    names = _names(list(found), sorted(folders))
    return [Input(name, place, *found[place]) for name, place in zip(names, found, strict=True)]


def _below(folder: str, without: Path | None) -> Iterator[str]:
    """The recordings in a folder and in all below it, in one order everywhere; links to folders are not followed.

    What lies in a folder of results, such as the tables of pages, is no recording.
    """
    if without is not None:
        without = Path(folder, os.path.relpath(without, folder))
    for root, folders, files in os.walk(folder):
        if MANIFEST in files and _is_of_results(Path(root, MANIFEST)):
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith(".") and Path(root, name) != without)
        for name in recordings_among(Path(root), sorted(files)):
            yield os.path.join(root, name)  # noqa: PTH118


def _is_of_results(manifest: Path) -> bool:
    """Whether a manifest is one of results: an archive may have its own of that name, and all of it is to be scored."""
    if not manifest.is_file():  # a pipe would be waited for
        return False
    try:
        with manifest.open("rb") as file:
            head = json.loads(file.readline(_LONGEST))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(head, dict) and head.keys() == {"format", "settings", "told"}


def _is_folder(place: str) -> bool:
    return os.path.isdir(place)  # noqa: PTH112 (of Path, it fails at a name that is too long)


def _recording(place: str) -> str:
    """The file of a recording that was named by any of its files, or by none: of a WFDB record, the header."""
    stem, ending = os.path.splitext(place)  # noqa: PTH122
    if is_url(place) or ending.lower() in {*FORMATS, *ENDINGS}:
        return place
    headers = (f"{place}.hea", f"{stem}.hea")
    return next((header for header in headers if os.path.isfile(header)), place)  # noqa: PTH113


def _identity(place: str, annotator: str | None) -> tuple[int, str]:
    """Size and time of a recording's files, which tell another content as Make and rsync do, without reading them."""
    if is_url(place):
        return URL_BYTES, ""
    stem, ending = os.path.splitext(place)  # noqa: PTH122
    states = [_state(place)]
    if ending.lower() == ".hea":
        beside = list(filter(None, (_state(stem + one) for one in _BESIDE)))
        named = [] if beside else files_of_recording(Path(place), annotator)[1:]
        states += beside or [_state(str(file)) for file in named]
    if annotator is not None:
        states += [_state(f"{stem}.{annotator}"), _state(f"{place}.{annotator}")]
    there = [state for state in states if state is not None]
    return sum(size for size, _ in there), str(max((time for _, time in there), default=0))


def _state(place: str) -> tuple[int, int] | None:
    try:
        state = os.stat(place)  # noqa: PTH116
    except (OSError, ValueError):
        return None
    return state.st_size, state.st_mtime_ns


def _names(places: list[str], folders: Sequence[str]) -> list[str]:
    """What results are called, in the order of the places."""
    paths = [_path(place) for place in places]
    common = os.path.commonpath([*(path.parent for path in paths), *map(_path, folders)])
    full = [path.relative_to(common).as_posix() for path in paths]
    short = [os.path.splitext(name)[0] for name in full]  # noqa: PTH122
    count = Counter(map(alike, short))
    names = [stem if count[alike(stem)] == 1 else name for stem, name in zip(short, full, strict=True)]
    seen: dict[str, str] = {}
    for name, place in zip(map(alike, names), places, strict=True):
        if (other := seen.setdefault(name, place)) is not place:
            both = f"{told_place(other)} and {told_place(place)}"
            raise EcganError(f"{both} would have results of one name.", "Score them apart, or rename one of them.")
    return list(map(encodable, names))


def _path(place: str) -> PurePosixPath:
    """A place as a path from the root; of a URL its host comes first."""
    if is_url(place):
        return PurePosixPath("/", plain(place).split("://", 1)[1].lstrip("/"))
    return PurePosixPath(Path(os.path.abspath(place)))  # noqa: PTH100
