"""Parameters that models share: optimizers, normalisation, output."""

from typing import Annotated, Literal

from pydantic import Field

from ecgan.config.options import Options
from ecgan.models.latents import PriorName


class OptimizerOptions(Options):
    """One optimizer."""

    name: Literal["adam", "adamw", "sgd", "rmsprop"] = Field("adam", description="update rule")
    lr: float = Field(1e-4, gt=0, description="learning rate")
    betas: list[Annotated[float, Field(ge=0, lt=1)]] = Field(
        [0.5, 0.999], min_length=2, max_length=2, description="decay rates of Adam's moments")
    eps: float = Field(1e-8, gt=0, description="term added to the denominator")
    momentum: float = Field(0.0, ge=0, lt=1, description="momentum of sgd and rmsprop")
    weight_decay: float = Field(0.0, ge=0, description="weight decay")


class ModelOptions(Options):
    """What every model has."""

    batch_size: int = Field(64, ge=2, description="beats in a training step")
    width: float = Field(1.0, gt=0, le=4, description="factor on the number of channels; 1 is the published size")
    latent_size: int = Field(50, ge=1, description="Z, the number of latent dimensions")


class AdversarialOptions(ModelOptions):
    """An encoder and a decoder that train against a discriminator."""

    output: Literal["tanh", "sigmoid"] = Field("tanh", description="last activation of the decoder")
    norm: Literal["batch", "group", "none"] = Field("batch", description="normalisation in encoder and decoder")
    discriminator_norm: Literal["batch", "group", "none"] = Field(
        "none", description="normalisation in the discriminator"
    )
    spectral_norm: bool = Field(True, description="spectral normalisation of the discriminator's inner convolutions")
    discriminator_rounds: int = Field(1, ge=1, description="discriminator steps on a batch")
    generator_rounds: int = Field(1, ge=1, description="encoder and decoder steps on a batch")
    latent: PriorName = Field("encoder", description="distribution that new beats are generated from")
    feature_weight: float = Field(1.0, ge=0, description="weight of feature matching, the adversarial term")
    generator: OptimizerOptions = Field(OptimizerOptions(), description="optimizer of encoder and decoder")
    discriminator: OptimizerOptions = Field(OptimizerOptions(), description="optimizer of the discriminator")
