"""Ten-second recordings of twelve leads with several statements each: PTB-XL.

P. Wagner et al., "PTB-XL, a large publicly available electrocardiography dataset", Scientific Data 7, 154, 2020.

A recording is normal if the only diagnostic superclass of its statements is NORM; one with any other is abnormal; one
without a diagnostic statement is left out. All statements stay in the table.
"""

import re
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import pandas as pd
from pydantic import Field

from ecgan.datasets.annotated import cut_windows_of, labelled, of_patient
from ecgan.datasets.base import Card, Dataset, cut_recording
from ecgan.datasets.cuts import Cut, Cuts, Recording
from ecgan.datasets.databases import VERSION, Project, ProjectOptions, fetch_project
from ecgan.ecg.files.wfdb import FETCH_AGAIN, read_signals
from ecgan.ecg.leads import match_leads
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.files import table_words
from ecgan.preprocessing.filtering import filter_recording
from ecgan.preprocessing.options import Cleansing, FilterOptions, RecordingOptions, Resampling, SampleOptions
from ecgan.registry import register_dataset
from ecgan.samples import FINDING, FOLD, Samples

Lead = Literal["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
LEADS: tuple[Lead, ...] = get_args(Lead)

TABLE = "ptbxl_database.csv"
STATEMENTS = "scp_statements.csv"
NORMAL = "NORM"
CLASSES = [NORMAL, "abnormal"]

_COLUMNS = ("patient_id", "scp_codes", "strat_fold")
_FILE = re.compile(r"(?:^|.*/)(records(100|500)/\d{5}/\d{5}_[lh]r\.(?:hea|dat))")
_ENTRY = r"'([A-Z0-9_/() -]{1,20})': (\d{1,3}(?:\.\d+)?)"
_CODES = re.compile(rf"\{{(?:{_ENTRY}(?:, {_ENTRY})*)?\}}")
_LARGEST = 64 << 20
_MOST_FOLDS = 1000


class FetchOptions(ProjectOptions):
    """Which version of the database, and at which rate."""

    version: str = Field("1.0.3", pattern=VERSION, description="version of the database; 1.0.2 has two recordings more")
    rate_hz: Literal[100, 500] = Field(100, description="rate of the recordings that are fetched, Hz")


class PreprocessOptions(RecordingOptions, SampleOptions, FilterOptions):
    """How recordings become windows, and which statements count."""

    leads: list[Lead] = Field(list(LEADS), min_length=1, description="leads by name")
    rate_hz: float = Field(100.0, ge=1, le=100_000, description="rate that recordings are brought to first, Hz")
    window: int = Field(
        1000, ge=4, le=100_000, description="samples of a window, at rate_hz; ten seconds are a recording"
    )
    step: int = Field(1000, ge=1, le=100_000, description="samples from the start of a window to the next one")
    likelihood: float = Field(
        0.0, ge=0, le=100, description="least likelihood of a statement that counts, %; many have 0, which is unknown"
    )
    cleansing: Cleansing = Field(Cleansing(limit=10.0), description="Samples that are left out, gaps that are filled.")
    resampling: Resampling = Field(
        Resampling(method="polyphase", rate_hz=51.2), description="Another length or rate of the samples."
    )


@dataclass(frozen=True)
class Listed:
    """A recording that can be used.

    Attributes:
        file: Its header below the raw folder, without the ending.
        patient: Its patient.
        fold: Its fold, from 1.
        statements: Likelihood in % by statement, in the order of the table.
        superclasses: Diagnostic superclasses of the statements that count.
    """

    file: str
    patient: str
    fold: int
    statements: dict[str, float]
    superclasses: frozenset[str]

    @property
    def label(self) -> int:
        """0 if nothing but NORM was diagnosed, else 1."""
        return int(self.superclasses != {NORMAL})


@register_dataset("ptbxl")
class Ptbxl(Dataset):
    """Recordings, or windows of them, with all their statements; normal is NORM and nothing else."""

    card = Card(
        title="PTB-XL, 12-lead recordings with several statements each",
        source="PhysioNet ptb-xl 1.0.3, doi:10.13026/kfzx-aw45",
        licence="CC BY 4.0",
        size="21,799 recordings of 10 s (1.0.2: 21,801) of 18,869 patients, 12 leads, 100 or 500 Hz",
    )
    Fetch = FetchOptions
    Preprocess = PreprocessOptions
    defaults: ClassVar[dict[str, dict[str, Any]]] = {
        "split": {"protocol": "published", "k": 1},
        "train": {"transformation": "individual"},
        "detect": {"classical": ["knn"]},  # the covariance of twelve leads is large
    }

    def fetch(self, raw: Path, options: FetchOptions, *, seed: int) -> None:
        """Download the recordings of the rate and both tables, or copy those that the user has."""
        fetch_project(raw, Project("ptb-xl", options.version), options, partial(_pick, options.rate_hz))

    def cuts(self, raw: Path, options: PreprocessOptions) -> Cuts:
        """Cut each recording into windows."""
        diagnostic = _superclasses(raw / STATEMENTS)
        recordings, notes = list_recordings(raw, diagnostic, options.likelihood)
        items = [Recording(one.file, one, one.file) for one in recordings]
        return Cuts(items, partial(_windows, self, raw, options, diagnostic), notes)

    def recording_rate(self, options: PreprocessOptions) -> float:
        """The rate that recordings are brought to."""
        return options.rate_hz

    def cut(self, record: Record, options: PreprocessOptions) -> Samples:
        """Filter a recording and cut it into windows, whatever its beats are."""
        signals = filter_recording(record.signals, record.sampling_rate, options)
        return cut_windows_of(record, signals, options.window, options.step)


def _pick(rate_hz: int, name: str) -> str | None:
    """Take both tables and the recordings of the rate, in whatever folder they are."""
    path = PurePosixPath(name)
    if path.name in (TABLE, STATEMENTS):
        return path.name
    found = _FILE.fullmatch(name)
    return found[1] if found and int(found[2]) == rate_hz else None


def list_recordings(raw: Path, diagnostic: dict[str, str], likelihood: float) -> tuple[list[Listed], list[str]]:
    """Return the recordings in a raw folder by number, and in words what was left out.

    `diagnostic` has the superclass of each diagnostic statement, "" for other statements.

    Raises:
        EcganError: There are none, or the table is no table of PTB-XL.
    """
    rates = [rate for rate in ("100", "500") if (raw / f"records{rate}").is_dir()]
    if not rates:
        raise EcganError(f"there is no folder records100 or records500 in {raw}.", FETCH_AGAIN)
    column = {"100": "filename_lr", "500": "filename_hr"}[rates[0]]
    table = _read(raw / TABLE, [*_COLUMNS, column])
    found, absent, without = [], 0, 0
    for line, (patient, codes, fold, file) in enumerate(table.itertuples(index=False, name=None), 2):
        where = f"{raw / TABLE}, line {line}"
        if (recording := _FILE.fullmatch(f"{file}.hea")) is None or recording[1] != f"{file}.hea":
            raise EcganError(f"{where}: {str(file)[:60]!r} is no recording.", FETCH_AGAIN)
        if not (raw / f"{file}.hea").is_file():
            absent += 1
            continue
        statements = _statements(codes, where)
        if unknown := [code for code in statements if code not in diagnostic]:
            raise EcganError(f"{where}: {STATEMENTS} does not know the statement {unknown[0]!r}.", FETCH_AGAIN)
        counted = {diagnostic[code] for code, likely in statements.items() if likely >= likelihood} - {""}
        if not counted:
            without += 1
            continue
        numbers = _whole(patient, where, 10**9), _whole(fold, where, _MOST_FOLDS)
        found.append(Listed(file, str(numbers[0]), numbers[1], statements, frozenset(counted)))
    if not found:
        raise EcganError(f"no recording of {raw / TABLE} can be used: {absent:,} are not there.", FETCH_AGAIN)
    notes = [f"recordings without a diagnostic statement, left out: {without:,}"] if without else []
    return found, [*notes, *([f"recordings of {TABLE} that are not there: {absent:,}"] if absent else [])]


def _superclasses(file: Path) -> dict[str, str]:
    """Return the superclass of each diagnostic statement, "" for statements of form and rhythm, in the file's order."""
    table = _read(file, ["diagnostic", "diagnostic_class"], index=True)
    ids = [str(code).strip() for code in table.index]
    names = [
        str(name).strip() if is_one in ("1", "1.0") else "" for is_one, name in table.itertuples(index=False, name=None)
    ]
    return dict(zip(ids, names, strict=True))


def _read(file: Path, columns: list[str], *, index: bool = False) -> pd.DataFrame:
    """Read columns of a CSV file as text, "" for empty fields; with `index` the first column names the rows."""
    if not file.is_file():
        raise EcganError(f"the file {file} is not there.", FETCH_AGAIN)
    if file.stat().st_size > _LARGEST:
        raise EcganError(f"{file} is larger than {_LARGEST >> 20} MiB and no table of PTB-XL.", FETCH_AGAIN)
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False, index_col=0 if index else None, encoding="utf-8")
    except (ValueError, UnicodeError, OSError) as error:
        raise EcganError(f"{file} is no table: {table_words(error)}.", FETCH_AGAIN) from None
    if missing := [name for name in columns if name not in table]:
        raise EcganError(f"{file} has no column {missing[0]!r}.", FETCH_AGAIN)
    return table[columns]


