"""Networks of the BeatGAN family (Zhou et al., IJCAI 2019; layers as in ECGAN, Lüer et al., arXiv 2310.18091).

Five strided convolutions halve the length five times, so the innermost feature map has k0 = L / 32 steps. Where a
length is odd, a convolution leaves nothing out and gives (L − 1) / 2 steps, and the transposed convolution that undoes
it keeps the one step that it otherwise cuts off: every length from 32 on fits, multiples of 32 get the published
layers, and parameters are those of the multiple below. All convolutions are free of bias.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ecgan.errors import EcganError
from ecgan.models.layers import Convolutions
from ecgan.models.options import NormName, OutputName

SLOPE = 0.2  # of LeakyReLU
STRIDE = 32  # five halvings


def hidden_channels(width: float) -> list[int]:
    """Channels after each of the five convolutions: 32 … 512 at width 1; even, so that two groups divide them."""
    return [max(2, 2 * round(base * width / 2)) for base in (32, 64, 128, 256, 512)]


def halvings(length: int) -> list[int]:
    """Return the steps before and after each of five convolutions, [L, L // 2, …, L // 32].

    Raises:
        EcganError: The length does not fit.
    """
    if length < STRIDE:
        raise EcganError(
            f"beats of {length} time steps do not fit this architecture, which needs at least {STRIDE}.",
            f"Cut beats of {STRIDE} or more steps (`preprocess`), or choose another model.",
        )
    return [length >> times for times in range(6)]


def innermost_length(length: int) -> int:
    """Return k0 = L // 32; a length that does not fit is refused with those that do."""
    return halvings(length)[-1]


def normalisation(norm: NormName, channels: int) -> nn.Module:
    """Return the layer that `norm` names for a (B, channels, L) input; `group` has two groups, one if they are odd."""
    if norm == "batch":
        return nn.BatchNorm1d(channels)
    return nn.GroupNorm(2 - channels % 2, channels) if norm == "group" else nn.Identity()


def body(channels: int, hidden: list[int], norm: NormName, *, spectral: bool = False) -> Convolutions:
    """Five convolutions, (B, C, L) → (B, hidden[-1], L // 32); the first has neither norm nor spectral norm."""
    layers: list[nn.Module] = []
    for index, (before, after) in enumerate(zip([channels, *hidden], hidden, strict=False)):
        convolution: nn.Module = nn.Conv1d(before, after, 4, 2, 1, bias=False)
        if index and spectral:
            convolution = spectral_norm(convolution)
        layers.append(convolution)
        if index:
            layers.append(normalisation(norm, after))
        layers.append(nn.LeakyReLU(SLOPE, inplace=True))
    return Convolutions(*layers)


class Encoder(nn.Module):
    """x (B, C, L) → z (B, Z)."""

    def __init__(
        self, channels: int, length: int, latent: int, width: float, norm: NormName, *, spectral: bool = False
    ) -> None:
        super().__init__()
        hidden = hidden_channels(width)
        self.body = body(channels, hidden, norm, spectral=spectral)
        self.head = nn.Conv1d(hidden[-1], latent, innermost_length(length), bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Encode."""
        z: Tensor = self.head(self.body(x)).flatten(1)  # (B, Z, 1) → (B, Z)
        return z


class VariationalEncoder(nn.Module):
    """x (B, C, L) → mean and log-variance of z, each (B, Z)."""

    def __init__(
        self, channels: int, length: int, latent: int, width: float, norm: NormName, *, spectral: bool = False
    ) -> None:
        super().__init__()
        hidden = hidden_channels(width)
        self.body = body(channels, hidden, norm, spectral=spectral)
        self.mean = self._head(hidden[-1], innermost_length(length), latent, norm)
        self.log_variance = self._head(hidden[-1], innermost_length(length), latent, norm)

    @staticmethod
    def _head(channels: int, steps: int, latent: int, norm: NormName) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv1d(channels, 16, 1, bias=False),
            normalisation(norm, 16),
            nn.LeakyReLU(SLOPE, inplace=True),
            nn.Flatten(),  # (B, 16, k0) → (B, 16·k0)
            nn.Linear(16 * steps, latent),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Encode to mean and log-variance."""
        h = self.body(x)
        return self.mean(h), self.log_variance(h)


class Decoder(nn.Module):
    """z (B, Z) → signal (B, C, L), in (−1, 1) for tanh and (0, 1) for sigmoid."""

    def __init__(
        self, channels: int, length: int, latent: int, width: float, norm: NormName, output: OutputName
    ) -> None:
        super().__init__()
        hidden, steps = hidden_channels(width)[::-1], halvings(length)[::-1]
        layers: list[nn.Module] = [nn.ConvTranspose1d(latent, hidden[0], steps[0], bias=False)]
        for index, (before, after) in enumerate(zip(hidden, [*hidden[1:], channels], strict=True)):
            odd = steps[index + 1] - 2 * steps[index]  # 1 where the length to come is odd
            layers += [normalisation(norm, before), nn.ReLU(inplace=True)]
            layers.append(nn.ConvTranspose1d(before, after, 4, 2, 1, output_padding=odd, bias=False))
        self.body = Convolutions(*layers)
        self.output = output

    def logits(self, z: Tensor) -> Tensor:
        """Decode up to the last activation, for a loss that takes logits."""
        x: Tensor = self.body(z.unsqueeze(2))  # (B, Z) → (B, Z, 1) → (B, C, L)
        return x

    def forward(self, z: Tensor) -> Tensor:
        """Decode."""
        x = self.logits(z)
        return torch.tanh(x) if self.output == "tanh" else torch.sigmoid(x)


class Discriminator(nn.Module):
    """x (B, C, L) → logit of being real (B,) and the last hidden feature map flattened, (B, F)."""

    def __init__(self, channels: int, length: int, width: float, norm: NormName, *, spectral: bool) -> None:
        super().__init__()
        hidden = hidden_channels(width)
        self.body = body(channels, hidden, norm, spectral=spectral)
        self.head = nn.Conv1d(hidden[-1], 1, innermost_length(length), bias=False)

    def features(self, x: Tensor) -> Tensor:
        """Return the last hidden feature map, (B, F) with F = channels · k0."""
        h: Tensor = self.body(x)
        return h.flatten(1)  # (B, H, k0) → (B, H·k0)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logit, (B,)."""
        logit: Tensor = self.head(self.body(x)).flatten()  # (B, 1, 1) → (B,)
        return logit
