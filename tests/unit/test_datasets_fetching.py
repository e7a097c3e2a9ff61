"""Downloads: from a folder, from a web server, interrupted, damaged, and without a network."""

import errno
import hashlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ecgan.datasets import transfer
from ecgan.datasets.fetching import SUMS, download, download_published, load_registry, remove_others
from ecgan.errors import EcganError, Interrupted
from ecgan.terminal import interruptible

URL = "https://data.example.org/files/set/1.0/"
FILES = {"RECORDS": b"a\nb\n", "a.dat": bytes(range(256)) * 50, "b.dat": b"\1" * 999}
REGISTRY = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "_WAIT", 0.0)
    monkeypatch.delenv("ECGAN_MIRROR", raising=False)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder laid out as a mirror; returns where the set's files are in it."""
    folder = tmp_path / "mirror" / "data.example.org/files/set/1.0"
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    monkeypatch.setenv("ECGAN_MIRROR", str(tmp_path / "mirror"))
    return folder


@pytest.fixture
def serve(tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[type], str]]:
    """Serve the mirror over http with the given kind of handler and name it in the environment."""
    servers: list[ThreadingHTTPServer] = []

    def start(handler: type[SimpleHTTPRequestHandler]) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(tmp_path / "mirror")))
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setenv("ECGAN_MIRROR", address + "/")
        return address

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_folder_can_be_the_mirror(tmp_path: Path, mirror: Path) -> None:
    download(tmp_path / "raw", URL, REGISTRY)
    assert content(tmp_path / "raw") == FILES


def test_a_web_server_can_be_the_mirror(tmp_path: Path, serve: Callable[[type], str]) -> None:
    serve(Quiet)
    download(tmp_path / "raw", URL, REGISTRY)
    assert content(tmp_path / "raw") == FILES


def test_files_can_be_read_by_others(tmp_path: Path, mirror: Path) -> None:
    download(tmp_path / "raw", URL, REGISTRY)
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "raw").iterdir()} == {0o644}


def test_a_server_that_fails_once_is_asked_again(tmp_path: Path, serve: Callable[[type], str]) -> None:
    asked: list[str] = []

    class Unsteady(Quiet):
        def do_GET(self) -> None:
            asked.append(self.path)
            if asked.count(self.path) == 1:
                self.send_error(503)
            else:
                super().do_GET()

    serve(Unsteady)
    download(tmp_path / "raw", URL, REGISTRY)
    assert content(tmp_path / "raw") == FILES
    assert len(asked) == 2 * len(FILES)


def test_finished_files_are_not_fetched_again(tmp_path: Path, mirror: Path) -> None:
    download(tmp_path / "raw", URL, REGISTRY)
    for file in mirror.iterdir():
        file.unlink()
    (tmp_path / "raw" / "b.dat").unlink()
    with pytest.raises(EcganError, match=r"the mirror has no file .*b\.dat"):
        download(tmp_path / "raw", URL, REGISTRY)
    assert sorted(content(tmp_path / "raw")) == ["RECORDS", "a.dat"]


def test_a_damaged_local_file_is_fetched_again(tmp_path: Path, mirror: Path) -> None:
    download(tmp_path / "raw", URL, REGISTRY)
    (tmp_path / "raw" / "a.dat").write_bytes(b"damaged")
    download(tmp_path / "raw", URL, REGISTRY)
    assert content(tmp_path / "raw") == FILES


def test_what_does_not_belong_is_removed(tmp_path: Path, mirror: Path) -> None:
    raw = tmp_path / "raw"
    (raw / "folder").mkdir(parents=True)
    (raw / "folder" / "x").write_text("x")
    (raw / "tmpabc").write_text("left by a download that was killed")
    (raw / "a.dat").mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("stays")
    (raw / "link").symlink_to(outside)
    download(raw, URL, REGISTRY)
    assert content(raw) == FILES
    assert (outside / "precious").exists()


