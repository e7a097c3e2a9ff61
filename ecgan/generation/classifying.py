"""TSTR and TRTS: are generated signals worth as much as real ones to a classifier (Esteban et al. 2017)?

Train on synthetic, test on real; train on real, test on synthetic. The classifier tells normal from abnormal; only the
normal signals are exchanged for generated ones, for a model that was trained on normal signals generates no others.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecgan.arrays import F32
from ecgan.evaluation.labels import label_metrics
from ecgan.evaluation.ranking import auroc

LEAST: Final = 5
"""Fewer signals of a class than this tell nothing: the values are then not defined."""
TREES: Final = 100
NAMES: Final = ("f1_weighted", "f1_abnormal", "precision", "recall", "accuracy", "auroc")


@dataclass(frozen=True, eq=False)
class RealParts:
    """Real signals (n, C, L) as a model sees them; no signal is in two parts.

    Attributes:
        train_normal: Normal training signals.
        train_abnormal: Abnormal ones of the half of validation that may be fitted on.
        test_normal: Normal ones of the other half, which is reported.
        test_abnormal: Abnormal ones of that half.
    """

    train_normal: F32
    train_abnormal: F32
    test_normal: F32
    test_abnormal: F32

    def reduced(self, most: int, seed: int) -> "RealParts":
        """Return parts of at most `most` signals each, drawn with a seed."""
        rng = np.random.default_rng(seed)
        return RealParts(**{name: _drawn(part, most, rng) for name, part in vars(self).items()})


def classification_metrics(parts: RealParts, generated: F32, classifier: str, seed: int) -> dict[str, Any]:
    """Compare generated with real normal signals by what a classifier learns from them, and makes of them.

    Every set that is learned from or tested on holds as many normal as abnormal signals. Abnormal ones are real, and
    those of the tests were never learned from; nor were generated ones. Real and generated sets are equally large.

    Args:
        parts: Real signals.
        generated: Generated signals (n, C, L), enough for a set to learn from and one to test on.
        classifier: `random_forest` (100 trees) or `logistic_regression`, on the flattened signal.
        seed: Seed of the classifier.

    Returns:
        `trained` and `tested`, the signals of each class; `real`, `tstr` and `trts`, each with f1_weighted,
        f1_abnormal, precision, recall, accuracy and auroc; the latter two also with `ratio`, their weighted F1
        divided by that of real signals. All are NaN where a class has fewer than five signals.
    """
    trained = min(len(parts.train_normal), len(parts.train_abnormal))
    tested = min(len(parts.test_normal), len(parts.test_abnormal))
    sizes = {"trained": trained, "tested": tested}
    if min(trained, tested) < LEAST:
        empty = dict.fromkeys(NAMES, math.nan)
        return sizes | {"real": empty, "tstr": empty | {"ratio": math.nan}, "trts": empty | {"ratio": math.nan}}
    learned, unseen = parts.train_abnormal[:trained], parts.test_abnormal[:tested]
    by_real = _fitted(classifier, parts.train_normal[:trained], learned, seed)
    by_generated = _fitted(classifier, generated[:trained], learned, seed)
    real = _judged(by_real, parts.test_normal[:tested], unseen)
    tstr = _judged(by_generated, parts.test_normal[:tested], unseen)
    trts = _judged(by_real, generated[trained : trained + tested], unseen)
    for entry in (tstr, trts):
        entry["ratio"] = entry["f1_weighted"] / real["f1_weighted"] if real["f1_weighted"] else math.nan
    return sizes | {"real": real, "tstr": tstr, "trts": trts}


def _fitted(classifier: str, normal: F32, abnormal: F32, seed: int) -> Any:
    """Fit a classifier to signals of both classes, (n, C, L)."""
    x, abnormal_rows = _joined(normal, abnormal)
    made = _forest(seed) if classifier == "random_forest" else _regression()
    return made.fit(x, abnormal_rows)


def _forest(seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=TREES, random_state=seed % 2**32, n_jobs=1)


def _regression() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def _judged(fitted: Any, normal: F32, abnormal: F32) -> dict[str, float]:
    """What a classifier makes of signals that it has not seen; positive is abnormal, at a probability of one half."""
    x, truth = _joined(normal, abnormal)
    probability = np.asarray(fitted.predict_proba(x)[:, 1], dtype=np.float64)
    found = label_metrics(probability >= 0.5, truth)
    return {
        "f1_weighted": found["f1_weighted"],
        "f1_abnormal": found["f1_abnormal"],
        "precision": found["ppv"],
        "recall": found["sensitivity"],
        "accuracy": found["accuracy"],
        "auroc": auroc(probability, truth),
    }


def _joined(normal: F32, abnormal: F32) -> tuple[F32, NDArray[np.bool_]]:
    """Signals as rows (n, C·L) and whether each is abnormal (n,)."""
    x = np.concatenate([normal, abnormal])
    return x.reshape(len(x), -1), np.arange(len(x)) >= len(normal)


def _drawn(part: F32, most: int, rng: np.random.Generator) -> F32:
    """At most `most` signals in random order."""
    return part[rng.permutation(len(part))[:most]]
