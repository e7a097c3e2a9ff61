"""`pytest test_my_parts.py`: do my parts do what ECGAN asks of them?"""

from pathlib import Path

import pytest

from ecgan.registry import load_plugins
from ecgan.testing import Check, checks

load_plugins(["my_dataset.py", "my_model.py", "my_detector.py", "my_strategy.py"], Path(__file__).parent)
CHECKS = [
    *checks("dataset", "pulses", {"fetch": {"pulses": 40}}),
    *checks("model", "dense"),
    *checks("detector", "steepness"),
    *checks("strategy", "largest"),
]


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_conformance(check: Check) -> None:
    """Each check says in one sentence what was expected and what was found."""
    check()
