"""The inverse mapping that searches for each sample's latent, from latents of the prior."""

from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationError
from torch import Tensor

from ecgan.config.inverse import SearchOptions, StartedSearchOptions
from ecgan.errors import EcganError
from ecgan.files import RESTORE
from ecgan.inversion.base import Inversion
from ecgan.inversion.criteria import criterion_named
from ecgan.inversion.descent import Found, search_repeatedly
from ecgan.inversion.folding import searchable
from ecgan.inversion.progress import Bar
from ecgan.models.base import GenerativeModel, Model
from ecgan.registry import register_inversion


@register_inversion("search")
class SearchInversion(Inversion):
    """Latent optimisation from latents of the prior (AnoGAN, Schlegl et al. 2017); no weights of its own."""

    title: ClassVar[str] = "search for each latent, from latents of the prior"
    source: ClassVar[str] = "Schlegl et al., IPMI 2017"

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Whether the model has latents."""
        return isinstance(model, GenerativeModel)

    def invert(self, x: Tensor, batch_size: int = 1024) -> Tensor:
        """Search for the latents z (n, Z) of x (n, C, L), `inverse.search.batch_size` at once."""
        return search_latents(self, x, self._begin(x, batch_size), self.options.search, self.seed).z

    def stored(self) -> dict[str, Any]:
        """Parameters of the search besides."""
        return super().stored() | {"search": self.options.search.model_dump(mode="json")}

    def restore(self, folder: Path, stored: dict[str, Any]) -> None:
        """Take back the parameters of the search."""
        super().restore(folder, stored)
        try:
            search = SearchOptions.model_validate(stored.get("search"))
        except ValidationError as error:
            raise EcganError(
                f"the parameters of its search are none: {error}",
                RESTORE,
            ) from None
        self.options = self.options.model_copy(update={"search": search})

    def _begin(self, x: Tensor, batch_size: int) -> Tensor | None:
        return None


def search_latents(inversion: Inversion, x: Tensor, start: Tensor | None, options: SearchOptions, seed: int) -> Found:
    """Search for the latents of x (n, C, L) by a run's generator, showing how far it is.

    Args:
        inversion: The run's inverse mapping: model, bandwidths and precision.
        x: Samples (n, C, L).
        start: Where searches begin, (n, Z); None takes latents from the prior.
        options: How to search.
        seed: Seed of the latents from the prior.

    Raises:
        EcganError: The inverse mapping holds no bandwidths, as those made by an earlier version do not.
    """
    if inversion.bandwidth is None:
        raise EcganError(
            "the run's inverse mapping holds no bandwidths to search latents by.",
            "Make it anew: `ecgan inverse` (or `ecgan-inverse`).",
        )
    model = searchable(inversion.model)
    criterion = criterion_named(options.criterion, inversion.bandwidth)
    with Bar(f"{model.name}: searching latents", len(x) * options.runs) as bar:
        return search_repeatedly(
            model, x, start, criterion, options, seed=seed, precision=inversion.precision, tell=bar.update
        )


def search_from(inversion: Inversion, x: Tensor, options: SearchOptions, seed: int, batch_size: int) -> Found:
    """Search as a detector asks for it: from the run's inverse mapping, or where it says so from the prior."""
    from_prior = isinstance(options, StartedSearchOptions) and options.start == "prior"
    start = None if from_prior else inversion.invert(x, batch_size)
    return search_latents(inversion, x, start, options, seed)
