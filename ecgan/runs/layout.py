"""Where the parts of a trained run lie: `<run>/<part>/fold_<k>`, three side by side, none inside another."""

from pathlib import Path
from typing import Literal, get_args

Part = Literal["train", "inverse", "detect"]
PARTS: tuple[Part, ...] = get_args(Part)


def part(run: Path, name: Part, fold: int) -> Path:
    """Return the folder of one part of a run: what was trained, the inverse mapping, everything fitted to detect."""
    return run / name / f"fold_{fold}"
