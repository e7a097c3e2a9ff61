"""Databases of PhysioNet: what is known of their records, and how their files come.

The hashes of a database are those of its own SHA256SUMS.txt. The list is pinned when it is first seen: it stays in the
raw folder, beside a note of whose it is, and whatever comes later must fit it. A copy of it that is kept elsewhere,
such as in Git, is named in `fetch.sums` and counts from the first fetch on.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from ecgan.config.schema import FilePath
from ecgan.datasets.archives import Limits
from ecgan.datasets.fetching import SUMS, download, download_published, load_registry, read_sums
from ecgan.datasets.sources import SourceOptions, take_source
from ecgan.ecg.files.wfdb import FETCH_AGAIN, read_header
from ecgan.errors import EcganError
from ecgan.files import read_record, sha256, write_json

NOTE = "database.json"
VERSION = r"^\d+(\.\d+){0,3}$"

_URL = "https://physionet.org/files/{}/{}/"
_LIMITS = Limits(members=100_000, size=64 << 30, ratio=50)
_PATIENT = re.compile(r"\bpatient\s*(?:no\.?|number|#|:)?\s*(\d+)\b", re.IGNORECASE)


class ProjectOptions(SourceOptions):
    """Where the files of a PhysioNet project come from, and by which hashes."""

    sums: FilePath | None = Field(
        None, description="copy of the project's SHA256SUMS.txt that counts; null: the one of the first fetch"
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.sums is not None and self.source is not None:
            raise ValueError("sums is for downloads, and source names files that are there; allowed: one of them")
        return self


@dataclass(frozen=True)
class Project:
    """A project of PhysioNet as it lies in a raw folder.

    Attributes:
        name: Its name in addresses, such as "svdb".
        version: Its version.
        annotator: Ending of the annotation files that are used; "" where there are none.
    """

    name: str
    version: str
    annotator: str = ""

    @property
    def url(self) -> str:
        """Where its files are."""
        return _URL.format(self.name, self.version)


@dataclass(frozen=True)
class Facts:
    """What is known of a database's records beside what its files say.

    Attributes:
        annotator: Ending of the annotation files that are used.
        leads: Leads that are usually looked at; empty: the first of each record, whatever its name.
        patients: Patient of a record, where that is not the record's own name.
        in_header: Whether a comment of the header numbers the patients ("patient 12"), of whom some have several
            records.
        left_out: Records that are used only where a user names them.
        registry: List of hashes in the package, where there is one.
    """

    annotator: str = "atr"
    leads: tuple[str, ...] = ()
    patients: Mapping[str, str] = field(default_factory=dict)
    in_header: bool = False
    left_out: tuple[str, ...] = ()
    registry: str | None = None

    def patient(self, raw: Path, name: str) -> str:
        """Return the patient of a record."""
        if self.in_header:
            place = raw / name
            for comment in read_header(place.parent, place.name, FETCH_AGAIN).comments or []:
                if found := _PATIENT.search(comment):
                    return f"patient {int(found[1])}"
        return self.patients.get(name, name)


NOTHING = Facts()
MITDB = Facts(
    leads=("MLII",),
    patients={"202": "201"},  # records 201 and 202 are of one man; every other record is a patient of its own
    left_out=("102", "104", "107", "217"),  # of paced hearts, which AAMI EC57 leaves out
    registry="mitdb-1.0.0",
)
KNOWN: dict[str, Facts] = {"mitdb": MITDB, "incartdb": Facts(leads=("II",), in_header=True)}
"""Databases of which more is known than their files say; in all others a record is a patient."""


def fetch_mitdb(raw: Path, keep: tuple[str, ...] = ()) -> None:
    """Download the 48 records of `mitdb` 1.0.0 and their list RECORDS, or copy them from a mirror."""
    assert MITDB.registry is not None
    download(raw, Project("mitdb", "1.0.0").url, load_registry(MITDB.registry), keep)


def fetch_project(raw: Path, project: Project, options: ProjectOptions, pick: Callable[[str], str | None]) -> None:
    """Put the wanted files of a project into `raw`, with its list of hashes and a note of which project it is.

    `pick` says under which path a file is wanted; of the project's own files, those that keep their path are.

    Raises:
        EcganError: The list or a file cannot be had, is refused, or is not that of the first time.
    """
    raw.mkdir(parents=True, exist_ok=True)
    if options.source is not None:
        take_source(raw, options.source, lambda name: pick(name) or _list(name), lambda _: None, _LIMITS)
        _check_source(raw, options.source)
        write_json(raw / NOTE, asdict(project))
        return
    if not _is_of(raw, project):
        (raw / SUMS).unlink(missing_ok=True)  # the hashes of another project
    write_json(raw / NOTE, asdict(project))
    known = KNOWN.get(project.name, NOTHING).registry
    if known == f"{project.name}-{project.version}" and options.sums is None:
        fetch_mitdb(raw, keep=(NOTE,))
        return
    if options.sums is not None:
        _take_sums(raw, Path(options.sums))
    download_published(raw, project.url, lambda name: pick(name) == name, keep=(NOTE,))


def read_project(raw: Path) -> Project:
    """Return which project lies in a raw folder.

    Raises:
        EcganError: There is no note of it, or it is damaged.
    """
    if not (raw / NOTE).is_file():
        raise EcganError(f"there is no {NOTE} in {raw}.", FETCH_AGAIN)
    return read_record(raw / NOTE, Project, "a project of PhysioNet")


def _is_of(raw: Path, project: Project) -> bool:
    """Tell whether the list of hashes in a raw folder is that of a project."""
    try:
        return read_project(raw).url == project.url
    except EcganError:  # no note, or a damaged one
        return False


def _list(name: str) -> str | None:
    return SUMS if name.rsplit("/", 1)[-1] == SUMS else None


def _take_sums(raw: Path, file: Path) -> None:
    """Let a list of the user's be the one that counts."""
    if not file.is_file():
        raise EcganError(
            f"fetch.sums: there is no file {file}.",
            f"It is a copy of {SUMS} of the raw folder; null takes the list that PhysioNet has now.",
        )
    read_sums(file)
    content = file.read_bytes()
    if not (raw / SUMS).is_file() or (raw / SUMS).read_bytes() != content:
        (raw / SUMS).write_bytes(content)


def _check_source(raw: Path, source: str) -> None:
    """Refuse files of the user's that are not those of the list of hashes among them."""
    if not (raw / SUMS).is_file():
        return
    registry = read_sums(raw / SUMS)
    for file in sorted(file for file in raw.rglob("*") if file.is_file()):
        name = file.relative_to(raw).as_posix()
        if name in registry and sha256(file) != registry[name]:
            raise EcganError(
                f"fetch.source: {name} of {source} is not the file that its {SUMS} names.", "Copy it again."
            )
