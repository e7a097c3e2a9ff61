"""The links by which DVC sees what parameters name."""

import os
from pathlib import Path

import pytest
from pydantic import Field

from ecgan.config.options import Options
from ecgan.config.schema import FilePath, Split
from ecgan.datasets.folder import FetchOptions
from ecgan.datasets.mitbih_beatgan import PreprocessOptions
from ecgan.datasets.sources import SourceOptions
from ecgan.errors import EcganError
from ecgan.watched import watch_file


def link(path: str) -> str:
    return str(Path(path).readlink())


class Two(Options):
    first: FilePath | None = Field(None, description="A file.")
    second: FilePath = Field("b", description="Another file.")
    words: str = Field("a", description="No file.")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    (folder / "watched").mkdir(parents=True)
    (folder / "watched/none").touch()
    for name in ("a", "b", "recordings"):
        (folder / name).mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("section", "target"),
    [
        (FetchOptions(path="recordings"), "../recordings"),
        (SourceOptions(source="a"), "../a"),
        (PreprocessOptions(npy="b"), "../b"),
        (Split(protocol="fixed", source="a"), "../a"),
        (Split(), "none"),
        (SourceOptions(source="nowhere"), "none"),
        (Options(), "none"),
    ],
)
def test_the_link_leads_to_what_a_parameter_names(section: Options, target: str) -> None:
    watch_file("fetch", section)
    assert link("watched/fetch") == target
    before = os.lstat("watched/fetch")
    watch_file("fetch", section)
    assert os.lstat("watched/fetch") == before


def test_outside_of_the_project_it_is_absolute(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    for name in (str(tmp_path / "elsewhere"), "../elsewhere"):
        watch_file("split", Split(protocol="fixed", source=name))
        assert link("watched/split") == str(tmp_path / "elsewhere")


def test_two_files_are_refused() -> None:
    with pytest.raises(EcganError, match="first and second"):
        watch_file("fetch", Two(first="a"))
    watch_file("fetch", Two())
    assert link("watched/fetch") == "../b"


def test_without_the_folder_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    watch_file("fetch", FetchOptions())
    assert [path.name for path in tmp_path.iterdir()] == ["project"]
