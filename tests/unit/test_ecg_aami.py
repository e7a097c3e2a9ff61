"""Annotation symbols and their classes."""

import numpy as np
import pytest

from ecgan.ecg.aami import BEAT_SYMBOLS, CLASSES, MAPPINGS, class_ids
from ecgan.errors import EcganError


def named(symbols: str, mapping: str) -> list[str]:
    return [CLASSES[i] if i >= 0 else "-" for i in class_ids(list(symbols), mapping)]


def test_the_order_of_the_classes() -> None:
    assert CLASSES == ["N", "S", "V", "F", "Q"]
    np.testing.assert_array_equal(class_ids(["N", "A", "V", "F", "/"], "aami"), [0, 1, 2, 3, 4])


def test_what_all_mappings_agree_on() -> None:
    for mapping in MAPPINGS:
        assert named("NLRAaJSVEF/fQ", mapping) == list("NNNSSSSVVFQQQ")
        assert named('+~|x![]"', mapping) == ["-"] * 8


def test_where_the_mappings_differ() -> None:
    assert named("ejnBr?", "aami") == list("NNNNVQ")
    assert named("ejnBr?", "bxb") == list("SSSNVQ")
    assert named("ejnBr?", "beatgan") == list("SS----")


def test_no_symbol_is_in_two_classes() -> None:
    for mapping in MAPPINGS.values():
        members = "".join(mapping.values())
        assert len(set(members)) == len(members)
        assert set(members) <= set(BEAT_SYMBOLS)


def test_no_symbols_give_no_classes() -> None:
    assert class_ids([], "aami").shape == (0,)


def test_an_unknown_mapping_lists_the_known_ones() -> None:
    with pytest.raises(EcganError, match=r"no class mapping 'aamy', did you mean 'aami'\?") as caught:
        class_ids(["N"], "aamy")
    assert "aami, bxb, beatgan" in caught.value.hint