def test_what_has_come_of_a_file_is_kept_and_only_that(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("a.dat.part", "a.dat.part.tag", "deep/b.dat.part", "c.dat.part", "deep/c.dat.part"):
        (tmp_path / name).write_text("half")
    remove_others(tmp_path, {"a.dat", "deep/b.dat"})
    assert sorted(tree(tmp_path)) == ["a.dat.part", "a.dat.part.tag", "deep/b.dat.part"]


def test_another_file_is_refused_by_name_and_both_hashes(tmp_path: Path, mirror: Path) -> None:
    (mirror / "b.dat").write_bytes(b"something else")
    with pytest.raises(EcganError) as caught:
        download(tmp_path / "raw", URL, REGISTRY)
    found = hashlib.sha256(b"something else").hexdigest()
    assert all(part in caught.value.message for part in ("b.dat", found, REGISTRY["b.dat"]))
    assert "b.dat" not in content(tmp_path / "raw")
    assert all(FILES[name] == held for name, held in content(tmp_path / "raw").items())


def test_a_half_written_file_is_never_seen_under_its_name(
    tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = tmp_path / "raw"

    def stop_half_way(source: str, output: str) -> None:
        Path(output).write_bytes(Path(source).read_bytes()[:10])
        assert not set(FILES) & {file.name for file in raw.iterdir()}
        raise KeyboardInterrupt

    monkeypatch.setattr(transfer.shutil, "copyfile", stop_half_way)
    with pytest.raises(KeyboardInterrupt):
        download(raw, URL, {"a.dat": REGISTRY["a.dat"]})
    assert "a.dat" not in content(raw)
    monkeypatch.undo()
    monkeypatch.setenv("ECGAN_MIRROR", str(tmp_path / "mirror"))
    download(raw, URL, REGISTRY)
    assert content(raw) == FILES


class Stalling(Quiet):
    """Sends the beginning of a file, and then nothing."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(bytes(1000))
        self.wfile.flush()
        released.wait(30)


released = threading.Event()


@pytest.mark.parametrize("several", [True, False])
def test_an_interruption_does_not_wait_for_a_server_that_stalls(
    tmp_path: Path, serve: Callable[[type], str], several: bool
) -> None:
    released.clear()
    serve(Stalling)

    def fetch() -> None:
        with interruptible():
            if several:
                download(tmp_path / "raw", URL, REGISTRY)
            else:
                transfer.transfer(transfer.Remote(URL + "a.dat"), tmp_path / "raw/a.dat")

    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    start = time.monotonic()
    try:
        with pytest.raises(Interrupted):
            fetch()
        assert time.monotonic() - start < 10
    finally:
        released.set()
    assert list((tmp_path / "raw").glob("*.part"))


def test_a_full_disk_is_no_fault_of_the_server(tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: str, output: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(transfer.shutil, "copyfile", fail)
    with pytest.raises(EcganError, match=r"cannot write .*raw.*: the disk is full") as caught:
        download(tmp_path / "raw", URL, REGISTRY)
    assert "ECGAN_MIRROR" not in str(caught.value)


def test_without_a_network_the_message_names_the_mirror(tmp_path: Path) -> None:
    with pytest.raises(EcganError, match=r"cannot fetch http://127\.0\.0\.1:9/nothing/") as caught:
        download(tmp_path / "raw", "http://127.0.0.1:9/nothing/", REGISTRY)
    assert "ECGAN_MIRROR" in caught.value.hint


def test_a_file_that_the_server_does_not_have_is_named(
    tmp_path: Path, mirror: Path, serve: Callable[[type], str]
) -> None:
    (mirror / "b.dat").unlink()
    serve(Quiet)
    with pytest.raises(EcganError, match=r"cannot fetch http://127.0.0.1:\d+/data.example.org/.*b\.dat: 404"):
        download(tmp_path / "raw", URL, REGISTRY)


def test_a_mirror_that_is_nowhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECGAN_MIRROR", str(tmp_path / "absent"))
    with pytest.raises(EcganError, match="neither a folder nor an http") as caught:
        download(tmp_path / "raw", URL, REGISTRY)
    assert "data.example.org/files/set/1.0/" in caught.value.hint


def test_the_list_of_the_mit_bih_database_is_complete() -> None:
    registry = load_registry("mitdb-1.0.0")
    assert len(registry) == 48 * 3 + 1
    assert all(len(digest) == 64 and set(digest) <= set("0123456789abcdef") for digest in registry.values())
    stems = {name.partition(".")[0] for name in registry} - {"RECORDS"}
    assert len(stems) == 48
    assert set(registry) == {"RECORDS"} | {f"{stem}.{suffix}" for stem in stems for suffix in ("hea", "dat", "atr")}


NESTED = {"patient001/s01.dat": b"\2" * 700, "patient001/s01.hea": b"s01 1\n", "patient002/s02.hea": b"s02\n"}


@pytest.fixture
def project(mirror: Path) -> Path:
    """A project with folders and a list of hashes, in the mirror."""
    for name, content in NESTED.items():
        (mirror / name).parent.mkdir(exist_ok=True)
        (mirror / name).write_bytes(content)
    sums = [f"{hashlib.sha256(content).hexdigest()} {name}\n" for name, content in (NESTED | FILES).items()]
    (mirror / SUMS).write_text("".join(sums))
    return mirror


def tree(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def heads(name: str) -> bool:
    return name.endswith(".hea")


def test_wanted_files_of_a_project_are_fetched_into_their_folders(tmp_path: Path, project: Path) -> None:
    raw = tmp_path / "raw"
    (raw / "patient001").mkdir(parents=True)
    (raw / "patient001/other").write_text("does not belong")
    (raw / "patient009").mkdir()
    names = download_published(raw, URL, heads)
    assert names == ["patient001/s01.hea", "patient002/s02.hea"]
    assert tree(raw) == {name: NESTED[name] for name in names} | {SUMS: (project / SUMS).read_bytes()}
    assert not (raw / "patient009").exists()


def test_the_list_that_was_kept_decides_later_without_a_network(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = tmp_path / "raw"
    names = download_published(raw, URL, heads)
    before = tree(raw)
    monkeypatch.setenv("ECGAN_MIRROR", "http://127.0.0.1:9")
    assert download_published(raw, URL, heads) == names
    assert tree(raw) == before
    monkeypatch.setenv("ECGAN_MIRROR", str(tmp_path / "mirror"))
    (project / names[0]).write_bytes(b"changed since")
    (project / SUMS).write_text(f"{hashlib.sha256(b'changed since').hexdigest()} {names[0]}\n")
    (raw / names[0]).unlink()
    with pytest.raises(EcganError, match="was refused"):
        download_published(raw, URL, heads)


def test_a_list_other_than_the_pinned_one_is_refused(tmp_path: Path, project: Path) -> None:
    pin = hashlib.sha256((project / SUMS).read_bytes()).hexdigest()
    assert download_published(tmp_path / "raw", URL, heads, pin=pin)
    (tmp_path / "raw" / SUMS).write_text("damaged\n")
    assert download_published(tmp_path / "raw", URL, heads, pin=pin)
    with pytest.raises(EcganError, match=f"{SUMS} was refused"):
        download_published(tmp_path / "other", URL, heads, pin="0" * 64)


DIGEST = "ab" * 32


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (f"{DIGEST} ../x.hea\n", "is refused"),
        (f"{DIGEST} /etc/x.hea\n", "root of a disk"),
        (f"{DIGEST} C:/x.hea\n", "root of a disk"),
        (f"{DIGEST} a/./x.hea\n", "empty"),
        (f"{DIGEST} a\\x.hea\n", "backslash"),
        (f"{DIGEST} x.hea.part\n", "not finished"),
        (f"{DIGEST} {'x' * 256}.hea\n", "longer than 255 bytes"),
        (f"{DIGEST} x.hea\n{DIGEST} x.hea\n", "twice"),
        (f"{DIGEST} x.hea\n{DIGEST} X.hea\n", "case does not count"),
        (f"{DIGEST} x.hea\n{DIGEST} x.hea/y.hea\n", "as a folder"),
        (f"{DIGEST[1:]} x.hea\n", "line 1"),
        ("<html>Not found</html>\n", "line 1"),
        (f"{DIGEST} x.dat\n", "none of the files"),
        ("", "none of the files"),
    ],
)
def test_a_list_that_is_none_is_refused(tmp_path: Path, project: Path, content: str, words: str) -> None:
    (project / SUMS).write_text(content)
    with pytest.raises(EcganError, match=words):
        download_published(tmp_path / "raw", URL, heads)
    assert set(tree(tmp_path)) <= {"raw/SHA256SUMS.txt"} | {f"mirror/{name}" for name in tree(tmp_path / "mirror")}
