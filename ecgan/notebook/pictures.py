"""Figures that a notebook shows by themselves, whatever its settings for Matplotlib are."""

import io
from typing import Any

from matplotlib.figure import Figure


class _Picture(Figure):
    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=80, metadata={"Software": None})
        return buffer.getvalue()


def picture(width: float, height: float) -> Any:
    """Return an empty Matplotlib figure, in inches, that leaves room for its labels."""
    return _Picture(figsize=(width, height), layout="constrained")
