"""Parts that only the tables of docs/paper.md need, as a plug-in: what labels or known normals of a record are worth.

They are references, not detectors to use: each asks for something that a user does not have.
"""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ecgan.config.options import Options
from ecgan.detection.base import F32, F64, Detector, State
from ecgan.detection.densities import Space
from ecgan.detection.neighbours import Neighbours
from ecgan.detection.stored import stored_array
from ecgan.detection.strategies.base import Components, Labels, Strategy
from ecgan.ecg import rhythm
from ecgan.ecg.template import WINDOWS_MS, aligned, template_and_shifts, window
from ecgan.errors import EcganError
from ecgan.registry import register_detector, register_strategy
from ecgan.samples import RECORD, RHYTHM, Samples

COUNT = 32
NAMES = tuple(f"direction_{place:02d}" for place in range(COUNT))
NEAREST, AROUND = 5, 25
_FLOOR, _SPREAD, _CLIP = 0.1, 0.05, 6.0
_WEIGHTS: tuple[dict[str, tuple[float, float]], ...] = (  # of each lead's waves: by itself, and in the space of all
    {"qrs": (0.5, 1.0), "p": (0.3, 0.7), "st_t": (0.0, 0.5)},
    {"qrs": (0.5, 0.7), "p": (0.0, 0.4)},
)
_UNDEFINED = "this part is computed for a table and not kept"


class NotKept(Detector):
    """A detector that is computed for a table, and of which nothing is stored."""

    def state(self) -> State:
        """Nothing: it is not kept."""
        return State()

    def restore(self, state: State) -> None:
        """Refuse."""
        raise EcganError(_UNDEFINED)


@register_detector("main_directions")
class MainDirections(Detector):
    """The 32 main directions of training samples, as components for a strategy that learns from labels."""

    title = "coordinates of a sample, which say nothing without labels"
    strategies = ("boosting",)
    gives = NAMES

    _space: Space

    def fit(self, train: Samples) -> None:
        """Learn the directions."""
        self._space = Space.learn(_flat(train.signals), COUNT)

    def components(self, samples: Samples) -> dict[str, F64]:
        """The coordinates of n samples."""
        found = self._space.apply(_flat(samples.signals))
        return {name: np.ascontiguousarray(found[:, place]) for place, name in enumerate(NAMES)}

    def state(self) -> State:
        """The directions."""
        return State({"mean": self._space.mean, "basis": self._space.basis})

    def restore(self, state: State) -> None:
        """Take back the directions."""
        self._space = Space(
            *(stored_array(state, name, dtype=np.float64, ndim=n) for name, n in (("mean", 1), ("basis", 2)))
        )


