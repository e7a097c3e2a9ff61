"""What packages and services refuse is one sentence, which tells no password."""

import pytest

from ecgan.errors import EcganError, outside


def test_a_refusal_is_its_first_line_without_passwords() -> None:
    with pytest.raises(EcganError) as caught, outside("the store cannot be read", "Name another."):
        raise ConnectionError("postgres://me:secret@host:5432 hung up.\nA long story.")
    assert caught.value.message == "the store cannot be read: postgres://…@host:5432 hung up."
    assert caught.value.hint == "Name another."


def test_a_sentence_of_our_own_is_left_as_it_is() -> None:
    own = EcganError("there is no such run.")
    with pytest.raises(EcganError) as caught, outside("the store cannot be read"):
        raise own
    assert caught.value is own


def test_an_error_without_words_is_told_by_its_kind() -> None:
    with pytest.raises(EcganError, match=r"cannot be read: TimeoutError\."), outside("the store cannot be read"):
        raise TimeoutError
