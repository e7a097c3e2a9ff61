"""Made-up raw folders for datasets that cannot be fetched in a test: one file a dataset, with `write(raw)`.

Everything is made up; each has enough patients and abnormal samples for the protocols that its dataset admits.
"""

import atexit
import importlib
import shutil
import tempfile
from functools import cache
from pathlib import Path


@cache
def made_up(name: str) -> str:
    """Return a folder with the made-up raw files of a dataset, for `fetch.source`; it goes when the tests end."""
    folder = Path(tempfile.mkdtemp(prefix=f"ecgan-{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    importlib.import_module(f"tests.raw.{name}").write(folder)
    return str(folder)
