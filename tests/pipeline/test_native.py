"""Tests of what depends on the processor, natively: as fast as it allows, and as on one without AVX-512."""

import os
import re
import subprocess
import sys

import pytest

from ecgan.arithmetic import PORTABLE
from tests.conftest import NATIVE, ROOT
from tests.processor import AVX2_ONLY

pytestmark = [pytest.mark.slow, pytest.mark.skipif(NATIVE, reason="this is that process")]
FILES = (
    "contracts/test_conformance",
    "unit/test_classifiers",
    "unit/test_detection_needed",
    "unit/test_device_selection",
    "unit/test_devices",
    "unit/test_directional_penalty",
    "unit/test_gans",
    "unit/test_inversion_search",
    "unit/test_models",
)
IN_BFLOAT16 = "bf16 or bfloat16 or SinglePrecision"
WHAT = f"{IN_BFLOAT16} or equal_bytes or same_bytes or training_lowers"


@pytest.mark.parametrize(
    ("limits", "what", "least"),
    [({}, WHAT, 100), (AVX2_ONLY, IN_BFLOAT16, 20)],  # in float32, AVX2 is what all other tests compute with
    ids=["this processor", "AVX2 only"],
)
def test_what_depends_on_the_processor(limits: dict[str, str], what: str, least: int) -> None:
    plain = {name: value for name, value in os.environ.items() if name not in PORTABLE and "PYTEST" not in name}
    environment = plain | limits | {"ECGAN_TEST_ARITHMETIC": "native"}
    files = [f"tests/{name}.py" for name in FILES]
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", what]
    command = [sys.executable, "-m", "pytest", *options, *files]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= least


def test_every_file_with_such_tests_is_among_them() -> None:
    for file in (ROOT / "tests").rglob("test_*.py"):
        if file.name != "test_native.py" and "pytest.mark.native" in file.read_text():
            assert str(file.relative_to(ROOT / "tests").with_suffix("")) in FILES
