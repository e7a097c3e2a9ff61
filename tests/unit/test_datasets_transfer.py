"""Transfers that stop half way: what is there already is used, but never mixed with another version."""

import contextlib
import gzip
import hashlib
import io
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import requests
import urllib3

from ecgan.datasets import transfer as module
from ecgan.datasets.transfer import Remote, Stopped, transfer
from ecgan.errors import EcganError

CONTENT = bytes(range(256)) * 4096  # 1 MiB
OTHER = CONTENT[::-1]
HALF = len(CONTENT) // 2
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    """A web server whose manners a test decides.

    Attributes:
        content: What it sends.
        etag: Mark of the version; empty for none.
        ranges: Whether it sends parts.
        careless: Whether it sends parts of another version than was asked for (no If-Range).
        shift: How far from the wanted place its parts begin.
        stop_after: Bytes after which it breaks each of the first connections off, one number a connection.
        status: Status of the first answers.
        asked: The header Range of each request.
    """

    content: bytes = CONTENT
    etag: str = '"v1"'
    ranges: bool = True
    careless: bool = False
    shift: int = 0
    stop_after: list[int] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(module, "_WAIT", 0.0)
    monkeypatch.delenv("ECGAN_MIRROR", raising=False)
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            state.asked.append(wanted)
            if state.status:
                self.send_response(state.status.pop(0))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = int(wanted[6:-1]) if wanted else 0
            fresh = state.careless or self.headers.get("If-Range", state.etag) == state.etag
            part = bool(wanted) and state.ranges and fresh
            if part and start >= len(state.content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(state.content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = start + state.shift if part else 0
            body = state.content[start:]
            self.send_response(206 if part else 200)
            if part:
                self.send_header("Content-Range", f"bytes {start}-{len(state.content) - 1}/{len(state.content)}")
            if state.etag:
                self.send_header("ETag", state.etag)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state.stop_after.pop(0)] if state.stop_after else body)

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{web.server_address[1]}/set/a.dat"
    threading.Thread(target=web.serve_forever, daemon=True).start()
    yield state
    web.shutdown()
    web.server_close()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "raw/a.dat"


def half(server: Server, target: Path, digest: str | None = SHA256) -> None:
    """Fetch the first half and be interrupted."""
    stop = threading.Event()

    def report(have: int, total: int | None) -> None:
        if have >= HALF:
            stop.set()

    with pytest.raises(Stopped):
        transfer(Remote(server.url, digest), target, report, stop)
    assert not target.exists()
    assert HALF <= (target.parent / "a.dat.part").stat().st_size < len(CONTENT)
    server.asked.clear()


def whole(target: Path, content: bytes = CONTENT) -> bool:
    return target.read_bytes() == content and [file.name for file in target.parent.iterdir()] == ["a.dat"]


def starts(server: Server) -> list[bool]:
    """Of each request, whether it asked for the rest only."""
    return [bool(asked) and int(asked[6:-1]) >= HALF for asked in server.asked]


@pytest.mark.parametrize("etag", ['"v1"', ""])
def test_an_interrupted_transfer_goes_on_where_it_stopped(server: Server, target: Path, etag: str) -> None:
    server.etag = etag
    half(server, target)
    transfer(Remote(server.url, SHA256), target)
    assert starts(server) == [True]
    assert whole(target)


def test_a_connection_that_breaks_is_taken_up_again_in_the_same_transfer(server: Server, target: Path) -> None:
    step = module._CHUNK
    server.stop_after = [HALF, *[step] * 6]
    transfer(Remote(server.url, SHA256), target)
    assert whole(target)
    assert [int(asked[6:-1]) for asked in server.asked[1:]] == [HALF + step * index for index in range(7)]


def test_a_body_that_ends_early_is_no_file(tmp_path: Path) -> None:
    """Whatever version of the library beneath: older ones do not compare the length."""

    class Response:
        headers: ClassVar[dict[str, str]] = {"Content-Length": "10"}
        raw: ClassVar[urllib3.HTTPResponse] = urllib3.HTTPResponse(io.BytesIO(b"12345"), preload_content=False)

    with pytest.raises(requests.exceptions.ConnectionError, match="ended after 5 of 10 bytes"):
        module._write(Response(), tmp_path / "a.part", 0, None, threading.Event(), 99)  # type: ignore[arg-type]


