"""β-VAEGAN: BeatGAN with a variational encoder (Lüer, Weber, Dolgich, Böhm, arXiv 2310.18091).

Discriminator as in `aegan`. Encoder and decoder: β·w(t)·KL + MSE(f(x̂), f(x)) + reconstruction, where the
reconstruction loss is the mean binary cross-entropy for a sigmoid output and the mean squared error for tanh,
KL = −½ Σ (1 + log σ² − μ² − σ²) / B, and w(t) is 0 before `kl_warmup` epochs, rises linearly over `kl_anneal` epochs
and then stays 1.
"""

from typing import Any, ClassVar

from ecgan.models.adversarial import AdversarialAutoencoder
from ecgan.models.encoding import Variational
from ecgan.models.options import AdversarialOptions, VariationalOptions
from ecgan.registry import register_model


class VaeganOptions(VariationalOptions, AdversarialOptions):
    """Parameters of `vaegan`."""


@register_model("vaegan")
class Vaegan(Variational, AdversarialAutoencoder):
    """β-VAEGAN."""

    title = "β-VAEGAN: BeatGAN with a variational encoder"
    source = "Lüer et al., arXiv 2310.18091"
    Options: ClassVar[Any] = VaeganOptions
    options: VaeganOptions
