"""What a detector is: something that gives each sample components of abnormality, higher = more abnormal."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ecgan.config.inverse import SearchOptions
from ecgan.config.options import Options
from ecgan.registry import strategies_of
from ecgan.samples import Samples

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


@dataclass(frozen=True)
class State:
    """Everything fitted, as arrays and plain JSON values; no pickle."""

    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Mode:
    """A rhythm, or a kind of beats, that may be a record's normal one.

    Attributes:
        beats: Which of the record's n samples are of it, mask (n,).
        rr_s: Its usual interval, s: the median over its beats of the mean of RR before and behind; NaN if not known.
        terms: What speaks for its being the normal one, terms of a log likelihood by name: `duration` (log of how many
            of its beats count), `rate`, `qrs`, `p`.
    """

    beats: NDArray[np.bool_]
    rr_s: float
    terms: dict[str, float]


@dataclass(frozen=True)
class OwnNormal:
    """What a detector takes for normal in one record of n samples.

    Attributes:
        points: Where each sample lies in the space in which the detector compares them, (n, k), in units of what the
            usual ones are themselves: flagged samples that lie together are a family.
        usual: Which samples the others are compared with, mask (n,).
        shifts: How many time steps each sample lies later than the usual ones, (n,).
        modes: Where two modes compete for being the normal one, both; else none.
        modes_by: What tells them apart: "rate", by which the detector chose one, or "shape", by which it did not.
    """

    points: F64
    usual: NDArray[np.bool_]
    shifts: NDArray[np.int64]
    modes: tuple[Mode, ...] = ()
    modes_by: str = ""


@dataclass(frozen=True)
class Group:
    """Flagged samples of one kind, as a detector is told of them that shall say why they are flagged.

    Attributes:
        components: The median of each component over them, by name.
        usual: Of each component the median over the usual samples of the record, and the value up to which it is usual.
        early: By what share of the usual interval they come early, the median over them; negative where they come late;
            None where they are no beats.
    """

    components: dict[str, float]
    usual: dict[str, tuple[float, float]]
    early: float | None = None


@dataclass(frozen=True)
class Mapping:
    """A trained model as a detector sees it: arrays in, arrays out, in batches, in evaluation mode.

    Attributes:
        invert: x (n, C, L) to z (n, Z), by the run's inverse mapping.
        decode: z (n, Z) to a signal (n, C, L).
        features: x (n, C, L) to discriminator features (n, F); None where the model has none.
        discriminate: x (n, C, L) to the discriminator's logit or a critic's value (n,), higher = more like real data;
            None where the model has none.
        logits: x (n, C, L) to a classifier's logits (n, K), class 0 being normal; None for generative models. Where
            it is there, `invert`, `decode` and `reconstruct` refuse.
        search: x (n, C, L) to the latents z (n, Z) that explain it best and the lengths (n,) of the paths to them,
            searched for with the given `SearchOptions` and seed; None for classifiers.
        rebuild: x (n, C, L) and a seed to its reconstruction (n, C, L), where a model reconstructs otherwise than by a
            latent; None where it does not.
        look: Samples to what the model is handed of them, of a model that is told more than signals (n, C, L).
        context: What the model looks at besides a sample, see `ecgan.samples.CONTEXTS`.
    """

    invert: Callable[[F32], F32]
    decode: Callable[[F32], F32]
    features: Callable[[F32], F32] | None = None
    discriminate: Callable[[F32], F32] | None = None
    logits: Callable[[F32], F32] | None = None
    search: Callable[[F32, SearchOptions, int], tuple[F32, F32]] | None = None
    rebuild: Callable[[F32, int], F32] | None = None
    look: Callable[[Samples], F32] | None = None
    context: tuple[str, ...] = ()

    def latents(self, samples: Samples) -> F32:
        """Latents z (n, Z) of samples, by the run's inverse mapping."""
        return self.invert(self.seen(samples))

    def reconstruct(self, samples: Samples, seed: int, z: F32 | None = None) -> F32:
        """What the model takes samples for, (n, C, L), from their latents z (n, Z) where those are known already.

        A sample gets the same of what the model draws at random by `seed`, whatever stands beside it.
        """
        if self.rebuild is not None:
            return self.rebuild(self.seen(samples), seed)
        return self.decode(self.latents(samples) if z is None else z)

    def seen(self, samples: Samples) -> F32:
        """What the model is handed of samples: their signals, and what it is told besides."""
        return samples.signals if self.look is None else self.look(samples)


