"""`ecgan init --plugin`: the file lists the plug-ins and their parts' parameters."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import forking

PLUGIN = """
from typing import Any
from pydantic import Field
from ecgan.models.autoencoder import Autoencoder
from ecgan.models.autoencoder import AutoencoderOptions
from ecgan.registry import register_model

class MineOptions(AutoencoderOptions):
    latent_size: int = Field(7, ge=1, description="Z")

@register_model("mine")
class Mine(Autoencoder):
    Options: Any = MineOptions
"""


def ecgan(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ecgan", *arguments]
    return forking.run(command, cwd, dict(os.environ))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "mine.py").write_text(PLUGIN)
    (tmp_path / "elsewhere").mkdir()
    return tmp_path


@pytest.mark.parametrize("out", ["params.yaml", "elsewhere/params.yaml"])
def test_the_file_names_the_plugin_and_is_valid_where_it_lies(folder: Path, out: str) -> None:
    done = ecgan("init", "--plugin", "parts/mine.py", "-m", "mine", "-o", out, cwd=folder)
    assert done.returncode == 0, done.stderr
    values = yaml.safe_load((folder / out).read_text())
    assert values["modules"]["mine"]["latent_size"] == 7
    (named,) = values["plugins"]
    assert ((folder / out).parent / named).samefile(folder / "parts" / "mine.py")
    checked = ecgan("info", "params.yaml", cwd=(folder / out).parent)
    assert checked.returncode == 0, checked.stderr


def test_a_plugin_that_is_not_there_is_one_sentence(folder: Path) -> None:
    done = ecgan("init", "--plugin", "parts/none.py", cwd=folder)
    assert done.returncode == 1
    assert "parts/none.py" in done.stderr
    assert "Traceback" not in done.stderr
