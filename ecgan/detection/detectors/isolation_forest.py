"""How soon random cuts leave a sample alone: what lies apart is isolated after few of them."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ecgan.config.options import Options
from ecgan.detection.base import F32, F64, State
from ecgan.detection.classical import Classical
from ecgan.detection.stored import AGAIN, stored_array, stored_number
from ecgan.errors import EcganError
from ecgan.registry import register_detector
from ecgan.runtime import derive_seed

_DEEPEST = 64


class IsolationForestOptions(Options):
    """Parameters of the detector `isolation_forest`."""

    trees: int = Field(100, ge=1, le=10_000, description="Number of trees")
    samples: int = Field(256, ge=2, le=100_000, description="Training samples that each tree is grown on, at most")


@register_detector("isolation_forest")
class IsolationForest(Classical):
    """Isolation forest (Liu, Ting and Zhou 2008): 2 to the power of −(mean path length / c(samples of a tree)).

    A path is as long as the cuts between root and leaf, plus c(n), the mean path of n samples, for the n training
    samples that the leaf still holds together. Between 0 and 1; well above one half is abnormal.
    """

    title: ClassVar[str] = "isolation forest"
    source: ClassVar[str] = "Liu, Ting and Zhou, ICDM 2008"
    Options: ClassVar[type[Options]] = IsolationForestOptions
    component: ClassVar[str] = "isolation"
    rows: ClassVar[int] = 1024

    _trees: dict[str, NDArray[Any]]  # nodes of all trees behind one another; a leaf is its own child
    _depth: int
    _usual: float  # c(samples of a tree)

    def check_count(self, count: int) -> None:
        """Refuse training sets in which there is nothing to cut apart."""
        if count < 2:
            raise EcganError(
                f"the detector {self.name!r} needs at least two training samples, and there are {count}.",
                "Give more training samples.",
            )

    def learn(self, rows: F32) -> None:
        """Grow the trees on the rows (m, C·L)."""
        from sklearn.ensemble import IsolationForest as Forest

        size = min(self.options.samples, len(rows))
        seed = derive_seed(self.seed, "isolation_forest") % 2**32
        forest = Forest(n_estimators=self.options.trees, max_samples=size, random_state=seed).fit(rows)
        grown: list[Any] = [tree.tree_ for tree in forest.estimators_]
        starts = np.cumsum([0, *(tree.node_count for tree in grown)])[:-1]
        parts = [_nodes(tree, int(start)) for tree, start in zip(grown, starts, strict=True)]
        self._trees = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        self._trees["roots"] = starts.astype(np.int32)
        self._depth = max(int(tree.max_depth) for tree in grown)
        self._usual = float(mean_path(np.array([size]))[0])

    def score(self, rows: F32) -> F64:
        """Isolation score of the rows (b, C·L)."""
        trees = self._trees
        at = np.tile(trees["roots"], (len(rows), 1))  # (b, t), node of each row in each tree
        row = np.arange(len(rows))[:, None]
        for _ in range(self._depth):
            left = rows[row, trees["feature"][at]] <= trees["threshold"][at]
            at = np.where(left, trees["left"][at], trees["right"][at])
        mean = trees["path"][at].sum(axis=1) / len(trees["roots"])
        score: F64 = np.exp2(-mean / self._usual)
        return score

    def learned(self) -> State:
        """The trees: children, cuts and path lengths of all nodes, and where each tree begins."""
        return State(arrays=dict(self._trees), values={"depth": self._depth, "usual_path": self._usual})

    def relearn(self, state: State, width: int) -> None:
        """Take back what `learned` gave; every reference must stay inside."""
        whole = ("left", "right", "feature", "roots")
        trees = {key: stored_array(state, key, dtype=np.int32, ndim=1) for key in whole}
        trees |= {key: stored_array(state, key, dtype=np.float64, ndim=1) for key in ("threshold", "path")}
        count, depth = len(trees["path"]), stored_number(state.values, "depth")
        usual = stored_number(state.values, "usual_path")
        limits = {"left": count, "right": count, "roots": count, "feature": width}
        inside = all(((trees[key] >= 0) & (trees[key] < limit)).all() for key, limit in limits.items())
        alike = all(len(trees[key]) == count for key in ("left", "right", "feature", "threshold"))
        if not (inside and alike and len(trees["roots"]) and 0 <= depth <= _DEEPEST and usual > 0):
            raise EcganError("the stored trees do not hang together.", AGAIN)
        self._trees, self._depth, self._usual = trees, int(depth), usual


def mean_path(count: NDArray[Any]) -> F64:
    """c(n) of the paper, equation 1: the mean length of an unsuccessful search in a binary tree of n samples."""
    many = np.maximum(count, 3).astype(np.float64)
    length = 2 * (np.log(many - 1) + np.euler_gamma) - 2 * (many - 1) / many
    return np.where(count <= 1, 0.0, np.where(count == 2, 1.0, length))


def _nodes(tree: Any, start: int) -> dict[str, NDArray[Any]]:
    """The nodes of one tree of scikit-learn, its children counted from `start`."""
    left, right = np.asarray(tree.children_left), np.asarray(tree.children_right)
    leaf, itself = left < 0, np.arange(len(left))
    depth = np.zeros(len(left))
    for node in itself[~leaf]:  # parents stand before their children
        depth[[left[node], right[node]]] = depth[node] + 1
    return {
        "left": (np.where(leaf, itself, left) + start).astype(np.int32),
        "right": (np.where(leaf, itself, right) + start).astype(np.int32),
        "feature": np.where(leaf, 0, tree.feature).astype(np.int32),
        "threshold": np.where(leaf, 0.0, tree.threshold),
        "path": np.where(leaf, depth + mean_path(np.asarray(tree.n_node_samples)), 0.0),
    }
