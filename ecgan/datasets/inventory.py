"""The inventory of a user's folder: which files there are, with size and SHA-256, and which of them are recordings.

It is all that `fetch` leaves of a folder: the recordings stay where they are, and DVC sees a changed folder by its
changed inventory.
"""

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath

from ecgan.datasets.omissions import is_hidden, left_out
from ecgan.ecg.files.hospital import ENDINGS, TITLES, is_installed, kind_of
from ecgan.ecg.files.recordings import FORMATS, by_content
from ecgan.ecg.files.wfdb_header import segment_names
from ecgan.errors import EcganError
from ecgan.files import read_record, sha256, write_json
from ecgan.progress import track
from ecgan.terminal import encodable

NAME = "inventory.json"
LABELS = "labels.csv"
PATIENTS = "patients.csv"
_OTHER = (".rec",)
"""Endings under which EDF is found as well."""


@dataclass(frozen=True)
class Entry:
    """A file: its size in bytes and SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Inventory:
    """The files of a folder, or one file.

    Attributes:
        path: The folder or file, as the user names it.
        files: By path below the folder, with "/"; of a single file, its own name.
    """

    path: str
    files: dict[str, Entry] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The folder that the names begin in."""
        path = Path(self.path)
        return path if path.is_dir() else path.parent

    def left_out(self) -> str:
        """Say which of the files are no recordings; empty where all are, and of a single file."""
        if Path(self.path).is_file():
            return ""
        return left_out(self.root, self.files, recordings_among(self.root, self.files))

    def recordings(self) -> dict[str, Path]:
        """Return the file of each recording, by its name: the path below the folder without the ending.

        Raises:
            EcganError: There is none, or two have the same name.
        """
        found: dict[str, Path] = {}
        for name in recordings_among(self.root, self.files):
            path = PurePosixPath(name)
            stem = path.with_suffix("").as_posix()
            if stem in found:
                raise EcganError(
                    f"{self.path} has two recordings of the name {stem}: {found[stem].name} and {path.name}.",
                    "Keep one of them, or give one another name.",
                )
            found[stem] = self.root / name
        if not found:
            raise EcganError(
                f"there is no recording in {self.path}.",
                f"Recordings: WFDB (.hea with .dat), .edf, .bdf, .csv, .tsv, .npy, .npz, {TITLES}.",
            )
        return found


def recordings_among(root: Path, names: Iterable[str]) -> list[str]:
    """Return those of the files `names`, paths below `root`, that are recordings, in their order.

    What they are is told by their ending, of formats of hospitals by their content; these count only where the extra
    is installed that reads them. Hidden files are none, nor are the sheets `labels.csv` and `patients.csv`, segments of
    a WFDB record of several segments, or `.txt` files, which have to be named.
    """
    names = list(names)
    segments = _segments(root, names)
    return [
        name
        for name in names
        if not is_hidden(name)
        and _is_recording(root, path := PurePosixPath(name))
        and path.name not in (LABELS, PATIENTS)
        and path.with_suffix("").as_posix() not in segments
    ]


def _is_recording(root: Path, path: PurePosixPath) -> bool:
    ending = path.suffix.lower()
    if ending in ENDINGS:
        return kind_of(root / path) is not None and is_installed()
    return ending in FORMATS.keys() - {".txt"} or (ending in _OTHER and by_content(root / path) is not None)


def _segments(root: Path, names: Iterable[str]) -> set[str]:
    headers = (name for name in names if name.lower().endswith(".hea") and not is_hidden(name))
    return {
        PurePosixPath(name).parent.joinpath(segment).as_posix()
        for name in headers
        for segment in segment_names(root / name)
    }


def take_inventory(path: str, raw: Path) -> Inventory:
    """List the files of a folder, below it too, or a single file; hidden files and read-me files do not count.

    Raises:
        EcganError: The path is not there, holds no file, or holds `raw`, where the inventory is going to be kept.
    """
    place = Path(path)
    if place.is_file():
        return Inventory(path, {place.name: _entry(place)})
    if not place.is_dir():
        raise EcganError(
            f"the folder {path} is not there.",
            "Put recordings into it, or name the folder (or the table) that you have in fetch.path.",
        )
    if raw.resolve().is_relative_to(place.resolve()):
        raise EcganError(
            f"the folder {path} holds {raw}, which fetch writes.", "Keep recordings in a folder of theirs."
        )
    names = sorted(_walk(place))
    if unsayable := next((name for name in names if encodable(name) != name), None):
        raise EcganError(
            f"{path} holds the file {unsayable}, whose name is no UTF-8: tables of samples cannot say it.",
            "Give it another name.",
        )
    if not names:
        raise EcganError(f"the folder {path} holds no files.", "Put recordings into it, or mend fetch.path.")
    return Inventory(path, {name: _entry(place / name) for name in track(names, len(names), "taking the inventory")})


def write_inventory(raw: Path, inventory: Inventory) -> None:
    """Write the inventory into `raw`, atomically."""
    write_json(raw / NAME, asdict(inventory))


def load_inventory(raw: Path) -> Inventory:
    """Read the inventory and see that the files are still those that it lists.

    Raises:
        EcganError: There is none, or a file has come, gone or changed since.
    """
    if not (raw / NAME).is_file():
        raise EcganError(f"there is no inventory in {raw}.", "Run `ecgan fetch` first.")
    known = read_record(raw / NAME, Inventory, "an inventory")
    found = take_inventory(known.path, raw)
    names = sorted(known.files.keys() | found.files.keys())
    changed = [name for name in names if known.files.get(name) != found.files.get(name)]
    if changed:
        both = changed[0] in known.files and changed[0] in found.files
        more = f", and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise EcganError(
            f"{known.path} is not what was fetched: {changed[0]} has {'changed' if both else 'come or gone'}{more}.",
            "Run `ecgan fetch` again.",
        )
    return known


def _walk(folder: Path) -> list[str]:
    found = []
    for where, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        found += [
            (Path(where) / name).relative_to(folder).as_posix()
            for name in names
            if not name.startswith(".") and not name.lower().startswith("readme") and (Path(where) / name).is_file()
        ]
    return found


def _entry(file: Path) -> Entry:
    try:
        return Entry(file.stat().st_size, sha256(file))
    except OSError as error:
        raise EcganError(f"cannot read {file}: {error.strerror or error}", "Check its permissions.") from error
