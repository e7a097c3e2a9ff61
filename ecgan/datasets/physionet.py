"""Annotated beats of any PhysioNet database of WFDB records: `svdb`, `incartdb`, `edb`, `ltdb`, `nsrdb`, `qtdb` ….

A. L. Goldberger et al., "PhysioBank, PhysioToolkit, and PhysioNet", Circulation 101(23), 2000.

`mitbih` goes the same way, with `mitdb` and its facts.
"""

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from ecgan.datasets.annotated import Annotated, BeatOptions, choose_records, record_names
from ecgan.datasets.base import Card, cut_recording
from ecgan.datasets.cuts import Cuts
from ecgan.datasets.databases import (
    KNOWN,
    NOTHING,
    VERSION,
    Facts,
    Project,
    ProjectOptions,
    fetch_project,
    read_project,
)
from ecgan.ecg.aami import BEAT_SYMBOLS
from ecgan.ecg.files.wfdb import FETCH_AGAIN, read_annotations
from ecgan.ecg.leads import ANY, match_leads
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.files import write_text
from ecgan.registry import register_dataset
from ecgan.samples import Samples

LEAD = "lead"
"""Column of the table: which lead that is."""

PACED = "/"
_FILES = (".hea", ".dat", ".mat")


class FetchOptions(ProjectOptions):
    """Which database."""

    database: str = Field(
        "svdb", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="name of the database in its address on PhysioNet"
    )
    version: str = Field("1.0.0", pattern=VERSION, description="version of the database")
    annotator: str = Field(
        "atr", pattern=r"^[A-Za-z0-9]{1,8}$", description="ending of the annotation files with the beats"
    )


class PreprocessOptions(BeatOptions):
    """How annotated records become beats."""

    leads: list[str] = Field(
        [], description="leads by name; []: the usual ones of the database, or else the first lead of each record"
    )
    paced: bool = Field(False, description="use records with paced beats too, which AAMI EC57 leaves out")
    minutes: float | None = Field(None, gt=0, description="minutes of each record, from its start; null: all")
    rate_hz: float = Field(360.0, ge=1, le=100_000, description="rate that records are brought to first, Hz")


@register_dataset("physionet")
class Physionet(Annotated):
    """Every annotated beat of the chosen records and leads, class by AAMI."""

    card = Card(
        title="Any PhysioNet database of annotated beats: svdb, incartdb, edb, ltdb, nsrdb, qtdb and others",
        source="PhysioNet, the database that fetch.database names",
        licence="that of the database; those named here: Open Data Commons Attribution License 1.0",
        size="such as svdb: 78 half-hour records, 128 Hz",
    )
    Fetch = FetchOptions
    Preprocess = PreprocessOptions
    defaults: ClassVar[dict[str, dict[str, Any]]] = {
        "train": {"transformation": "individual"},
        "detect": {"classical": ["knn", "pca", "patient_specific"]},
    }

    def fetch(self, raw: Path, options: FetchOptions, *, seed: int) -> None:
        """Download the records, or copy those that the user has."""

        def pick(name: str) -> str | None:
            path = PurePosixPath(name)
            wanted = path.name == "RECORDS" or path.suffix in (*_FILES, f".{options.annotator}")
            return (name if options.source is None else path.name) if wanted else None

        fetch_project(raw, Project(options.database, options.version, options.annotator), options, pick)
        if options.source is not None and not (raw / "RECORDS").exists():
            marked = {file.stem for file in raw.glob(f"*.{options.annotator}")}
            names = sorted(marked & {file.stem for file in raw.glob("*.hea")})
            if not names:
                raise EcganError(
                    f"fetch.source, {options.source}, has no list RECORDS and no header with annotations beside it"
                    f" (.{options.annotator}).",
                    "Name the folder of the records, or mend fetch.annotator.",
                )
            write_text(raw / "RECORDS", "".join(f"{name}\n" for name in names))

    def facts(self, raw: Path) -> Facts:
        """Patients and leads where they are known, and the annotator that was fetched."""
        project = read_project(raw)
        return replace(KNOWN.get(project.name, NOTHING), annotator=project.annotator)

    def cuts(self, raw: Path, options: PreprocessOptions) -> Cuts | None:
        """Cut the annotated beats; records that lack a lead, or are left out as paced, are named in `about.mapping`."""
        known, facts, notes = record_names(raw), self.facts(raw), []
        if not options.leads:
            options = options.model_copy(update={"leads": list(facts.leads)})
        if options.records is None:
            marked = [name for name in known if (raw / f"{name}.{facts.annotator}").is_file()]
            if not marked:
                raise EcganError(
                    f"no record in {raw} has annotations of the annotator {facts.annotator!r}.", "Mend fetch.annotator."
                )
            paced = [] if options.paced else [name for name in marked if _is_paced(raw, name, facts.annotator)]
            for names, why in ((set(known) - set(marked), "for want of annotations"), (set(paced), "as paced")):
                if names:
                    notes.append(f"left out {why}: {', '.join(name for name in known if name in names)}")
            options = options.model_copy(update={"records": [name for name in marked if name not in paced]})
        found = super().cuts(raw, options)
        return found and replace(found, notes=[*found.notes, *notes])

    def wanted(self, raw: Path, options: PreprocessOptions) -> list[str]:
        """Return the names of the records to use."""
        return choose_records(options.records, known := record_names(raw), known)

    def beats(self, record: Record, options: PreprocessOptions) -> Samples:
        """Cut the beats of the leads that are named, or of the first."""
        leads = options.leads or record.leads[:1]
        length = len(record.signals)
        if options.minutes is not None:
            length = min(length, round(options.minutes * 60 * record.sampling_rate))
        beats = np.flatnonzero(np.isin(record.symbols, list(BEAT_SYMBOLS)) & (record.samples < length))
        chosen = replace(
            record,
            signals=record.signals[:length, match_leads(record.leads, leads)],
            leads=list(options.leads) or [ANY],
            samples=record.samples[beats],
            symbols=[record.symbols[beat] for beat in beats],
            notes=[],
        )
        samples = cut_recording(self, chosen, options)
        return samples if options.leads else replace(samples, table=samples.table.assign(**{LEAD: leads[0]}))

    def recording_rate(self, options: PreprocessOptions) -> float:
        """The rate that records are brought to."""
        return options.rate_hz


def _is_paced(raw: Path, name: str, annotator: str) -> bool:
    place = raw / name
    return PACED in read_annotations(place.parent, place.name, annotator, FETCH_AGAIN).symbols
