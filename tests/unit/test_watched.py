"""The links by which DVC sees what parameters name."""

import os
import sys
from pathlib import Path

import pytest
from pydantic import Field

from ecgan.config.options import Options
from ecgan.config.schema import FilePath, Split
from ecgan.datasets.folder import FetchOptions
from ecgan.datasets.mitbih_beatgan import PreprocessOptions
from ecgan.datasets.sources import SourceOptions
from ecgan.errors import EcganError
from ecgan.imports import ROOT
from ecgan.registry import DETECTORS, MODELS, STRATEGIES, load_plugins
from ecgan.watched import code, watch_file, watch_inversion, watch_part, watch_strategies


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


PLUGIN = """
import plugins.helping
from ecgan.models.autoencoder import Autoencoder
from ecgan.registry import register_model

@register_model("watched_toy")
class Toy(Autoencoder):
    pass
"""


def links(folder: str) -> dict[str, Path]:
    return {path.name: path.resolve() for path in Path("watched", folder).iterdir()}


def test_a_part_has_a_link_to_each_of_its_files() -> None:
    watch_part(MODELS, "aegan")
    found = links("models/aegan")
    assert {"ecgan.models.aegan.py", "ecgan.models.layers.convolutions.py"} <= set(found)
    assert "ecgan.models.base.py" not in found  # every stage that uses models depends on it
    assert not [name for name in found if "vaegan" in name or "registry" in name]
    assert all(path.is_file() for path in found.values())


def written(folder: Path) -> dict[str, tuple[int, int]]:
    """Which file each name is and when it was written; when it was read last may change at any time."""
    about = {path.name: path.lstat() for path in folder.iterdir()}
    return {name: (link.st_ino, link.st_mtime_ns) for name, link in about.items()}


def test_links_that_belong_no_more_go_and_others_stay() -> None:
    watch_part(DETECTORS, "pca")
    folder = Path("watched/detectors/pca")
    kept = written(folder)
    (folder / "gone.py").symlink_to("nowhere")
    (folder / ".pca.py.1.part").symlink_to("nowhere")  # of another process
    (folder / f".pca.py.{2**22 + 1}.part").symlink_to("nowhere")  # of one that was killed: no system counts so far
    watch_part(DETECTORS, "pca")
    (folder / ".pca.py.1.part").unlink()
    assert written(folder) == kept


def test_a_plugin_is_watched_with_what_it_imports(project: Path) -> None:
    Path("plugins").mkdir()
    Path("plugins/toy.py").write_text(PLUGIN)
    Path("plugins/helping.py").touch()
    Path("plugins/other.py").touch()
    sys.path.insert(0, str(project))
    try:
        load_plugins(["plugins/toy.py"], Path())
        watch_part(MODELS, "watched_toy")
        found = links("models/watched_toy")
        assert found["plugins.toy.py"] == project / "plugins/toy.py"
        assert {"plugins.helping.py", "ecgan.models.autoencoder.py"} <= set(found)
        assert "plugins.other.py" not in found
        assert link("watched/models/watched_toy/plugins.toy.py") == "../../../plugins/toy.py"
    finally:
        sys.path.remove(str(project))
        MODELS._entries.pop("watched_toy", None)


def test_an_interrupted_training_depends_on_the_code_of_its_model_alone() -> None:
    files = {str(file.relative_to(ROOT)) for file in code(ROOT / "stages/train.py", MODELS, "aegan")}
    assert {
        "stages/train.py",
        "ecgan/training/loop.py",
        "ecgan/models/aegan.py",
        "ecgan/models/layers/convolutions.py",
    } <= files
    assert not files & {"ecgan/models/vaegan.py", "ecgan/reporting/style.py", "ecgan/generation/figures.py"}
    assert not [file for file in files if file.startswith(("ecgan/scoring", "ecgan/detection", "ecgan/reporting"))]


STRATEGY = """
from ecgan.detection.strategies.plain import Plain
from ecgan.registry import register_strategy

@register_strategy("watched_strategy")
class Mine(Plain):
    title = "mine"
"""
DETECTOR = """
from ecgan.detection.detectors.pca import Pca
from ecgan.registry import register_detector

@register_detector("watched_detector")
class Mine(Pca):
    strategies = ("plain", "watched_strategy")
"""


def test_strategies_are_watched_where_they_are_named(project: Path) -> None:
    Path("strategy.py").write_text(STRATEGY)
    Path("detector.py").write_text(DETECTOR)
    try:
        load_plugins(["strategy.py", "detector.py"], Path())
        watch_strategies(["smoothed", "watched_strategy"])
        assert links("strategies")["strategy.py"] == project / "strategy.py"
        assert "ecgan.detection.strategies.smoothed.py" in links("strategies")
        watch_strategies(["smoothed"])
        assert "strategy.py" not in links("strategies")
        watch_part(DETECTORS, "watched_detector")
        assert {"detector.py", "strategy.py"} <= set(links("detectors/watched_detector")), "its own are part of it"
    finally:
        STRATEGIES._entries.pop("watched_strategy", None)
        DETECTORS._entries.pop("watched_detector", None)


def test_the_inverse_mappings_that_auto_may_take_are_watched() -> None:
    watch_inversion("auto")
    assert {"ecgan.inversion.encoder.py", "ecgan.inversion.network.py"} <= set(links("inversions/auto"))
    watch_inversion("search")
    assert "ecgan.inversion.search.py" in links("inversions/search")


def test_where_no_links_can_be_made_files_are_copied(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("A required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    watch_part(MODELS, "vae")
    copied = project / "watched/models/vae/ecgan.models.vae.py"
    assert not copied.is_symlink()
    assert copied.read_bytes() == (ROOT / "ecgan/models/vae.py").read_bytes()
    with pytest.raises(EcganError, match="recordings"):
        watch_file("fetch", FetchOptions(path="recordings"))
