"""Every registered part does what its interface says, and every check finds a part that does not."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from ecgan import runtime
from ecgan.registry import MODELS, REGISTRIES, Registry
from ecgan.runtime import cpu_has_bfloat16
from ecgan.testing import Check, ConformanceError, checks
from tests.raw import made_up

from .broken_parts import BROKEN
from .imports import ROOT
from .toy_parts import (
    ToyAdapter,
    ToyClassifier,
    ToyConditioned,
    ToyDataset,
    ToyDetector,
    ToyGuest,
    ToyInversion,
    ToyModel,
    ToyNamer,
    ToyProtocol,
    ToyStrategy,
)

KINDS: dict[str, Registry[Any]] = {registry.kind: registry for registry in REGISTRIES}
OPTIONS: dict[tuple[str, str], dict[str, Any]] = {
    ("dataset", "ecgsyn"): {"fetch": {"patients": 2, "minutes": 0.3}},
    ("dataset", "mitbih_beats"): {"fetch": {"source": made_up("mitbih_beats_csv")}},
    ("dataset", "shaoxing"): {"fetch": {"source": made_up("shaoxing")}},
    ("dataset", "sine"): {"fetch": {"samples": 40}},
    ("dataset", "ptb"): {"fetch": {"source": made_up("ptb_csv")}},
    ("dataset", "wafer"): {"fetch": {"source": made_up("wafer")}},
    ("dataset", "physionet"): {"fetch": {"source": made_up("physionet")}},
    ("dataset", "ptbxl"): {"fetch": {"source": made_up("ptbxl")}},
    ("dataset", "cmu_mocap"): {"fetch": {"source": made_up("cmu_mocap")}},
    ("dataset", "folder"): {"fetch": {"path": f"{made_up('folder')}-recordings"}},
    ("detector", "anogan"): {},
}


def everything() -> list[Check]:
    """The checks of all that the package itself registers, whatever other tests or plug-ins have added."""
    found: list[Check] = []
    for kind, registry in KINDS.items():
        for name in registry.names():
            if registry.get(name).__module__.startswith("ecgan."):
                found += checks(kind, name, OPTIONS.get((kind, name)))  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("check", everything(), ids=str)
def test_conformance(check: Check) -> None:
    check()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", sorted({check.part for check in everything() if check.kind == "model"}))
def test_conformance_on_a_gpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECGAN_DEVICE", "cuda")
    for check in checks("model", name):
        check()


def test_the_device_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks put models where `ECGAN_DEVICE` says; on a machine without CUDA the wish is refused in words."""
    check = next(check for check in checks("model", "aegan") if check.name == "one_sample_works")
    monkeypatch.setenv("ECGAN_DEVICE", "cuda:99")
    with pytest.raises(ConformanceError, match="ECGAN_DEVICE='cuda:99'"):
        check()
    monkeypatch.setenv("ECGAN_DEVICE", "meta")
    monkeypatch.setattr(runtime, "_DEVICES", ("cpu", "cuda", "meta"))  # which nothing computes on
    assert {str(parameter.device) for parameter in check.subject.build(length=64).parameters()} == {"meta"}


TOYS = [
    ("model", ToyModel),
    ("model", ToyConditioned),
    ("model", ToyClassifier),
    ("detector", ToyDetector),
    ("detector", ToyAdapter),
    ("detector", ToyGuest),
    ("detector", ToyNamer),
    ("dataset", ToyDataset),
    ("protocol", ToyProtocol),
    ("inversion", ToyInversion),
    ("strategy", ToyStrategy),
]


def register(monkeypatch: pytest.MonkeyPatch, kind: str, part: type[Any]) -> list[Check]:
    """Register a part as `toy` for one test and return its checks."""
    monkeypatch.setitem(KINDS[kind]._entries, "toy", part)
    return list(checks(kind, "toy", {"fetch": {"count": 4}} if kind == "dataset" else None))  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "part"), TOYS, ids=lambda value: getattr(value, "__name__", value))
def test_a_part_of_ones_own_passes(monkeypatch: pytest.MonkeyPatch, kind: str, part: type[Any]) -> None:
    for check in register(monkeypatch, kind, part):
        check()


IN_BFLOAT16 = "training_in_bfloat16_is_finite"  # which portable arithmetic does without


@pytest.mark.parametrize(
    ("kind", "part", "name", "words"),
    [pytest.param(*one, marks=[pytest.mark.native] if one[2] == IN_BFLOAT16 else []) for one in BROKEN],
    ids=[f"{kind}-{part.__name__}" for kind, part, _, _ in BROKEN],
)
def test_a_broken_part_is_found(
    monkeypatch: pytest.MonkeyPatch, kind: str, part: type[Any], name: str, words: str
) -> None:
    if name == IN_BFLOAT16 and not cpu_has_bfloat16():
        pytest.skip("this processor computes in float32 instead")
    check = {check.name: check for check in register(monkeypatch, kind, part)}[name]
    with pytest.raises(ConformanceError) as caught:
        check()
    message = str(caught.value)
    assert message.startswith(f"the {kind} 'toy', {name.replace('_', ' ')}: ")
    assert words in message
    assert "expected" in message


def test_every_check_is_seen_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {(kind, check.name) for kind, part in TOYS for check in register(monkeypatch, kind, part)}
    assert known == {(kind, name) for kind, _, name, _ in BROKEN}


def test_a_check_leaves_random_numbers_and_settings_alone() -> None:
    torch.manual_seed(1)
    before, deterministic = torch.get_rng_state(), torch.are_deterministic_algorithms_enabled()
    next(check for check in checks("model", "aegan") if check.name == "one_sample_works")()
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.are_deterministic_algorithms_enabled() == deterministic


def test_checks_of_detectors_and_datasets_do_not_import_torch() -> None:
    code = (
        "import sys\nfrom ecgan.testing import checks\n"
        "[check() for check in checks('detector', 'knn')]\n[check() for check in checks('protocol', 'stratified')]\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_example_plugin_conforms() -> None:
    """In a process of its own: a plug-in stays registered."""
    code = (
        "from pathlib import Path\nfrom ecgan.registry import load_plugins\nfrom ecgan.testing import checks\n"
        "load_plugins(['plugins/peak_range.py'], Path())\n"
        "for check in checks('detector', 'peak_range'):\n    check()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-800:]


def test_the_modules_of_checks_list_every_check_that_they_define() -> None:
    for module, lists in {
        "models": ("CHECKS",),
        "training": ("CHECKS",),
        "kinds": ("GENERATIVE", "CLASSIFIERS"),
        "detectors": ("CHECKS",),
        "datasets": ("DESCRIPTION", "SAMPLES"),
        "recordings": ("RECORDINGS",),
        "protocols": ("CHECKS",),
        "inversions": ("CHECKS",),
        "strategies": ("CHECKS",),
    }.items():
        loaded = importlib.import_module(f"ecgan.testing.{module}")
        listed = {function.__name__ for name in lists for function in getattr(loaded, name)}
        source = Path(loaded.__file__).read_text()  # type: ignore[arg-type]
        defined = {
            line.split("def ")[1].split("(")[0]
            for line in source.splitlines()
            if line.startswith("def ") and "(subject: " in line and line.endswith("-> None:") and "_names_a" not in line
        }
        assert defined == listed, module


@pytest.mark.parametrize("name", MODELS.names())
def test_every_check_may_be_the_first(name: str) -> None:
    rerun = next(check for check in checks("model", name) if check.name == "a_rerun_gives_equal_bytes")
    rerun()