def test_a_server_that_brings_nothing_is_not_asked_for_ever(server: Server, target: Path) -> None:
    server.stop_after = [0] * 99
    with pytest.raises(EcganError, match="cannot fetch"):
        transfer(Remote(server.url, SHA256), target)
    assert len(server.asked) == 1 + module._RETRIES


def test_a_server_without_ranges_that_always_breaks_off_is_not_asked_for_ever(server: Server, target: Path) -> None:
    server.ranges, server.stop_after = False, [HALF] * 99
    with pytest.raises(EcganError, match="cannot fetch"):
        transfer(Remote(server.url, SHA256), target)
    assert len(server.asked) <= 2 + module._RETRIES


@pytest.mark.parametrize("digest", [SHA256, None])
def test_a_file_that_changed_meanwhile_is_fetched_from_its_start(
    server: Server, target: Path, digest: str | None
) -> None:
    half(server, target)
    server.content, server.etag = OTHER, '"v2"'
    other = None if digest is None else hashlib.sha256(OTHER).hexdigest()
    transfer(Remote(server.url, other), target)
    assert whole(target, OTHER)


def test_a_server_without_ranges_sends_all_of_it(server: Server, target: Path) -> None:
    half(server, target)
    server.ranges = False
    transfer(Remote(server.url, SHA256), target)
    assert whole(target)
    assert len(server.asked) == 1


def test_parts_of_two_versions_are_found_out_by_the_hash(server: Server, target: Path) -> None:
    half(server, target)
    server.content, server.careless = OTHER, True
    transfer(Remote(server.url, hashlib.sha256(OTHER).hexdigest()), target)
    assert starts(server) == [True, False]
    assert whole(target, OTHER)


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_hash_nothing_is_continued_that_the_server_does_not_vouch_for(
    server: Server, target: Path, etag: str
) -> None:
    server.etag = etag
    half(server, target, None)
    transfer(Remote(server.url), target)
    assert server.asked == [""]
    assert whole(target)


@pytest.mark.parametrize("digest", [SHA256, None])
def test_a_part_that_begins_elsewhere_is_not_used(server: Server, target: Path, digest: str | None) -> None:
    half(server, target, digest)
    server.shift = 1
    transfer(Remote(server.url, digest), target)
    assert server.asked[-1] == ""
    assert whole(target)


@pytest.mark.parametrize("size", [len(CONTENT), len(CONTENT) + 5])
def test_a_part_that_is_as_long_as_the_file_or_longer(server: Server, target: Path, size: int) -> None:
    half(server, target)
    (target.parent / "a.dat.part").write_bytes((CONTENT + bytes(5))[:size])
    transfer(Remote(server.url, SHA256), target)
    assert whole(target)
    assert len(server.asked) == (1 if size == len(CONTENT) else 2)


def test_a_busy_server_is_asked_again_and_a_refusal_is_not(server: Server, target: Path) -> None:
    server.status = [503, 429, 202]
    transfer(Remote(server.url, SHA256), target)
    assert len(server.asked) == 4
    server.status = [403]
    with pytest.raises(EcganError, match="403"):
        transfer(Remote(server.url, SHA256), target.with_name("b.dat"))
    assert len(server.asked) == 5


def test_the_wrong_file_is_fetched_twice_and_refused_with_both_hashes(server: Server, target: Path) -> None:
    with pytest.raises(EcganError) as caught:
        transfer(Remote(server.url, "0" * 64), target)
    assert SHA256 in caught.value.message
    assert "0" * 64 in caught.value.message
    assert len(server.asked) == 2
    assert not list(target.parent.iterdir())


@pytest.mark.parametrize("digits", [32, 8])
def test_an_md5_or_its_beginning_is_checked(server: Server, target: Path, digits: int) -> None:
    md5 = hashlib.md5(CONTENT).hexdigest()[:digits]
    transfer(Remote(server.url, f"md5:{md5}"), target)
    assert whole(target)
    target.unlink()
    with pytest.raises(EcganError, match="has the MD5"):
        transfer(Remote(server.url, f"md5:{'0' * digits}"), target)


def test_a_file_that_never_ends_does_not_fill_the_disk(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LARGEST", {"": 1 << 19})
    with pytest.raises(EcganError, match="more than 524,288 bytes"):
        transfer(Remote(server.url, SHA256), target)
    assert list(target.parent.iterdir()) == []


def test_an_encrypted_address_may_not_lead_to_one_that_is_not() -> None:
    module._check_encrypted("https://a.example/x", "https://b.example/x")
    with pytest.raises(EcganError, match="not encrypted"):
        module._check_encrypted("https://a.example/x", "http://b.example/x")


def answering(monkeypatch: pytest.MonkeyPatch, head: bytes, body: bytes = b"", again: bool = False) -> str:
    """Serve raw bytes, whatever is asked, the body for ever if it is sent `again`; return the address."""
    monkeypatch.setattr(module, "_WAIT", 0.0)
    monkeypatch.delenv("ECGAN_MIRROR", raising=False)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + body)
                while again:
                    connection.sendall(body)

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}/b/101.hea"


