"""References to trained runs elsewhere: copied here file by file, whole, and only what belongs to a run."""

import contextlib
import functools
import http.server
import io
import os
import resource
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fsspec
import numpy as np
import pytest
import torch
import yaml

from ecgan.config import load_params, render_config, render_params
from ecgan.errors import EcganError
from ecgan.models.aegan import Aegan
from ecgan.preprocessing.inputs import Input, save_input
from ecgan.preprocessing.transformations import fit_transformation
from ecgan.protocols.folds import Fold, save_fold
from ecgan.references import folds_of, parse_reference
from ecgan.registry import MODELS
from ecgan.remotes import files, is_remote, urls, wandb
from ecgan.runs.loading import load_trained
from ecgan.seals import seal
from ecgan.tracking.tracker import Subject
from ecgan.training.versions import Versions, save_index, save_version
from stages import classic

SIZE = {"channels": 1, "length": 32, "classes": 2}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained run of two folds, and beside its files some that are none of a run."""
    folder = tmp_path_factory.mktemp("original") / "aegan"
    small = {"width": 0.0625, "latent_size": 2, "batch_size": 8}
    path = folder.parent / "params.yaml"
    path.write_text(render_params("ecgsyn", ["aegan"], overrides={"split": {"k": 3}, "modules": {"aegan": small}}))
    params = load_params(path)
    signals = np.random.default_rng(0).random((12, 1, 32), dtype=np.float32)
    rows = np.arange(12, dtype=np.int64)
    for fold in (0, 2):
        train = folder / "train" / f"fold_{fold}"
        for seed, version in enumerate(("v01", "v02")):
            torch.manual_seed(10 * fold + seed)
            model = MODELS.get("aegan")(params.modules["aegan"], **SIZE)
            save_version(train, version, model.state_dict())
        save_index(train, Versions("v01", "v02", "loss", 0.5))
        state = fit_transformation("individual", signals, (-1.0, 1.0)).state()
        save_input(train, Input(["MLII"], 32, 360.0, "mV", 16, state, ["N", "V"]))
        save_fold(train / "split.json", Fold(fold, "normal_only", 0, "0" * 64, rows[:6], rows[6:9], rows[9:]))
        (train / "config.yml").write_text(render_config(params, "aegan", fold=fold))
        (train / "history.csv").write_text("epoch,reconstruction\n1,0.5\n2,0.4\n")
        seal(train)
    for name in ("notes.txt", "train/fold_0/plugin.py", "train/fold_0/model.pkl", "train/fold_0/v02/optimizer.pt"):
        (folder / name).write_text("nothing of a run")
    return folder


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


class ListingRefused(http.server.SimpleHTTPRequestHandler):
    """A web server whose folders cannot be listed."""

    def list_directory(self, path: Any) -> None:
        self.send_error(403)

    def log_message(self, *arguments: Any) -> None:
        """Keep quiet."""


class Listing(http.server.SimpleHTTPRequestHandler):
    """A web server that lists its folders."""

    def log_message(self, *arguments: Any) -> None:
        """Keep quiet."""


@contextlib.contextmanager
def served(folder: Path, handler: type = Listing) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    pytest.importorskip("moto", reason="needs moto and the extra s3: pip install 'ecgan[test]'")
    pytest.importorskip("s3fs", reason="needs the extra s3: pip install 'ecgan[s3]'")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A file system of an S3 server on this machine; its address and keys stand in the environment."""
    for name, value in (
        ("AWS_ENDPOINT_URL", s3_server),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    filesystem = fsspec.filesystem("s3", skip_instance_cache=True)
    if not filesystem.exists("bucket"):
        filesystem.mkdir("bucket")
    return filesystem


@pytest.fixture(params=["memory", "file", "http", "s3"])
def elsewhere(request: pytest.FixtureRequest, original: Path, tmp_path: Path) -> Iterator[str]:
    """The run at another place; its URL."""
    if request.param == "memory":
        filesystem = fsspec.filesystem("memory")
        filesystem.put(f"{original}/", "/store/aegan", recursive=True)
        yield "memory://store/aegan"
        filesystem.rm("/store", recursive=True)
    elif request.param == "file":
        yield f"file://{original}"
    elif request.param == "s3":
        filesystem = request.getfixturevalue("s3")
        filesystem.put(f"{original}/", "bucket/runs/aegan", recursive=True)
        yield "s3://bucket/runs/aegan"
        filesystem.rm("bucket/runs", recursive=True)
    else:
        with served(original.parent) as address:
            yield f"{address}/aegan"


def same(folder: Path, original: Path, *, folds: tuple[int, ...] = (0, 2)) -> None:
    """The copy holds the files of a run, unchanged, and nothing else."""
    names = ["config.yml", "history.csv", "input.json", "seal.json", "split.json", "versions.json"]
    names += ["v01/model.safetensors", "v02/model.safetensors"]
    wanted = {f"train/fold_{fold}/{name}" for fold in folds for name in names}
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == wanted
    for name in wanted:
        assert (folder / name).read_bytes() == (original / name).read_bytes()


def test_a_run_elsewhere_is_copied_and_used_like_one_here(elsewhere: str, original: Path, here: Path) -> None:
    reference = parse_reference(f"{elsewhere}:latest")
    assert (reference.fold, reference.version) == (None, "latest")
    assert folds_of(reference) == [0, 2]
    assert reference.folder.name == "aegan"
    assert reference.folder.resolve().is_relative_to(here / ".ecgan/cache")
    same(reference.folder, original)
    trained, local = (load_trained(folder, 2, "latest") for folder in (reference.folder, original))
    assert trained.version == "v02"
    assert isinstance(trained.model, Aegan)
    for key, value in local.model.state_dict().items():
        assert torch.equal(trained.model.state_dict()[key], value)


def test_one_fold_is_fetched_alone(elsewhere: str, original: Path) -> None:
    reference = parse_reference(f"{elsewhere}/fold_2:v01")
    assert (reference.fold, reference.version, folds_of(reference)) == (2, "v01", [2])
    same(reference.folder, original, folds=(2,))


def test_what_is_not_there_is_one_sentence(elsewhere: str, here: Path) -> None:
    with pytest.raises(EcganError, match=r"holds no trained run: there is no train/fold_1"):
        parse_reference(f"{elsewhere}/fold_1")
    with pytest.raises(EcganError, match=r"ruin holds no trained run: there is no train/fold_<k>"):
        parse_reference(elsewhere.removesuffix("aegan") + "ruin:best")
    assert not (here / ".ecgan").exists()


@pytest.mark.parametrize("elsewhere", ["memory", "s3"], indirect=True)
def test_a_copy_is_used_again_until_the_run_changes(elsewhere: str, capsys) -> None:
    first = parse_reference(elsewhere).folder
    assert "fetching" in capsys.readouterr().err
    (first / "inverse/fold_0").mkdir(parents=True)
    (first / "inverse/fold_0/inverse.json").write_text("{}")
    assert parse_reference(f"{elsewhere}:latest").folder == first
    assert "fetching" not in capsys.readouterr().err
    assert (first / "inverse/fold_0/inverse.json").is_file()  # what was made for the copy stays with it
    filesystem, root = fsspec.core.url_to_fs(elsewhere)
    filesystem.pipe(f"{root}/train/fold_0/history.csv", b"epoch,reconstruction\n1,0.5\n2,0.3\n")
    second = parse_reference(elsewhere).folder
    assert second != first
    assert "0.3" in (second / "train/fold_0/history.csv").read_text()


def test_a_web_server_tells_that_a_file_changed(original: Path, tmp_path: Path) -> None:
    shutil.copytree(original, tmp_path / "web/aegan")
    with served(tmp_path / "web") as address:
        first = parse_reference(f"{address}/aegan/fold_0").folder
        weights = tmp_path / "web/aegan/train/fold_0/v01/model.safetensors"
        os.utime(weights, (1_000_000_000, 1_000_000_000))
        assert parse_reference(f"{address}/aegan/fold_0").folder != first


def test_a_web_server_without_ranges_gives_large_files_too(original: Path, tmp_path: Path) -> None:
    shutil.copytree(original, tmp_path / "web/aegan")
    history = tmp_path / "web/aegan/train/fold_0/history.csv"
    history.write_bytes(b"epoch,reconstruction\n" + b"1,0.5\n" * 2_500_000)
    with served(tmp_path / "web") as address:
        folder = parse_reference(f"{address}/aegan/fold_0").folder
    assert (folder / "train/fold_0/history.csv").read_bytes() == history.read_bytes()


def test_a_web_server_that_lists_nothing_is_one_sentence(original: Path) -> None:
    with served(original.parent, ListingRefused) as address, pytest.raises(EcganError) as caught:
        parse_reference(f"{address}/aegan")
    assert "cannot be" in caught.value.message
    assert address in caught.value.message


@pytest.mark.slow
def test_a_server_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch, s3: Any) -> None:
    with served(Path()) as address:
        pass
    with pytest.raises(EcganError, match="cannot be read"):
        parse_reference(f"{address}/aegan")
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    with pytest.raises(EcganError, match="cannot be read") as caught:
        parse_reference("s3://bucket/runs/aegan")
    assert "AWS_ENDPOINT_URL" in caught.value.hint


