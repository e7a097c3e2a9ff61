"""Text that may stand in a page or a figure."""

import re
import unicodedata
from typing import Final

from ecgan.terminal import ACTING

_ACTING: Final = re.compile(f"[{ACTING}]")


def legal(text: str) -> str:
    """Text on one line without characters that XML does not allow, or that act instead of being seen."""
    clean = _ACTING.sub(" ", str(text))
    clean = "".join(" " if unicodedata.category(sign) in {"Cc", "Cs", "Cn", "Zl", "Zp"} else sign for sign in clean)
    return " ".join(clean.split())
