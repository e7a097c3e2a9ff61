"""What `aegan` and `vaegan` share: encoder and decoder against a discriminator, with feature matching.

BeatGAN (Zhou et al., IJCAI 2019) trains the discriminator on real against reconstructed beats and asks of encoder
and decoder that the discriminator's features of both agree (pairwise feature matching).
"""

import torch
from torch import Tensor

from ecgan.models.base import Optimizers
from ecgan.models.encoding import EncoderDecoder
from ecgan.models.initialisation import initialise
from ecgan.models.losses import feature_matching, two_component_bce
from ecgan.models.networks import Discriminator
from ecgan.models.optimizers import build_optimizer
from ecgan.models.options import AdversarialOptions


class AdversarialAutoencoder(EncoderDecoder):
    """Encoder, decoder and discriminator; a subclass brings the encoder and the reconstruction loss."""

    options: AdversarialOptions

    def __init__(self, options: AdversarialOptions, *, channels: int, length: int, classes: int = 2) -> None:
        super().__init__(options, channels=channels, length=length, classes=classes)
        o = options
        self.discriminator = Discriminator(channels, length, o.width, o.discriminator_norm, spectral=o.spectral_norm)
        initialise(self, o.init)

    def optimizers(self) -> Optimizers:
        """One optimizer for encoder and decoder, one for the discriminator, each with its own settings."""
        return {
            "generator": build_optimizer(self.options.generator, self.autoencoder_parameters()),
            "discriminator": build_optimizer(self.options.discriminator, self.discriminator.parameters()),
        }

    @property
    def every(self) -> dict[str, int]:
        """The discriminator steps on every `discriminator_every`-th batch."""
        return {"discriminator": self.options.discriminator_every}

    def train_batch(
        self, x: Tensor, optimizers: Optimizers, epoch: int, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Do the discriminator's steps, then encoder's and decoder's; one reconstruction serves both."""
        fake, terms = self.reconstructed(x, epoch)
        adversarial: dict[str, Tensor] = {}
        for _ in range(self.options.discriminator_rounds if "discriminator" in optimizers else 0):
            adversarial["discriminator"] = self._discriminator_step(x, fake.detach(), optimizers["discriminator"])
        for step in range(self.options.generator_rounds):
            if step:
                fake, terms = self.reconstructed(x, epoch)
            terms |= self._generator_step(x, fake, terms, optimizers["generator"])
        return adversarial | {name: term.detach() for name, term in terms.items()}

    def _discriminator_step(self, x: Tensor, fake: Tensor, optimizer: torch.optim.Optimizer) -> Tensor:
        """BCE(D(x), 1) + BCE(D(x̂), 0)."""
        if self.options.discriminator_norm == "batch":  # statistics of real and fake batches stay apart
            real_logit, fake_logit = self.discriminator(x), self.discriminator(fake)
        else:
            real_logit, fake_logit = self.discriminator(torch.cat([x, fake])).chunk(2)
        loss = two_component_bce(real_logit, fake_logit)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.detach()

    def _generator_step(
        self, x: Tensor, fake: Tensor, terms: dict[str, Tensor], optimizer: torch.optim.Optimizer
    ) -> dict[str, Tensor]:
        """Feature matching ‖f(x̂) − f(x)‖² (mean) plus the model's own terms."""
        self.discriminator.requires_grad_(False)  # its gradients would go unused
        with torch.no_grad():
            target = self.discriminator.features(x)
        matching = self.options.feature_weight * feature_matching(self.discriminator.features(fake), target)
        loss = matching + sum(terms.values())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        self.discriminator.requires_grad_(True)
        return {"features": matching}

    def features(self, x: Tensor) -> Tensor:
        """Return the discriminator's last hidden features of x (B, C, L), (B, F)."""
        return self.discriminator.features(x)

    def discriminate(self, x: Tensor) -> Tensor:
        """Return the discriminator's logit of x (B, C, L), (B,)."""
        logit: Tensor = self.discriminator(x)
        return logit