def test_the_extra_that_s3_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(EcganError, match="needs a package that is not installed") as caught:
        parse_reference("s3://bucket/run")
    assert "pip install 'ecgan[s3]'" in caught.value.hint


@pytest.mark.parametrize("text", ["ftp://host/run", "reference://store/run", "s3://a::s3://b"])
def test_a_scheme_that_nothing_reads_lists_those_there_are(text: str) -> None:
    with pytest.raises(EcganError, match="there is no way to") as caught:
        parse_reference(text)
    assert "s3://" in caught.value.hint


def test_what_is_remote_and_what_a_path() -> None:
    assert all(map(is_remote, ("s3://bucket/run", "http://127.0.0.1:80/run", "wandb:a/b/c", "mlflow:models:/m/3")))
    assert not any(map(is_remote, ("lab/study/run", "./wandb/run", "/tmp/run", "C:/run", "mlflow/run")))
    with pytest.raises(EcganError, match="no trained run") as caught:
        parse_reference("lab/study/run")
    assert "s3://BUCKET/RUN" in caught.value.hint


@pytest.mark.parametrize(
    "path",
    [
        "../config.yml", "train/fold_0/../../../x.json", "/train/fold_0/config.yml", "train/fold_0/.hidden.json",
        "train/fold_0/evil.py", "train/fold_0/model.pkl", "train/fold_0/v01/weights.pt", "train/fold_0/a/b.json",
        "train\\fold_0\\config.yml", "train/fold_0/config.yml\n", "train/fold_00/config.yml", "other/fold_0/x.json",
        "train/fold_0/v01/../x.json", "train/fold_-1/x.json", "train/fold_0/x.json/",
        "train/fold_0/" + "a" * 300 + ".json",
    ],
)  # fmt: skip
def test_what_is_no_file_of_a_run_is_never_fetched(path: str) -> None:
    remote = files.Remote("run")
    remote.add(path, lambda: pytest.fail("it was looked at"), None)
    assert not remote.files