@register_strategy("boosting")
class Boosting(Strategy):
    """Gradient boosting on labelled validation samples: the supervised reference of the tables."""

    title = "gradient boosting of labelled samples"
    needs = NAMES
    labelled = True

    _trees: Any = None

    def fit(self, components: Components, labels: Labels) -> None:
        """Learn normal from abnormal."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        rows = np.stack([components[name] for name in NAMES], axis=1)
        self._trees = HistGradientBoostingClassifier(max_iter=300, random_state=self.seed & 0xFFFFFFFF).fit(
            rows, labels != 0
        )

    def score(self, components: Components) -> F64:
        """Log of the odds."""
        if self._trees is None:
            raise EcganError(_UNDEFINED)
        return np.asarray(self._trees.decision_function(np.stack([components[name] for name in NAMES], axis=1)))


def rhythm_features(samples: Samples) -> F64:
    """Intervals before, behind and before the last beat, log in units of the upper quantile around; (n, 3).

    The samples are all of one record, in the order of time. What is not known is as usual.
    """
    before, behind = (samples.table[name].to_numpy(np.float64) for name in ("rr_prev_s", "rr_next_s"))
    last = np.concatenate([before[:1], before[:-1]])
    usual = rhythm.Reach().quantile(before, rhythm.WIDE, 0.9)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.log(np.stack([before, behind, last], axis=1) / usual[:, None])
    return np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)


def in_units(values: F64, known: NDArray[np.bool_]) -> F64:
    """Features (n, k) from the middle of the known samples, in units of their spread, clipped."""
    middle = np.median(values[known], axis=0)
    spread = rhythm.MAD * np.median(np.abs(values[known] - middle), axis=0)
    return np.clip((values - middle) / (_SPREAD + spread), -_CLIP, _CLIP)


def far(points: F64, known: NDArray[np.bool_]) -> F64:
    """Mean distance of each point (n, k) to the five nearest known ones but itself, (n,)."""
    reference = np.flatnonzero(known)
    found = Neighbours(np.ascontiguousarray(points[known], dtype=np.float32))
    distances, places = found.nearest(points.astype(np.float32), min(NEAREST + 1, len(reference)))
    own = reference[places] == np.arange(len(points))[:, None]
    distances = np.where(own, np.nan, distances)
    nearest = np.sort(distances, axis=1)[:, :NEAREST]  # NaN comes last
    return np.asarray(np.nanmean(nearest, axis=1))


def logs(points: F64, known: NDArray[np.bool_]) -> F64:
    """Log of that distance in units of what is usual among the known ones, (n,)."""
    distance = far(points, known)
    return np.log(distance / max(float(np.median(distance[known])), 1e-12) + _FLOOR)


class KnownNormalsOptions(Options):
    """Parameters of `known_normals`."""

    share: bool = Field(False, description="Whether the share of known normals among a beat's neighbours counts")


@register_detector("known_normals")
class KnownNormals(NotKept):
    """Distance to the training beats of the same record, which are known to be normal, and the rhythm.

    Inductive: a beat is compared with known ones alone. With `share` transductive: how many of its neighbours among all
    beats of the record are known counts as well; where three quarters of a record's normal beats are known, as the
    protocol `beatgan` has it, that says much.
    """

    title = "distance to what is known to be normal in the record"
    Options: ClassVar[type[Options]] = KnownNormalsOptions
    context = (RECORD, RHYTHM)

    _known: frozenset[tuple[str, int]] = frozenset()

    def fit(self, train: Samples) -> None:
        """Remember which beats are known."""
        self._known = frozenset(_keys(train))

    def components(self, samples: Samples) -> dict[str, F64]:
        """The one component, "total", of n samples; a beat of a record without known ones gets the largest of all."""
        around, places = samples.around, samples.places
        assert around is not None
        assert places is not None
        records = around.records
        assert records is not None
        known = np.array([key in self._known for key in _keys(around)])
        total = np.full(len(around), np.nan)
        for record in np.unique(records[places]):
            rows = np.flatnonzero(records == record)
            rows = rows[np.argsort(around.table["time_s"].to_numpy()[rows], kind="stable")]
            if np.count_nonzero(known[rows]) > AROUND:
                total[rows] = self._record(around[rows], known[rows])
        chosen = total[places]
        return {"total": np.where(np.isnan(chosen), np.nanmax(chosen, initial=0.0), chosen)}

    def _record(self, beats: Samples, known: NDArray[np.bool_]) -> F64:
        shapes, times = _shapes(beats, known), in_units(rhythm_features(beats), known)
        total = sum(alone * logs(points, known) for points, alone, _ in shapes if alone)
        total = np.asarray(total + 0.5 * np.log(far(times, known) + _FLOOR))
        if not self.options.share:
            return total
        space = [weight * points / _typical(points, known) for points, _, weight in shapes]
        count = known[_nearest(np.concatenate([*space, times / _typical(times, known)], axis=1))].sum(axis=1)
        return np.asarray(total - 3 * np.log((count + 0.5) / (AROUND + 1)))


class WithRhythmOptions(Options):
    """Parameters of `knn_rhythm`."""

    weight: float = Field(1.0, ge=0, description="Weight of the rhythm beside the waveform")


@register_detector("knn_rhythm")
class KnnRhythm(NotKept):
    """Mean distance to the five nearest training samples of all records, in waveform and intervals."""

    title = "nearest neighbours in waveform and rhythm"
    Options: ClassVar[type[Options]] = WithRhythmOptions
    context = (RHYTHM,)

    _space: Space
    _scales: tuple[float, float]
    _middle: F64
    _reference: F32

    def fit(self, train: Samples) -> None:
        """Keep the training samples."""
        self._space = Space.learn(_flat(train.signals[:: max(1, len(train) // 8192)]), COUNT)
        shape, times = self._space.apply(_flat(train.signals)), self._times(train)
        self._middle = np.median(times, axis=0)
        self._scales = (
            float(np.sqrt(np.square(shape).sum(axis=1).mean())),
            float(np.sqrt(np.square(times - self._middle).sum(axis=1).mean())),
        )
        self._reference = self._points(train)
        self._neighbours = Neighbours(self._reference)

    def components(self, samples: Samples) -> dict[str, F64]:
        """The mean "distance" of n samples."""
        distances, _ = self._neighbours.nearest(self._points(samples), NEAREST)
        return {"distance": distances.mean(axis=1)}

    def _points(self, samples: Samples) -> F32:
        shape, times = self._space.apply(_flat(samples.signals)), self._times(samples) - self._middle
        both = np.concatenate([shape / self._scales[0], self.options.weight * times / self._scales[1]], axis=1)
        return np.ascontiguousarray(both, dtype=np.float32)

    def _times(self, samples: Samples) -> F64:
        around, places = samples.around, samples.places
        assert around is not None
        assert around.records is not None
        found = np.zeros((len(around), 3))
        moments = around.table["time_s"].to_numpy()
        for record in np.unique(around.records):
            rows = np.flatnonzero(around.records == record)
            rows = rows[np.argsort(moments[rows], kind="stable")]
            found[rows] = np.clip(rhythm_features(around[rows]), -1.0, 1.0)
        return np.asarray(found[places])


def _keys(samples: Samples) -> list[tuple[str, int]]:
    assert samples.records is not None
    return list(zip(samples.records.tolist(), samples.table["sample"].tolist(), strict=True))


def _shapes(beats: Samples, known: NDArray[np.bool_]) -> list[tuple[F64, float, float]]:
    """Coordinates of waves along the main directions of the known beats, (n, 12), and their two weights.

    The weights are those of a wave by itself and in the space of all. Beats that begin at the R peak are one wave.
    """
    about = beats.about
    if not about.centre:
        rows = _flat(beats.signals)
        return [(Space.learn(rows[known], 12).apply(rows), 1.3, 1.0)]
    _, shifts = template_and_shifts(beats.signals[:, :1], known, about.centre, about.sampling_rate)
    place = {"sampling_rate": about.sampling_rate, "centre": about.centre, "length": beats.length}
    found = []
    for lead, weights in enumerate(_WEIGHTS[: beats.signals.shape[1]]):
        for wave, (alone, together) in weights.items():
            part = window(*WINDOWS_MS[wave], **place)
            rows = aligned(beats.signals[:, lead : lead + 1], shifts, part)[:, 0].astype(np.float64)
            rows -= rows.mean(axis=1, keepdims=True)
            found.append((Space.learn(rows[known], 12).apply(rows), alone, together))
    return found


def _typical(points: F64, known: NDArray[np.bool_]) -> float:
    return max(float(np.median(far(points, known)[known])), 1e-12)


def _nearest(points: F64) -> NDArray[np.intp]:
    """The 25 nearest points of each but itself, (n, 25)."""
    _, places = Neighbours(np.ascontiguousarray(points, dtype=np.float32)).nearest(
        points.astype(np.float32), AROUND + 1
    )
    own = places == np.arange(len(points))[:, None]
    order = np.argsort(own, axis=1, kind="stable")[:, :AROUND]  # itself last
    return np.asarray(np.take_along_axis(places, order, axis=1))


def _flat(signals: NDArray[Any]) -> F64:
    return signals.reshape(len(signals), -1).astype(np.float64)
