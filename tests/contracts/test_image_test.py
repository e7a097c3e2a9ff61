"""What surrounds `make image-test`: missing tools and CI."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from .imports import ROOT


def test_image_test_names_every_missing_tool_with_the_way_to_get_it(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash
    done = subprocess.run(
        [bash, str(ROOT / "docker/image-test")],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    for tool in ("debootstrap", "buildah", "podman", "runc", "git"):
        assert re.search(rf"{tool}: apt-get install .*\b{tool}\n", done.stderr)
    assert "dvc: make .venv/.installed" in done.stderr
    assert not done.stdout
    assert not list(tmp_path.iterdir())


def ci(folder: Path, *, fails: str = "", image: int = 0, of: str = "a new one") -> subprocess.CompletedProcess[str]:
    """Run `.ci/run` where nothing is installed or made, but for one target of `make` that fails, and the image-test.

    That has passed with an image made of what is "known".
    """
    for name in ("docker", ".ci", "bin", ".venv/bin"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / ".ci/run", folder / ".ci/run")
    (folder / "docker/tested").write_text("known\n")
    make = f"echo $1 >> made\nsleep 0.1\n[ $1 != '{fails}' ]\n"
    scripts = {"docker/image-test": f"exit {image}\n", "docker/made-of": f"echo {of}\n"}
    for name, text in ({"bin/make": make, ".venv/bin/python": ""} | scripts).items():
        (folder / name).write_text(f"#!/bin/sh\n{text}")
        (folder / name).chmod(0o755)
    given = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin"}
    return subprocess.run([folder / ".ci/run"], cwd=folder, env=given, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("code", "expected", "words"), [(0, 0, ""), (3, 0, "skipped"), (1, 1, ""), (130, 130, "")])
def test_ci_says_when_the_image_was_not_tested_and_fails_when_it_is_broken(
    tmp_path: Path, code: int, expected: int, words: str
) -> None:
    done = ci(tmp_path, image=code)
    assert done.returncode == expected
    assert (words in done.stdout) if words else not done.stdout
    assert sorted((tmp_path / "made").read_text().split()) == [".venv/.installed", "lint", "test-all"]


@pytest.mark.parametrize("target", [".venv/.installed", "lint", "test-all"])
def test_ci_fails_where_a_part_of_it_does(tmp_path: Path, target: str) -> None:
    assert ci(tmp_path, fails=target, image=3).returncode == 1


def test_ci_tries_no_image_of_what_has_been_tried(tmp_path: Path) -> None:
    done = ci(tmp_path, image=1, of="known")
    assert done.returncode == 0
    assert "not tested" in done.stdout
    assert ci(tmp_path, fails="test-all", of="known").returncode == 1


def test_an_image_is_another_where_what_it_is_made_of_or_tried_with_is(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *words], cwd=tmp_path, check=True)

    def made_of() -> str:
        git("add", "-A")
        git("commit", "-q", "--allow-empty", "-m", "another")
        return subprocess.run([tmp_path / "docker/made-of"], capture_output=True, text=True, check=True).stdout

    git("init", "-q")
    (tmp_path / "docker").mkdir()
    shutil.copy(ROOT / "docker/made-of", tmp_path / "docker")
    told = [made_of()]
    (tmp_path / "code.py").write_text("1\n")
    assert made_of() == told[0], "code is tested by the rest of CI"
    for name in (".dockerignore", "Dockerfile", "docker/image-test", "constraints-hashed.txt", "pyproject.toml"):
        (tmp_path / name).write_text("1\n")
        told.append(made_of())
    assert len(set(told)) == len(told)