def a_remote(original: Path, **replaced: Any) -> files.Remote:
    """The run as a remote; named files are replaced, or left out with None."""
    remote = files.Remote("aegan")
    for path in sorted(path for path in original.rglob("*") if path.is_file()):
        name, content = path.relative_to(original).as_posix(), path.read_bytes()

        def fetch(target: Path, limit: int, content: bytes = content) -> None:
            target.write_bytes(content)

        remote.add(name, lambda content=content, fetch=fetch: files.RemoteFile(len(content), "", fetch), None)
    for name, file in replaced.items():
        full = f"train/fold_0/{name}"
        if file is None:
            del remote.files[full]
        else:
            remote.files[full] = file
    return remote


@pytest.mark.parametrize("name", ["config.yml", "input.json", "split.json", "versions.json"])
def test_an_incomplete_run_is_refused_before_anything_is_copied(original: Path, here: Path, name: str) -> None:
    with pytest.raises(EcganError, match=f"train/fold_0 lacks {name}"):
        files.download(a_remote(original, **{name: None}), "s3://b/run", None, here / "cache")
    assert not (here / "cache").exists()
    gone = {"v01/model.safetensors": None, "v02/model.safetensors": None}
    with pytest.raises(EcganError, match=r"lacks v<NN>/model\.safetensors"):
        files.download(a_remote(original, **gone), "s3://b/run", None, here / "cache")


