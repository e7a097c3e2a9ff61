"""Convolutional generator and discriminator of `dcgan`.

After Radford et al., "Unsupervised representation learning with deep convolutional generative adversarial networks",
ICLR 2016; one-dimensional layers as in ECGAN's `dcgan`. All convolutions are free of bias.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ecgan.models.discriminator import SignalDiscriminator
from ecgan.models.networks import normalisation
from ecgan.models.options import NormName, OutputName

INNER = 128  # time steps after the generator's last convolution
KERNELS = (5, 5, 3, 3, 3)  # of the discriminator
LAST_KERNEL = 4


def hidden_channels(width: float) -> list[int]:
    """Channels after each of the discriminator's five convolutions: 16 … 256 at width 1; even, for two groups."""
    return [max(2, 2 * round(base * width / 2)) for base in (16, 32, 64, 128, 256)]


class ConvolutionalGenerator(nn.Module):
    """z (B, Z) → signal (B, C, L): six transposed convolutions give 128 steps, a linear layer turns them into L."""

    def __init__(
        self, channels: int, length: int, latent: int, width: float, norm: NormName, output: OutputName
    ) -> None:
        super().__init__()
        hidden = hidden_channels(width)[::-1]
        layers: list[nn.Module] = [nn.ConvTranspose1d(latent, hidden[0], 4, bias=False)]
        for before, after in zip(hidden, [*hidden[1:], channels], strict=True):
            layers += [normalisation(norm, before), nn.ReLU(inplace=True)]
            layers.append(nn.ConvTranspose1d(before, after, 4, 2, 1, bias=False))
        if length != INNER:
            layers += [normalisation(norm, channels), nn.ReLU(inplace=True), nn.Linear(INNER, length)]
        self.body = nn.Sequential(*layers)
        self.output = output

    def forward(self, z: Tensor) -> Tensor:
        """Generate."""
        x: Tensor = self.body(z.unsqueeze(2))  # (B, Z) → (B, Z, 1) → (B, C, L)
        return torch.tanh(x) if self.output == "tanh" else torch.sigmoid(x)


class ConvolutionalDiscriminator(SignalDiscriminator):
    """x (B, C, L) → logit (B,) for any L: five convolutions leave ⌈L / 32⌉ steps, a sixth judges up to four at once.

    The published critic normalises by the statistics of the batch, in evaluation too, so that the value of a beat
    depends on the beats beside it; and a penalty on the gradient of each beat's own value then means nothing
    (Gulrajani et al., NeurIPS 2017, section 4). Group normalisation has as many parameters and looks at one beat.
    """

    def __init__(self, channels: int, length: int, width: float, norm: NormName, *, spectral: bool) -> None:
        super().__init__()
        hidden = hidden_channels(width)
        layers: list[nn.Module] = []
        for before, after, kernel in zip([channels, *hidden], hidden, KERNELS, strict=False):
            convolution: nn.Module = nn.Conv1d(before, after, kernel, 2, kernel // 2, bias=False)
            layers.append(spectral_norm(convolution) if spectral else convolution)
            layers += [normalisation(norm, after), nn.LeakyReLU(0.01, inplace=True)]
        self.body = nn.Sequential(*layers)
        left = -(-length // 2 ** len(KERNELS))
        self.head = nn.Conv1d(hidden[-1], 1, min(LAST_KERNEL, left), bias=False)

    def features(self, x: Tensor) -> Tensor:
        """Return the last hidden feature map, (B, F) with F = channels · ⌈L / 32⌉."""
        h: Tensor = self.body(x)
        return h.flatten(1)  # (B, H, T) → (B, H·T)

    def logits(self, x: Tensor) -> Tensor:
        """Return the one logit of each sample, the mean over the places that the last convolution sees, (B, 1)."""
        logits: Tensor = self.head(self.body(x))
        return logits.mean(dim=2)  # (B, 1, T) → (B, 1)
