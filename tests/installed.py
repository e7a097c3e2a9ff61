"""Installed packages for tests: what `pip install --target FOLDER` leaves behind, without pip or a network."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests import forking

ROOT = Path(__file__).parent.parent


def install(
    target: Path,
    name: str,
    files: Mapping[str, str],
    entries: Mapping[str, Mapping[str, str]],
    *,
    version: str = "1.0",
    licence: str = "",
) -> None:
    """Put a package into `target`: its files, and the metadata with its entry points by group and name."""
    for file, text in files.items():
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        (target / file).write_text(text, encoding="utf-8")
    about = target / f"{name.replace('-', '_')}-{version}.dist-info"
    about.mkdir(parents=True)
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}"]
    lines += [f"License-Expression: {licence}"] if licence else []
    (about / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = "".join(
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in named.items())
        for group, named in entries.items()
    )
    (about / "entry_points.txt").write_text(text, encoding="utf-8")


def install_project(target: Path, folder: Path) -> None:
    """Install a project from its pyproject.toml."""
    project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for module in folder.iterdir():
        if (module / "__init__.py").is_file():
            shutil.copytree(module, target / module.name, ignore=shutil.ignore_patterns("__pycache__"))
    install(
        target, project["name"], {}, project["entry-points"], version=project["version"], licence=project["license"]
    )


def ecgan(target: Path, *arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `ecgan` where the packages of `target` are installed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(target), str(ROOT)]), **variables}
    return forking.run([sys.executable, "-m", "ecgan", *arguments], cwd, environment)