def test_a_copy_that_breaks_off_leaves_nothing_behind(original: Path, here: Path) -> None:
    def broken(target: Path, limit: int) -> None:
        target.write_bytes(b"half")
        raise ConnectionError("gone")

    remote = a_remote(original, **{"versions.json": files.RemoteFile(100, "", broken)})
    with pytest.raises(ConnectionError):
        files.download(remote, "s3://b/run", None, here / "cache")
    assert list((here / "cache").iterdir()) == []
    short = files.RemoteFile(100, "", lambda target, limit: target.write_bytes(b"half") and None)
    with pytest.raises(EcganError, match="came incomplete"):
        files.download(a_remote(original, **{"versions.json": short}), "s3://b/run", None, here / "cache")
    assert list((here / "cache").iterdir()) == []
    folder = files.download(a_remote(original), "s3://b/run", None, here / "cache")
    same(folder, original)


def test_files_beyond_what_a_run_holds_are_refused(
    original: Path, here: Path, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(files.LARGEST, "safetensors", 1000)
    with pytest.raises(EcganError, match="is larger than"):
        parse_reference(elsewhere)
    assert not (here / ".ecgan").exists()


def test_a_stream_longer_than_announced_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(EcganError, match="is larger than"):
        files.copy_stream(io.BytesIO(bytes(9 << 20)), tmp_path / "x.json", 5 << 20)
    assert (tmp_path / "x.json").stat().st_size <= 5 << 20


def test_more_files_than_a_run_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 3)
    remote = files.Remote("run")
    for index in range(3):
        remote.add(f"train/fold_{index}/a.json", lambda: files.RemoteFile(1, "", lambda *_: None), None)
    with pytest.raises(EcganError, match="more than 3 files"):
        remote.add("train/fold_3/a.json", lambda: files.RemoteFile(1, "", lambda *_: None), None)


def test_the_classic_commands_take_such_references(elsewhere: str, here: Path) -> None:
    names = ["lab", "study", "again"]
    classic.write_detection(f"{elsewhere}/fold_0:best", names, here / "ad.yml", "inverse_mapping", force=False)
    classic.write_inverse(f"{elsewhere}:latest", here / "inverse.yml", force=False)
    assert yaml.safe_load((here / "ad.yml").read_text())["model"] == f"{elsewhere}/fold_0:best"
    assert yaml.safe_load((here / "inverse.yml").read_text())["model"] == f"{elsewhere}:latest"


# Weights & Biases: no server is at hand, so the part of its public API that is used is replaced. The artifacts are
# real ones of the package.


class FakeApi:
    def __init__(self, artifacts: dict[str, Any]) -> None:
        self.artifacts = artifacts

    def artifact_collections(self, project_name: str, type_name: str) -> list[Any]:
        assert (project_name, type_name) == ("lab/study", "model")
        return [SimpleNamespace(name=name.split("/")[-1].split(":")[0]) for name in self.artifacts]

    def artifact(self, name: str, **_: Any) -> Any:
        if name not in self.artifacts:
            raise ValueError(f"artifact '{name}' not found in 'lab/study'")
        return self.artifacts[name]


