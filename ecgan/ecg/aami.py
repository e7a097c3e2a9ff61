"""Beat classes: how annotation symbols become the five classes N, S, V, F and Q of ANSI/AAMI EC57.

Three readings of the standard are in use; each is a named mapping, and reports say which one was taken:

* `aami`: escape beats (e, j, n) count as N, after de Chazal et al., IEEE Trans. Biomed. Eng. 51(7), 2004.
* `bxb`: escape beats count as S, as WFDB's beat-by-beat comparison program does.
* `beatgan`: the symbols that the published beat set of BeatGAN holds; e and j count as S, rare symbols are left out.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError, nearest

CLASSES = ["N", "S", "V", "F", "Q"]
"""Class name by id; 0 is normal."""

NOT_A_BEAT = -1

MAPPINGS: dict[str, dict[str, str]] = {
    "aami": {"N": "NLRBejn", "S": "AaJS", "V": "VEr", "F": "F", "Q": "Q/f?"},
    "bxb": {"N": "NLRB", "S": "AaJSejn", "V": "VEr", "F": "F", "Q": "Q/f?"},
    "beatgan": {"N": "NLR", "S": "aJASje", "V": "VE", "F": "F", "Q": "/fQ"},
}
"""For each mapping: the annotation symbols of each class."""

BEAT_SYMBOLS = "".join(MAPPINGS["aami"].values())
"""Every symbol that marks a beat; all others are rhythm, quality or wave marks."""

DESCRIPTIONS = {
    "aami": "AAMI EC57, escape beats (e, j, n) in N",
    "bxb": "AAMI EC57 as in bxb, escape beats (e, j, n) in S",
    "beatgan": "BeatGAN: N={N,L,R}, S={a,J,A,S,j,e}, V={V,E}, F={F}, Q={/,f,Q}",
}


def class_ids(symbols: Sequence[str], mapping: str) -> NDArray[np.int64]:
    """Give each of n annotation symbols its class by a mapping of `MAPPINGS`.

    Returns:
        Index into `CLASSES`, shape (n,); -1 where the symbol marks no beat of the mapping.

    Raises:
        EcganError: There is no such mapping.
    """
    if mapping not in MAPPINGS:
        raise EcganError(
            f"there is no class mapping {mapping!r}{nearest(mapping, list(MAPPINGS))}",
            f"Known mappings: {', '.join(MAPPINGS)}.",
        )
    ids = {symbol: CLASSES.index(name) for name, members in MAPPINGS[mapping].items() for symbol in members}
    return np.array([ids.get(symbol, NOT_A_BEAT) for symbol in symbols], dtype=np.int64)
