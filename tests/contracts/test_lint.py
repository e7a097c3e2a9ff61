"""The tools that look at the code see all of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from .imports import ROOT


def test_ruff_sees_every_file_of_the_code() -> None:
    pytest.importorskip("ruff")
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--show-files", "."]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    code = {path for folder in ("ecgan", "stages", "plugins", "tests") for path in (ROOT / folder).rglob("*.py")}
    assert code <= {Path(line) for line in shown}
