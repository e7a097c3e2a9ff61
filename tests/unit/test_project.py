"""`ecgan new`: a project that stands by itself."""

import contextlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from ecgan.config import load_params
from ecgan.errors import EcganError
from ecgan.imports import ROOT
from ecgan.pipeline import renew_links
from ecgan.project import _repository, begin, pipeline
from ecgan.repository import findings
from ecgan.watched import KINDS, stage_code, watch_stage


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "mine"
    begin(folder, "mitbih_beats", ["vae"], None, str(ROOT / "published"))
    return folder


def test_the_pipeline_names_a_folder_of_links_in_place_of_code() -> None:
    own, theirs = (yaml.safe_load(text)["stages"] for text in (pipeline(), (ROOT / "dvc.yaml").read_text()))
    assert set(own) == set(theirs) == set(KINDS)
    for name, stage in theirs.items():
        kept = [dep for dep in stage["deps"] if not dep.startswith(("stages/", "ecgan/"))]
        assert [dep for dep in own[name]["deps"] if dep != f"watched/stages/{name}"] == kept
        assert f"watched/stages/{name}" in own[name]["deps"]
        assert own[name] | {"deps": []} == stage | {"deps": []}


@pytest.mark.parametrize("stage", KINDS)
def test_the_links_lead_to_the_code_that_a_clone_names(project: Path, stage: str) -> None:
    named = [ROOT / dep for dep in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][stage]["deps"]]
    files = {file for path in named for file in ([path] if path.suffix == ".py" else path.rglob("*"))}
    code = {file for file in files if file.is_file() and "__pycache__" not in file.parts}
    linked = {link.readlink() for link in (project / "watched/stages" / stage).iterdir()}
    assert linked == {file for file in code if {"ecgan", "stages"} & set(file.relative_to(ROOT).parts[:1])}


def test_links_follow_the_code(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    folder = project / "watched/stages/split"
    (folder / "old.py").symlink_to("nowhere")
    next(iter(folder.glob("ecgan.registry.py"))).unlink()
    watch_stage("split")
    assert {link.readlink() for link in folder.iterdir()} == stage_code("split")


def test_it_has_what_dvc_and_git_need_and_nothing_leaves_it(project: Path) -> None:
    params = load_params(project / "params.yaml")
    assert (params.dataset, params.models) == ("mitbih_beats", ["vae"])
    config = (project / ".dvc/config").read_text()
    assert str(ROOT / "published") in config
    assert "analytics = false" in config
    assert {file.name for file in (project / "models/published").iterdir()} == {
        file.name for file in (ROOT / "models/published").glob("*.dvc")
    }
    assert "models/ecgan/demo/vae" in (project / "README.md").read_text()
    kept = subprocess.run(["git", "add", "-An"], cwd=project, capture_output=True, text=True, check=True).stdout
    assert "watched" not in kept  # or `--copy-paths watched` finds a folder there
    links = sorted(path for path in project.rglob("watched/**/*") if path.is_symlink())
    shutil.rmtree(project / "watched")
    with contextlib.chdir(project):
        renew_links(load_params("params.yaml"))
    assert sorted(path for path in project.rglob("watched/**/*") if path.is_symlink()) == links
    assert all("remote.url" in line for line in findings(project))


def test_a_folder_that_is_not_empty_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(EcganError, match="there already"):
        begin(tmp_path, None, None, None, None)
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("dataset", "published", "words"),
    [("mitbi", None, "mitbih"), (None, "nowhere", "nowhere"), (None, "https://me:secret@host/x", "password")],
)
def test_a_mistake_leaves_nothing(dataset: str | None, published: str | None, words: str, tmp_path: Path) -> None:
    (tmp_path / "begun/.git").mkdir(parents=True)
    for name in ("new", "begun"):
        with pytest.raises(EcganError, match=re.escape(words)):
            begin(tmp_path / name, dataset, None, None, published)
    assert [file.name for file in tmp_path.iterdir()] == ["begun"]
    assert [file.name for file in (tmp_path / "begun").iterdir()] == [".git"]


def test_a_name_that_nobody_has_is_one_mistake(tmp_path: Path) -> None:
    with pytest.raises(EcganError) as caught:
        begin(tmp_path / "new", None, ["vaegn"], None, None)
    assert str(caught.value).count("did you mean 'vaegan'?") == 1


def test_without_git_dvc_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert any("Git" in line for line in _repository(""))
    assert "no_scm = true" in Path(".dvc/config").read_text()
