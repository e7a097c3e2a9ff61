"""The table of single scores, one row a sample."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.evaluation.ranking import F64, Bool
from ecgan.samples import Samples


def scores_frame(
    index: NDArray[np.int64],
    samples: Samples,
    components: Mapping[str, F64],
    scores: Mapping[str, F64],
    predictions: Mapping[str, Bool],
) -> pd.DataFrame:
    """One row a sample, as in scores.csv.

    Args:
        index: Position of each sample in the dataset, shape (n,).
        samples: With labels.
        components: Components (n,) by name.
        scores: Scores (n,) by strategy.
        predictions: Decisions (n,) by strategy.

    Returns:
        Columns `index`, `label`, `class`, every component, and for every strategy its score and, as 0 or 1,
        `<strategy>_predicted`. A strategy that has the name of a component shares its column: it is that component.

    Raises:
        ValueError: A strategy and a component have one name and different values.
    """
    columns: dict[str, object] = {
        "index": index,
        "label": samples.class_ids,
        "class": [samples.about.classes[label] for label in samples.class_ids],
        **components,
    }
    for name, values in scores.items():
        if name in columns and not np.array_equal(np.asarray(columns[name]), values):
            raise ValueError(f"the column {name!r} would hold two different things")
        columns[name] = values
        columns[f"{name}_predicted"] = predictions[name].astype(np.int64)
    return pd.DataFrame(columns)
