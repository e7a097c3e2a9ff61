"""The inverse mapping that searches for each sample's latent, from where a network puts it."""

from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from ecgan.inversion.network import NetworkInversion
from ecgan.inversion.search import SearchInversion
from ecgan.models.base import Model, batched
from ecgan.registry import register_inversion


@register_inversion("network_search")
class NetworkSearchInversion(SearchInversion):
    """Latent optimisation from where the encoder puts x, or the trained network for models without an encoder."""

    title: ClassVar[str] = "search for each latent, from where an encoder or a trained network puts it"

    def __init__(self, model: Model, *given: Any, **named: Any) -> None:
        super().__init__(model, *given, **named)
        self._network = None if self.model.has_encoder else NetworkInversion(model, *given, **named)
        self.follows_weights = self._network is not None

    def fit(self, train: Tensor) -> None:
        """Train the network, where there is no encoder."""
        super().fit(train)
        if self._network is not None:
            self._network.fit(train)

    def stored(self) -> dict[str, Any]:
        """What the network keeps besides."""
        return super().stored() | ({} if self._network is None else self._network.stored())

    def save(self, folder: Path, version: str) -> None:
        """Write the network's weights besides."""
        super().save(folder, version)
        if self._network is not None:
            self._network.save_weights(folder)

    def restore(self, folder: Path, stored: dict[str, Any]) -> None:
        """Read the network's weights besides."""
        super().restore(folder, stored)
        if self._network is not None:
            self._network.restore(folder, stored)

    def _begin(self, x: Tensor, batch_size: int) -> Tensor | None:
        if self._network is None:
            return batched(self.model.encode, x, batch_size)
        return self._network.invert(x, batch_size)
