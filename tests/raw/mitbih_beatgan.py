"""The records of `tests.raw.mitbih`: the same that the dataset mitbih is cut from."""

from tests.raw.mitbih import write

__all__ = ["write"]
