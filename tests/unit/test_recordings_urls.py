"""Recordings behind URLs: what comes, what must not, and that nothing stays."""

import importlib
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import fsspec
import numpy as np
import pytest
import wfdb
from fsspec.implementations.memory import MemoryFileSystem

import ecgan
from ecgan.ecg.records import write_record
from ecgan.ecg.simulated_patients import simulate
from ecgan.errors import EcganError
from ecgan.notebook.run import Run
from ecgan.remotes import recordings, streams
from ecgan.remotes.recordings import is_url, read_anywhere
from ecgan.reporting.recordings import ScoredRecording
from ecgan.scoring.batch import find_recordings, omissions, score_all, summary_frame
from ecgan.scoring.recording import score_recording
from tests.hospital import ishne, scp, wave
from tests.scorers import toy_scorer


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made; nothing must stay in it."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and its address."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with serving(partial(Quiet, directory=str(folder))) as address:
        yield folder, address


class serving:
    """A server on this machine."""

    def __init__(self, handler: object) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)  # type: ignore[arg-type]

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def write(folder: Path, name: str, **options: object) -> np.ndarray:
    counts = wave(2, 4000)
    wfdb.wrsamp(name, fs=250, units=["mV"] * 2, sig_name=["II", "V1"], d_signal=counts, fmt=["16"] * 2,
                adc_gain=[200.0] * 2, baseline=[0] * 2, write_dir=str(folder), **options)  # fmt: skip
    wfdb.wrann(name, "atr", sample=np.array([50, 300]), symbol=["N", "V"], write_dir=str(folder))
    return counts / 200.0


@pytest.mark.parametrize("named", ["100.hea", "100", "100.dat"])
def test_a_record_comes_with_the_files_that_its_header_names(
    served: tuple[Path, str], scratch: Path, named: str
) -> None:
    folder, address = served
    (folder / "db").mkdir()
    expected = write(folder / "db", "100")
    (folder / "db/100.dat").rename(folder / "db/signals of 100.bin")
    header = (folder / "db/100.hea").read_text()
    (folder / "db/100.hea").write_text(header.replace("100.dat", "sig.bin"))
    (folder / "db/signals of 100.bin").rename(folder / "db/sig.bin")
    found = read_anywhere(f"{address}/db/{named}", annotator="atr")
    np.testing.assert_allclose(found.signals, expected)
    assert (found.name, found.samples.tolist(), found.symbols) == ("100", [50, 300], ["N", "V"])
    assert not list(scratch.iterdir())


def refuse(place: object) -> ScoredRecording:
    raise EcganError("no")


def test_a_signature_in_an_address_is_used_and_not_told(served: tuple[Path, str], tmp_path: Path) -> None:
    folder, address = served
    (folder / "h.ecg").write_bytes(ishne(wave()))
    url = f"{address}/h.ecg?signature=secret"
    np.testing.assert_allclose(read_anywhere(url).signals, wave() * (2.5e-3, 5e-3))
    outcomes = score_all(find_recordings([url]), tmp_path / "out", refuse)
    assert "secret" not in summary_frame(outcomes).to_csv()
    with pytest.raises(EcganError) as caught:
        read_anywhere(url.replace("h.ecg", "gone.ecg"))
    assert "secret" not in str(caught.value)


def test_records_of_several_segments_come_whole(scratch: Path, tmp_path: Path) -> None:
    parts = [write(tmp_path, name) for name in ("seg_1", "seg_2")]
    (tmp_path / "all.hea").write_text("all/3 2 250 8100\nseg_1 4000\n~ 100\nseg_2 4000\n")
    store = fsspec.filesystem("memory")
    for file in tmp_path.glob("*.*"):
        store.pipe(f"/bucket/all/{file.name}", file.read_bytes())
    found = ecgan.read("memory://bucket/all/all.hea")
    np.testing.assert_allclose(found.signals, np.vstack([parts[0], np.full((100, 2), np.nan), parts[1]]))
    assert not list(scratch.iterdir())


