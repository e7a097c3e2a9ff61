"""What a run says of samples, as one torch module: transformation, networks, components, strategy, threshold.

It computes what `ecgan.scoring.scorer.Scorer.judge` does, from a tensor to tensors, so that it can be traced. Of a run
whose model has conditions it is the network alone: what the model is told comes from the record.
"""

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from ecgan.detection.components import component_names
from ecgan.detection.detectors.argmax import Argmax
from ecgan.detection.detectors.inverse_mapping import InverseMapping
from ecgan.detection.scales import NormalScores, Range, Scale
from ecgan.detection.smoothing import SmoothedError, smoothed
from ecgan.detection.strategies.base import Scaled, Strategy
from ecgan.detection.strategies.lambda_grid import Grid
from ecgan.detection.strategies.svm_lambda import Svm
from ecgan.detection.weighing import weighted_sum
from ecgan.errors import EcganError
from ecgan.exporting.inputs import input_module
from ecgan.registry import is_built_in
from ecgan.scoring.scorer import Member, Scorer


class Graph(nn.Module):
    """x (B, C, L), float32 in the unit of the data → components, score and decision, each (B,).

    Attributes:
        outputs: Names of what `forward` returns: components, then "score" and "flagged".
    """

    def __init__(self, scorer: Scorer) -> None:
        super().__init__()
        self.members = nn.ModuleList(_Member(member, scorer) for member in scorer.members)
        self.threshold = scorer.threshold
        self.names = _names(scorer)
        self.outputs = [*self.names, "score", "flagged"]

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Judge x: means over the folds, as `ecgan score` gives them."""
        found = [member(x) for member in self.members]
        columns = [torch.stack(parts).mean(dim=0) if len(parts) > 1 else parts[0] for parts in zip(*found, strict=True)]
        return (*columns, columns[-1] >= self.threshold)


class Told(nn.Module):
    """The networks of a run whose model has conditions: x (B, C + K, L) → what they take it for, (B, C, L).

    x is what `ecgan.models.base.model_input` gives: transformed signals with their conditions.

    Attributes:
        outputs: Name of what `forward` returns.
        channels: C + K.
    """

    outputs: ClassVar[list[str]] = ["expected"]

    def __init__(self, scorer: Scorer) -> None:
        super().__init__()
        self.networks: Any = nn.ModuleList(member.network.folded for member in scorer.members)
        model = scorer.members[0].network.model
        self.channels = model.channels + model.conditions

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruct x: the mean over the folds."""
        found = [network.reconstruct(x) for network in self.networks]
        return torch.stack(found).mean(dim=0) if len(found) > 1 else found[0]


def _names(scorer: Scorer) -> list[str]:
    """The components that are exported: of a strategy that was asked for what it weighs, else all."""
    fitted = scorer.members[0].fitted
    detector = fitted.detector
    if isinstance(detector, Argmax):
        return ["log_odds"]
    assert isinstance(detector, InverseMapping)
    needs = fitted.strategies[scorer.strategy].needs
    there = (*component_names(detector.model, detector.discrimination), "smoothed")
    return [name for name in there if not scorer.alone or name in needs]


class _Member(nn.Module):
    """One fold: x (B, C, L) → components and score, float64 (B,)."""

    def __init__(self, member: Member, scorer: Scorer) -> None:
        super().__init__()
        check_exportable(member, scorer.strategy)
        trained, detector = member.trained, member.fitted.detector
        self.input = input_module(trained.transformation, trained.expected.length)
        self.compare = _Classified(member) if isinstance(detector, Argmax) else _Reconstructed(member, _names(scorer))
        self.names = _names(scorer)
        self.weigh = _weighing(member.fitted.strategies[scorer.strategy])

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Judge x."""
        components = self.compare(self.input(x))
        return (*(components[name] for name in self.names), self.weigh(components))


class _Classified(nn.Module):
    """Log-odds of being abnormal, as `ecgan.detection.detectors.argmax` computes them."""

    def __init__(self, member: Member) -> None:
        super().__init__()
        self.model: Any = member.network.folded

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Ask the classifier about x (B, D, L)."""
        logits: Tensor = self.model.logits(x).double()
        abnormal = logits[:, 1:]
        highest = abnormal.amax(dim=1)
        return {"log_odds": highest + (abnormal - highest[:, None]).exp().sum(dim=1).log() - logits[:, 0]}


class _Reconstructed(nn.Module):
    """R, D, Z and S, as `ecgan.detection.components` and `ecgan.detection.smoothing` compute them."""

    impulses: Tensor
    scale: Tensor

    def __init__(self, member: Member, names: list[str]) -> None:
        super().__init__()
        detector = member.fitted.detector
        assert isinstance(detector, InverseMapping)
        self.model: Any = member.network.folded
        self.invert: Any = member.network.inversion.one_pass
        self.names = names
        self.kind, self.seed = detector.discrimination, detector.seed
        state = detector.state()
        self.mode = float(state.values["latent_mode"])
        slow = SmoothedError.restored(state, detector.options.smoothing)
        impulses = smoothed(np.eye(slow.scale.shape[1])[:, None], slow.share)[:, 0]  # what becomes of one step, (L, L)
        self.register_buffer("impulses", torch.from_numpy(impulses))
        self.register_buffer("scale", torch.from_numpy(slow.scale))  # (D, L)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Compare x (B, D, L) with its reconstruction."""
        y, found = self.model.reconstruct(x, self.seed), {}
        if y is None or "latent" in self.names:
            z = self.invert(x)
        if "latent" in self.names:
            found["latent"] = z.double().square().sum(dim=1).sqrt() - self.mode
        if y is None:
            y = self.model.decode(z)
        residual = x.double() - y.double()
        found["reconstruction"] = residual.square().mean(dim=(1, 2))
        if "smoothed" in self.names:
            found["smoothed"] = ((residual @ self.impulses).square() / self.scale).mean(dim=(1, 2))
        if "discrimination" in self.names:
            found["discrimination"] = self._discrimination(x, y)
        return found

    def _discrimination(self, x: Tensor, y: Tensor) -> Tensor:
        if self.kind == "feature_matching":
            features: Tensor = self.model.features(torch.cat([x, y])).double()
            first, second = features.chunk(2)
            return (first - second).square().mean(dim=1)
        judged: Tensor = self.model.discriminate(y).double()
        if self.kind == "target_value":
            return (-judged).sigmoid()
        return (-judged).clamp(min=0) + (1 + (-judged.abs()).exp()).log()  # softplus(−d), without overflow


