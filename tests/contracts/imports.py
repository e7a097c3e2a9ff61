"""Where the project lies, and which of its files import which."""

from ecgan.imports import ROOT, closure, direct

__all__ = ["ROOT", "closure", "direct"]
