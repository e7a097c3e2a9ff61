"""What surrounds `make image-test`: missing tools, CI, and the comparison of dvc.lock."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

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
        assert f"  {tool}: apt-get install --no-install-recommends {tool}\n" in done.stderr
    assert "  dvc: make .venv/.installed" in done.stderr
    assert not done.stdout
    assert not list(tmp_path.iterdir())


def test_ci_says_when_the_image_was_not_tested_and_fails_when_it_is_broken(tmp_path: Path) -> None:
    for name in ("docker", ".ci", "bin"):
        (tmp_path / name).mkdir()
    shutil.copy(ROOT / ".ci/run", tmp_path / ".ci/run")
    make = tmp_path / "bin" / "make"
    make.write_text("#!/bin/sh\n")
    make.chmod(0o755)
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


LOCK = {
    "preprocess": {
        "cmd": "p",
        "deps": [{"path": "code", "md5": "1"}],
        "outs": [{"path": "data/processed", "md5": "2"}],
    },
    "train": {
        "cmd": "t",
        "params": {"params.yaml": {"epochs": 3}},
        "deps": [{"path": "data/processed", "md5": "2"}, {"path": "code", "md5": "1"}],
        "outs": [{"path": "models/a", "md5": "3"}, {"path": "reports/a", "md5": "4"}],
    },
    "report": {"cmd": "r", "deps": [{"path": "models", "md5": "3"}], "outs": [{"path": "reports/report", "md5": "5"}]},
}


def compare(folder: Path, **stages: Any) -> tuple[int, str]:
    """The exit code and the words of compare_locks.py for LOCK and LOCK with other stages."""
    for name, content in (("old", LOCK), ("new", LOCK | stages)):
        (folder / name).write_text(yaml.safe_dump({"stages": content}, sort_keys=False))
    done = subprocess.run(
        ["python", str(ROOT / "docker/compare_locks.py"), str(folder / "old"), str(folder / "new")],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_equal_locks_are_equal(tmp_path: Path) -> None:
    code, words = compare(tmp_path)
    assert code == 0
    assert "train: 2 of 2 outputs are the same" in words


def test_other_weights_are_told_from_other_data(tmp_path: Path) -> None:
    weights = LOCK["train"] | {"outs": [{"path": "models/a", "md5": "9"}, {"path": "reports/a", "md5": "4"}]}
    code, words = compare(tmp_path, train=weights)
    assert code == 1
    assert "train: 1 of 2 outputs are the same\n    differs: models/a\n" in words
    assert compare(tmp_path, preprocess=LOCK["preprocess"] | {"outs": [{"path": "data/processed", "md5": "9"}]})[0] == 2


def test_other_data_of_other_code_is_no_fault(tmp_path: Path) -> None:
    asked = LOCK["preprocess"] | {"deps": [{"path": "code", "md5": "8"}]}
    code, words = compare(tmp_path, preprocess=asked)
    assert code == 0
    assert "something else" not in words
    data = asked | {"outs": [{"path": "data/processed", "md5": "9"}]}
    code, words = compare(tmp_path, preprocess=data, train=LOCK["train"] | {"outs": [{"path": "models/a", "md5": "9"}]})
    assert code == 1
    assert words.count("it was asked for something else") == 2  # what follows from it as well
    assert "report: 1 of 1 outputs are the same\n" in words


def test_a_missing_stage_is_seen(tmp_path: Path) -> None:
    code, words = compare(tmp_path, extra=LOCK["report"])
    assert code == 2
    assert "extra: only in" in words