class Detector(ABC):
    """A detector; one file in `ecgan/detection/detectors/`, registered with `@register_detector("name")`.

    Attributes:
        title: What it is, one line.
        source: The paper that it follows, where there is one.
        Options: Its parameters, which type `detectors.<name>`; none where it names none.
        needs_model: Whether it scores through a trained model (then `mapping` is given).
        takes_model: Whether it does without a model, and looks at samples and at what a model makes of them where there
            is one. Of other detectors that need no model, a model's run shows them the latents instead.
        strategies: Names of the strategies that weigh its components where none are named.
        gives: Names of the components that any strategy may weigh; empty: only its own strategies can.
        states: Names of the components that `unreadable` and `irregular` look at; they are computed whatever a
            strategy weighs.
        classifies: Whether it also names a class for each sample (then `classify` is there).
        context: What it looks at besides a sample: `record`, `rhythm` or both; it is then given samples with all
            others of their records around them (`Samples.around`, `Samples.places`), never with labels. Without
            context a score depends on its sample alone; with it on nothing outside its record but training data.
        own_scale: Whether it works in the scale of each record. Without a model it is then given samples as they are,
            whatever `train.transformation` says: one that scales each sample by itself takes away what it looks at.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str] = ""
    Options: ClassVar[type[Options]] = Options
    needs_model: ClassVar[bool] = False
    takes_model: ClassVar[bool] = False
    strategies: ClassVar[tuple[str, ...]] = ("plain",)
    gives: ClassVar[tuple[str, ...]] = ()
    states: ClassVar[tuple[str, ...]] = ()
    classifies: ClassVar[bool] = False
    context: ClassVar[tuple[str, ...]] = ()
    own_scale: ClassVar[bool] = False

    def __init__(self, options: Any, mapping: Mapping | None = None, *, seed: int = 0) -> None:
        self.options = options
        self.mapping = mapping
        self.seed = seed

    @property
    def sees(self) -> tuple[str, ...]:
        """What it and the model behind it look at besides a sample."""
        return tuple(sorted({*self.context, *(self.mapping.context if self.mapping else ())}))

    @classmethod
    def transformation(cls, wanted: str) -> str:
        """Name of the transformation of its samples where no model is behind it: `wanted`, or none."""
        return "none" if cls.own_scale else wanted

    def available_strategies(self) -> tuple[str, ...]:
        """Strategies that can run here; a detector leaves out what its model cannot feed."""
        return tuple(strategies_of(self))

    @abstractmethod
    def fit(self, train: Samples) -> None:
        """Learn from training samples, signals (n, C, L) as the transformation left them; there are no labels."""

    @abstractmethod
    def components(self, samples: Samples) -> dict[str, F64]:
        """Components of abnormality of n samples: float64, shape (n,), higher = more abnormal."""

    def some_components(self, samples: Samples, names: Collection[str]) -> dict[str, F64]:
        """Those of `components` that are named; a detector that can leave out work for the others does so."""
        return {name: values for name, values in self.components(samples).items() if name in names}

    def classify(self, samples: Samples) -> NDArray[np.int64]:
        """Most likely class id of each of n samples, shape (n,); only where `classifies` is true."""
        raise NotImplementedError(f"{self.name} does not tell classes apart")

    def reconstruct(self, samples: Samples) -> F32 | None:
        """What the model takes samples for, (n, C, L); None where nothing is reconstructed."""
        if self.mapping is None or self.mapping.logits is not None:
            return None
        return self.mapping.reconstruct(samples, self.seed)

    def own_normal(self, samples: Samples) -> OwnNormal | None:
        """What it takes for normal in the record that n samples are all of; None where it does not look at records."""
        return None

    def unreadable(self, components: dict[str, F64]) -> NDArray[np.bool_] | None:
        """Which of n samples cannot be read for noise, (n,), by its `states`; None where it does not say.

        Noise is no anomaly: `ecgan score` flags none of them.
        """
        return None

    def irregular(self, components: dict[str, F64]) -> NDArray[np.bool_] | None:
        """In which of n samples the rhythm is irregular as in fibrillation, (n,), likewise; None: it does not say."""
        return None

    def describe(self, group: Group) -> str:
        """Why samples of one kind are flagged, in words, such as "comes 38 % early"; empty where it has none."""
        return ""

    @abstractmethod
    def state(self) -> State:
        """Everything that `fit` learned."""

    @abstractmethod
    def restore(self, state: State) -> None:
        """Take back what `state` gave; afterwards `components` gives the same bytes."""
