"""What portable arithmetic computes is the same, bit by bit, on every processor that has AVX2."""

import json
import os
import subprocess
import sys

import pytest

from ecgan.arithmetic import PORTABLE
from tests import forking
from tests.conftest import ROOT
from tests.golden.portable import KEPT, versions
from tests.processor import AVX2_ONLY, processor

KNOWN = json.loads(KEPT.read_text(encoding="utf-8"))
pytestmark = pytest.mark.skipif(KNOWN["versions"] != versions(), reason="the hashes are those of other versions")


@pytest.mark.parametrize(
    "limits",
    [pytest.param({}, id="this processor"), pytest.param(AVX2_ONLY, id="AVX2 only", marks=pytest.mark.slow)],
)
def test_every_model_and_detector_computes_the_same_bytes(limits: dict[str, str]) -> None:
    plain = {name: value for name, value in os.environ.items() if name not in PORTABLE}
    command = [sys.executable, "-m", "tests.golden.portable"]
    environment = plain | limits | {"PYTHONPATH": str(ROOT)}
    if limits:  # for all that is loaded
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    else:
        done = forking.run(command, ROOT, environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["hashes"]
    known = KNOWN["hashes"]
    assert list(found) == list(known), "something is computed that was not kept, or no more: write the hashes anew"
    different = [name for name in known if found[name] != known[name]]
    assert not different, (
        f"{len(different)} of {len(known)} differ on {processor()} with {versions()}; the first is {different[0]}, then"
        f" {', '.join(different[1:4])}. If numbers are meant to move: python tests/golden/portable.py --write"
    )
