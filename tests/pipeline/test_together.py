"""Two processes that share a batch do what one does on all of it; each module of the exchange by itself."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import forking

from .project import TORCHRUN, environment

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, dict[str, float]]]:
    """The differences that each of two processes found."""
    out = tmp_path_factory.mktemp("together") / "found.json"
    code = f"import runpy; runpy.run_path({str(Path(__file__).with_name('together.py'))!r}, run_name='__main__')"
    command = [*TORCHRUN, forking.runner(), "python", "-c", code, str(out)]
    done = forking.run(command, out.parent, environment(ECGAN_DEVICE="cpu"), timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    both: list[dict[str, dict[str, float]]] = json.loads(out.read_text())
    return both


def differences(found: list[dict[str, Any]], name: str) -> dict[str, float]:
    assert len(found) == 2
    return {key: max(one[name][key] for one in found) for key in found[0][name]}


def test_batch_norm_is_that_of_the_whole_batch(found: list[dict[str, Any]]) -> None:
    seen = differences(found, "batch_norm")
    assert seen.pop("unshared would differ by") > 0.1
    assert max(seen.values()) < 1e-5, seen


def test_gradients_are_those_of_distributed_data_parallel(found: list[dict[str, Any]]) -> None:
    seen = differences(found, "data_parallel")
    assert seen["not averaged they would differ by"] > 1e-3
    assert seen["gradients"] == 0


def test_torch_by_itself_still_does_not_do(found: list[dict[str, Any]]) -> None:
    """Where this fails, see `docs/scaling.md`: something of ours may go."""
    seen = differences(found, "torch_alone")
    assert seen["ours"] == 0
    assert seen["torch's"] > 1e-4
    assert seen["batch norm that torch refuses"] == 1


@pytest.mark.parametrize("name", ["losses", "draws", "of_the_first", "an_odd_batch"])
def test_what_is_exchanged(found: list[dict[str, Any]], name: str) -> None:
    assert max(differences(found, name).values()) < 1e-6


def test_an_interrupted_training_of_two_is_taken_up_to_the_same_bytes(found: list[dict[str, Any]]) -> None:
    assert max(differences(found, "resuming").values()) == 0


def test_all_processes_start_from_the_weights_of_the_first_and_stay_equal(found: list[dict[str, Any]]) -> None:
    assert max(differences(found, "equal_everywhere").values()) == 0
