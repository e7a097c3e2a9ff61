"""Names that ECGAN gives or takes are names on every system, also on those that no test runs on."""

import unicodedata
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from ecgan.config.schema import FolderName
from ecgan.errors import EcganError
from ecgan.files import alike, is_portable
from ecgan.publishing.layout import check_name
from ecgan.remotes.files import _folder_name
from ecgan.remotes.recordings import path_in
from ecgan.scoring.batch import Wanted, _check_names
from ecgan.watched import _label

DEVICES = ("con", "PRN", "aux", "nul", "COM1", "lpt9", "com¹", "CONIN$", "conout$")
NAMES = st.one_of(
    st.text(min_size=1, max_size=30),
    st.text("abAB01 ._-:/\\|?*\x01\u00b9", min_size=1, max_size=12),
    st.builds("{}{}".format, st.sampled_from(DEVICES), st.sampled_from(["", " ", ".", ".hea", " .csv", ":", "x", "1"])),
)


def is_name_on_windows(name: str) -> bool:
    """What Python knows of it: one part, no drive, nothing that Windows drops or keeps for a device."""
    path = PureWindowsPath(name)
    return path.name == name and not path.anchor and not path.is_reserved() and not name.endswith((" ", "."))


class Folder(BaseModel):
    name: FolderName


@pytest.mark.filterwarnings("ignore:pathlib.PureWindowsPath.is_reserved:DeprecationWarning")
@given(NAMES)
@example("aux.tar.gz")
@example("nul ")
def test_a_portable_name_is_one_on_windows(name: str) -> None:
    if is_portable(name):
        assert is_name_on_windows(name)
    assert is_portable(f"record_{name.rstrip('. ')}_1") == (
        not set(name.rstrip(". ")) & set('<>:"/\\|?*' + "".join(map(chr, range(32))))
    )


@given(NAMES)
def test_names_that_are_taken_are_portable(name: str) -> None:
    for check in (check_name, lambda text: Folder(name=text)):
        try:
            check(name)
        except (EcganError, ValidationError):
            continue
        assert is_portable(name)


@given(NAMES)
def test_names_that_are_made_are_portable(name: str) -> None:
    assert is_portable(_folder_name(name))
    try:
        place = path_in(f"https://host/{name}/{name}")
    except EcganError:
        return
    assert all(is_portable(part) for part in place.parts)


@given(st.text(min_size=1, max_size=12))
@example("İ")
@example("ﬁle")
@example("Ａ")
def test_names_that_are_one_file_somewhere_are_alike(name: str) -> None:
    """In other letters, and composed otherwise, as macOS and Windows take them."""
    for other in (
        name.lower(),
        name.casefold(),
        unicodedata.normalize("NFD", name),
        unicodedata.normalize("NFC", name),
    ):
        if other.casefold() == name.casefold() or unicodedata.normalize("NFC", other) == unicodedata.normalize(
            "NFC", name
        ):
            assert alike(other) == alike(name)
    twins = [Wanted(Path(text), Path(text), text) for text in ("é.hea", "E\u0301.hea")]
    with pytest.raises(EcganError, match="same name"):
        _check_names(twins)


@given(st.lists(st.text("abcxyz_", min_size=1, max_size=8), min_size=1, max_size=4))
def test_a_link_is_called_alike_on_every_system(parts: list[str]) -> None:
    assert _label(Path("/elsewhere", *parts)) == ".".join(["elsewhere", *parts])
