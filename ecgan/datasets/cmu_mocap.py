"""Walking, jogging and jumping people: the angles of four joints, from the CMU motion capture database.

The set of BeatGAN (Zhou et al., IJCAI 2019) and ECGAN: sixteen trials of a person who walks, ten in which the same
person jogs, one of another person who jumps and hops. The joints are both upper arms and both thighs, of each the first
angle, in degrees at 120 Hz; windows of 64 frames begin every 5.

The files are text (.amc): a number begins a frame, then comes a joint a line with its angles.
"""

import re
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from ecgan.datasets.annotated import labelled
from ecgan.datasets.archives import Limits
from ecgan.datasets.base import Card, Dataset
from ecgan.datasets.fetching import download_pinned
from ecgan.datasets.sources import SourceOptions, take_source
from ecgan.ecg.beats import cut_windows
from ecgan.errors import EcganError
from ecgan.files import read_text
from ecgan.preprocessing.options import SampleOptions
from ecgan.preprocessing.preparing import rounded
from ecgan.registry import register_dataset
from ecgan.samples import About, Samples, join

URL = "http://mocap.cs.cmu.edu/subjects/"
SAMPLING_RATE = 120.0
JOINTS = ["lhumerus", "rhumerus", "lfemur", "rfemur"]
CLASSES = ["walking", "jogging", "jumping"]
TRIALS = {
    **{f"35_{number:02}": "walking" for number in range(1, 17)},
    **{f"35_{number:02}": "jogging" for number in range(17, 27)},
    "49_02": "jumping",
}
"""Trials, each subject and number, and what the person does."""

_AGAIN = "Fetch the dataset again: `ecgan fetch`, or name files of your own in fetch.source."
_LARGEST = 32 << 20
_MOST_FRAMES = 100_000
_LARGEST_ANGLE = 36_000.0
_LIMITS = Limits(members=20_000, size=1 << 30, ratio=50)
_FILE = re.compile(r"(?:^|.*/)((\d\d)_\d\d)\.amc", re.IGNORECASE)


class PreprocessOptions(SampleOptions):
    """How trials become windows."""

    window: int = Field(64, ge=4, le=5000, description="frames of a window, at 120 Hz")
    step: int = Field(5, ge=1, le=5000, description="frames from the start of a window to the next one")
    scale: Literal["none", "trial"] = Field(
        "none", description="none: degrees; trial: each joint to -1..1 over its whole trial, as BeatGAN does"
    )


@register_dataset("cmu_mocap")
class CmuMocap(Dataset):
    """Windows of four joints' angles; walking is normal."""

    card = Card(
        title="CMU motion capture, the set of BeatGAN: walking, jogging, jumping",
        source="mocap.cs.cmu.edu, subjects 35 and 49",
        licence="free for research and products, not for resale; the database asks to be named",
        size="10 MB; 27 trials, 4 joints, 120 Hz; windows of 64: walking 1,125, jogging 199, jumping 405",
    )
    Fetch = SourceOptions
    Preprocess = PreprocessOptions
    defaults: ClassVar[dict[str, dict[str, Any]]] = {"train": {"transformation": "minmax"}}

    def fetch(self, raw: Path, options: SourceOptions, *, seed: int) -> None:
        """Download the trials, or copy those that the user has."""
        if options.source is not None:
            take_source(raw, options.source, _pick, partial(_check_source, options.source), _LIMITS)
            return
        download_pinned(raw, URL, [_place(trial) for trial in TRIALS], partial(_check_trials, raw))

    def preprocess(self, raw: Path, options: PreprocessOptions) -> Samples:
        """Cut the windows of the trials that are there, trial by trial."""
        trials = [trial for trial in TRIALS if (raw / _place(trial)).is_file()]
        if not trials:
            raise EcganError(f"there is no trial such as {_place('35_01')} in {raw}.", _AGAIN)
        return join([_windows(raw, trial, options) for trial in trials])


