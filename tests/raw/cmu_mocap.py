"""Trials in the form of the CMU motion capture database: every third walk and jog, and the jump."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgan.datasets.cmu_mocap import TRIALS

WRITTEN = [trial for trial in TRIALS if trial == "49_02" or int(trial[3:]) % 3 == 1]
FRAMES = 200
SPEED = {"walking": 1.0, "jogging": 1.5, "jumping": 0.6}


def write(raw: Path, trials: list[str] | None = None) -> None:
    """Write trials as they lie in a raw folder."""
    for index, trial in enumerate(trials or WRITTEN):
        file = raw / trial[:2] / f"{trial}.amc"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text(angles(index, TRIALS[trial])))


def angles(seed: int, what: str, frames: int = FRAMES) -> NDArray[np.float64]:
    """Angles of both upper arms and both thighs, degrees, shape (T, 4); arms and legs swing against each other."""
    rng = np.random.default_rng(seed)
    phase = 2 * np.pi * (SPEED[what] * np.arange(frames) / 120 + rng.random())
    sides = np.array([1, -1, -1, 1]) if what != "jumping" else np.ones(4)
    return np.round(25 * np.sin(phase)[:, None] * sides - 10 + 0.2 * rng.standard_normal((frames, 4)), 4)


def text(values: NDArray[np.float64]) -> str:
    """A file of this format: joints of one to six values, of which the first of four is wanted."""
    lines = ["#!OML:ASF someone.ASF", ":FULLY-SPECIFIED", ":DEGREES"]
    for number, (left_arm, right_arm, left_leg, right_leg) in enumerate(values, 1):
        lines += [
            str(number),
            "root 4.4 17.8 -21.0 -0.9 -8.3 -7.4",
            "rclavicle -3.22404e-015 1.78906e-014",
            f"rhumerus {right_arm:.6g} -10.4 -82.5",
            "rradius 31.0",
            f"lhumerus {left_arm:.6g} 4.6 83.7",
            f"rfemur {right_leg:.6g} 10.1 34.5",
            f"lfemur {left_leg:.6g} -4.4 -9.0",
            "ltoes 1.09177",
        ]
    return "\n".join(lines) + "\n"
