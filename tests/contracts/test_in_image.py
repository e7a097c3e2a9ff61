"""`docker/in-image` starts the container that it should, as a Docker sees it that only writes down its arguments."""

import os
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from .imports import ROOT

IN_IMAGE = ROOT / "docker" / "in-image"
ENGINE = """#!/bin/sh
if [ "$1" = --version ]; then echo "$(basename "$0") version 1"; exit; fi
for argument in "$@"; do printf '%s\\n' "$argument"; done >"$RECORD"
exit ${ENGINE_EXIT:-0}
"""


class Engine:
    """Commands that in-image gives to a Docker or Podman which only writes them down."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "a project"
        self.bin = folder / "bin"
        for place in (self.project / ".dvc", self.bin):
            place.mkdir(parents=True)
        self.record = folder / "record"

    def install(self, name: str, text: str = ENGINE) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def run(
        self, *command: str, cwd: Path | None = None, path: str = "/usr/bin:/bin", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(IN_IMAGE), *command],
            cwd=cwd or self.project,
            env={"PATH": f"{self.bin}:{path}", "RECORD": str(self.record), **variables},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def arguments(self, *command: str, **options: Any) -> list[str]:
        done = self.run(*command, **options)
        assert done.returncode == 0, done.stderr
        return self.record.read_text().splitlines()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = Engine(tmp_path.resolve())
    made.install("docker")
    return made


def values(arguments: list[str], option: str) -> list[str]:
    return [value for name, value in pairwise(arguments) if name == option]


def mounted(arguments: list[str]) -> set[str]:
    found = set()
    for text in values(arguments, "--mount"):
        fields = dict(pair.split("=", 1) for pair in text.split(","))
        assert fields["type"] == "bind"
        assert fields["source"] == fields["target"]
        found.add(fields["source"])
    return found


def test_a_stage_runs_in_the_image_as_the_user_on_the_repository(engine: Engine) -> None:
    (engine.project / "paper").mkdir()
    found = engine.arguments("python", "-m", "ecgan", "train", "--fold", "0", cwd=engine.project / "paper")
    assert found[:2] == ["run", "--rm"]
    assert found[-7:] == ["ecgan", "python", "-m", "ecgan", "train", "--fold", "0"]
    assert values(found, "--user") == [f"{os.getuid()}:{os.getgid()}"]
    assert values(found, "--workdir") == [str(engine.project / "paper")]
    assert mounted(found) == {str(engine.project)}
    assert values(found, "--env") == [f"PYTHONPATH={engine.project}"]


def test_in_a_copy_of_an_experiment_the_whole_repository_is_mounted(engine: Engine) -> None:
    copy = engine.project / ".dvc" / "tmp" / "exps" / "tmp1"
    (copy / ".dvc").mkdir(parents=True)
    found = engine.arguments("true", cwd=copy)
    assert mounted(found) == {str(engine.project)}
    assert values(found, "--workdir") == [str(copy)]


def test_the_settings_of_the_machine_are_passed_on(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    found = engine.arguments(
        "true",
        ECGAN_MIRROR=str(tmp_path / "mirror"),
        ECGAN_WORKERS="3",
        ECGAN_RUN=str(IN_IMAGE),
        ECGAN_IMAGE="other:1",
        ECGAN_DOCKER="docker run --network none",
        CUDA_VISIBLE_DEVICES="1",
        OPENBLAS_CORETYPE="Haswell",
    )
    passed = {name for name in values(found, "--env") if "=" not in name}
    assert passed == {"ECGAN_MIRROR", "ECGAN_WORKERS", "CUDA_VISIBLE_DEVICES", "OPENBLAS_CORETYPE"}
    assert str(tmp_path / "mirror") in mounted(found)
    assert found[:3] == ["run", "--network", "none"]
    assert found[-2:] == ["other:1", "true"]


def test_a_mirror_on_the_web_is_no_mount(engine: Engine) -> None:
    assert mounted(engine.arguments("true", ECGAN_MIRROR="https://example.org")) == {str(engine.project)}


def test_data_outside_the_repository_is_mounted(engine: Engine, tmp_path: Path) -> None:
    for name in ("disk", "big data", "source"):
        (tmp_path / name).mkdir()
    (engine.project / "data").symlink_to(tmp_path / "disk")
    (engine.project / "params.yaml").write_text(
        f"experiment:\n  data_dir: {tmp_path}/big data  # here\n"
        f"fetch:\n  source: '{tmp_path}/source'\n  # is: {tmp_path}\n"
        f"plugins:\n- {engine.project}/plugins\n- {tmp_path}/absent\n"
    )
    found = mounted(engine.arguments("true"))
    assert found == {str(engine.project), *(str(tmp_path / name) for name in ("disk", "big data", "source"))}


def test_the_git_directory_of_a_worktree_is_mounted(engine: Engine, tmp_path: Path) -> None:
    main = tmp_path / "main"
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(main)]
    subprocess.run(["git", "init", "--quiet", str(main)], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "first"], check=True)
    subprocess.run([*git, "worktree", "add", "--quiet", str(tmp_path / "tree")], check=True, capture_output=True)
    (tmp_path / "tree" / ".dvc").mkdir()
    found = mounted(engine.arguments("true", cwd=tmp_path / "tree"))
    assert found == {str(tmp_path / "tree"), str(main / ".git")}


@pytest.mark.parametrize(
    ("name", "option"), [("docker", ["--gpus", "all"]), ("podman", ["--device", "nvidia.com/gpu=all"])]
)
def test_gpus_are_used_where_there_are_any(engine: Engine, name: str, option: list[str]) -> None:
    engine.install(name)
    asked = {"ECGAN_DOCKER": f"{name} run"}
    assert option[0] not in engine.arguments("true", **asked)
    engine.install("nvidia-smi", "#!/bin/sh\nexit 0\n")
    found = engine.arguments("true", **asked)
    assert values(found, option[0]) == option[1:]
    assert option[0] not in engine.arguments("true", ECGAN_DEVICE="cpu", **asked)
    engine.install("nvidia-smi", "#!/bin/sh\nexit 9\n")  # the tool without a driver
    assert option[0] not in engine.arguments("true", **asked)


def test_podman_is_used_where_there_is_no_docker(engine: Engine, tmp_path: Path) -> None:
    (engine.bin / "docker").unlink()
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("bash", "env", "id", "git", "readlink", "sed", "sh", "basename"):
        found = shutil.which(tool)
        assert found
        (tools / tool).symlink_to(found)
    done = engine.run("true", path=str(tools))
    assert done.returncode == 1
    assert "Install Docker or Podman" in done.stderr
    engine.install("podman")
    found_arguments = engine.arguments("true", path=str(tools))
    assert found_arguments[0] == "run"
    assert ("--userns" in found_arguments) == (os.getuid() != 0)


def test_the_exit_code_is_that_of_the_command(engine: Engine) -> None:
    assert engine.run("false", ENGINE_EXIT="7").returncode == 7


def test_a_mistake_is_one_sentence(engine: Engine, tmp_path: Path) -> None:
    outside = engine.run("true", cwd=tmp_path)
    assert outside.returncode == 1
    assert outside.stderr.startswith(f"docker/in-image: {tmp_path} is in no DVC repository.")
    assert engine.run().returncode == 1
    assert not engine.record.exists()
