"""Classifiers: one network with a logit for each class and weighted cross-entropy; `cnn` has convolutions.

The network of `cnn` is BeatGAN's encoder with one output a class (as in ECGAN); `rnn` has a recurrent one.
"""

from abc import abstractmethod
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from ecgan.errors import EcganError
from ecgan.models.base import ClassifierModel, ModelOptions, Optimizers, batched
from ecgan.models.layers.convolutions import Encoder, NormName
from ecgan.models.layers.initialisation import InitOptions, initialise
from ecgan.models.layers.optimizers import OptimizerOptions, build_optimizer, descend
from ecgan.registry import register_model
from ecgan.sharing import over_batch

_BATCH = 1024


class ClassifierOptions(ModelOptions):
    """A network that learns classes."""

    init: InitOptions = Field(InitOptions(name="normal", std=0.02), description="initial weights")
    class_weights: Literal["balanced", "none"] = Field(
        "balanced", description="balanced: every class of the training data counts the same; none: every beat does"
    )
    optimizer: OptimizerOptions = Field(OptimizerOptions(betas=[0.5, 0.99]), description="optimizer of the network")


class CnnOptions(ClassifierOptions):
    """Parameters of `cnn`; the defaults are the published ones."""

    norm: NormName = Field("batch", description="normalisation between the convolutions")


def class_weights(labels: Tensor, classes: int) -> Tensor:
    """Weights that let every class count the same: n / (K' · n_k), with K' the number of classes that occur.

    Args:
        labels: Class ids (n,), int64.
        classes: K.

    Returns:
        float32 (K,); a class that does not occur has weight 0. Their mean over the samples is 1.
    """
    counts = torch.bincount(labels, minlength=classes).float()
    present = counts > 0
    weights = len(labels) / (present.sum() * counts.clamp(min=1))
    return torch.where(present, weights, 0.0)


class NetworkClassifier(ClassifierModel):
    """One network with a logit for each class; a subclass brings it.

    Attributes:
        network: x (B, C, L) → logits (B, K).
        class_weight: Weights of the classes (K,), taken from the training labels and stored with the network's.
    """

    defaults: ClassVar[dict[str, dict[str, Any]]] = {
        "split": {"protocol": "stratified", "train_on": "all"},
        "detect": {"detector": "argmax"},
    }
    options: ClassifierOptions
    network: nn.Module
    class_weight: Tensor

    def __init__(self, options: ClassifierOptions, *, channels: int, length: int, classes: int = 2) -> None:
        super().__init__(options, channels=channels, length=length, classes=classes)
        self.network = self.build_network()
        initialise(self, options.init)
        self.register_buffer("class_weight", torch.ones(classes))

    @abstractmethod
    def build_network(self) -> nn.Module:
        """Return the network, x (B, C, L) → logits (B, K)."""

    def optimizers(self) -> Optimizers:
        """The one optimizer."""
        return {"optimizer": build_optimizer(self.options.optimizer, self.network.parameters())}

    def begin(self, labels: Tensor) -> None:
        """Take the class weights from all training labels (n,).

        Raises:
            EcganError: The labels hold fewer than two classes, or one that the model was not built for.
        """
        found = labels.unique()
        if len(found) < 2:
            raise EcganError(
                f"the training data of {self.name} hold one class only; there is nothing to tell apart.",
                "Set split.train_on to all, with split.protocol stratified or interpatient.",
            )
        for label in (int(found[0]), int(found[-1])):
            if not 0 <= label < self.classes:
                raise EcganError(
                    f"{self.name} was built for {self.classes} classes, and a label is {label}.",
                    "Train it on all classes.",
                )
        if self.options.class_weights == "balanced":
            self.class_weight.copy_(class_weights(labels, self.classes))

    def train_batch(
        self, x: Tensor, optimizers: Optimizers, epoch: int, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Do one step on the weighted cross-entropy of x (B, C, L) and its labels (B,)."""
        assert labels is not None
        mean = F.cross_entropy(self.logits(x).float(), labels, self.class_weight)
        loss = over_batch(mean, self.class_weight[labels].sum())
        descend(optimizers["optimizer"], loss)
        return {"cross_entropy": loss.detach()}

    def logits(self, x: Tensor) -> Tensor:
        """Map x (B, C, L) to unnormalised log-probabilities of the classes, (B, K)."""
        logits: Tensor = self.network(x)
        return logits

    def validation_loss(self, x: Tensor, labels: Tensor, scores: Tensor) -> float:
        """Cross-entropy of validation samples x (n, C, L) of all classes, weighted as in training.

        With balanced weights a class that training does not hold counts for nothing; NaN where that is all of them.
        """
        return float(F.cross_entropy(batched(self.logits, x, _BATCH), labels, self.class_weight))


@register_model("cnn")
class Cnn(NetworkClassifier):
    """Five strided convolutions and one over what they leave."""

    title = "CNN: convolutional classifier"
    source = "encoder of Zhou et al., BeatGAN, IJCAI 2019"
    Options: ClassVar[Any] = CnnOptions
    options: CnnOptions

    network: Encoder

    def features(self, x: Tensor) -> Tensor:
        """What the last layer before the logits leaves of x (B, C, L), its mean over time, (B, D).

        D is the number of channels of the last strided convolution, 512 at width 1.
        """
        found: Tensor = self.network.body(x).mean(dim=-1)
        return found

    def build_network(self) -> Encoder:
        """Return the network."""
        return Encoder(self.channels, self.length, self.classes, self.options.width, self.options.norm)
