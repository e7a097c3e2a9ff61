"""The wheel in an environment that has nothing else of ECGAN: a project that is begun, run and used there."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
import yaml

from ecgan.config import render_params

from .project import EXPERIMENT, ROOT, TINY, environment

pytestmark = pytest.mark.slow


class Installed:
    """An environment with ECGAN's wheel; what ECGAN needs is taken from the one that runs the tests."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.site = next(folder.glob("lib/python*/site-packages"))

    def run(self, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        found = environment()
        found["PATH"] = f"{self.bin}{os.pathsep}{found['PATH']}"
        done = subprocess.run(
            [str(self.bin / command[0]), *command[1:]], cwd=cwd, env=found, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    built = subprocess.run(
        [*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)], capture_output=True, text=True, check=False
    )
    if built.returncode and ("Could not find a version" in built.stderr or "No matching distribution" in built.stderr):
        pytest.skip("hatchling, which builds the wheel, cannot be had here")
    assert not built.returncode, built.stderr
    venv.create(folder / "environment", with_pip=False)
    found = Installed(folder / "environment")
    (found.site / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")  # whose own .pth files do not count
    (wheel,) = folder.glob("*.whl")
    install = ["install", "--no-deps", str(wheel)]
    subprocess.run([*pip, "--python", str(found.bin / "python"), *install], check=True)
    return found


@pytest.fixture(scope="module")
def project(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("projects")
    told = installed.run("ecgan", "new", "mine", cwd=folder).stderr
    assert "dvc repro" in told
    return folder / "mine"


def test_nothing_but_ecgan_lies_in_the_environment(installed: Installed) -> None:
    names = {path.name for path in installed.site.iterdir()} - {"needed.pth"}
    assert {name.split("-")[0] for name in names} == {"ecgan"}
    where = installed.run("python", "-c", "import ecgan; print(ecgan.__file__)", cwd=installed.site.parent).stdout
    assert Path(where.strip()).is_relative_to(installed.site)


def test_a_project_runs_and_its_run_scores(installed: Installed, project: Path) -> None:
    assert (project / "params.yaml").read_text() == render_params("ecgsyn", ["aegan", "vaegan"], {"run": None})
    (project / "stages").mkdir()  # a folder of the user's own
    (project / "stages/__init__.py").write_text("raise RuntimeError('this is not ours')")
    tiny = TINY | {"train": TINY["train"] | {"epochs": 2}, "detect": TINY["detect"] | {"classical": []}}
    tiny["modules"] = {"aegan": TINY["modules"]["aegan"]}
    (project / "params.yaml").write_text(render_params("ecgsyn", ["aegan"], EXPERIMENT, overrides=tiny))
    installed.run("ecgan", "info", "--pipeline", cwd=project)
    installed.run("python", "-m", "dvc", "repro", cwd=project)
    assert "AUROC" in (project / "reports/report/summary.md").read_text()
    lock = yaml.safe_load((project / "dvc.lock").read_text())["stages"]
    assert set(lock) == {"fetch", "preprocess", "split", "train@aegan-0", "inverse@aegan-0", "detect@aegan-0", "report"}
    assert "up to date" in installed.run("python", "-m", "dvc", "status", cwd=project).stdout
    told = installed.run(
        "ecgan", "score", "data/ecgsyn/raw/p01.hea", "--model", "models/lab/tiny/aegan", "--json", cwd=project
    )
    assert json.loads(told.stdout)["scored"] > 0


def test_another_version_of_the_code_is_seen_by_the_stages_that_run_it(installed: Installed, project: Path) -> None:
    file = installed.site / "ecgan/reporting/figures.py"
    file.write_text(file.read_text() + "# another version\n")
    changed = json.loads(installed.run("python", "-m", "dvc", "status", "--json", cwd=project).stdout)
    assert list(changed) == ["report"]
