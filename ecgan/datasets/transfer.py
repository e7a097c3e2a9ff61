"""One file from the web or from a mirror: resumed where it was interrupted, checked, then renamed into place.

What has come so far lies beside the file as `<name>.part`, and in `<name>.part.tag` the server's mark of that version
(its ETag, or else the date). A later try asks for the rest of just that version; a server that has another one, or
that knows no ranges, sends all of it, and the part begins anew.
"""

import hashlib
import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ecgan.datasets.names import PART
from ecgan.engines.threads import in_threads
from ecgan.errors import EcganError
from ecgan.files import FULL, check_plain, unwritable

if TYPE_CHECKING:
    import requests

MIRROR = "ECGAN_MIRROR"

Report = Callable[[int, int | None], None]
"""Called with the bytes that are there and the bytes that there will be, where the server says so."""

_RETRIES = 3
_WAIT = 1.0  # seconds before the first retry; doubled for each further one
_TIMEOUT = (10.0, 60.0)
_CHUNK = 1 << 16  # what has come of a chunk is lost when the connection breaks
_SLOWEST = 100  # bytes a second, over a minute
_MINUTE = 60.0
_MB = 1 << 20
_LARGEST = {"": 64 * _MB, ".hea": _MB, ".dat": 256 * _MB, ".zip": 8192 * _MB, ".xlsx": 256 * _MB, ".csv": 1024 * _MB}
"""Bytes that a file of a kind has at most, by its suffix; "" is every other kind."""
_MOST_DIGITS = 15  # of a length: more is none
_BUSY = {202, 408, 429, 500, 502, 503, 504}
_local = threading.local()


class Stopped(Exception):  # noqa: N818
    """Another transfer failed, or the user has had enough."""


class _RangeError(ConnectionError):
    """The server answered with another part of the file than was asked for, or with none."""


@dataclass(frozen=True)
class Remote:
    """A file on the web.

    Attributes:
        url: Its address.
        digest: Its SHA-256, or "md5:" and its MD5 or the beginning of that, in hexadecimal digits; None where nobody
            publishes one.
        most: Bytes that it has at most; None: as many as a file of its kind has.
    """

    url: str
    digest: str | None = None
    most: int | None = None

    def fits(self, file: Path) -> bool:
        """Tell whether a file is this one; without a hash, whether there is a file."""
        return file.is_file() and (self.digest is None or _digest(file, self.digest).startswith(self.digest))


def transfer(remote: Remote, target: Path, report: Report | None = None, stop: threading.Event | None = None) -> None:
    """Fetch a file; it appears under its name only when it is whole and its hash is right.

    `report` is told how far the transfer is; `stop` ends it when set, and what has come so far stays.

    Raises:
        EcganError: The file cannot be had, or is not the one that it should be.
    """
    stop = stop or threading.Event()
    if threading.current_thread() is not threading.main_thread():
        _transfer(remote, target, report, stop)
        return
    for _ in in_threads([lambda: _transfer(remote, target, report, stop)], 1, stop):  # Ctrl-C need not wait for it
        pass


