"""What this installation runs on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from ecgan.config import Params

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "pandas", "wfdb", "dvc")

VARIABLES = ("ECGAN_DEVICE", "ECGAN_PROCESSES", "ECGAN_WORKERS", "ECGAN_CLUSTER", "ECGAN_MIRROR")


def lines(params: Params | None) -> list[str]:
    """Return lines that describe the installation and, if given, the checked parameters."""
    found = [f"{name} {_version(name)}" for name in PACKAGES]
    result = [f"ecgan {_version('ecgan')} on Python {platform.python_version()}", "  ".join(found)]
    variables = [f"{name}={os.environ[name]}" for name in VARIABLES if name in os.environ]
    result += ["  ".join(variables)] if variables else []
    if params is not None:
        result.append(
            f"parameters are valid: dataset {params.dataset}, protocol {params.split.protocol},"
            f" models {', '.join(params.models)}, folds {', '.join(map(str, params.split.folds))},"
            f" seed {params.runtime.seed}, threads {params.runtime.threads}, arithmetic {params.runtime.arithmetic}"
        )
    return result


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
