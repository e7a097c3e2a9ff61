"""What `cnn` and `rnn` share: cross-entropy with class weights."""

from abc import abstractmethod
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from ecgan.errors import EcganError
from ecgan.models.base import ClassifierModel, Optimizers, batched
from ecgan.models.initialisation import initialise
from ecgan.models.losses import class_weights, cross_entropy
from ecgan.models.optimizers import build_optimizer
from ecgan.models.options import InitOptions, ModelOptions, OptimizerOptions
from ecgan.sharing import over_batch

_BATCH = 1024


class ClassifierOptions(ModelOptions):
    """A network that learns classes."""

    init: InitOptions = Field(InitOptions(name="normal", std=0.02), description="initial weights")
    class_weights: Literal["balanced", "none"] = Field(
        "balanced", description="balanced: every class of the training data counts the same; none: every beat does"
    )
    optimizer: OptimizerOptions = Field(OptimizerOptions(betas=[0.5, 0.99]), description="optimizer of the network")


class NetworkClassifier(ClassifierModel):
    """One network with a logit for each class; a subclass brings it.

    Attributes:
        network: x (B, C, L) → logits (B, K).
        class_weight: Weights of the classes (K,), taken from the training labels and stored with the network's.
    """

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
                raise EcganError(f"{self.name} was built for {self.classes} classes, and a label is {label}.")
        if self.options.class_weights == "balanced":
            self.class_weight.copy_(class_weights(labels, self.classes))

    def train_batch(
        self, x: Tensor, optimizers: Optimizers, epoch: int, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Do one step on the weighted cross-entropy of x (B, C, L) and its labels (B,)."""
        assert labels is not None
        mean = cross_entropy(self.logits(x).float(), labels, self.class_weight)
        loss = over_batch(mean, self.class_weight[labels].sum())
        optimizers["optimizer"].zero_grad(set_to_none=True)
        loss.backward()
        optimizers["optimizer"].step()
        return {"cross_entropy": loss.detach()}

    def logits(self, x: Tensor) -> Tensor:
        """Map x (B, C, L) to unnormalised log-probabilities of the classes, (B, K)."""
        logits: Tensor = self.network(x)
        return logits

    def validation_loss(self, x: Tensor, labels: Tensor, scores: Tensor) -> float:
        """Cross-entropy of validation samples x (n, C, L) of all classes, weighted as in training.

        With balanced weights a class that training does not hold counts for nothing; NaN where that is all of them.
        """
        return float(cross_entropy(batched(self.logits, x, _BATCH), labels, self.class_weight))
