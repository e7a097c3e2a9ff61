"""One file behind a URL, from its begin to its end: a server is waited for, and believed, only so far."""

import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ecgan.errors import EcganError, first_line

PATIENCE_S = 10.0
"""A server answers within that time, and in any stretch of that length sends `SLOWEST` bytes at least."""
SLOWEST = 10_000
_CHUNK = 1 << 20
_SMALLER = "Copy it here first."


@dataclass(frozen=True)
class Stream:
    """A file that is being read.

    Attributes:
        size: Its bytes as the server counts them; None where it does not, or may count wrongly.
        chunks: Its content.
    """

    size: int | None
    chunks: Iterator[bytes]


@contextlib.contextmanager
def stream(filesystem: Any, path: str, url: str) -> Iterator[Stream]:
    """Read a file of an fsspec file system; `url` is what it is called in messages.

    Raises:
        EcganError: It is not there, cannot be read, or comes too slowly.
    """
    with _reading(url):
        if "http" in filesystem.protocol:
            answer = _asked(filesystem, path, url)
            try:
                yield Stream(_length(answer), _steady(url, _read(filesystem, answer)))
            finally:
                filesystem.loop.call_soon_threadsafe(answer.close)
            return
        with filesystem.open(path, "rb") as file:
            size = getattr(file, "size", None)
            yield Stream(size if isinstance(size, int) else None, _steady(url, iter(lambda: file.read(_CHUNK), b"")))


def is_there(filesystem: Any, path: str, url: str) -> bool:
    """Whether there is a file; a server that refuses to say has none."""
    with _reading(url):
        if "http" not in filesystem.protocol:
            return bool(filesystem.exists(path))
        answer = _answer(filesystem, path)
        filesystem.loop.call_soon_threadsafe(answer.close)
        return int(answer.status) < 400


def _asked(filesystem: Any, path: str, url: str) -> Any:
    """Return the answer of a web server, whose content comes later."""
    answer = _answer(filesystem, path)
    if answer.status >= 400:
        filesystem.loop.call_soon_threadsafe(answer.close)
        if answer.status in (404, 410):
            raise FileNotFoundError(url)
        raise EcganError(
            f"{url} cannot be read: the server answers {answer.status} {answer.reason or ''}".rstrip(),
            "Check the address, and whether it asks for a password.",
        )
    return answer


def _answer(filesystem: Any, path: str) -> Any:
    from aiohttp import ClientTimeout
    from fsspec.asyn import sync

    async def ask() -> Any:
        session = await filesystem.set_session()
        patience = ClientTimeout(total=None, sock_connect=PATIENCE_S, sock_read=PATIENCE_S)
        plain = {"Accept-Encoding": "identity"}  # else a length is that of what is packed
        return await session.get(filesystem.encode_url(path), timeout=patience, headers=plain)

    return sync(filesystem.loop, ask, timeout=PATIENCE_S)


def _length(answer: Any) -> int | None:
    return None if answer.headers.get("Content-Encoding") else answer.content_length


def _read(filesystem: Any, answer: Any) -> Iterator[bytes]:
    from fsspec.asyn import sync

    while chunk := sync(filesystem.loop, answer.content.read, _CHUNK, timeout=PATIENCE_S):
        yield chunk


def _steady(url: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield chunks as long as they come fast enough."""
    came, began = 0, time.monotonic()
    for chunk in chunks:
        yield chunk
        came += len(chunk)
        if time.monotonic() - began > PATIENCE_S:
            if came < SLOWEST:
                raise _slow(url, f"{came:,} bytes came in {PATIENCE_S:g} s")
            came, began = 0, time.monotonic()


def _slow(url: str, what: str) -> EcganError:
    return EcganError(f"{url} comes too slowly: {what}.", f"Try again later. {_SMALLER}")


@contextlib.contextmanager
def _reading(url: str) -> Iterator[None]:
    """Say in one sentence what a server or a store refuses, without what signs an address."""
    try:
        yield
    except EcganError:
        raise
    except FileNotFoundError as error:
        raise EcganError(f"there is no {url}.", "Check the address.") from error
    except Exception as error:  # stores raise what they like
        if isinstance(error, TimeoutError):
            raise _slow(url, f"nothing came in {PATIENCE_S:g} s") from error
        raise EcganError(f"{url} cannot be read: {_said(error)}.", _SMALLER) from error


_MEANT = {
    "TooManyRedirects": "the server sends us round in a circle",
    "ClientPayloadError": "the connection broke before all of it came",
    "NonHttpUrlRedirectClientError": "the server sends us to what is no address of the web",
}
"""What errors of a web server mean, by their names."""


def _said(error: Exception) -> str:
    """What a server or a store says, or what is wrong with its answer."""
    text = str(getattr(error, "message", "") or error)
    if "Content-Length" in text:
        return "the server gives a length (Content-Length) that is none"
    if "status line" in text:
        return "what answers there is no web server"
    if (name := type(error).__name__) in _MEANT:
        return _MEANT[name]
    return re.sub(r"[?#][^ ]*", "", first_line(Exception(text))).rstrip(".: ")
