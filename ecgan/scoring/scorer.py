"""A trained run, ready to score: its folds with what detection fitted on each, and the dataset that cuts samples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ecgan.arrays import F32
from ecgan.config.options import Options
from ecgan.datasets.base import Dataset
from ecgan.detection.base import Group, OwnNormal
from ecgan.detection.fitted import VALUES_FILE, FittedDetector, load_detector
from ecgan.detection.thresholds import SOURCES
from ecgan.errors import EcganError, nearest
from ecgan.evaluation.choosing import deciding
from ecgan.references import Reference, folds_of
from ecgan.registry import DATASETS
from ecgan.remotes import CACHE
from ecgan.runs.layout import part
from ecgan.runs.settled import Settled, has_model, load_settled
from ecgan.samples import Samples

if TYPE_CHECKING:
    from ecgan.runs.loading import Trained

F64 = NDArray[np.float64]

_NOT_DETECTED = "Run `ecgan detect` (or `ecgan-detect`) first, or name a fold that has one: RUN/fold_K."
_NOT_LOGGED = (
    "What lies there is the model alone. `ecgan detect` with the tracker that logged it adds the rest; or copy the"
    " folder `detect` of the run there."
)


@dataclass(frozen=True)
class Member:
    """One fold of the run: the model and what detection fitted on it."""

    trained: Settled
    fitted: FittedDetector

    @property
    def has_network(self) -> bool:
        """Whether a model scores."""
        return hasattr(self.trained, "model")

    @property
    def network(self) -> "Trained":
        """The fold with its model.

        Raises:
            EcganError: A classical detector scores by itself.
        """
        if not self.has_network:
            raise EcganError(
                f"the detector {self.fitted.detector.name!r} scores without a model, and one is needed.",
                "Name a trained model.",
            )
        return cast("Trained", self.trained)

    def reconstruct(self, samples: Samples) -> F32 | None:
        """Return what the model takes samples for, (n, C, L) in their unit; None where nothing is reconstructed."""
        if not self.has_network:  # a day around them is not transformed for nothing
            samples = replace(samples, around=None, places=None)
        found = self.fitted.detector.reconstruct(self.trained.inputs(samples))
        return None if found is None else self.trained.transformation.invert(found, like=samples.signals)


@dataclass(frozen=True)
class Judged:
    """What a run says of n samples: means over its folds.

    Attributes:
        components: Components (n,) by name.
        scores: Scores (n,) by strategy, higher = more abnormal.
        spread: Standard deviation (n,) over the folds of the chosen strategy's score; None where one fold scored.
    """

    components: dict[str, F64]
    scores: dict[str, F64]
    spread: F64 | None


@dataclass(frozen=True)
class Scorer:
    """A run that scores recordings.

    Attributes:
        reference: The run, as it was named.
        members: Its folds, at least one.
        strategy: The strategy that decides.
        threshold: A score of that strategy from here on is flagged.
        threshold_from: Where it comes from, in words.
        alone: Whether nothing is computed but what that strategy weighs.
    """

    reference: str
    members: tuple[Member, ...]
    strategy: str
    threshold: float
    threshold_from: str
    alone: bool = False

    @property
    def trained(self) -> Settled:
        """The first fold: what all folds have in common is read from it."""
        return self.members[0].trained

    @property
    def leads(self) -> list[str]:
        """The leads that the model sees, by name and in order."""
        return self.trained.expected.leads

    @property
    def options(self) -> Options:
        """The dataset's section `preprocess`, as the run was trained with it."""
        return self.trained.params.preprocess

    @cached_property
    def dataset(self) -> Dataset:
        """The dataset that the run was trained on."""
        dataset: Dataset = DATASETS.get(self.trained.params.dataset)()
        return dataset

    @cached_property
    def rate(self) -> float:
        """Sampling rate in Hz that recordings are brought to before they are cut.

        Raises:
            EcganError: The dataset does not consist of recordings.
        """
        rate = self.dataset.recording_rate(self.options)
        if rate is None:
            raise EcganError(
                f"{self.reference} was trained on the dataset {self.dataset.name!r}, whose samples are not cut from"
                " recordings.",
                "Take a model that was trained on recordings, such as one of the dataset mitbih.",
            )
        return rate

    @property
    def beats(self) -> bool:
        """Whether the run's samples are beats, and no windows."""
        return self.trained.expected.centre is not None

    @property
    def has_network(self) -> bool:
        """Whether a network scores, in steps that are all alike."""
        return self.members[0].has_network

    @property
    def context(self) -> tuple[str, ...]:
        """What the run looks at besides a sample, see `ecgan.samples.CONTEXTS`."""
        return self.members[0].fitted.detector.sees

    def inputs(self, samples: Samples) -> Samples:
        """Samples as the first fold takes them: `judge` and `own_normal` need not both transform a day's."""
        return self.trained.inputs(samples)

    def judge(self, samples: Samples, inputs: Samples | None = None) -> Judged:
        """Score samples in the unit of the data, before the transformation, with the run's context around them.

        `inputs` are the same as the first fold takes them, where they are known.
        """
        only = self.strategy if self.alone else None
        first = self.members[0].fitted.score(self.inputs(samples) if inputs is None else inputs, only)
        found = [first, *(member.fitted.score(member.trained.inputs(samples), only) for member in self.members[1:])]
        own = [one.scores[self.strategy] for one in found]
        return Judged(
            components=_mean([one.components for one in found]),
            scores=_mean([one.scores for one in found]),
            spread=np.std(own, axis=0) if len(own) > 1 else None,
        )

    def own_normal(self, inputs: Samples) -> OwnNormal | None:
        """What the first fold takes for normal in the record that its inputs are all of; None where it says nothing."""
        return self.members[0].fitted.detector.own_normal(inputs)

    def unreadable(self, judged: Judged) -> NDArray[np.bool_]:
        """Which of n samples cannot be read for noise, (n,); none where the detector does not say."""
        found = self.members[0].fitted.detector.unreadable(judged.components)
        return np.zeros(len(judged.scores[self.strategy]), dtype=bool) if found is None else found

    def flagged(self, judged: Judged) -> NDArray[np.bool_]:
        """Which of n samples are flagged, (n,): the score is high enough, and the sample can be read."""
        return np.asarray((judged.scores[self.strategy] >= self.threshold) & ~self.unreadable(judged))

    def irregular(self, judged: Judged) -> NDArray[np.bool_]:
        """In which of n samples the rhythm is irregular as in fibrillation, (n,); none where it does not say."""
        found = self.members[0].fitted.detector.irregular(judged.components)
        return np.zeros(len(judged.scores[self.strategy]), dtype=bool) if found is None else found

    def describe(self, group: Group, score: float) -> str:
        """Why samples of one kind are flagged, in words: the detector's, or how high their mean score is."""
        words = self.members[0].fitted.detector.describe(group)
        if words or not self.threshold > 0:
            return words
        what = "reconstruction error" if self.strategy == "reconstruction" else "score"
        return f"{what} {score / self.threshold:.2g} × the threshold on average"

    def reconstruct(self, samples: Samples) -> F32 | None:
        """What the run takes samples for, (n, C, L), the mean over its folds; None where nothing is reconstructed."""
        found = [member.reconstruct(samples) for member in self.members]
        there = [one for one in found if one is not None]
        return np.asarray(np.mean(there, axis=0, dtype=np.float64), dtype=np.float32) if there else None


