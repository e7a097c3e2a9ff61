"""What packages and services refuse is one sentence, which tells no password; every error says what to do next."""

import ast
import errno
from functools import partial
from pathlib import Path

import pytest

import ecgan
from ecgan.errors import EcganError, outside
from ecgan.files import unusable, unwritable
from ecgan.scoring.batch import sentence


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


ELSEWHERE = ("ecgan/ecg/", "ecgan/scoring/recording.py", "ecgan/scoring/windows.py")
"""What is wrong with a recording: whoever reads it says what to do, see `ecgan.scoring.batch.sentence`."""
LIBRARY = ("ecgan/evaluation/examples.py", "ecgan/testing/", "ecgan/detection/detectors/patient_specific.py")
"""Told to programs only."""


def test_every_error_says_what_to_do_next() -> None:
    root = Path(ecgan.__file__).parents[1]
    silent = []
    for file in [*root.glob("ecgan/**/*.py"), *root.glob("stages/*.py")]:
        name = file.relative_to(root).as_posix()
        if name.startswith((*ELSEWHERE, *LIBRARY)):
            continue
        calls = [one for one in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(one, ast.Call)]
        errors = [one for one in calls if getattr(one.func, "id", "") in ("EcganError", "LostError")]
        silent += [f"{name}:{one.lineno}" for one in errors if len(one.args) + len(one.keywords) < 2]
    assert silent == []


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ENOSPC, errno.EBUSY, None])
def test_what_the_system_refuses_has_a_next_step(number: int | None) -> None:
    error = OSError(number, "no") if number else OSError("no")
    assert unwritable(Path("file"), error).hint
    assert unusable(error).hint
    assert sentence("recording", EcganError("it is empty.")).hint
    assert sentence("recording", EcganError("it is empty.", "Name another.")).hint == "Name another."


def test_a_disk_that_is_full_is_said_whoever_found_it_out() -> None:
    for of in (unusable, partial(unwritable, Path("file"))):
        assert "disk is full" in of(OSError("51840 requested and 4096 written")).message
    assert "copy" in unusable(OSError(errno.ENOSPC, "no", "original", None, "copy")).message
