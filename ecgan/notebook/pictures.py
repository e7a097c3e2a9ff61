"""Figures that a notebook shows by themselves, whatever its settings for Matplotlib are."""

import io

from matplotlib.figure import Figure


class Picture(Figure):
    """A Matplotlib figure."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=80, metadata={"Software": None})
        return buffer.getvalue()