def test_files_and_annotations_from_a_store(scratch: Path, tmp_path: Path) -> None:
    store = fsspec.filesystem("memory")
    store.pipe("/holter/a.ecg", ishne(wave()))
    write(tmp_path, "a")
    store.pipe("/holter/a.atr", (tmp_path / "a.atr").read_bytes())
    np.testing.assert_allclose(ecgan.read("memory://holter/a.ecg").signals, wave() * (2.5e-3, 5e-3))
    with pytest.raises(EcganError, match="40 samples") as caught:
        ecgan.read("memory://holter/a.ecg", annotator="atr")
    assert "memory://holter/a.ecg" in caught.value.message
    assert str(scratch) not in str(caught.value)
    assert not list(scratch.iterdir())


def test_a_run_scores_what_lies_elsewhere(scratch: Path, tmp_path: Path) -> None:
    store = fsspec.filesystem("memory")
    record = simulate(3, 1, 0.5, 1.0, 1.0)
    write_record(tmp_path, record)
    for file in tmp_path.glob("*.*"):
        store.pipe(f"/b/{file.name}", file.read_bytes())
    here = score_recording(ecgan.read(tmp_path / f"{record.name}.hea"), toy_scorer())

    class Borrowed(Run):
        _threads = 1

    there = Borrowed(toy_scorer()).score(f"memory://b/{record.name}.hea")
    assert there.beats.equals(here.beats)
    wanted = find_recordings([f"memory://b/{record.name}.hea", f"memory://c/{record.name}.hea"])
    assert [one.name for one in wanted] == [f"b/{record.name}", f"c/{record.name}"]
    outcomes = score_all(wanted, tmp_path / "out", lambda place: score_recording(read_anywhere(place), toy_scorer()))
    frame = summary_frame(outcomes)
    assert frame["file"].tolist() == [f"memory://b/{record.name}.hea", f"memory://c/{record.name}.hea"]
    assert frame["scored"].notna().tolist() == [True, False]
    assert f"c/{record.name}.hea" in frame["status"][1]
    assert (tmp_path / f"out/b/{record.name}.html").is_file()
    assert omissions(["memory://b"]) == []
    assert not list(scratch.iterdir())


class Store(MemoryFileSystem):
    """Files in memory under the addresses of a store elsewhere."""

    protocol, store, pseudo_dirs = ("gs", "hf"), {}, [""]

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + path.split("://", 1)[-1].strip("/")


