"""The motions of BeatGAN, on made-up trials in the format of the CMU database."""

from pathlib import Path

import numpy as np
import pytest

from ecgan.datasets.cmu_mocap import JOINTS, TRIALS, CmuMocap, PreprocessOptions, read_angles
from ecgan.errors import EcganError
from ecgan.samples import Samples
from tests.raw import made_up
from tests.raw.cmu_mocap import angles, text, write


def cut(raw: Path, **options: object) -> Samples:
    return CmuMocap().samples(raw, PreprocessOptions.model_validate(options))


def fetched(raw: Path, source: Path | None = None) -> set[str]:
    CmuMocap().fetch(raw, CmuMocap.Fetch(source=None if source is None else str(source)), seed=0)
    return {file.relative_to(raw).as_posix() for file in raw.rglob("*") if file.is_file()}


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "mirror/mocap.cs.cmu.edu/subjects"
    write(place, list(TRIALS))
    monkeypatch.setenv("ECGAN_MIRROR", str(tmp_path / "mirror"))
    return place


FILES = {f"{trial[:2]}/{trial}.amc" for trial in TRIALS}


def test_the_trials_are_those_of_beatgan() -> None:
    kinds = list(TRIALS.values())
    assert [kinds.count(kind) for kind in ("walking", "jogging", "jumping")] == [16, 10, 1]
    assert TRIALS["35_16"] == "walking"
    assert TRIALS["35_17"] == TRIALS["35_26"] == "jogging"


def test_trials_are_fetched_and_pinned(mirror: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    assert fetched(raw) == FILES | {"SHA256SUMS.txt"}
    (mirror / "35/35_04.amc").write_text(text(angles(99, "walking")))
    assert fetched(raw) == FILES | {"SHA256SUMS.txt"}
    (raw / "35/35_04.amc").unlink()
    with pytest.raises(EcganError, match=r"35_04\.amc was refused"):
        fetched(raw)


def test_what_is_no_motion_is_not_pinned(mirror: Path, tmp_path: Path) -> None:
    (mirror / "49/49_02.amc").write_text("<html>not found</html>\n")
    with pytest.raises(EcganError, match=r"49_02\.amc, line 1"):
        fetched(tmp_path / "raw")
    assert not list((tmp_path / "raw").iterdir())


def test_a_folder_of_the_user_is_taken(tmp_path: Path) -> None:
    source = Path(made_up("cmu_mocap"))
    there = fetched(tmp_path / "raw", source)
    assert there == {file.relative_to(source).as_posix() for file in source.rglob("*.amc")}
    write(tmp_path / "walks", ["35_01"])
    with pytest.raises(EcganError, match="no trial of jogging people"):
        fetched(tmp_path / "raw", tmp_path / "walks")


def test_windows_hold_the_first_angle_of_four_joints(tmp_path: Path) -> None:
    write(tmp_path, ["35_01", "35_17", "49_02"])
    found = cut(tmp_path)
    assert (found.about.leads, found.about.unit, found.about.sampling_rate) == (JOINTS, "deg", 120.0)
    assert JOINTS == ["lhumerus", "rhumerus", "lfemur", "rfemur"]
    each = 28  # of 200 frames: windows begin at 0, 5 … 135
    assert found.signals.shape == (3 * each, 4, 64)
    np.testing.assert_allclose(found.signals[2], angles(0, "walking")[10:74].T, atol=1e-3)
    assert found.table["class_name"].tolist() == ["walking"] * each + ["jogging"] * each + ["jumping"] * each
    assert found.table[["record", "sample"]].iloc[2].tolist() == ["35_01", 42]
    assert found.about.classes[0] == "walking"
    apart = cut(tmp_path, step=64)
    assert len(apart) == 3 * 3
    scaled = cut(tmp_path, scale="trial", step=1)
    assert scaled.about.unit == "-1..1"
    first = scaled.signals[scaled.table["record"] == "35_01"]
    assert first.min() >= -1
    assert first.max() <= 1
    whole = angles(0, "walking")[:, 2]
    expected = 2 * (whole - whole.min()) / (whole.max() - whole.min()) - 1
    np.testing.assert_allclose(first[0, 2], expected[:64], atol=1e-4)


GOOD = text(angles(0, "walking", 5))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no motion in degrees"),
        (GOOD.replace(":DEGREES", ":RADIANS"), "no motion in degrees"),
        (GOOD.replace("\n3\n", "\n4\n"), "line 22: the frame 4 stands where 3 should"),
        (GOOD.replace("\n3\n", "\n0\n"), "the frame 0 stands where 3 should"),
        (GOOD.replace("1\nroot", "root", 1), "line 4: 'root' stands before the first frame"),
        (GOOD.replace("lfemur", "lfemux", 1), "frame 1 lacks the joint lfemur"),
        (GOOD.rsplit("lfemur", 1)[0], "frame 5 lacks the joint lfemur"),
        (GOOD.replace("rradius", "rhumerus", 1), "the joint rhumerus is there twice"),
        (GOOD.replace("rhumerus ", "rhumerus x", 1), "rhumerus has no angle"),
        (GOOD.replace("rhumerus ", "rhumerus nan ", 1), "rhumerus has the angle nan"),
        (GOOD.replace("rhumerus ", "rhumerus 1e300 ", 1), "rhumerus has the angle 1e300"),
        (GOOD + "\n".join(f"{number}\n" for number in (6, 7)), "frame 6 lacks the joint lhumerus"),
        ("1\n" + "x" * (33 << 20), "a file of this kind has no more than"),
    ],
)
def test_what_is_no_motion_is_refused(content: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "35_01.amc"
    file.write_text(content)
    with pytest.raises(EcganError, match=words):
        read_angles(file)