@pytest.fixture
def fake_wandb(original: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    package = pytest.importorskip("wandb", reason="needs the extra wandb: pip install 'ecgan[wandb]'")
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "wandb"))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "wandb"))
    monkeypatch.delenv("WANDB_MODE", raising=False)
    artifacts = {}
    for fold in (0, 2):
        artifact = package.Artifact(f"aegan-fold_{fold}", type="model")
        artifact.add_dir(str(original / f"train/fold_{fold}"), name=f"train/fold_{fold}")
        monkeypatch.setattr(type(next(iter(artifact.manifest.entries.values()))), "download", download_entry)
        artifacts[f"lab/study/aegan-fold_{fold}:latest"] = artifact
    artifacts["lab/study/vaegan-fold_1:latest"] = package.Artifact("vaegan-fold_1", type="model")
    monkeypatch.setattr(package, "Api", lambda: FakeApi(artifacts))
    return artifacts


def download_entry(entry: Any, root: str, skip_cache: bool) -> str:
    target = Path(root) / entry.path
    target.parent.mkdir(parents=True, exist_ok=True)
    return str(shutil.copy(entry.local_path, target))


def test_an_artifact_of_wandb_is_a_run(fake_wandb: Any, original: Path) -> None:
    reference = parse_reference("wandb:lab/study/aegan:latest")
    assert folds_of(reference) == [0, 2]
    same(reference.folder, original)
    same(parse_reference("wandb:lab/study/aegan/fold_2").folder, original, folds=(2,))
    assert load_trained(reference.folder, 2, "best").version == "v01"


def test_an_artifact_of_wandb_can_be_pinned(fake_wandb: Any) -> None:
    fake_wandb["lab/study/aegan-fold_0:v3"] = fake_wandb["lab/study/aegan-fold_0:latest"]
    assert folds_of(parse_reference("wandb:lab/study/aegan@v3/fold_0:best")) == [0]
    with pytest.raises(EcganError, match="aegan-fold_2:v3' not found"):
        parse_reference("wandb:lab/study/aegan@v3/fold_2")


def test_artifacts_that_are_not_there_or_only_links_are_refused(fake_wandb: Any, monkeypatch) -> None:
    with pytest.raises(EcganError, match="holds no trained run"):
        parse_reference("wandb:lab/study/cnn")
    with pytest.raises(EcganError, match="names no run"):
        parse_reference("wandb:study/aegan")
    entry = fake_wandb["lab/study/aegan-fold_0:latest"].manifest.entries["train/fold_0/config.yml"]
    monkeypatch.setattr(entry, "ref", "s3://elsewhere/config.yml")
    with pytest.raises(EcganError, match="only a link"):
        parse_reference("wandb:lab/study/aegan")


def test_wandb_cannot_be_asked_offline(fake_wandb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    with pytest.raises(EcganError, match="cannot be looked up while WANDB_MODE"):
        parse_reference("wandb:lab/study/aegan")
    assert wandb.offline()


# MLflow: a real store.


@pytest.fixture(scope="module")
def mlflow_store(original: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[int, str]]:
    """Two folds tracked in a store: its address, the id of each run. Fold 0 was trained twice, and failed once."""
    pytest.importorskip("mlflow", reason="needs the extra mlflow: pip install 'ecgan[mlflow]'")
    from ecgan.tracking.mlflow import MlflowTracker

    uri, found = f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}", {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        for fold, failed in ((0, False), (0, False), (0, True), (2, False)):
            tracker = MlflowTracker(Subject("lab", "study", "aegan", fold))
            tracker.start({})
            if not failed:
                tracker.versions(original / f"train/fold_{fold}")
                found[fold] = tracker._run
            tracker.close(failed=failed)
    return uri, found


@pytest.fixture
def mlflow_runs(mlflow_store: tuple[str, dict[int, str]], monkeypatch: pytest.MonkeyPatch) -> dict[int, str]:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_store[0])
    return mlflow_store[1]