@pytest.mark.parametrize("folder", ["gs://bucket/ward", "hf://datasets/lab/ward"])
def test_records_come_from_stores_of_any_protocol(
    scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setitem(importlib.import_module("fsspec.registry")._registry, folder[:2], Store)
    expected = write(tmp_path, "7")
    for file in (*tmp_path.glob("7.*"),):
        Store().pipe(f"{folder}/{file.name}", file.read_bytes())
    Store().pipe(f"{folder}/h.ecg", ishne(wave()))
    found = ecgan.read(f"{folder}/7.hea", annotator="atr")
    np.testing.assert_allclose(found.signals, expected)
    assert (found.name, found.symbols) == ("7", ["N", "V"])
    np.testing.assert_allclose(ecgan.read(f"{folder}/h.ecg").signals, wave() * (2.5e-3, 5e-3))
    with pytest.raises(EcganError, match=f"{folder}/8.hea"):
        ecgan.read(f"{folder}/8.hea")
    assert not list(scratch.iterdir())


@pytest.mark.parametrize(
    ("url", "module", "command"),
    [
        ("s3://bucket/7.hea", "s3fs", "pip install 'ecgan[s3]'"),
        ("hf://datasets/lab/ward/7.hea", "huggingface_hub", "pip install 'ecgan[hub]'"),
        ("gs://bucket/7.hea", "gcsfs", "pip install gcsfs"),
        ("az://bucket/7.hea", "adlfs", "pip install adlfs"),
    ],
)
def test_a_store_whose_package_is_missing_names_the_command(
    monkeypatch: pytest.MonkeyPatch, url: str, module: str, command: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(importlib.import_module("fsspec.registry")._registry, url.split(":")[0], raising=False)
    with pytest.raises(EcganError, match="not installed") as caught:
        ecgan.read(url)
    assert command in caught.value.hint


@pytest.mark.parametrize("name", ["../secret.dat", "/etc/passwd", "a/../../b.dat", "x\\y.dat"])
def test_a_header_does_not_lead_out_of_its_folder(scratch: Path, name: str) -> None:
    store = fsspec.filesystem("memory")
    store.pipe("/evil/e.hea", f"e 1 250 10\n{name} 16 200 16 0 0 0 0 II\n".encode())
    store.pipe("/secret.dat", bytes(20))
    with pytest.raises(EcganError, match="not fetched"):
        read_anywhere("memory://evil/e.hea")
    assert not list(scratch.iterdir())


def test_what_is_too_large_or_without_end_stops(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = fsspec.filesystem("memory")
    store.pipe("/big/s.scp", scp(wave(2, 4000)))
    monkeypatch.setattr(recordings, "MOST_BYTES", 10_000)
    with pytest.raises(EcganError, match="has more than"):
        read_anywhere("memory://big/s.scp")

    monkeypatch.setattr(recordings, "MOST_SECONDS", 0.3)
    with answering(lambda sent: trickle(sent, b"HTTP/1.0 200 OK\r\n\r\n", b"x" * 100)) as (address, _):
        begin = time.monotonic()
        with pytest.raises(EcganError, match="does not come within"):
            read_anywhere(f"{address}/x.edf")
        assert time.monotonic() - begin < 5
    assert not list(scratch.iterdir())


Send = Callable[[bytes], None]


@contextmanager
def answering(answer: Callable[[Send], None]) -> Iterator[tuple[str, list[int]]]:
    """A server that sends what it likes as an answer to anything; its address, and how many bytes were taken."""
    sent: list[int] = []

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            def send(content: bytes) -> None:
                self.request.sendall(content)
                sent.append(len(content))

            self.request.recv(65_536)
            with suppress(OSError):
                answer(send)

    class Server(ThreadingTCPServer):
        daemon_threads, block_on_close = True, False

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", sent
        server.shutdown()


def trickle(send: Send, head: bytes, part: bytes, pause: float = 0.02) -> None:
    send(head)
    end = time.monotonic() + 12
    while time.monotonic() < end:
        send(part)
        time.sleep(pause)


def flood(send: Send, head: bytes, part: bytes) -> None:
    send(head)
    for _ in range(400):
        send(part * (100_000 // len(part)))


OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    ("name", "part", "most_mb"),
    [
        ("x.csv", b"z", 3),  # garbage: as soon as that can be seen
        ("x.edf", b"z", 3),
        ("x.npz", b"z", 3),
        ("x.dcm", b"z", 3),
        ("x.xyz", b"z", 3),
        ("x.csv", b"0.25\n", 8),  # numbers without end, of a length that nobody says
    ],
)
def test_an_answer_without_end_is_not_waited_for(
    scratch: Path, monkeypatch: pytest.MonkeyPatch, name: str, part: bytes, most_mb: int
) -> None:
    monkeypatch.setattr(recordings, "MOST_UNKNOWN", (4 if part == b"0.25\n" else 64) << 20)
    refuse_header = OK.replace(b"200 OK", b"404 Gone") + b"Content-Length: 0\r\n\r\n"
    asked: list[int] = []

    def answer(send: Send) -> None:
        asked.append(1)
        flood(send, OK + b"\r\n", part) if name != "x.xyz" or len(asked) > 1 else send(refuse_header)

    with answering(answer) as (address, sent):
        with pytest.raises(EcganError) as caught:
            read_anywhere(f"{address}/{name}")
        assert f"{address}/{name}" in caught.value.message
        assert sum(sent) < (most_mb << 20) + 20_000_000  # of 40 MB; what systems keep for each other on the way
    assert not list(scratch.iterdir())


def test_a_length_that_is_too_much_is_believed_at_once(scratch: Path) -> None:
    huge = OK + b"Content-Length: 9000000000\r\n\r\n"
    with (
        answering(lambda send: flood(send, huge, b"1\n")) as (address, _),
        pytest.raises(EcganError, match="has more than"),
    ):
        read_anywhere(f"{address}/x.csv")
    assert not list(scratch.iterdir())


@pytest.mark.parametrize("length", [b"-5", b"9" * 5000, b"12 apples", b"1, 2"])
def test_a_length_that_is_none_is_named(scratch: Path, length: bytes) -> None:
    for name in ("x.csv", "x.hea", "x"):
        with (
            answering(lambda send: send(OK + b"Content-Length: " + length + b"\r\n\r\nabc")) as (address, _),
            pytest.raises(EcganError, match="Content-Length") as caught,
        ):
            read_anywhere(f"{address}/{name}")
        assert "\n" not in caught.value.message
        assert address in caught.value.message
    assert not list(scratch.iterdir())


@pytest.mark.parametrize(
    ("head", "part"),
    [
        (b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),  # a header without end, byte by byte
        (OK + b"\r\n", b"1"),
        (OK + b"Content-Length: 100000\r\n\r\n", b"1\n"),
        (b"", b""),
    ],
)
def test_a_server_is_waited_for_only_so_long(
    scratch: Path, monkeypatch: pytest.MonkeyPatch, head: bytes, part: bytes
) -> None:
    monkeypatch.setattr(streams, "PATIENCE_S", 1.0)
    begin = time.monotonic()
    for name in ("x.csv", "x.hea") if part == b"a" else ("x.csv",):
        with (
            answering(lambda send: trickle(send, head, part)) as (address, _),
            pytest.raises(EcganError, match="too slowly"),
        ):
            read_anywhere(f"{address}/{name}")
    assert time.monotonic() - begin < 8
    assert not list(scratch.iterdir())


def test_words_of_what_is_no_header_are_not_asked_for(scratch: Path) -> None:
    text = OK + b"\r\nII (mV)\n" + b"".join(b"%.3f\n" % (number / 1000) for number in range(500))
    with answering(lambda send: send(text)) as (address, sent), pytest.raises(EcganError, match="header"):
        read_anywhere(f"{address}/x.hea")
    assert len(sent) == 1
    assert not list(scratch.iterdir())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n", "no address of the web"),
        (b"\x16\x03\x01 nothing that is HTTP\r\n\r\n", "no web server"),
        (OK.replace(b"200 OK", b"503 Busy") + b"Content-Length: 0\r\n\r\n", "503"),
        (OK + b"Content-Length: 100\r\n\r\n1\n2\n", "broke"),
    ],
)
def test_answers_that_are_none_are_one_sentence(scratch: Path, answer: bytes, words: str) -> None:
    with answering(lambda send: send(answer)) as (address, _), pytest.raises(EcganError, match=words) as caught:
        read_anywhere(f"{address}/x.csv?key=secret")
    assert "secret" not in str(caught.value)
    assert "\n" not in caught.value.message
    assert not list(scratch.iterdir())


def test_numbers_of_a_length_that_nobody_says_are_read(scratch: Path) -> None:
    rows = np.round(np.sin(np.arange(150_000) / 40), 4)
    text = "II (mV)\n" + "".join(f"{value}\n" for value in rows)

    def answer(send: Send) -> None:
        send(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        for start in range(0, len(text), 50_000):
            part = text[start : start + 50_000].encode()
            send(b"%x\r\n%s\r\n" % (len(part), part))
        send(b"0\r\n\r\n")

    with answering(answer) as (address, _):
        found = read_anywhere(f"{address}/long.csv", sampling_rate=250)
    np.testing.assert_array_equal(found.signals[:, 0], rows)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://user:word@host/x.edf", "password"),
        ("memory://bucket/folder/", "names no file"),
        ("gopher://host/x.edf", "gopher"),
        ("memory://nowhere/x.edf", "memory://nowhere/x.edf"),
        ("memory://nowhere/x.hea", "memory://nowhere/x.hea"),
    ],
)
def test_places_that_cannot_be_read(scratch: Path, url: str, words: str) -> None:
    assert is_url(url)
    with pytest.raises(EcganError) as caught:
        read_anywhere(url)
    assert words in caught.value.message
    assert "word@" not in str(caught.value)
    assert not list(scratch.iterdir())