@pytest.mark.parametrize(
    "length", ["7" * 6000, "-1", "12, 13", "0x10", "1e3", "", "\xb2", "99999999999999999999", "5" + " " * 3000]
)
def test_any_length_that_a_server_names_ends_in_one_sentence(
    length: str, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = answering(monkeypatch, b"Content-Length: " + length.encode("latin-1"), b"twelve bytes")
    with pytest.raises(EcganError, match=r"cannot fetch|was refused|more than"):
        transfer(Remote(url, SHA256), target)
    assert not target.exists()


def test_a_length_beyond_the_limit_is_refused_before_anything_is_written(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = answering(monkeypatch, b"Content-Length: 5000000", b"x" * 100)
    hea = target.with_name("101.hea")
    with pytest.raises(EcganError, match="more than 1,048,576 bytes"):
        transfer(Remote(url, SHA256), hea)
    with pytest.raises(EcganError, match="more than 300 bytes"):
        transfer(Remote(url, SHA256, most=300), target)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("head", [b"Connection: close", b"Transfer-Encoding: chunked", b"Content-Encoding: gzip"])
def test_a_body_without_end_is_left_at_the_limit(head: bytes, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = gzip.compress(bytes(20_000_000)) if b"gzip" in head else b"z" * 65536
    body = b"10000\r\n" + zeros + b"\r\n" if b"chunked" in head else zeros
    url = answering(monkeypatch, head, body, again=True)
    began = time.monotonic()
    with pytest.raises(EcganError, match="more than 3,000,000 bytes"):
        transfer(Remote(url, SHA256, most=3_000_000), target)
    assert time.monotonic() - began < 5
    assert list(target.parent.iterdir()) == []


def test_headers_without_end_are_left(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = answering(monkeypatch, b"X-A: b", b"X-B: " + b"c" * 1000 + b"\r\n", again=True)
    url2 = answering(monkeypatch, b"X-A: b\r\n" * 500, b"whole")
    for address in (url2, url):
        with pytest.raises(EcganError):
            transfer(Remote(address, SHA256, most=10_000), target)


@pytest.mark.parametrize("place", ["file:///etc/hostname", "ftp://127.0.0.1/x", "gopher://x", "//[", "/b/101.hea"])
def test_a_redirection_to_no_web_server_is_refused(place: str, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = f"X: y\r\nLocation: {place}\r\nContent-Length: 0".encode()
    url = answering(monkeypatch, head)
    real = socket.socket.sendall
    monkeypatch.setattr(socket.socket, "sendall", lambda it, data: real(it, data.replace(b"200 OK", b"302 Found")))
    with pytest.raises(EcganError, match="cannot fetch"):
        transfer(Remote(url, SHA256), target)
    assert not target.exists()


def test_a_server_that_sends_a_byte_now_and_then_is_left(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ECGAN_MIRROR", raising=False)
    monkeypatch.setattr(module, "_MINUTE", 0.2)
    monkeypatch.setattr(module, "_WAIT", 0.0)
    monkeypatch.setattr(module, "_SLOWEST", 1000)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while True:
                    connection.sendall(b"y")
                    time.sleep(0.02)

    threading.Thread(target=serve, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(EcganError, match="in time"):
        transfer(Remote(f"http://127.0.0.1:{listener.getsockname()[1]}/x", SHA256), target)
    assert time.monotonic() - began < 10


def test_a_mirror_of_pipes_devices_and_huge_files_is_not_copied(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECGAN_MIRROR", str(tmp_path))
    place = tmp_path / "a.example"
    place.mkdir()
    os.mkfifo(place / "pipe.dat")
    (place / "zero.dat").symlink_to("/dev/zero")
    (place / "huge.dat").touch()
    os.truncate(place / "huge.dat", 1 << 40)
    for name in ("pipe.dat", "zero.dat", "huge.dat"):
        with pytest.raises(EcganError, match=name):
            transfer(Remote(f"https://a.example/{name}", SHA256), target)
