"""Parameters that models share: optimizers, initial weights, normalisation, output."""

from typing import Annotated, Literal

from pydantic import Field

from ecgan.config.options import Options
from ecgan.models.latents import PriorName

NormName = Literal["batch", "group", "none"]
OutputName = Literal["tanh", "sigmoid"]


class OptimizerOptions(Options):
    """One optimizer; each field says which update rules read it, and weight decay is for all of them."""

    name: Literal["adam", "adamw", "adabelief", "rmsprop", "momentum", "sgd"] = Field("adam", description="update rule")
    lr: float = Field(1e-4, gt=0, description="learning rate")
    betas: list[Annotated[float, Field(ge=0, lt=1)]] = Field(
        [0.5, 0.999], min_length=2, max_length=2, description="decay rates of the moments of adam, adamw and adabelief"
    )
    eps: float = Field(
        1e-8, gt=0, description="term added to the denominator; adabelief is published with 1.0e-16, the others 1.0e-8"
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum of the rule momentum (sgd has none)")
    dampening: float = Field(0.0, ge=0, le=1, description="dampening of that momentum")
    alpha: float = Field(0.99, ge=0, lt=1, description="decay rate of rmsprop's mean square")
    centered: bool = Field(False, description="whether rmsprop subtracts the squared mean gradient")
    weight_decay: float = Field(
        0.0, ge=0, description="weight decay: decoupled for adamw and adabelief, part of the gradient for the others"
    )


class InitOptions(Options):
    """The distribution of initial weights; biases start at 0, batch normalisation at N(1, 0.02)."""

    name: Literal["glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "normal", "uniform"] = Field(
        "glorot_normal", description="distribution of initial weights"
    )
    std: float = Field(0.02, gt=0, description="standard deviation of normal")
    bound: float = Field(0.05, gt=0, description="uniform draws from -bound to bound")


class ModelOptions(Options):
    """What every model has."""

    batch_size: int = Field(64, ge=2, description="beats in a training step")
    width: float = Field(1.0, gt=0, le=4, description="factor on the number of channels; 1 is the published size")
    init: InitOptions = Field(InitOptions(), description="initial weights")


class GenerativeOptions(ModelOptions):
    """What every model has that maps latents to signals."""

    latent_size: int = Field(50, ge=1, description="Z, the number of latent dimensions")
    latent: PriorName = Field("encoder", description="distribution that new beats are generated from")
    output: OutputName = Field("tanh", description="last activation: tanh reconstructs -1 to 1, sigmoid 0 to 1")


class EncoderOptions(GenerativeOptions):
    """An encoder and a decoder; sizes and rates are what was found to be quick, docs/tuning.md."""

    batch_size: int = Field(128, ge=2, description="beats in a training step")
    width: float = Field(0.25, gt=0, le=4, description="factor on the number of channels; 1 is the published size")
    latent_size: int = Field(10, ge=1, description="Z, the number of latent dimensions")
    norm: NormName = Field("batch", description="normalisation in encoder and decoder")
    encoder_spectral_norm: bool = Field(False, description="spectral normalisation of the encoder's inner convolutions")


class VariationalOptions(EncoderOptions):
    """A variational encoder; the weight of the divergence in epoch t is β·w(t)."""

    latent: PriorName = Field("normal", description="distribution that new beats are generated from")
    kl_beta: float = Field(1e-4, ge=0, description="β, weight of the divergence from the prior")
    kl_warmup: int = Field(0, ge=0, description="epochs without the divergence")
    kl_anneal: int = Field(0, ge=0, description="epochs over which its weight then rises to β")


class AutoencoderOptions(EncoderOptions):
    """An encoder and a decoder that train together, without a discriminator."""

    optimizer: OptimizerOptions = Field(OptimizerOptions(lr=5e-3), description="optimizer of encoder and decoder")


class AdversarialOptions(EncoderOptions):
    """An encoder and a decoder that train against a discriminator."""

    discriminator_norm: NormName = Field("none", description="normalisation in the discriminator")
    spectral_norm: bool = Field(True, description="spectral normalisation of the discriminator's inner convolutions")
    discriminator_rounds: int = Field(1, ge=1, description="discriminator steps on a batch")
    discriminator_every: int = Field(4, ge=1, description="batches from one with discriminator steps to the next")
    generator_rounds: int = Field(1, ge=1, description="encoder and decoder steps on a batch")
    feature_weight: float = Field(1.0, ge=0, description="weight of feature matching, the adversarial term")
    generator: OptimizerOptions = Field(OptimizerOptions(lr=5e-3), description="optimizer of encoder and decoder")
    discriminator: OptimizerOptions = Field(OptimizerOptions(lr=5e-4), description="optimizer of the discriminator")