def read_angles(file: Path) -> NDArray[np.float64]:
    """Read a trial (.amc).

    Returns:
        The first angle of each of `JOINTS`, degrees, shape (T, 4).

    Raises:
        EcganError: It is no such file: frames that do not follow each other, a joint that is missing or named twice,
            what is no angle, or no degrees; or it is larger than any trial.
    """
    frames: list[list[float]] = []
    pending: dict[str, float] = {}
    in_degrees = False
    for number, words in _lines(file):
        if words[0].startswith(":"):
            in_degrees |= words[0].upper() == ":DEGREES"
            continue
        if len(words) == 1 and words[0].isdecimal():
            if words[0].lstrip("0") != str(len(frames) + 1):
                raise _damaged(file, number, f"the frame {words[0][:20]} stands where {len(frames) + 1} should")
            _complete(file, number, frames, pending)
            frames.append([])
            if len(frames) > _MOST_FRAMES:
                raise _damaged(file, number, f"it has more than {_MOST_FRAMES:,} frames")
        elif not frames:
            raise _damaged(file, number, f"{words[0][:20]!r} stands before the first frame")
        elif words[0] in JOINTS:
            if words[0] in pending:
                raise _damaged(file, number, f"the joint {words[0]} is there twice")
            pending[words[0]] = _angle(file, number, words)
    if not frames or not in_degrees:
        raise EcganError(f"{file} is no motion in degrees (.amc).", _AGAIN)
    _complete(file, number, frames, pending)
    return np.array(frames, dtype=np.float64)


def _lines(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the words of each line that is neither empty nor a comment, with its number."""
    for number, line in enumerate(read_text(file, _AGAIN, most=_LARGEST).splitlines(), 1):
        words = line.split(maxsplit=2)
        if words and not words[0].startswith("#"):
            yield number, words


def _complete(file: Path, number: int, frames: list[list[float]], pending: dict[str, float]) -> None:
    """End a frame, which now must have all joints."""
    if not frames:
        return
    if missing := [joint for joint in JOINTS if joint not in pending]:
        raise _damaged(file, number, f"frame {len(frames)} lacks the joint {missing[0]}")
    frames[-1] = [pending[joint] for joint in JOINTS]
    pending.clear()


def _angle(file: Path, number: int, words: list[str]) -> float:
    try:
        angle = float(words[1])
    except (IndexError, ValueError):
        raise _damaged(file, number, f"{words[0]} has no angle") from None
    if not abs(angle) <= _LARGEST_ANGLE:  # NaN is not
        raise _damaged(file, number, f"{words[0]} has the angle {words[1][:20]}")
    return angle


def _damaged(file: Path, number: int, what: str) -> EcganError:
    return EcganError(f"{file}, line {number}: {what}.", _AGAIN)


def _windows(raw: Path, trial: str, options: PreprocessOptions) -> Samples:
    angles = read_angles(raw / _place(trial))  # (T, 4)
    if options.scale == "trial":
        low, high = angles.min(axis=0), angles.max(axis=0)
        angles = 2 * (angles - low) / np.where(high > low, high - low, 1.0) - 1
    starts = np.arange(0, len(angles) - options.window, options.step, dtype=np.int64)  # as BeatGAN: the last one not
    middles = starts + options.window // 2
    table = pd.DataFrame({"record": trial, "sample": middles, "time_s": (middles / SAMPLING_RATE).round(6)})
    unit = "deg" if options.scale == "none" else "-1..1"
    samples = Samples(
        rounded(cut_windows(angles, starts, 0, options.window)[0]), table, About(SAMPLING_RATE, JOINTS, [], unit=unit)
    )
    ids = np.full(len(samples), CLASSES.index(TRIALS[trial]), dtype=np.int64)
    return labelled(samples, ids, CLASSES, "walking is normal; jogging and jumping are abnormal")


def _place(trial: str) -> str:
    return f"{trial[:2]}/{trial}.amc"


def _pick(name: str) -> str | None:
    found = _FILE.fullmatch(name)
    return _place(found[1]) if found and found[1] in TRIALS else None


def _check_source(source: str, found: Collection[str]) -> None:
    for name in CLASSES[:2]:
        if not any(_place(trial) in found for trial, does in TRIALS.items() if does == name):
            raise EcganError(
                f"fetch.source: {source} has no trial of {name} people, such as 35_01.amc and 35_17.amc.",
                "Mend fetch.source, or use null to download.",
            )


def _check_trials(raw: Path) -> None:
    """Refuse what came in place of trials before its hashes are pinned."""
    for trial in TRIALS:
        read_angles(raw / _place(trial))
