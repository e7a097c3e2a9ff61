"""A trained run that scores recordings and arrays."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.arrays import F32
from ecgan.ecg.files.channels import check_rate
from ecgan.ecg.files.units import Counts, check_counts, check_unit
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.notebook.arrays import samples_from
from ecgan.notebook.explaining import Explanation
from ecgan.notebook.scored import Scored
from ecgan.preprocessing.inputs import bare
from ecgan.references import parse_reference
from ecgan.remotes.recordings import read_anywhere
from ecgan.runtime import borrowed_process
from ecgan.samples import Samples
from ecgan.scoring.leads import AUTO
from ecgan.scoring.recording import score_recording
from ecgan.scoring.scorer import Judged, Scorer, load_scorer

F64 = NDArray[np.float64]


class Run:
    """A trained run; `ecgan.load` gives one.

    Samples are arrays (n, L) of one lead, or (n, C, L), in the unit that the run was trained in; or `Samples`, which a
    run with a context needs. Scores are higher for what is more abnormal.

    Attributes:
        scorer: What scores, shared with `ecgan score`.
    """

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    @property
    def threshold_(self) -> float:
        """A score from here on is called abnormal."""
        return self.scorer.threshold

    @property
    def threshold_from_(self) -> str:
        """Where the threshold comes from, in words."""
        return self.scorer.threshold_from

    @property
    def leads(self) -> list[str]:
        """The leads that the run looks at, in order."""
        return self.scorer.leads

    @property
    def length(self) -> int:
        """L, the time steps of a sample."""
        return self.scorer.trained.expected.length

    @property
    def unit(self) -> str:
        """Unit of samples."""
        return self.scorer.trained.expected.unit

    def score(
        self,
        recording: "Path | str | Record | NDArray[Any]",
        *,
        sampling_rate: float | None = None,
        leads: Sequence[str] | None = None,
        unit: str | None = None,
        gain: float | None = None,
        baseline: float | None = None,
        annotator: str | None = None,
        name: str = "recording",
    ) -> Scored:
        """Score the beats of a recording.

        Args:
            recording: A file or its URL (`https://…`, `s3://…`), what `ecgan.read` gave, or signals (T, C) or (T,), NaN
                where samples are missing.
            sampling_rate: Hz, of signals, and of files that do not say it; one that contradicts a file is an error.
            leads: Of signals the name of each column; else the recording's leads that stand for the run's, in order,
                or `"auto"` for those that standards name so. None: those of the same names, and of signals the run's
                own.
            unit: Of signals, and of files that do not name one, mV, uV or V; None: mV.
            gain: Counts per mV, of signals and files that hold the counts of a converter.
            baseline: The count at 0 mV; None: the median of each lead.
            annotator: Annotations beside a file that mark the beats. None: those of a record that has some, else R
                peaks are detected.
            name: What signals are called in the results.

        Raises:
            EcganError: The recording cannot be read or scored.
        """
        given = [leads] if isinstance(leads, str) else None if leads is None else list(leads)
        assert self.scorer.rate  # refuses a run whose samples are not cut from recordings
        if isinstance(recording, (str, Path)):
            wanted = self.scorer.leads if given is None or tuple(given) == AUTO else given
            record = read_anywhere(
                recording,
                sampling_rate=sampling_rate,
                annotator=annotator,
                unit=unit,
                gain=gain,
                baseline=baseline,
                leads=wanted,
            )
        elif isinstance(recording, Record):
            record, annotator = recording, "given" if len(recording.samples) else None
        else:
            record, given = self._recorded(recording, sampling_rate, given, name), None
            record = _in_millivolts(record, unit, check_counts(unit, gain, baseline))
        with borrowed_process(self._threads):
            return Scored(score_recording(record, self.scorer, leads=given, annotator=annotator))

    def decision_function(self, x: Any) -> F64:
        """Score each of x (n, L) or (n, C, L), shape (n,); higher = more abnormal."""
        return self._judged(self._samples(x)).scores[self.scorer.strategy]

    score_samples = decision_function

    def predict(self, x: Any) -> NDArray[np.int64]:
        """Whether each of x (n, L) or (n, C, L) is abnormal, 0 or 1, shape (n,)."""
        return (self.decision_function(x) >= self.threshold_).astype(np.int64)

    def reconstruct(self, x: Any) -> F32:
        """Return what x (n, L) or (n, C, L) is taken for, in its shape and unit.

        Raises:
            EcganError: The run reconstructs nothing: it is a classifier's or a classical detector's.
        """
        found = self.explain(x).reconstruction
        if found is None:
            raise EcganError(
                f"{self.scorer.reference} reconstructs nothing: its detector is"
                f" {self.scorer.members[0].fitted.detector.name!r}.",
                "Take the run of a generative model, such as aegan.",
            )
        return found[:, 0] if not isinstance(x, Samples) and np.ndim(x) == 2 else found  # (n, C, L) → (n, L)

    def explain(self, x: Any) -> Explanation:
        """Return reconstructions, residuals and components of x (n, L) or (n, C, L)."""
        samples = self._samples(x)
        judged = self._judged(samples)
        with borrowed_process(self._threads):
            found = self.scorer.reconstruct(samples)
        return Explanation(
            signals=samples.signals,
            reconstruction=found,
            components=judged.components,
            scores=judged.scores[self.scorer.strategy],
            threshold=self.threshold_,
            leads=self.leads,
            unit=self.unit,
        )

    def __repr__(self) -> str:
        folds = ", ".join(str(member.trained.fold.index) for member in self.scorer.members)
        return (
            f"<run {self.scorer.reference}: fold{'s' * (len(self.scorer.members) > 1)} {folds}, {', '.join(self.leads)}"
            f" × {self.length}, {self.scorer.strategy} ≥ {self.threshold_:.4g} ({self.threshold_from_})>"
        )

    @property
    def _threads(self) -> int:
        return self.scorer.trained.params.runtime.threads

    def _judged(self, samples: Samples) -> Judged:
        with borrowed_process(self._threads):
            return self.scorer.judge(samples)

    def _samples(self, x: Any) -> Samples:
        """Return what a user gave as samples that the run can see, with their context where it has one."""
        expected = self.scorer.trained.expected
        given = x.with_leads(self.leads) if isinstance(x, Samples) else None
        if given is not None:
            for what in ("sampling_rate", "unit"):
                here, there = getattr(expected, what), getattr(given.about, what)
                if here != there:
                    raise EcganError(
                        f"the samples have the {what.replace('_', ' ')} {there}; the run was trained with {here}.",
                        "Cut and resample them as those of the fit.",
                    )
        signals = samples_from(x if given is None else given.signals, leads=len(self.leads), length=self.length)
        samples = bare(signals, expected) if given is None else replace(given, signals=signals)
        return samples.seen(slice(None), self.scorer.context)

    def _recorded(self, x: Any, rate: float | None, leads: list[str] | None, name: str) -> Record:
        """Make a recording of signals (T, C) or (T,)."""
        if rate is None:
            raise EcganError("signals do not say their sampling rate.", "Give it in Hz: sampling_rate=360.")
        check_rate("sampling_rate", rate)
        array = np.asarray(x)
        if array.dtype.kind not in "biuf" or array.ndim not in (1, 2):
            raise EcganError(
                f"a recording is a file, a record or an array (T, C) of numbers; found {type(x).__name__} with the"
                f" shape {array.shape} and {array.dtype}.",
                "Give a path, an `ecgan` record or an array (T, C) with `sampling_rate`.",
            )
        signals = array.astype(np.float64)
        signals = signals[:, None] if array.ndim == 1 else signals  # (T,) to (T, 1)
        named = [name for name in getattr(x, "columns", []) if isinstance(name, str)]  # of a table of pandas
        names = leads or (named if len(named) == signals.shape[1] else self.leads)
        if len(names) != signals.shape[1]:
            raise EcganError(
                f"the signals have {signals.shape[1]} columns, and these leads are expected: {', '.join(names)}.",
                "Name each column: leads=['MLII', 'V1'].",
            )
        return Record(name, signals, float(rate), names, np.zeros(0, dtype=np.int64), [])


def _in_millivolts(record: Record, unit: str | None, counts: Counts | None) -> Record:
    """Return a recording of signals in a unit, or of counts, in mV; where neither is said, mV is assumed."""
    if counts is not None:
        return replace(record, signals=np.stack([counts.millivolts(lead) for lead in record.signals.T], axis=1))
    return replace(record, signals=record.signals * check_unit(unit), assumed=record.leads if unit is None else [])


def load(
    reference: Path | str,
    *,
    strategy: str | None = None,
    threshold: float | None = None,
    models: Path | str = "models",
) -> Run:
    """Load a trained run.

    Args:
        reference: A run's folder, what `Detector.save` wrote, `entity/project/run` below `models`, or a run elsewhere:
            `[scheme:]<run>[/fold_<k>][:<version>]`. Without a fold all folds score, and the mean counts.
        strategy: the strategy that decides; None: by validation, see `ecgan.evaluation.choosing`.
        threshold: Its threshold; None: the fitted one.
        models: Folder of the runs here.

    Raises:
        EcganError: There is no such run, or a part of it is missing or broken.
    """
    return Run(load_scorer(parse_reference(str(reference), Path(models)), strategy=strategy, threshold=threshold))
