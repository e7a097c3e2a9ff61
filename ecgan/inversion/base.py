"""What an inverse mapping is, and how the method is chosen."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from ecgan.errors import EcganError
from ecgan.files import read_json, write_json
from ecgan.models.base import GenerativeModel, Model


class Inversion(ABC):
    """Maps x (B, C, L) to the latent z (B, Z) from which the model explains it.

    `fit` may train a network or do nothing; `save` writes what the method needs besides the model's own weights.
    """

    method: ClassVar[str]

    def __init__(self, model: GenerativeModel) -> None:
        self.model = model

    @classmethod
    @abstractmethod
    def suits(cls, model: GenerativeModel) -> bool:
        """Whether the method can be used with this model."""

    @abstractmethod
    def fit(self, train: Tensor) -> None:
        """Learn from training samples (n, C, L), where the method learns."""

    @abstractmethod
    def invert(self, x: Tensor) -> Tensor:
        """Map x (B, C, L) to z (B, Z)."""

    def save(self, folder: Path, version: str) -> None:
        """Write `inverse.json`, which names the method and the model version that it belongs to."""
        write_json(folder / "inverse.json", {"method": self.method, "version": version})

    @abstractmethod
    def restore(self, folder: Path) -> None:
        """Read back what `save` wrote besides `inverse.json`."""


def methods() -> dict[str, type[Inversion]]:
    """Every method by name, the preferred one first."""
    from ecgan.inversion.encoder import EncoderInversion

    return {cls.method: cls for cls in (EncoderInversion,)}


def choose(method: str, model: Model) -> Inversion:
    """Return the inverse mapping that `inverse.method` asks for; `auto` takes the first that suits the model."""
    if not isinstance(model, GenerativeModel):
        raise EcganError(f"{model.name!r} is a classifier: it has no latent to map to.")
    known = methods()
    if method == "auto":
        for cls in known.values():
            if cls.suits(model):
                return cls(model)
        raise EcganError(f"no inverse mapping suits {model.name!r}.", f"Known methods: {', '.join(known)}.")
    if method not in known:
        raise EcganError(f"there is no inverse mapping {method!r}.", f"Known methods: auto, {', '.join(known)}.")
    if not known[method].suits(model):
        raise EcganError(f"the inverse mapping {method!r} does not suit {model.name!r}.", "Set inverse.method to auto.")
    return known[method](model)


def load_inversion(folder: Path, model: Model, version: str) -> Inversion:
    """Read the inverse mapping of a run.

    Args:
        folder: The run's `inverse/fold_<k>`.
        model: The model, with the weights of `version`.
        version: Name of the version that is being used.

    Raises:
        EcganError: The mapping is missing, broken or belongs to another version.
    """
    path = folder / "inverse.json"
    if not path.is_file():
        raise EcganError(f"there is no inverse mapping in {folder}.", "Run `ecgan inverse` (or `ecgan-inverse`) first.")
    found = read_json(path)
    if not isinstance(found, dict) or not isinstance(found.get("method"), str):
        raise EcganError(f"{path} does not name an inverse mapping.", "Run `ecgan inverse` again.")
    inversion = choose(found["method"], model)
    if found.get("version") != version and found["method"] != "encoder":
        raise EcganError(
            f"the inverse mapping in {folder} belongs to version {found.get('version')}, not {version}.",
            "Run `ecgan inverse` for that version.",
        )
    inversion.restore(folder)
    return inversion