def _transfer(remote: Remote, target: Path, report: Report | None, stop: threading.Event) -> None:
    source = mirrored(remote.url)
    part, tag = leftovers(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(2):  # a file that was damaged on the way is fetched once more, from its start
        _receive(source, part, remote, report, stop, remote.most or largest(target.name))
        if remote.fits(part):
            part.replace(target)
            tag.unlink(missing_ok=True)
            return
        found = _digest(part, remote.digest or "")
        discard(target)
    kind = "MD5" if found.startswith("md5:") else "SHA-256"
    raise EcganError(
        f"the file {target.name} was refused: {source} has the {kind} {found}, expected {remote.digest}.",
        "It was damaged on the way, or is another file. Try again, or mend the mirror.",
    )


def largest(name: str) -> int:
    """Return how many bytes a file of this name has at most."""
    return _LARGEST.get(Path(name).suffix.lower(), _LARGEST[""])


def discard(target: Path) -> None:
    """Remove what an unfinished transfer left beside `target`."""
    for file in leftovers(target):
        file.unlink(missing_ok=True)


def leftovers(target: Path) -> tuple[Path, Path]:
    """Return the files beside `target` that let a transfer go on where it stopped."""
    return target.with_name(f"{target.name}{PART}"), target.with_name(f"{target.name}{PART}.tag")


def named_mirror() -> str:
    """Return what the mirror is, in a form that means the same in every folder; nothing where there is none."""
    named = os.environ.get(MIRROR, "")
    return named if is_address(named) or not named else str(Path(named).absolute())


def use_mirror(named: str) -> None:
    """Fetch from this mirror from here on; nothing: from none."""
    os.environ[MIRROR] = named


def mirrored(url: str) -> str:
    """Return where a file is fetched from: its own address, or its place in the mirror.

    Raises:
        EcganError: The mirror is neither a folder nor an http(s) address.
    """
    mirror = os.environ.get(MIRROR, "").rstrip("/")
    if not mirror:
        return url
    place = urlsplit(url)
    if is_address(mirror):
        return f"{mirror}/{place.netloc}{place.path}"
    if not Path(mirror).is_dir():
        raise EcganError(
            f"{MIRROR} is {mirror!r}, which is neither a folder nor an http(s) address.",
            f"Set it to the folder that holds {place.netloc}{place.path}, or unset it to download from {url}.",
        )
    return f"{mirror}/{place.netloc}{unquote(place.path)}"


def is_address(text: str) -> bool:
    """Tell whether a text is an http(s) address."""
    return urlsplit(text).scheme in ("http", "https")


def _digest(file: Path, like: str) -> str:
    """Hash a file as `like` was made, written as `like` is."""
    name, prefix = ("md5", "md5:") if like.startswith("md5:") else ("sha256", "")
    with file.open("rb") as handle:
        return prefix + hashlib.file_digest(handle, name).hexdigest()


def _receive(source: str, part: Path, remote: Remote, report: Report | None, stop: threading.Event, most: int) -> None:
    import requests
    import urllib3

    try:
        if is_address(source):
            _with_retries(source, part, remote, report, stop, most)
        else:
            check_plain(Path(source), most, _NOT_THIS)
            shutil.copyfile(source, part)
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        if isinstance(error, OSError) and (error.errno in FULL or error.filename == str(part)):
            raise unwritable(part, error) from error
        raise _unreachable(source, error) from error


def _with_retries(
    source: str, part: Path, remote: Remote, report: Report | None, stop: threading.Event, most: int
) -> None:
    """Request a file until it is whole; only tries that bring next to nothing new are counted."""
    import requests

    failures = 0
    while True:
        before = _size(part)
        try:
            return _request(source, part, remote, report, stop, most)
        except (requests.exceptions.RequestException, _RangeError) as error:
            failures = 0 if _size(part) >= before + _CHUNK else failures + 1
            if failures > _RETRIES or not _may_pass(error):
                raise
        if stop.wait(_WAIT * 2 ** max(failures - 1, 0)):
            raise Stopped


def _may_pass(error: Exception) -> bool:
    """Tell whether an error is one of the moment, such as a broken connection or a busy server."""
    import requests

    if isinstance(error, requests.exceptions.HTTPError):
        return error.response is not None and error.response.status_code in _BUSY
    passing = (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError, requests.Timeout)
    return isinstance(error, (*passing, _RangeError))


def _request(source: str, part: Path, remote: Remote, report: Report | None, stop: threading.Event, most: int) -> None:
    """Ask once for the file, or for what is missing of it, and write it as it comes."""
    import requests

    have, tag = _size(part), part.with_name(f"{part.name}.tag")
    version = tag.read_text(encoding="latin-1") if tag.is_file() else ""
    headers = {"Accept-Encoding": "identity"}  # ranges and lengths are then those of the file itself
    if have and (version or remote.digest):
        headers |= {"Range": f"bytes={have}-"} | ({"If-Range": version} if version else {})
    with _session().get(source, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        if stop.is_set():
            raise Stopped
        if response.status_code == 416 and _total(response) == have:
            return  # all of it had come
        if response.status_code == 416 or (response.status_code == 206 and not _continues(response, have)):
            part.unlink(missing_ok=True)
            raise _RangeError
        if response.status_code not in (200, 206):  # such as 202: come again, there is nothing yet
            raise requests.exceptions.HTTPError(f"{response.status_code} {response.reason}", response=response)
        _check_encrypted(source, response.url)
        if response.status_code != 206:
            have = 0
            part.unlink(missing_ok=True)
        _remember(tag, response)
        _write(response, part, have, report, stop, most)


_NOT_THIS = "It is not the file that is meant. Mend the mirror, or fetch from another place."


def _write(
    response: "requests.Response", part: Path, have: int, report: Report | None, stop: threading.Event, most: int
) -> None:
    import requests

    total = _length(response, have)
    if total is not None and total > most:
        raise _too_large(response, part, most)
    began, before = time.monotonic(), have
    with part.open("ab" if have else "wb") as file:
        while chunk := _some(response):
            if stop.is_set():
                raise Stopped
            if have + len(chunk) > most:
                file.close()
                raise _too_large(response, part, most)
            file.write(chunk)
            have += len(chunk)
            if report:
                report(have, total)
            if time.monotonic() - began > _MINUTE:
                if have - before < _SLOWEST * _MINUTE:
                    raise requests.exceptions.Timeout(f"{have - before} bytes in a minute")
                began, before = time.monotonic(), have
    if total is not None and have < total:
        raise requests.exceptions.ConnectionError(f"it ended after {have} of {total} bytes")


def _some(response: "requests.Response") -> bytes:
    """Return what has come, nothing at the end; a server that sends a byte now and then is seen to do so."""
    import requests
    import urllib3

    try:
        chunk: bytes = response.raw.read1(_CHUNK, decode_content=True)
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.exceptions.Timeout(error) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise requests.exceptions.ConnectionError(error) from error
    return chunk


def _length(response: "requests.Response", have: int) -> int | None:
    """Return how many bytes the file has, as far as the server says so."""
    length = response.headers.get("Content-Length", "")
    return have + int(length) if length.isdecimal() and len(length) <= _MOST_DIGITS else None


def _too_large(response: "requests.Response", part: Path, most: int) -> EcganError:
    """Return the error for a file beyond its limit; nothing of it is kept."""
    part.unlink(missing_ok=True)
    part.with_name(f"{part.name}.tag").unlink(missing_ok=True)
    return EcganError(f"{response.url} has more than {most:,} bytes, which such a file never has.", _NOT_THIS)


def _remember(tag: Path, response: "requests.Response") -> None:
    """Keep the mark of the version; a weak ETag ("W/…") does not promise equal bytes."""
    etag = response.headers.get("ETag", "")
    mark = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
    if mark:
        tag.write_text(mark, encoding="latin-1")
    else:
        tag.unlink(missing_ok=True)


def _continues(response: "requests.Response", have: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _total(response: "requests.Response") -> int | None:
    found = re.fullmatch(r"bytes \*/(\d+)", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _check_encrypted(asked: str, answered: str) -> None:
    if urlsplit(asked).scheme == "https" and urlsplit(answered).scheme != "https":
        raise EcganError(f"{asked} leads to {answered}, which is not encrypted.", "Try again, or set a mirror.")


def _session() -> "requests.Session":
    """The connections of this thread, which stay open from file to file."""
    import requests

    if not hasattr(_local, "session"):
        _local.session = requests.Session()
        _local.session.headers["User-Agent"] = "ecgan"  # some servers turn the libraries' own names away
    session: requests.Session = _local.session
    return session


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0


def _why(error: Exception) -> str:
    """Say in a few words why a server gave nothing."""
    import requests

    if isinstance(error, requests.exceptions.Timeout):
        return "the server does not answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate cannot be verified"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "the server cannot be reached, or the connection broke"
    return (getattr(error, "strerror", None) or str(error)).rstrip(".")


def _unreachable(address: str, error: Exception) -> EcganError:
    if isinstance(error, FileNotFoundError):
        return EcganError(
            f"the mirror has no file {address}.", f"Complete the mirror that {MIRROR} names, or unset it."
        )
    return EcganError(
        f"cannot fetch {address}: {_why(error)}.",
        f"Without a network, set {MIRROR} to a folder or an http(s) address that holds the files under their host and"
        " path; what is there already is kept, so the same command goes on where it stopped.",
    )
