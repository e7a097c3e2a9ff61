"""Renew `constraints-hashed.txt`: the pins of `constraints.txt` with the SHA-256 of their wheels, for CI.

    python .ci/hashes.py        # asks the package index for what has changed in constraints.txt, nothing else

Wheels of Python 3.11 and 3.12 for the kind of machine that this runs on (x86-64 Linux), or the source where there is no
wheel. Left out are torch and its CUDA libraries, of which there are several builds, and packages that CI does not need.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PINS, HASHED = ROOT / "constraints.txt", ROOT / "constraints-hashed.txt"
PYTHONS = ("3.11", "3.12")
LEFT_OUT = re.compile(r"torch|triton|nvidia-(?!ml-py).*|cuda-.*|umap-learn|pynndescent|numba|llvmlite")
HEAD = """\
# What CI installs first, with the SHA-256 of the wheels of Python 3.11 and 3.12 on x86-64 Linux: all of constraints.txt
# but torch and its CUDA libraries, of which there are several builds. Renewed by: python .ci/hashes.py
"""


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
    HASHED.write_text(HEAD + "".join(f"{lines[pin]}\n" for pin in pins()), encoding="utf-8")
    sys.stdout.write(f"{len(new)} new of {len(pins())} packages\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
