"""`pytest test_my_parts.py`: do my parts do what ECGAN asks of them?"""

from pathlib import Path

import pytest

from ecgan.registry import load_plugins
from ecgan.testing import Check, checks

FILES = [
    *("my_dataset.py", "my_findings.py", "my_model.py", "my_detector.py"),
    *("my_record_detector.py", "my_strategy.py"),
]
load_plugins(FILES, Path(__file__).parent)
CHECKS = [
    *checks("dataset", "pulses", {"fetch": {"pulses": 40}}),
    *checks("model", "dense"),
    *checks("dataset", "strips", {"fetch": {"strips": 40}}),
    *checks("detector", "steepness"),
    *checks("detector", "own_beat"),
    *checks("strategy", "largest"),
]


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_conformance(check: Check) -> None:
    """Each check says in one sentence what was expected and what was found."""
    check()
