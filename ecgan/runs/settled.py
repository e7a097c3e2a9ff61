"""What a fold of a run knows beside weights: all that a classical detector needs, without torch."""

from dataclasses import dataclass
from pathlib import Path

from ecgan.config import Params, lists_models, load_params
from ecgan.errors import EcganError
from ecgan.files import RESTORE
from ecgan.preprocessing.inputs import Input, load_input
from ecgan.preprocessing.transformations import Transformation, restore_transformation
from ecgan.protocols.folds import Fold, load_fold
from ecgan.runs.layout import part
from ecgan.samples import Samples
from ecgan.seals import check_seal


@dataclass(frozen=True)
class Settled:
    """What one fold of a run knows beside weights; all that there is where a classical detector scores by itself.

    Attributes:
        folder: The run's folder.
        params: The parameters it was trained with.
        fold: The samples it was trained, validated and tested on.
        expected: What it expects of its input.
        transformation: The transformation, restored.
        version: Name of the loaded version; None without a model.
    """

    folder: Path
    params: Params
    fold: Fold
    expected: Input
    transformation: Transformation
    version: str | None

    def inputs(self, samples: Samples) -> Samples:
        """Return samples with the leads of the run, transformed, as models and detectors take them."""
        return self.transformation.apply(samples.with_leads(self.expected.leads))


def has_model(folder: Path, fold: int) -> bool:
    """Whether a fold of a run has a model; false also of what is no run.

    Raises:
        EcganError: The run is not as it was written.
    """
    config = part(folder, "train", fold) / "config.yml"
    if not config.is_file():
        return False
    check_seal(config.parent)
    return lists_models(config)


def load_settled(folder: Path, fold: int) -> Settled:
    """Load what one fold of any run knows beside weights.

    Args:
        folder: The run's folder.
        fold: Which fold.

    Raises:
        EcganError: A part is missing or broken; the message says which.
    """
    train = part(folder, "train", fold)
    if not train.is_dir():
        raise EcganError(f"there is no trained model in {train}.", "Run `ecgan train` first.")
    check_seal(train)
    params = load_params(train / "config.yml", plugins=False)
    expected = load_input(train)
    if len(params.models) > 1:
        raise EcganError(
            f"{train / 'config.yml'} lists {len(params.models)} models; a run has one.",
            RESTORE,
        )
    try:
        transformation = restore_transformation(expected.transformation)
    except EcganError as error:
        raise EcganError(f"{train / 'input.json'} cannot be used: {error.message}", error.hint) from None
    return Settled(folder, params, load_fold(train / "split.json"), expected, transformation, None)
