"""What surrounds `make image-test`: missing tools and CI."""

import re
import shutil
import subprocess
from pathlib import Path

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


def test_ci_says_when_the_image_was_not_tested_and_fails_when_it_is_broken(tmp_path: Path) -> None:
    for name in ("docker", ".ci", "bin"):
        (tmp_path / name).mkdir()
    shutil.copy(ROOT / ".ci/run", tmp_path / ".ci/run")
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for command in (tmp_path / "bin/make", tmp_path / ".venv/bin/python"):  # neither installs nor makes
        command.write_text("#!/bin/sh\n")
        command.chmod(0o755)
    test = tmp_path / "docker" / "image-test"
    for code, expected, words in ((0, 0, ""), (3, 0, "skipped"), (1, 1, ""), (130, 130, "")):
        test.write_text(f"#!/bin/sh\nexit {code}\n")
        test.chmod(0o755)
        done = subprocess.run(
            [str(tmp_path / ".ci/run")],
            env={"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expected
        assert (words in done.stdout) if words else not done.stdout
