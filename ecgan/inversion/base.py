"""What an inverse mapping is, and how the method is chosen."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from ecgan.config.inverse import AUTO, Inverse
from ecgan.errors import EcganError
from ecgan.files import RESTORE, read_json, shown, write_json
from ecgan.inversion.criteria import Bandwidth
from ecgan.models.base import ClassifierModel, GenerativeModel, Model
from ecgan.registry import INVERSIONS
from ecgan.seals import check_seal, seal

FILE = "inverse.json"
AGAIN = "Run `ecgan inverse` (or `ecgan-inverse`) again."


class Inversion(ABC):
    """Maps x (B, C, L) to the latent z (B, Z) from which the model explains it.

    One file in `ecgan/inversion/`, registered with `@register_inversion("name")`.

    `fit` may train a network or learn no more than what a search needs; `save` writes what the method needs besides
    the model's own weights. The model is put in evaluation mode and its weights are frozen.

    Attributes:
        name: The name that it is registered under, `inverse.method`.
        title: What it is, one line.
        source: The paper that it follows, where there is one.
        follows_weights: Whether it fits one version of the model only.
        model: The model.
        options: The section `inverse`.
        seed: Seed of whatever is drawn at random.
        precision: `runtime.precision`, in which networks are trained and latents searched for.
        bandwidth: Widths of the kernels by which latents are searched for, learned by `fit`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str] = ""
    follows_weights: bool = False

    def __init__(self, model: Model, options: Inverse | None = None, *, seed: int = 0, precision: str = "fp32") -> None:
        self._model = model.eval().requires_grad_(False)
        self.options = options or Inverse()
        self.seed = seed
        self.precision = precision
        self.bandwidth: Bandwidth | None = None

    @property
    def model(self) -> GenerativeModel:
        """The model."""
        assert isinstance(self._model, GenerativeModel)
        return self._model

    @classmethod
    @abstractmethod
    def suits(cls, model: Model) -> bool:
        """Whether the method can be used with this model."""

    def fit(self, train: Tensor) -> None:
        """Learn from training samples (n, C, L), where the method learns."""
        self.bandwidth = Bandwidth.of(train)

    @property
    def one_pass(self) -> Callable[[Tensor], Tensor] | None:
        """What maps x (B, C, L) to z (B, Z) in one pass through a network; None where latents are searched for."""
        return None

    @abstractmethod
    def invert(self, x: Tensor, batch_size: int = 1024) -> Tensor:
        """Map x (n, C, L) to z (n, Z), in batches."""

    def stored(self) -> dict[str, Any]:
        """What `inverse.json` keeps besides method and version, plain JSON values."""
        bandwidth = {} if self.bandwidth is None else {"bandwidth": asdict(self.bandwidth)}
        return {"precision": self.precision, "seed": self.seed} | bandwidth

    def save(self, folder: Path, version: str) -> None:
        """Write `inverse.json`, which names the method and the model version that it belongs to."""
        write_json(folder / FILE, {"method": self.name, "version": version} | self.stored())

    def restore(self, folder: Path, stored: dict[str, Any]) -> None:
        """Read back what `save` wrote.

        Args:
            folder: The folder.
            stored: What `inverse.json` there holds.
        """
        precision, seed = stored.get("precision", "fp32"), stored.get("seed", 0)
        if precision not in ("fp32", "bf16") or not isinstance(seed, int):
            raise EcganError(
                f"precision {shown(precision)} or seed {shown(seed)} is none.",
                RESTORE,
            )
        self.precision, self.seed = precision, seed
        self.bandwidth = Bandwidth.restore(stored["bandwidth"]) if "bandwidth" in stored else None


class NoInversion(Inversion):
    """What a classifier has: it knows no latents, and says so when it is asked for some."""

    name = "none"
    title = "none"

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Whether the model is a classifier."""
        return isinstance(model, ClassifierModel)

    def fit(self, train: Tensor) -> None:
        """Learn nothing."""

    def stored(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def invert(self, x: Tensor, batch_size: int = 1024) -> Tensor:
        """Refuse."""
        raise no_latent(self._model)


def no_latent(model: Model) -> EcganError:
    """What is said to somebody who asks a classifier for a latent or a reconstruction."""
    return EcganError(
        f"{model.name!r} is a classifier: it has no latent to map to and reconstructs nothing.",
        "Set detect.detector to argmax, or use a generative model.",
    )


def choose(
    method: str, model: Model, options: Inverse | None = None, *, seed: int = 0, precision: str = "fp32"
) -> Inversion:
    """Return the inverse mapping that `inverse.method` asks for; `auto` takes the encoder, else the network.

    A classifier has none, whatever is asked for, so that one list of models may hold both kinds.

    Raises:
        EcganError: There is no such inverse mapping, or it does not suit the model.
    """
    if isinstance(model, ClassifierModel):
        return NoInversion(model, options, seed=seed, precision=precision)
    for name in AUTO if method == "auto" else (method,):
        cls: type[Inversion] = INVERSIONS.get(name)
        if cls.suits(model) and (not model.conditions or name == "encoder"):
            return cls(model, options, seed=seed, precision=precision)
    lacks = isinstance(model, GenerativeModel) and not model.has_encoder
    raise EcganError(
        f"the inverse mapping {method!r} does not suit {model.name!r}{', which has no encoder' if lacks else ''}.",
        "Set inverse.method to auto.",
    )


def save_inversion(folder: Path, inversion: Inversion, version: str) -> None:
    """Write what a method needs besides the weights of `version` into a folder, and seal it."""
    inversion.save(folder, version)
    seal(folder)


def load_inversion(folder: Path, model: Model, version: str) -> Inversion:
    """Read the inverse mapping of a run.

    Args:
        folder: The run's `inverse/fold_<k>`.
        model: The model, with the weights of `version`.
        version: Name of the version that is being used.

    Raises:
        EcganError: The mapping is missing, broken, that of a classifier or belongs to another version.
    """
    path = folder / FILE
    if not path.is_file():
        raise EcganError(f"there is no inverse mapping in {folder}.", "Run `ecgan inverse` (or `ecgan-inverse`) first.")
    check_seal(folder)
    found = read_json(path)
    if not isinstance(found, dict) or not isinstance(found.get("method"), str) or found["method"] == "auto":
        raise EcganError(f"{path} does not name an inverse mapping.", AGAIN)
    if (found["method"] == NoInversion.name) != isinstance(model, ClassifierModel):
        raise EcganError(f"{path} names the method {found['method']!r}, which is not one for {model.name!r}.", AGAIN)
    try:
        inversion = choose(found["method"], model)
    except EcganError as error:
        raise EcganError(f"{path} names {found['method']!r}: {error.message}", f"{error.hint} {AGAIN}") from None
    if inversion.follows_weights and found.get("version") != version:
        raise EcganError(
            f"the inverse mapping in {folder} belongs to version {found.get('version')}, not {version}.",
            "Run `ecgan inverse` for that version.",
        )
    try:
        inversion.restore(folder, found)
    except EcganError as error:
        raise EcganError(f"{path} cannot be used: {error.message}", error.hint or AGAIN) from error
    return inversion
