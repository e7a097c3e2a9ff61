"""Why samples got their scores: what they were taken for, what is left, and what each component says."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.arrays import F32

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Explanation:
    """n samples and their scores.

    Attributes:
        signals: The samples (n, C, L).
        reconstruction: What they were taken for, in the same unit and shape; None where nothing is reconstructed.
        components: Components of abnormality (n,) by name, higher = more abnormal.
        scores: Scores (n,), higher = more abnormal.
        threshold: A score from here on is abnormal.
        leads: Names of the leads.
        unit: Unit of the signals.
    """

    signals: F32
    reconstruction: F32 | None
    components: dict[str, F64]
    scores: F64
    threshold: float
    leads: list[str]
    unit: str

    @property
    def residual(self) -> F32 | None:
        """The samples minus what they were taken for (n, C, L); None where nothing is reconstructed."""
        return None if self.reconstruction is None else self.signals - self.reconstruction

    @property
    def flagged(self) -> NDArray[np.bool_]:
        """Whether each sample is called abnormal, (n,)."""
        return self.scores >= self.threshold

    def plot(self, row: int = 0) -> Any:
        """Return a Matplotlib figure of one sample, what it was taken for and what is left, one panel a lead."""
        from ecgan.notebook.pictures import picture

        figure = picture(7, 1 + 1.8 * len(self.leads))
        axes = figure.subplots(len(self.leads), sharex=True, squeeze=False)[:, 0]
        for channel, (axis, lead) in enumerate(zip(axes, self.leads, strict=True)):
            axis.plot(self.signals[row, channel], color="black", linewidth=1.2, label="sample")
            if self.reconstruction is not None:
                taken, left = self.reconstruction[row, channel], self.signals[row, channel]
                axis.plot(taken, color="tab:blue", linewidth=1.2, label="taken for")
                axis.fill_between(np.arange(len(left)), left, taken, color="tab:red", alpha=0.3, label="left")
            axis.set_ylabel(f"{lead} / {self.unit}")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize="small")
        axes[-1].set_xlabel("time steps")
        verdict = "abnormal" if self.flagged[row] else "normal"
        axes[0].set_title(f"score {self.scores[row]:.3g}, threshold {self.threshold:.3g}: {verdict}", fontsize="medium")
        return figure
