"""A recording of one's own with the scores of its beats."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import pandas as pd

from ecgan.ecg.records import Record
from ecgan.reporting.recordings import ScoredRecording
from ecgan.scoring.annotations import ANNOTATOR, write_annotations
from ecgan.scoring.decisions import decide, read_decisions
from ecgan.scoring.families import family_frame
from ecgan.scoring.files import summarised, write_page, write_table
from ecgan.scoring.normal import told_of


class Scored:
    """What a run says of a recording; `ecgan score` writes the same.

    Attributes:
        recording: Everything that there is, see `ecgan.reporting.recordings.ScoredRecording`.
    """

    def __init__(self, recording: ScoredRecording) -> None:
        self.recording = recording

    @property
    def record(self) -> Record:
        """The recording, with the leads that were scored; `samples` are the R peaks."""
        return self.recording.record

    @property
    def beats(self) -> pd.DataFrame:
        """One row a beat: `sample`, `time_s`, `score`, `flagged`, `reason`, the components."""
        return self.recording.beats

    @property
    def families(self) -> pd.DataFrame:
        """One row a family of flagged beats of the same shape, largest deviation first: `beats`, times, `reason`, …."""
        return family_frame(self.recording.families, self.recording.columns)

    @property
    def episodes(self) -> pd.DataFrame:
        """One row a stretch of consecutive flagged beats: `start_s`, `end_s`, `beats`, `reason`, …."""
        return self.recording.episodes

    @property
    def modes(self) -> pd.DataFrame:
        """Two rhythms or kinds of beats where they compete for being normal: `taken`, `share`, rate, QRS, `reason`.

        A row each, the one that was taken first; no rows where there is one. Their templates are those of
        `recording.normal.modes`.
        """
        normal = self.recording.normal
        return pd.DataFrame([told_of(mode) for mode in normal.modes] if normal else [])

    @property
    def warnings(self) -> list[str]:
        """Sentences that a reader must see, such as that the majority of the beats may not be normal."""
        return self.recording.warnings

    def decide(self, decisions: Mapping[int, str] | Path | str) -> Self:
        """Return the same with what a reader decided; its WFDB annotations are those of the accepted families only.

        Args:
            decisions: "accepted" or "rejected" by number of the family, or the file that the page exported.

        Raises:
            EcganError: The decisions are of other families, or accept none.
        """
        given = decisions if isinstance(decisions, Mapping) else read_decisions(Path(decisions), self.recording)
        return type(self)(decide(self.recording, given))

    @property
    def summary(self) -> dict[str, Any]:
        """Counts, threshold, and where both come from; names and plain values."""
        return summarised(self.recording)

    def to_csv(self, path: Path | str) -> Path:
        """Write the beats as CSV; return the file."""
        write_table(Path(path), self.recording)
        return Path(path)

    def to_html(self, path: Path | str) -> Path:
        """Write the page that shows the recording on ECG paper, one HTML file; return the file."""
        write_page(Path(path), self.recording)
        return Path(path)

    def to_wfdb(self, path: Path | str) -> Path:
        """Write WFDB annotations; return the file.

        Args:
            path: The file; its ending is the annotator's name, `.ecgan` where it has none.
        """
        file = Path(path) if Path(path).suffix else Path(path).with_suffix(f".{ANNOTATOR}")
        write_annotations(file, self.recording)
        return file

    def __repr__(self) -> str:
        found = self.recording
        noun = found.noun if found.facts["scored"] == 1 else f"{found.noun}s"
        return (
            f"{found.record.name}: {found.facts['flagged']:,} of {found.facts['scored']:,} {noun} flagged"
            f" ({found.strategy} ≥ {found.threshold:.4g}, {found.facts['threshold_from']})"
        )
