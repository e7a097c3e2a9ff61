"""ECGAN: generative models that flag the heartbeats they cannot explain.

What the pipeline does, in memory: `load` a trained run and score recordings, fit a `Detector` to arrays, `read` a
recording, `load_dataset`. Importing this is cheap: what a name stands for is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ecgan.arithmetic import set_arithmetic as set_arithmetic
    from ecgan.errors import EcganError as EcganError
    from ecgan.notebook.data import load_dataset as load_dataset
    from ecgan.notebook.data import read as read
    from ecgan.notebook.detector import Detector as Detector
    from ecgan.notebook.run import load as load
    from ecgan.registry import list_datasets as list_datasets
    from ecgan.registry import list_detectors as list_detectors
    from ecgan.registry import list_inversions as list_inversions
    from ecgan.registry import list_models as list_models
    from ecgan.registry import list_protocols as list_protocols
    from ecgan.registry import list_strategies as list_strategies
    from ecgan.samples import About as About
    from ecgan.samples import Samples as Samples

    __version__: str

_HOME: Final = {
    "About": "samples",
    "Detector": "notebook.detector",
    "EcganError": "errors",
    "list_datasets": "registry",
    "list_detectors": "registry",
    "list_inversions": "registry",
    "list_models": "registry",
    "list_protocols": "registry",
    "list_strategies": "registry",
    "load": "notebook.run",
    "load_dataset": "notebook.data",
    "read": "notebook.data",
    "Samples": "samples",
    "set_arithmetic": "arithmetic",
}
"""Module of each name."""


def __getattr__(name: str) -> Any:
    """Load what a name stands for, once."""
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("ecgan")
    elif name in _HOME:
        value = getattr(import_module(f"ecgan.{_HOME[name]}"), name)
    else:
        raise AttributeError(f"module 'ecgan' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, "__version__"})
