"""Parameters of the inverse mapping: the trained network and the search for latents."""

from typing import Final, Literal

from pydantic import Field

from ecgan.config.options import Options

AUTO: Final = ("encoder", "network")
"""The inverse mappings that `auto` tries, in this order."""


class SearchOptions(Options):
    """Latent optimisation (AnoGAN, Schlegl et al. 2017): gradient descent on z until G(z) is like x."""

    iterations: int = Field(500, ge=1, le=100_000, description="Most steps for a sample.")
    criterion: Literal["residual", "squared", "cosine", "rbf", "rgan"] = Field(
        "rgan", description="What measures how unlike G(z) and x are; all are 0 where they agree."
    )
    lr: float = Field(0.01, gt=0, description="Learning rate of Adam, for each sample its own.")
    epsilon: float = Field(0.005, ge=0, description="A sample whose criterion falls below it is done.")
    adapt_lr: bool = Field(True, description="Divide a sample's learning rate by 10 once it is near.")
    lr_threshold: float = Field(0.05, ge=0, description="A sample is near when its criterion falls below it.")
    starts: int = Field(
        64, ge=1, le=10_000, description="Latents drawn from the prior; a sample sets out from the one that fits best."
    )
    runs: int = Field(
        1, ge=1, le=1000, description="Searches for a sample, each from another starting point; the best z is kept."
    )
    batch_size: int = Field(256, ge=1, description="Samples that are searched for at once.")


class StartedSearchOptions(SearchOptions):
    """A search that may set out from the run's inverse mapping."""

    start: Literal["mapping", "prior"] = Field(
        "mapping", description="Where the search begins: at the run's inverse mapping, or at latents from the prior."
    )


class NetworkOptions(Options):
    """The network that learns x = G(z) ↦ z, for models without an encoder."""

    loss: Literal["l1", "l2"] = Field("l2", description="Distance between the network's z and the true one.")
    reconstruction_weight: float = Field(
        1.0, ge=0, description="Weight of (x − G(z))² of real training samples beside it; 0 leaves it out."
    )
    lr: float = Field(1e-3, gt=0, description="Learning rate of Adam.")
    batch_size: int = Field(128, ge=2, description="Generated signals in a training step.")
    steps: int = Field(3000, ge=1, description="Most training steps.")
    evaluate_every: int = Field(100, ge=1, description="Steps between two evaluations on generated signals.")
    patience: int = Field(10, ge=0, description="Evaluations without improvement before it stops; 0 never stops.")


class Inverse(Options):
    """How a signal is mapped to its latent."""

    method: str = Field(
        "auto",
        description="The mapping from signal to latent; auto takes the encoder where there is one, else the network.",
    )
    network: NetworkOptions = Field(NetworkOptions(), description="The network of 'network' and 'network_search'.")
    search: SearchOptions = Field(SearchOptions(), description="The search of 'search' and 'network_search'.")