def _statements(text: str, where: str) -> dict[str, float]:
    """Read statements with their likelihoods, such as "{'NORM': 100.0, 'SR': 0.0}"."""
    if not _CODES.fullmatch(text):
        raise EcganError(f"{where}: scp_codes is {text[:60]!r}, expected statements with likelihoods.", FETCH_AGAIN)
    return {code: float(likely) for code, likely in re.findall(_ENTRY, text)}


def _whole(text: str, where: str, most: int) -> int:
    """Read a whole number from 1, also as "15709.0"."""
    found = re.fullmatch(r"(\d{1,10})(?:\.0*)?", text)
    if found is None or not 1 <= int(found[1]) <= most:
        raise EcganError(f"{where}: {text[:40]!r} is no number from 1 to {most:,}.", FETCH_AGAIN)
    return int(found[1])


def _facts(recording: Listed, diagnostic: dict[str, str]) -> dict[str, int | str]:
    """What the table says of a recording: fold, statements in words, and whether it has each finding."""
    supers = list(dict.fromkeys(name for name in diagnostic.values() if name not in ("", NORMAL)))
    said = [code for code in diagnostic if code != NORMAL and code not in supers]
    statements = "; ".join(f"{code} {likely:g}" for code, likely in recording.statements.items())
    findings = {f"{FINDING}{name}": int(name in recording.superclasses) for name in supers}
    findings |= {f"{FINDING}{code}": int(code in recording.statements) for code in said}
    return {FOLD: recording.fold, "statements": statements, **findings}