def load_scorer(
    reference: Reference,
    *,
    strategy: str | None = None,
    threshold: float | None = None,
    precision: str | None = None,
) -> Scorer:
    """Load a run with everything that scoring needs.

    Args:
        reference: The run; without a fold, all of its folds score.
        strategy: The strategy that decides, and then the only one that is computed; None: the one of `deciding`
            decides, and all are computed.
        threshold: The threshold of that strategy; None: the one that was fitted, the mean of those of the folds.
        precision: Of the networks, fp32 or bf16; None: `runtime.precision` of the run.

    Raises:
        EcganError: A part of the run is missing or broken, its folds do not fit each other, or the strategy was not
            fitted.
    """
    members = tuple(_member(reference.folder, fold, reference.version, precision) for fold in folds_of(reference))
    _check_alike(reference.text, members)
    chosen = _strategy(reference.text, members, strategy)
    fitted = [member.fitted.thresholds[chosen] for member in members]
    source = SOURCES[fitted[0].method] if threshold is None else "given"
    if threshold is None:
        threshold = float(np.mean([one.value for one in fitted]))
    if not np.isfinite(threshold):
        raise EcganError(f"--threshold {threshold}: a threshold is a finite number.", "Give another, or leave it out.")
    return Scorer(reference.text, members, chosen, threshold, source, alone=strategy is not None)