def test_runs_and_models_of_mlflow_are_runs(mlflow_runs: dict[int, str], original: Path) -> None:
    from ecgan.tracking.mlflow import client

    both = parse_reference("mlflow:lab/study/aegan:latest")
    assert folds_of(both) == [0, 2]
    same(both.folder, original)
    assert both.folder.name == "aegan"
    assert load_trained(both.folder, 2, "latest").version == "v02"
    same(parse_reference("mlflow:lab/study/aegan/fold_2").folder, original, folds=(2,))
    same(parse_reference(f"mlflow:{mlflow_runs[2]}:v01").folder, original, folds=(2,))
    store = client()
    store.create_registered_model("beats")
    version = store.create_model_version("beats", store.get_run(mlflow_runs[0]).info.artifact_uri, mlflow_runs[0])
    store.set_registered_model_alias("beats", "good", version.version)
    for text in (f"mlflow:models:/beats/{version.version}:best", "mlflow:models:/beats@good"):
        reference = parse_reference(text)
        same(reference.folder, original, folds=(0,))
        assert reference.version == "best"


def test_what_mlflow_does_not_have_is_one_sentence(mlflow_runs: dict[int, str]) -> None:
    for text, said in (
        ("mlflow:" + "0" * 32, "cannot be read from sqlite"),
        ("mlflow:models:/nothing/1", "cannot be read from sqlite"),
        ("mlflow:lab/other/aegan", "there is no experiment 'lab/other'"),
        ("mlflow:lab/study/vaegan", "has no finished run 'vaegan'"),
        ("mlflow:lab/study/aegan/fold_1", "has no finished run 'aegan' of fold 1"),
        ("mlflow:anything", "names no run"),
        (f"mlflow:{mlflow_runs[2]}/fold_0", "there is no train/fold_0"),
    ):
        with pytest.raises(EcganError, match=said):
            parse_reference(text)


def test_the_newest_finished_training_of_each_fold_is_taken(mlflow_runs: dict[int, str], original: Path) -> None:
    from ecgan.tracking.mlflow import client

    folder = parse_reference("mlflow:lab/study/aegan/fold_0").folder
    client().log_artifact(mlflow_runs[0], str(original / "train/fold_0/history.csv"), "inverse/fold_0")
    again = parse_reference("mlflow:lab/study/aegan/fold_0").folder
    assert again != folder
    assert (again / "inverse/fold_0/history.csv").is_file()


