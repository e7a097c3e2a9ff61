"""Signals as points of a plane: PCA, t-SNE, UMAP."""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecgan.arrays import F32
from ecgan.errors import EcganError

F64 = NDArray[np.float64]

TITLES: Final = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
COMPONENTS: Final = 30
"""Principal components that t-SNE and UMAP see."""
LEAST: Final = 5


def check_installed(methods: Sequence[str]) -> None:
    """Refuse a method whose package is not installed, before hours of training.

    Raises:
        EcganError: `umap` is asked for, and the extra is missing.
    """
    if "umap" in methods and find_spec("umap") is None:
        raise EcganError(
            "train.generation.embeddings lists umap, which needs a package that is not installed.",
            "Install it: pip install 'ecgan[umap]', or leave umap out of the list.",
        )


def embed(x: F32, method: str, seed: int) -> F64:
    """Place signals in a plane so that similar ones are close.

    Computed with one thread: the order of sums in t-SNE is then always the same, and with it the figure.

    Args:
        x: Signals (n, C, L), at least five.
        method: `pca`: the first two principal components. `tsne`: van der Maaten and Hinton 2008, from the first 30
            components, Barnes–Hut, perplexity 30 (less for few signals), started from PCA. `umap`: McInnes et al. 2018,
            25 neighbours, from the same components.
        seed: Seed of what is drawn.

    Returns:
        Coordinates (n, 2), float64, without a unit.
    """
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    if len(x) < LEAST:
        raise EcganError(f"{len(x)} signals are too few to be placed in a plane; {LEAST} are needed.", "Generate more.")
    rows = np.ascontiguousarray(x.reshape(len(x), -1), dtype=np.float64)
    with threadpool_limits(1):
        most = min(2 if method == "pca" else COMPONENTS, *rows.shape)
        found = PCA(n_components=most, svd_solver="full").fit_transform(rows)
        if method != "pca":
            found = _neighbourly(found, method, seed % 2**32)
    if found.shape[1] < 2:
        found = np.column_stack([found[:, 0], np.zeros(len(found))])
    return np.asarray(found, dtype=np.float64)


def _neighbourly(rows: F64, method: str, seed: int) -> Any:
    """Keep neighbours together, (n, 2)."""
    if method == "tsne":
        from sklearn.manifold import TSNE

        perplexity = min(30.0, (len(rows) - 1) / 3)
        return TSNE(perplexity=perplexity, init="pca", max_iter=500, random_state=seed, n_jobs=1).fit_transform(rows)
    check_installed([method])
    umap = import_module("umap")
    return umap.UMAP(n_neighbors=min(25, len(rows) - 1), random_state=seed, n_jobs=1).fit_transform(rows)