def _windows(
    dataset: Ptbxl, raw: Path, options: PreprocessOptions, diagnostic: dict[str, str], recording: Listed
) -> Cut:
    place = raw / recording.file
    content = read_signals(place.parent, place.name, FETCH_AGAIN)
    try:
        signals = content.signals[:, match_leads(content.leads, options.leads)]
    except EcganError as error:
        raise EcganError(f"{place}: {error.message}", error.hint) from None
    nothing = np.zeros(0, dtype=np.int64)
    record = Record(place.name, signals, content.sampling_rate, list(options.leads), nothing, [])
    samples = of_patient(cut_recording(dataset, record, options), recording.patient)
    if not len(samples):
        raise EcganError(
            f"the recording {place.name} is shorter than preprocess.window, {options.window} samples at"
            f" {options.rate_hz:g} Hz.",
            "Set a shorter window, or take the recording away.",
        )
    samples = replace(samples, table=samples.table.assign(**_facts(recording, diagnostic)))
    mapping = f"{NORMAL}: no other diagnostic superclass; abnormal: any other"
    if options.likelihood:
        mapping += f"; statements of a likelihood of {options.likelihood:g} % and more"
    return labelled(samples, np.full(len(samples), recording.label, dtype=np.int64), CLASSES, mapping), []
