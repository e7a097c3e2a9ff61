"""Renew `constraints-hashed.txt`: the pins of `constraints.txt` with the SHA-256 of their wheels, for CI and the image.

    python .ci/hashes.py        # asks the package index for what has changed in constraints.txt, nothing else

Wheels of Python 3.11 and 3.12 for the kind of machine that this runs on (x86-64 Linux), or the source where there is no
wheel. Left out are torch and its CUDA libraries, of which there are several builds, and packages that CI does not need.
What the image installs comes first; what that is, the installed packages say.
"""

import json
import re
import subprocess
import sys
import tempfile
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PINS, HASHED = ROOT / "constraints.txt", ROOT / "constraints-hashed.txt"
PYTHONS = ("3.11", "3.12")
LEFT_OUT = re.compile(r"torch|triton|nvidia-(?!ml-py).*|cuda-.*|umap-learn|pynndescent|numba|llvmlite")
EXTRAS = re.compile(r"^ARG EXTRAS=(.*)$", re.MULTILINE)
HEAD = """\
# What the image and CI install first, with the SHA-256 of the wheels of Python 3.11 and 3.12 on x86-64 Linux: all of
# constraints.txt but torch and its CUDA libraries, of which there are several builds. Renewed by: python .ci/hashes.py
"""
BORDER = "# Not in the image:\n"


def name_of(pin: str) -> str:
    """The name in a pin, as package indexes spell it."""
    return re.sub(r"[-_.]+", "-", pin.partition("==")[0]).lower()


def pins() -> list[str]:
    """The pins that are to have hashes."""
    lines = PINS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if "==" in line and not LEFT_OUT.fullmatch(name_of(line))]


def known() -> dict[str, str]:
    """The lines of the file by their pin."""
    lines = HASHED.read_text(encoding="utf-8").splitlines() if HASHED.is_file() else []
    return {line.split()[0]: line for line in lines if "==" in line}


def hashes(wanted: list[str], *options: str) -> dict[str, str]:
    """SHA-256 by name of what pip would install."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps", "--ignore-installed"]
        command += ["--report", str(report), "--target", folder, *options, *wanted]
        subprocess.run(command, check=True)
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    return {name_of(one["metadata"]["name"]): one["download_info"]["archive_info"]["hashes"]["sha256"] for one in found}


def in_image() -> set[str]:
    """Names of what the project needs with the extras of the Dockerfile, and of what that needs."""
    extras = EXTRAS.findall((ROOT / "Dockerfile").read_text(encoding="utf-8"))[0]
    found, left = set(), [Requirement(f"ecgan[{extras}]")]
    while left:
        one = left.pop()
        if (key := (name_of(one.name), frozenset(one.extras))) in found:
            continue
        found.add(key)
        known = key[0] == "torch" or not LEFT_OUT.fullmatch(key[0])
        for line in (requires(one.name) or []) if known else []:
            more = Requirement(line)
            if more.marker is None or any(more.marker.evaluate({"extra": extra}) for extra in ("", *one.extras)):
                left.append(more)
    return {name for name, _ in found}


def main() -> int:
    """Renew the file."""
    lines = known()
    new = [pin for pin in pins() if pin not in lines]
    for pin in new:
        found = set()
        for version in PYTHONS:
            try:
                found |= set(hashes([pin], "--python-version", version, "--only-binary", ":all:").values())
            except subprocess.CalledProcessError:  # there is no wheel
                found |= set(hashes([pin]).values())
        lines[pin] = " ".join([pin, *(f"--hash=sha256:{one}" for one in sorted(found))])
    image = in_image()
    first = [f"{lines[pin]}\n" for pin in pins() if name_of(pin) in image]
    others = [f"{lines[pin]}\n" for pin in pins() if name_of(pin) not in image]
    HASHED.write_text("".join([HEAD, *first, BORDER, *others]), encoding="utf-8")
    sys.stdout.write(f"{len(new)} new of {len(pins())} packages\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
