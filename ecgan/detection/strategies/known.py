"""Every strategy by name."""

from ecgan.detection.strategies.base import Strategy
from ecgan.detection.strategies.lambda_gamma_grid import LambdaGammaGrid
from ecgan.detection.strategies.lambda_grid import LambdaGrid
from ecgan.detection.strategies.plain import Plain
from ecgan.detection.strategies.reconstruction import Reconstruction
from ecgan.detection.strategies.smoothed import Smoothed
from ecgan.detection.strategies.svm_lambda import SvmLambda
from ecgan.detection.strategies.svm_lambda_gamma import SvmLambdaGamma
from ecgan.errors import EcganError, nearest

STRATEGIES: dict[str, type[Strategy]] = {
    cls.name: cls for cls in (Reconstruction, Smoothed, LambdaGrid, LambdaGammaGrid, SvmLambda, SvmLambdaGamma, Plain)
}


def strategy_class(name: str) -> type[Strategy]:
    """The strategy of that name; an unknown name lists what there is."""
    if name not in STRATEGIES:
        raise EcganError(
            f"there is no strategy {name!r}{nearest(name, list(STRATEGIES))}",
            f"Known strategies: {', '.join(STRATEGIES)}.",
        )
    return STRATEGIES[name]


def supervision(strategy: str, select_by: str | None) -> str:
    """How much a row of a table owes to abnormal labels.

    Args:
        strategy: Name of the strategy.
        select_by: Criterion by which the model's version was chosen; None for detectors without a model.

    Returns:
        "U" if abnormal labels were used for nothing but the threshold, "S" if they fitted anything else: the
        strategy, or the choice of the version by anything but the loss.
    """
    return "S" if strategy_class(strategy).labelled or select_by not in (None, "loss") else "U"
