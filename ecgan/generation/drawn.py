"""What figures of generated signals are drawn from: made by the training, drawn by the report, in whatever style."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ecgan.arrays import F32
from ecgan.errors import EcganError
from ecgan.files import write_bytes

F64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Walk:
    """Generated signals along single coordinates of the latent.

    Attributes:
        coordinates: Which coordinates, from the one with the largest effect on; length D.
        steps: Standard deviations from the mean, length S.
        signals: Generated signals, float32 (D, S, C, L).
    """

    coordinates: list[int]
    steps: list[float]
    signals: F32


@dataclass(frozen=True, eq=False)
class Drawn:
    """Signals and points for the figures of one trained model.

    Attributes:
        leads: Names of the leads, length C.
        real: Some real normal signals, (n, c, L), c the leads that are drawn.
        generated: As many generated ones.
        walk: A walk through the latents, of the first lead: signals (D, S, 1, L).
        extremes: Lowest and highest value of the first lead of real normal signals, (2,), for the scale of the walk.
        points: Coordinates (m, 2) by method of embedding.
        groups: Group of each point, length m.
    """

    leads: list[str]
    real: F32
    generated: F32
    walk: Walk
    extremes: F32
    points: dict[str, F64] = field(default_factory=dict)
    groups: list[str] = field(default_factory=list)


def save_drawn(path: Path, drawn: Drawn | None) -> None:
    """Write one safetensors file; of nothing to be drawn, one without arrays."""
    arrays: dict[str, NDArray[Any]] = {}
    about: dict[str, Any] = {}
    if drawn is not None:
        arrays = {name: getattr(drawn, name) for name in ("real", "generated", "extremes")}
        arrays |= {"walk": drawn.walk.signals} | {f"points.{name}": found for name, found in drawn.points.items()}
        about = {"coordinates": drawn.walk.coordinates, "steps": drawn.walk.steps}
        about |= {"leads": drawn.leads, "groups": drawn.groups, "methods": list(drawn.points)}
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_bytes(path, save(plain, {"about": json.dumps(about, sort_keys=True)}))


def load_drawn(path: Path) -> Drawn | None:
    """Read what `save_drawn` wrote; None where there is nothing to be drawn.

    Raises:
        EcganError: The file is missing or holds something else.
    """
    if not path.is_file():
        raise EcganError(f"there is no {path}.", "Run `ecgan train` first.")
    try:
        with safe_open(path, framework="np") as file:
            about = json.loads(file.metadata()["about"])
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
        return _drawn(about, arrays) if about else None
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise EcganError(
            f"{path} does not hold what figures are drawn from: {error}.", "Run `ecgan train` again."
        ) from None


def _drawn(about: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Drawn:
    for name, array in arrays.items():
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise ValueError(f"{name} holds values that are no finite numbers")
    points = {str(name): arrays[f"points.{name}"] for name in about["methods"]}
    walk = Walk([int(item) for item in about["coordinates"]], [float(item) for item in about["steps"]], arrays["walk"])
    leads, groups = [str(item) for item in about["leads"]], [str(item) for item in about["groups"]]
    expected = [len(walk.coordinates), len(walk.steps), 1]
    shapes = [array.shape == (len(groups), 2) for array in points.values()]
    shapes += [arrays["extremes"].shape == (2,), list(walk.signals.shape[:3]) == expected, walk.signals.ndim == 4]
    shapes += [arrays[name].ndim == 3 and 0 < arrays[name].shape[1] <= len(leads) for name in ("real", "generated")]
    if not all(shapes):
        raise ValueError("shapes do not fit")
    return Drawn(leads, arrays["real"], arrays["generated"], walk, arrays["extremes"], points, groups)
