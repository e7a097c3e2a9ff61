"""The command line, and a pipeline of tiny models in which nothing has changed."""

import subprocess
import sys

import pytest

from tests.pipeline.project import ROOT, Project, make

EVERYTHING = "import stages.train, stages.detect, stages.report, stages.generate, stages.score"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make(tmp_path_factory.mktemp("bench") / "project")
    project.run("dvc", "repro")
    project.run("git", "add", "-A")
    project.run("git", "commit", "-q", "-m", "results")
    return project


@pytest.mark.benchmark(group="nothing has changed")
@pytest.mark.parametrize("way", ["dvc status", "dvc repro", "reference: dvc repro -f"])
def test_no_op(benchmark, project: Project, way: str) -> None:
    command = way.removeprefix("reference: ").split()
    forced = "-f" in command
    done = benchmark.pedantic(project.run, command, rounds=1 if forced else 3)
    assert ("Running stage" in done.stdout) == forced


@pytest.mark.benchmark(group="ecgan --help")
@pytest.mark.parametrize("way", ["ours", "reference: with the libraries of all commands imported"])
def test_help(benchmark, way: str) -> None:
    before = "" if way == "ours" else EVERYTHING
    code = f"{before}\nimport sys\nfrom ecgan.cli import main\nsys.argv = ['ecgan', '--help']\nmain()"
    command = [sys.executable, "-c", code]
    done = benchmark.pedantic(subprocess.run, (command,), {"cwd": ROOT, "capture_output": True}, rounds=3)
    assert b"Usage" in done.stdout