def _weighing(strategy: Strategy) -> Any:
    """What makes a score of components (B,) by name."""
    if isinstance(strategy, Svm):
        return _Machine(strategy)
    return _Sum(strategy) if isinstance(strategy, Grid) else strategy.score


class _Range(nn.Module):
    """A scale by extremes."""

    def __init__(self, scale: Range) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, values: Any) -> Any:
        """Scale a component (B,)."""
        return self.scale.apply(values)  # sums and quotients, of tensors as of arrays


class _NormalScores(nn.Module):
    """Normal scores, as `ecgan.detection.scales.NormalScores` computes them."""

    values: Tensor
    scores: Tensor
    slopes: Tensor

    def __init__(self, scale: NormalScores) -> None:
        super().__init__()
        slopes = np.append(np.diff(scale.scores) / np.diff(scale.values), 0.0)  # none above the last knot
        for name, array in (("values", scale.values), ("scores", scale.scores), ("slopes", slopes)):
            self.register_buffer(name, torch.from_numpy(array))
        self.below, self.above = scale.spans

    def forward(self, values: Tensor) -> Tensor:
        """Scale a component (B,)."""
        low, high = self.values[0], self.values[-1]
        inside = torch.minimum(torch.maximum(values, low), high)
        knot = (inside[:, None] >= self.values[1:]).sum(dim=1)  # the last one that is not above, (B,)
        score = self.scores[knot] + self.slopes[knot] * (inside - self.values[knot])
        above, below = (values - high).clamp(min=0), (low - values).clamp(min=0)
        return score + above / (self.above + above) - below / (self.below + below)


class _Scaled(nn.Module):
    """The components of a strategy on its scales."""

    def __init__(self, strategy: Scaled) -> None:
        super().__init__()
        self.needs = strategy.needs
        self.scales = nn.ModuleList(_scale(scale) for scale in strategy.scales)

    def scaled(self, components: dict[str, Any]) -> list[Any]:
        """Scale the components (B,) that the strategy needs."""
        return [scale(components[name]) for name, scale in zip(self.needs, self.scales, strict=True)]


def _scale(scale: Scale) -> nn.Module:
    return _Range(scale) if isinstance(scale, Range) else _NormalScores(scale)


class _Sum(_Scaled):
    """The weighted sum of a grid."""

    def __init__(self, strategy: Grid) -> None:
        super().__init__(strategy)
        self.weights = strategy.weights

    def forward(self, components: dict[str, Any]) -> Any:
        """Add up the components (B,)."""
        return weighted_sum(self.weights, self.scaled(components))


class _Machine(_Scaled):
    """The decision function of an SVM strategy."""

    support: Tensor
    coefficients: Tensor

    def __init__(self, strategy: Svm) -> None:
        super().__init__(strategy)
        state = strategy.state()
        for name in ("support", "coefficients"):
            self.register_buffer(name, torch.from_numpy(state.arrays[name]))
        self.gamma, self.intercept = float(state.values["gamma"]), float(state.values["intercept"])

    def forward(self, components: dict[str, Any]) -> Tensor:
        """Decide by the components (B,)."""
        square = torch.zeros((), dtype=torch.float64)
        for axis, part in enumerate(self.scaled(components)):
            square = square + (part[:, None] - self.support[:, axis]).square()  # (B, S)
        return ((-self.gamma * square).exp() * self.coefficients).sum(dim=1) + self.intercept


def check_exportable(member: Member, strategy: str) -> None:
    """Refuse detectors that are no function of one sample in one pass, and strategies that only NumPy computes."""
    detector = member.fitted.detector
    if detector.sees:
        raise EcganError(
            f"a run that looks at more than a sample ({', '.join(detector.sees)}) cannot be exported: an ONNX file is"
            " given samples alone.",
            "Score with `ecgan score`, or detect with a detector and a model without context.",
        )
    if not isinstance(detector, (Argmax, InverseMapping)):
        raise EcganError(
            f"the detector {detector.name!r} cannot be exported: it is more than one pass through networks.",
            "Detect with inverse_mapping, or with argmax for a classifier (detect.detector).",
        )
    if isinstance(detector, InverseMapping) and member.network.inversion.one_pass is None:
        raise EcganError(
            f"the inverse mapping {member.network.inversion.name!r} cannot be exported: it searches each latent step"
            " by step.",
            "Set inverse.method to auto and run inverse and detect again.",
        )
    if not is_built_in(type(member.fitted.strategies[strategy])):
        raise EcganError(
            f"the strategy {strategy!r} cannot be exported: ECGAN has no torch module of what it computes.",
            "Export with a built-in strategy (--strategy).",
        )
