"""What a shell offers behind the options of `ecgan`."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecgan.cli import app


def offered(words: str) -> list[str]:
    """What bash would offer for the last word of a command line."""
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1), "_ECGAN_COMPLETE": "complete_bash"}
    done = CliRunner().invoke(app, [], prog_name="ecgan", env=asked)
    assert done.exit_code == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ecgan sco", {"score"}),
        ("ecgan init -d mitbih_", {"mitbih_beats", "mitbih_beatgan"}),
        ("ecgan new mine -m vae", {"vae", "vaegan"}),
        ("ecgan detect --detector k", {"kmeans", "knn"}),
        ("ecgan init --preset beatgan-", {"beatgan-50", "beatgan-6", "beatgan-plus"}),
        ("ecgan list pr", {"presets", "protocols"}),
        ("ecgan score x.hea --model models/l", {"models/lab/study/mine"}),
    ],
)
def test_names_are_completed(words: str, expected: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models/lab/study/mine/train/fold_0").mkdir(parents=True)
    assert set(offered(words)) == expected


def test_every_registered_name_is_offered() -> None:
    code = """from ecgan import completion
from ecgan.listing import LISTS
from ecgan.presets import PRESETS
for kinds in ("datasets", "models", "detectors", "strategies"):
    assert getattr(completion, kinds)("") == LISTS[kinds].names(), kinds
assert completion.presets("") == sorted(PRESETS)
assert set(completion.lists("")) == {*LISTS, "presets", "published"}"""
    subprocess.run([sys.executable, "-c", code], check=True)  # where no test has registered parts of its own


def test_names_are_found_without_heavy_libraries() -> None:
    code = (
        "from ecgan import completion as c; c.models(''); c.datasets(''); c.runs(''); import sys; print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "numpy", "pandas", "matplotlib"} & set(loaded)
