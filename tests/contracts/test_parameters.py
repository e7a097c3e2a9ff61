"""`params.yaml` is what `ecgan init` writes."""

import subprocess

import pytest

from ecgan.config import load_params, render_params

from .imports import ROOT


def test_the_shipped_parameters_are_the_defaults_of_the_demonstration() -> None:
    if subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "params.yaml"], cwd=ROOT, check=False).returncode:
        pytest.skip("params.yaml was edited, or this is no Git checkout")
    assert (ROOT / "params.yaml").read_text() == render_params("ecgsyn", ["aegan", "vaegan"])


def test_they_are_valid() -> None:
    assert load_params(ROOT / "params.yaml").models
