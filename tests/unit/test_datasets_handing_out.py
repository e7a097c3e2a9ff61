"""Files that the workers of a cluster fetch: the same as without one, whatever happens to a worker."""

import hashlib
import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ecgan.cli import app
from ecgan.datasets.fetching import download
from ecgan.datasets.handing_out import _fetch_group, _marked, fetch_by_workers
from ecgan.datasets.transfer import Remote
from ecgan.engines.here import Here
from ecgan.errors import EcganError, Interrupted
from ecgan.seals import seal
from ecgan.terminal import interruptible

PLACE = "data.example.org/files/set"
URL = f"https://{PLACE}/"
FILES = {f"p{number % 3}/{number:03d}.dat": bytes([number]) * (1000 + number) for number in range(80)}
REGISTRY = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
REMOTES = {name: Remote(URL + name, digest) for name, digest in REGISTRY.items()}


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder laid out as a mirror; returns where the set's files are in it."""
    folder = tmp_path / "mirror" / PLACE
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    monkeypatch.setenv("ECGAN_MIRROR", str(tmp_path / "mirror"))
    return folder


@pytest.fixture
def serve(tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[str]]]:
    """Serve the mirror over http; returns the names that were asked for, of which `first` is told."""
    servers: list[ThreadingHTTPServer] = []

    def start(first: Callable[[str], None] = lambda _: None) -> list[str]:
        asked: list[str] = []

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002

            def do_GET(self) -> None:
                name = self.path.removeprefix(f"/{PLACE}/")
                asked.append(name)
                first(name)
                super().do_GET()

        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path / "mirror")))
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("ECGAN_MIRROR", f"http://127.0.0.1:{server.server_address[1]}")
        return asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setenv("ECGAN_CLUSTER", "local:2")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of a cluster this process."""
    monkeypatch.setattr("ecgan.datasets.handing_out.engine", Here)


def tree(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def fetched(raw: Path) -> None:
    assert tree(raw) == FILES
    assert not [entry for entry in raw.rglob("*") if entry.name.startswith(".")]


@pytest.mark.slow
def test_a_cluster_fetches_the_same_files_and_what_is_there_stays(
    tmp_path: Path, serve: Callable[..., list[str]], cluster: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = serve()
    raw, alone = tmp_path / "raw", tmp_path / "alone"
    (raw / "p0").mkdir(parents=True)
    (raw / "p0/000.dat").write_bytes(FILES["p0/000.dat"])
    (raw / "p1").mkdir()
    (raw / "p1/001.dat").write_bytes(b"damaged")
    (raw / "p1/004.dat.part").write_bytes(b"half")
    monkeypatch.chdir(tmp_path)
    download(Path("raw"), URL, REGISTRY)
    fetched(raw)
    assert sorted(asked) == sorted(FILES.keys() - {"p0/000.dat"})
    monkeypatch.delenv("ECGAN_CLUSTER")
    download(alone, URL, REGISTRY)
    for folder in (raw, alone):
        seal(folder)
    assert tree(raw) == tree(alone)


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_the_files_under_way_only(
    tmp_path: Path, serve: Callable[..., list[str]], cluster: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECGAN_CLUSTER", "local:1")
    once = threading.Lock()

    def kill(name: str) -> None:
        if name == "p1/070.dat" and once.acquire(blocking=False):
            for child in multiprocessing.active_children():
                child.kill()

    asked = serve(kill)
    download(tmp_path / "raw", URL, REGISTRY)
    fetched(tmp_path / "raw")
    assert asked.count("p1/070.dat") == 2
    assert len(asked) < len(FILES) + 10


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_keeps_what_has_come(
    tmp_path: Path, serve: Callable[..., list[str]], cluster: None, number: signal.Signals
) -> None:
    reached = threading.Event()

    def stall(name: str) -> None:
        if name == "p0/078.dat":
            time.sleep(1.0)
            os.kill(os.getpid(), number)
            reached.set()
            time.sleep(30.0)

    def work() -> None:
        with interruptible():
            download(tmp_path / "raw", URL, REGISTRY)

    serve(stall)
    start = time.monotonic()
    with pytest.raises(Interrupted):
        work()
    assert reached.is_set()
    assert time.monotonic() - start < 25
    held = tree(tmp_path / "raw")
    assert len(held) > 40
    assert all(FILES[name] == content for name, content in held.items())


@pytest.mark.parametrize("engine", ["here", pytest.param("cluster", marks=pytest.mark.slow)])
def test_a_damaged_file_is_named(
    tmp_path: Path,
    mirror: Path,
    engine: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ECGAN_CLUSTER", "asked for")
    request.getfixturevalue(engine)
    (mirror / "p1/040.dat").write_bytes(b"something else")
    with pytest.raises(EcganError, match=r"040\.dat was refused") as error:
        download(tmp_path / "raw", URL, REGISTRY)
    assert error.value.hint
    assert not capfd.readouterr().err  # such as a worker's traceback
    held = tree(tmp_path / "raw")
    assert held
    assert all(FILES[name] == content for name, content in held.items())


def test_the_command_takes_a_cluster(tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ECGAN_CLUSTER", "")  # the command sets it; afterwards it is as before
    Path("params.yaml").write_text("dataset: mitbih\nmodels: [aegan]\nmodules: {aegan: {}}\n")
    told = CliRunner().invoke(app, ["fetch", "--cluster", "somewhere"])
    assert isinstance(told.exception, EcganError)
    assert "'somewhere' is no cluster" in told.exception.message


def test_a_worker_goes_by_the_mirror_of_the_command(
    tmp_path: Path, mirror: Path, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw").mkdir()
    monkeypatch.setenv("ECGAN_MIRROR", "mirror")
    assert len(list(fetch_by_workers(Path("raw"), REMOTES))) == len(FILES)
    fetched(tmp_path / "raw")
    assert os.environ["ECGAN_MIRROR"] == str(tmp_path / "mirror")


def test_a_worker_that_sees_another_folder_refuses(tmp_path: Path, mirror: Path) -> None:
    group = list(REMOTES.items())
    (tmp_path / "raw").mkdir()
    with _marked(tmp_path / "raw") as place:
        elsewhere = tmp_path / "elsewhere" / place.name
        elsewhere.mkdir(parents=True)
        cases = [(elsewhere, "", "into which"), (tmp_path / "none", "", "into which")]
        cases.append((place, str(tmp_path / "nowhere"), "nowhere, which ECGAN_MIRROR names"))
        for where, named, words in cases:
            with pytest.raises(EcganError, match=f"does not see .*{words}") as error:
                _fetch_group(where, named, group)
            assert "share" in error.value.hint
    assert not tree(tmp_path).keys() & {f"raw/{name}" for name in FILES}


def test_a_worker_ends_when_nobody_waits_for_it(tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = shutil.copyfile
    (tmp_path / "raw").mkdir()
    with _marked(tmp_path / "raw") as place:

        def slow(source: Any, output: Any) -> None:
            if "001" in str(source):
                (place / "shared").unlink()
                time.sleep(0.3)
            copy(source, output)

        monkeypatch.setattr("ecgan.datasets.transfer.shutil.copyfile", slow)
        monkeypatch.setattr("ecgan.datasets.handing_out._LOOK", 0.01)
        with pytest.raises(EcganError, match="any more"):
            _fetch_group(place, str(tmp_path / "mirror"), list(REMOTES.items()))
    held = tree(tmp_path / "raw")
    assert "p1/001.dat" not in held
    assert len(held) < len(FILES)
