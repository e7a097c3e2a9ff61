"""Seals of folders: what a damaged seal itself is called."""

import json
from pathlib import Path

import pytest

from ecgan.errors import EcganError
from ecgan.seals import NAME, check_seal, seal


def refusal(folder: Path) -> str:
    with pytest.raises(EcganError) as caught:
        check_seal(folder)
    return caught.value.message


def change(folder: Path, at: int, character: str) -> tuple[str, str]:
    """Change one character of the SHA-256 in a seal; return what it was and what it is."""
    known = json.loads((folder / NAME).read_text())
    old = known["a.bin"]["sha256"]
    new = known["a.bin"]["sha256"] = old[:at] + character + old[at + 1 :]
    (folder / NAME).write_text(json.dumps(known))
    return old, new


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.bin").write_bytes(bytes(range(100)))
    seal(tmp_path)
    assert len(check_seal(tmp_path)["a.bin"]) == 64
    return tmp_path


@pytest.mark.parametrize("at", [3, 11, 12, 40, 63])
def test_the_two_hashes_are_told_so_far_that_they_differ(folder: Path, at: int) -> None:
    old = json.loads((folder / NAME).read_text())["a.bin"]["sha256"]
    old, new = change(folder, at, "0" if old[at] != "0" else "1")
    message, shown = refusal(folder), 12 if at < 12 else 64
    assert old[:shown] in message
    assert new[:shown] in message


@pytest.mark.parametrize("character", ["'", "G", "", "00"])
def test_a_seal_without_hashes_is_named_itself(folder: Path, character: str) -> None:
    change(folder, 40, character)
    assert NAME in refusal(folder)