def _member(folder: Path, fold: int, version: str, precision: str | None) -> Member:
    detected = part(folder, "detect", fold)
    trained = _loaded(folder, fold, version)
    if not (detected / VALUES_FILE).is_file():
        raise EcganError(
            f"{folder} has no detector of fold {fold}: scores need one, and the threshold that it found.",
            _NOT_LOGGED if folder.is_relative_to(CACHE) else _NOT_DETECTED,
        )
    size = trained.params.detect.batch_size
    mapping = cast("Trained", trained).mapping(size, precision) if trained.params.models else None
    return Member(trained, load_detector(detected, mapping))


def _loaded(folder: Path, fold: int, version: str) -> Settled:
    """A fold of the run, with its model where it has one."""
    if not has_model(folder, fold):
        return load_settled(folder, fold)
    from ecgan.runs.loading import load_fold_of  # needs torch, which takes longer than all else that is loaded

    return load_fold_of(folder, fold, version)


def with_network(reference: Reference) -> bool:
    """Whether any fold of the run that a reference names has a model."""
    return any(has_model(reference.folder, fold) for fold in folds_of(reference))


def _check_alike(text: str, members: Sequence[Member]) -> None:
    """Refuse folds that were trained on other data or detect otherwise: their scores have no mean."""
    kinds: dict[str, Callable[[Member], Any]] = {
        "leads": lambda member: member.trained.expected.leads,
        "length": lambda member: member.trained.expected.length,
        "dataset": lambda member: member.trained.params.dataset,
        "preprocessing": lambda member: member.trained.params.preprocess.model_dump(),
        "detector": lambda member: member.fitted.detector.name,
        "strategies": lambda member: list(member.fitted.strategies),
    }
    for what, of in kinds.items():
        if any(of(member) != of(members[0]) for member in members):
            raise EcganError(f"the folds of {text} differ in their {what}.", "Name one of them: RUN/fold_K.")


def _strategy(text: str, members: Sequence[Member], wanted: str | None) -> str:
    """The strategy that decides: the one that is wanted, or by validation; the first where nothing was validated."""
    fitted = list(members[0].fitted.strategies)
    if wanted is None and all(member.fitted.ranks for member in members):
        return deciding({name: [member.fitted.ranks[name] for member in members] for name in fitted})
    if wanted is None:
        return fitted[0]
    if wanted not in fitted:
        raise EcganError(
            f"{text} has no strategy {wanted!r}{nearest(wanted, fitted)}",
            f"Those that were fitted: {', '.join(fitted)}.",
        )
    return wanted


def _mean(parts: Sequence[dict[str, F64]]) -> dict[str, F64]:
    """Mean by name; a single part as it is, bit by bit."""
    if len(parts) == 1:
        return parts[0]
    return {name: np.mean([part[name] for part in parts], axis=0) for name in parts[0]}
