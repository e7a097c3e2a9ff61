"""Portable arithmetic: what it sets, when it is too late for it, and that every command sets it in time."""

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ecgan import arithmetic
from ecgan.arithmetic import PORTABLE, set_arithmetic
from ecgan.config import arithmetic_of, load_params, render_params
from ecgan.errors import EcganError

X86 = platform.machine().lower() in ("x86_64", "amd64")
pytestmark = pytest.mark.skipif(not X86, reason="portable arithmetic is that of x86-64 processors")
PROBE = """
import json, os, pathlib, sys
from ecgan.arithmetic import LIBRARIES, is_portable
seen = {"portable": is_portable(), "loaded": [name for name in LIBRARIES if name in sys.modules]}
pathlib.Path("probe.json").write_text(json.dumps(seen))
os._exit(0)
"""


def plain() -> dict[str, str]:
    """The environment of a user, who has set nothing of all this."""
    return {name: value for name, value in os.environ.items() if name not in PORTABLE}


def python(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=plain() | variables, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_libraries_use_no_more_than_avx2() -> None:
    done = python(
        "from ecgan.arithmetic import set_arithmetic; set_arithmetic('portable')\n"
        "import json, numpy, scipy.linalg, threadpoolctl, torch\n"
        "from numpy._core._multiarray_umath import __cpu_features__ as features, __cpu_dispatch__ as dispatched\n"
        "blas = [one['architecture'] for one in threadpoolctl.threadpool_info() if one['internal_api'] == 'openblas']\n"
        "wide = [name for name in dispatched if features.get(name) and 'V3' not in name and 'AVX2' not in name]\n"
        "print(json.dumps([torch.backends.cpu.get_cpu_capability(), wide, sorted(set(blas))]))"
    )
    assert done.returncode == 0, done.stderr
    capability, wide, blas = json.loads(done.stdout)
    assert capability == "AVX2"
    assert not [name for name in wide if "512" in name or "V4" in name]
    assert blas == ["Haswell"]


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.slow
def test_a_process_in_which_a_library_was_loaded_too_early_says_so(library: str) -> None:
    code = f"import {library}\nfrom ecgan.arithmetic import set_arithmetic\nset_arithmetic('portable')"
    done = python(code)
    assert done.returncode != 0
    assert "EcganError" in done.stderr
    assert re.search(rf"any more: .*\b{library}\b", done.stderr)
    assert python(code, **PORTABLE).returncode == 0  # set by whoever started it


def test_native_leaves_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MKL_CBWR", "AUTO")
    before = dict(os.environ)
    set_arithmetic("native")
    assert dict(os.environ) == before


def test_without_avx2_it_is_refused_and_elsewhere_nothing_is_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MKL_CBWR", "AUTO")
    monkeypatch.setattr(arithmetic, "_PROCESSORS", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text("flags : fpu sse4_2 avx\n")
    with pytest.raises(EcganError, match="AVX2"):
        set_arithmetic("portable")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    set_arithmetic("portable")
    assert os.environ["MKL_CBWR"] == "AUTO"


def parameters(folder: Path, **runtime: object) -> Path:
    params = yaml.safe_load(render_params("ecgsyn", ["aegan"]))
    params["runtime"] |= runtime
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(params))
    return path


def test_it_is_the_default_but_for_bf16(tmp_path: Path) -> None:
    path = parameters(tmp_path)
    assert arithmetic_of(path) == load_params(path).runtime.arithmetic == "portable"
    assert arithmetic_of(parameters(tmp_path, arithmetic="native")) == "native"
    path.write_text(path.read_text().replace("  arithmetic: native\n", "").replace("fp32", "bf16"))
    assert arithmetic_of(path) == load_params(path).runtime.arithmetic == "native"
    with pytest.raises(EcganError, match=r"runtime\.arithmetic"):
        load_params(parameters(tmp_path, precision="bf16"))


COMMANDS = [
    ["fetch"],
    ["preprocess"],
    ["split"],
    ["train"],
    ["inverse"],
    ["detect"],
    ["detect", "--detector", "knn"],
    ["report"],
    ["info", "params.yaml"],
    ["score", "x.csv", "--model", "run"],
    ["generate", "--model", "run", "-n", "1"],
    ["export", "--model", "run"],
]


@pytest.mark.parametrize("wanted", ["portable", "native"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_sets_it_before_anything_numerical_is_loaded(
    command: list[str], wanted: str, tmp_path: Path, root: Path
) -> None:
    path = parameters(tmp_path, arithmetic=wanted)
    config = tmp_path / "run/train/fold_0/config.yml"
    config.parent.mkdir(parents=True)
    config.write_text(path.read_text())
    (tmp_path / "probe.py").write_text(PROBE)
    line = [sys.executable, "-m", "ecgan", *command, "--plugin", "probe.py"]
    environment = plain() | {"PYTHONPATH": str(root)}
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (tmp_path / "probe.json").is_file(), done.stderr
    seen = json.loads((tmp_path / "probe.json").read_text())
    assert seen == {"portable": wanted == "portable", "loaded": []}
    assert "arithmetic" not in done.stderr


@pytest.mark.parametrize("wanted", ["portable", "native"])
def test_a_command_begins_again_where_fetching_the_run_has_loaded_a_library(
    wanted: str, tmp_path: Path, root: Path
) -> None:
    config = tmp_path / "run/train/fold_0/config.yml"
    config.parent.mkdir(parents=True)
    parameters(tmp_path, arithmetic=wanted).rename(config)
    (tmp_path / "probe.py").write_text(PROBE)
    client = "import numpy; from ecgan.cli import main; main()"  # as clients of remote stores do
    arguments = ["score", "x.csv", "--model", "run", "--plugin", "probe.py"]
    environment = plain() | {"PYTHONPATH": str(root)}
    line = [sys.executable, "-c", client, *arguments]
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (tmp_path / "probe.json").is_file(), done.stderr
    assert json.loads((tmp_path / "probe.json").read_text())["portable"] is (wanted == "portable")
