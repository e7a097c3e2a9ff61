"""What a report says of generated signals: a table of metrics, and the figures of the first fold."""

import math
from collections.abc import Sequence
from typing import Any, Final

from ecgan.reporting.grid import Cell, Column, Grid, quantity
from ecgan.reporting.inputs import GenerationResult
from ecgan.reporting.style import slug
from ecgan.reporting.tables import mean_std

NOTES: Final = (
    "Computed once for the version that was best in training, with validation samples that nothing was fitted on; "
    "generated samples are taken for normal ones.",
    "MMD²: unbiased squared maximum mean discrepancy between real and generated samples, kernel exp(−d²/2σ²), σ the "
    "median distance between real samples, or 5. 0 on average for a perfect generator; “real” is the value between "
    "real training and real validation samples.",
    "F1 (weighted) and AUROC of a classifier, normal against abnormal: “real” learned from and tested on real samples; "
    "TSTR learned from generated normal and tested on real samples, TRTS the other way round. Abnormal samples are "
    "real, those of the test were not learned from, and all classes are equally large. ÷ real: F1 divided by that of "
    "real samples.",
    "Distance ÷ real: how far generated samples are from their nearest training sample, the median, over that of "
    "unseen real ones; Nearer: how often a generated one is the nearer of two. A perfect generator has 1 and ½; where "
    "it copies its training samples they are near 0 and 1.",
)
_FIGURES: Final = {
    "samples": ("Samples", "Above real normal samples of validation, below generated ones, on one scale."),
    "walk": (
        "A walk through the latents",
        "What changes when one coordinate of the latent goes from one standard deviation below its mean to one above; "
        "the coordinates with the largest effect, one a row.",
    ),
    "embedding": ("Real and generated samples in a plane", "Validation samples and generated ones; axes have no unit."),
}
_COLUMNS: Final = {
    "mmd_median": ("MMD²", "median σ"),
    "mmd_median_real": ("real", "MMD² between real samples"),
    "mmd_fixed": ("MMD², σ = 5", "the original's bandwidth"),
    "real.f1_weighted": ("F1 real", "weighted F1, real samples only"),
    "tstr.f1_weighted": ("F1 TSTR", "trained on synthetic, tested on real samples"),
    "tstr.ratio": ("÷ real", "F1 TSTR divided by F1 real"),
    "trts.f1_weighted": ("F1 TRTS", "trained on real, tested on synthetic samples"),
    "trts.ratio": ("÷ real", "F1 TRTS divided by F1 real"),
    "real.auroc": ("AUROC real", "real samples only"),
    "tstr.auroc": ("AUROC TSTR", "trained on synthetic, tested on real samples"),
    "trts.auroc": ("AUROC TRTS", "trained on real, tested on synthetic samples"),
    "memorisation.ratio": (
        "Distance ÷ real",
        "distance to the nearest training sample, over that of unseen ones",
    ),
    "memorisation.nearer": ("Nearer", "probability of being nearer to the training samples than an unseen one"),
}


def generation_grid(results: Sequence[GenerationResult]) -> Grid:
    """Metrics of each generative model, mean ± standard deviation over its folds; without columns that nobody has."""
    generative = [result for result in results if result.metrics]
    keys = [key for key in _COLUMNS if any(_value(result.metrics, key) is not None for result in generative)]
    columns = [Column("Model"), Column("Folds", number=True)]
    columns += [Column(_COLUMNS[key][0], number=True, meaning=_COLUMNS[key][1]) for key in keys]
    rows = []
    for method in dict.fromkeys(result.method for result in generative):
        own = [result for result in generative if result.method == method]
        cells = [Cell(method), Cell(str(len(own)), value=float(len(own)))]
        for key in keys:
            values = [_value(result.metrics, key) for result in own]
            mean, std, count = mean_std(math.nan if value is None else value for value in values)
            cells.append(quantity(mean, std, count, len(own)))
        rows.append(tuple(cells))
    folds = [] if len({result.fold for result in generative}) > 1 else ["Folds"]
    return Grid(tuple(columns), tuple(rows) if keys else ()).without(*folds)


def generation_figures(results: Sequence[GenerationResult]) -> list[tuple[str, str, str, str]]:
    """Figures of each model's first fold that has some: path within the report, title, caption, SVG."""
    found = []
    for method in dict.fromkeys(result.method for result in results):
        own = [result for result in results if result.method == method and result.figures]
        for name, (title, caption) in _FIGURES.items():
            if own and name in own[0].figures:
                path = f"figures/generation/{slug(method) or 'model'}-{name}.svg"
                text = f"{caption} Fold {own[0].fold}."
                found.append((path, f"{title}, {method}", text, own[0].figures[name]))
    return found


def _value(metrics: dict[str, Any], key: str) -> float | None:
    """The number at a dotted key, None where there is none."""
    found: Any = metrics
    for part in key.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return float(found) if isinstance(found, (int, float)) else None