def test_a_detection_completes_the_training_that_it_was_made_with(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow", reason="needs the extra mlflow: pip install 'ecgan[mlflow]'")
    from ecgan.tracking.mlflow import MlflowTracker

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    detected = tmp_path / "detect"
    detected.mkdir()

    def log(kind: str, model: Path, note: str) -> None:
        (detected / "note.json").write_text(note)
        tracker = MlflowTracker(Subject("lab", "study", "aegan", 0, kind))
        tracker.start({})
        if kind == "train":
            tracker.versions(model)
        else:
            tracker.detected({"train": model, "detect": detected})
        tracker.close()

    def found() -> list[str]:
        folder = parse_reference("mlflow:lab/study/aegan").folder
        assert (folder / "train/fold_0/config.yml").is_file()
        return [path.read_text() for path in (folder / "detect").rglob("note.json")]

    models = [tmp_path / name for name in ("first", "second")]
    for model in models:
        shutil.copytree(original / "train/fold_0", model)
        (model / "note.json").write_text(model.name)
        seal(model)
    log("detect", models[0], "alone")  # with no tracker the training was logged
    assert found() == ["alone"]
    log("train", models[0], "")
    log("detect", models[0], "older")
    log("detect", models[0], "newer")
    assert found() == ["newer"]
    log("train", models[1], "")  # and not yet detected with
    assert found() == []
    log("detect", models[1], "last")
    assert found() == ["last"]


@pytest.mark.parametrize(
    "address", ["https://user:secret@host/run", "https://secret@host/run", "s3://key:secret@bucket/run"]
)
def test_a_password_in_a_reference_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(EcganError) as caught:
        parse_reference(address)
    assert "password" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_detector_without_a_model_is_a_run_too(original: Path, here: Path) -> None:
    names = [f"train/fold_0/{name}" for name in ("config.yml", "input.json", "split.json")]
    bare = {name: file for name, file in a_remote(original).files.items() if name in names}
    detected = {"detect/fold_0/detector.json": files.RemoteFile(2, "", lambda target, limit: target.write_text("{}"))}
    remote = files.Remote("knn", bare | detected)
    folder = files.download(remote, "s3://b/knn", 0, here / "cache")
    assert (folder / "detect/fold_0/detector.json").is_file()
    del remote.files["detect/fold_0/detector.json"]
    with pytest.raises(EcganError, match="lacks v"):
        files.download(remote, "s3://b/knn", 0, here / "cache")


class Hostile(http.server.BaseHTTPRequestHandler):
    """A web server whose pages never end, or lead into endlessly many folders."""

    def log_message(self, *arguments: Any) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        kind, *below = [part for part in self.path.split("/") if part]
        page = b"".join(b'<a href="%s%d/">x</a>\n' % (b"fold_" if len(below) < 2 else b"v", i) for i in range(900))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        if kind in ("folders", "weights"):
            page = page if kind == "folders" else b'<a href="fold_0/">x</a>'
            self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(page)
            while kind == "endless":
                self.wfile.write(page)
            while kind == "slow":
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)


def test_pages_of_a_hostile_server_are_bounded(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urls, "_LONGEST_WAIT", 0.5)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for kind, words in (("endless", "too long"), ("folders", "folders"), ("slow", "too slowly")):
        with pytest.raises(EcganError, match=words):
            parse_reference(f"http://127.0.0.1:{server.server_port}/{kind}")
    server.shutdown()
    server.server_close()
    assert time.monotonic() - began < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes
    assert not (here / ".ecgan").exists()


def test_links_of_a_page_are_those_below_it_alone() -> None:
    page = (
        b'<A class="x" HREF = \'a%20b.json\'>1</a><a href="v01/">2</a><a href="../up.json">3</a>'
        b'<a href="/root.json">4</a><a href="http://other.example/f/x.json">5</a>'
        b'<a href="v01/model.safetensors">6</a><a href="c.json?x=1#y">7</a>'
        b"<a href=>8</a><a " + b"href" * 100_000
    )

    class Web:
        protocol = "http"

        def open(self, path: str, mode: str, **options: Any) -> io.BytesIO:
            return io.BytesIO(page)

    found = urls._links(Web(), "http://a.example/f/")
    assert [(name, entry["type"]) for name, entry in found] == [
        ("a b.json", "file"),
        ("v01", "directory"),
        ("c.json", "file"),
    ]


def test_a_file_of_unknown_size_stops_earlier(original: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_UNKNOWN", 1000)
    limits: list[int] = []

    def fetched(target: Path, limit: int) -> None:
        limits.append(limit)
        target.write_bytes(b"x")

    remote = a_remote(original, **{"versions.json": files.RemoteFile(None, "", fetched)})
    files.download(remote, "s3://b/run", None, here / "cache")
    assert limits == [1000]


def test_a_run_larger_than_the_disk_is_not_begun(original: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files.shutil, "disk_usage", lambda place: SimpleNamespace(free=10))
    with pytest.raises(EcganError, match="the disk"):
        files.download(a_remote(original), "s3://b/run", None, here / "cache")


def test_a_slow_stream_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            time.sleep(0.1)
            return b"x"

    monkeypatch.setattr(files, "_MINUTE", 0.05)
    with pytest.raises(EcganError, match="slowly"):
        files.copy_stream(Slow(), tmp_path / "x.json", 5 << 20)
