"""Recordings behind a URL: copied here while they are read, with the files that they consist of."""

import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from ecgan.ecg.files.hospital import ENDINGS
from ecgan.ecg.files.recordings import BEGIN, FORMATS, check_begin, read_recording
from ecgan.ecg.files.wfdb import COPY_AGAIN, read_header
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.files import is_portable
from ecgan.remotes import refuse_secrets
from ecgan.remotes.streams import is_there, stream
from ecgan.remotes.urls import open_url

MOST_BYTES = 2 << 30
"""Of all files of a recording together."""
MOST_UNKNOWN = 64 << 20
"""Of a file whose length a server does not say."""
MOST_SECONDS = 900.0
"""For all of them."""
_MOST_FILES = 10_000
_MOST_HEADER = 1 << 20
_ALONE = (set(FORMATS) | set(ENDINGS) | {".rec"}) - {".hea"}
"""Endings of recordings that are one file."""
_SMALLER = "Copy it here first, or cut it into parts."


def is_url(text: str) -> bool:
    """Whether a recording is named by a URL."""
    return bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text))


def plain(url: str) -> str:
    """The URL without what follows its path, which may hold a signature."""
    return url.split("?", 1)[0].split("#", 1)[0]


def told_place(place: str) -> str:
    """A place as others may read it: a path as it is, a URL without a query, which may hold a signature."""
    return plain(place) if is_url(place) else place


def path_in(url: str) -> PurePosixPath:
    """The last two parts of a URL's path, a folder and a name, as names that files may have here.

    Raises:
        EcganError: It names a folder, or nothing.
    """
    parts = urlsplit(plain(url))
    place = unquote(f"{parts.netloc}/{parts.path.lstrip('/')}" if parts.path.strip("/") else "")
    names = [re.sub(r"[^\w .+-]", "_", name).lstrip(".").rstrip(" .") for name in place.split("/") if name]
    names = [name if not name or is_portable(name) else f"_{name}" for name in names]
    if not names or place.endswith("/") or not names[-1]:
        raise EcganError(f"{plain(url)} names no file.", "Name each recording: https://HOST/FOLDER/RECORD.hea")
    return PurePosixPath(names[-2] if len(names) > 1 and names[-2] else "url", names[-1])


def read_anywhere(
    place: Path | str,
    *,
    sampling_rate: float | None = None,
    annotator: str | None = None,
    unit: str | None = None,
    gain: float | None = None,
    baseline: float | None = None,
    several: bool = False,
    leads: Sequence[str] = (),
) -> Record:
    """Read a recording as `read_recording` does, here or behind a URL.

    Raises:
        EcganError: It cannot be read, or is larger or slower to come than it may be.
    """
    options: dict[str, Any] = {"sampling_rate": sampling_rate, "annotator": annotator, "unit": unit, "leads": leads}
    options |= {"gain": gain, "baseline": baseline, "several": several}
    if isinstance(place, Path) or not is_url(place):
        return read_recording(Path(place), **options)
    with fetched(place, annotator) as path:
        return read_recording(path, **options)


@contextmanager
def fetched(url: str, annotator: str | None = None) -> Iterator[Path]:
    """Copy a recording here; its folder is removed behind the block, whose mistakes name the URL in place of it.

    A WFDB record comes with the files that its header names, and with those of the annotator.
    """
    refuse_secrets(url)
    name = path_in(url).name
    filesystem, root = open_url(url)
    with tempfile.TemporaryDirectory(prefix="ecgan-") as folder:
        try:
            source = _Source(filesystem, root, plain(url), Path(folder))
            suffix = PurePosixPath(name).suffix.lower()
            if suffix in _ALONE:
                source.copy(root, name, alone=True)
            else:
                name = source.record(name, suffix)
            if annotator is not None:
                source.annotations(name, annotator)
            yield Path(folder) / name
        except EcganError as error:
            there = plain(url).rsplit("/", 1)[0]
            raise EcganError(error.message.replace(folder, there), error.hint.replace(folder, there)) from error


class _Source:
    """Where the files of one recording come from, and how much may still come."""

    def __init__(self, filesystem: Any, root: str, url: str, folder: Path) -> None:
        self.filesystem, self.root, self.url, self.folder = filesystem, root, url, folder
        self.left, self.files = MOST_BYTES, 0
        self.until = time.monotonic() + MOST_SECONDS

    def record(self, name: str, suffix: str) -> str:
        """Copy a WFDB record; a file that has no header beside it comes alone. Return what is to be read."""
        stem = name[: -len(suffix)] if suffix in (".hea", ".dat", ".mat") else name
        header = f"{stem}.hea"
        if not self._header(header, must=suffix in (".hea", ".dat", "")):
            self.copy(self.root, name, alone=True)
            return name
        return header

    def annotations(self, name: str, annotator: str) -> None:
        """Copy the annotation file if there is one; reading tells what is missing."""
        stem = PurePosixPath(name).stem
        for known in (f"{stem}.{annotator}", f"{name}.{annotator}"):
            if self._is_there(self._beside(known)):
                self.copy(self._beside(known), known)

    def copy(self, path: str, name: str, *, most: int = MOST_BYTES, alone: bool = False) -> None:
        """Copy one file, as long as it is not too large, too slow, or one of too many.

        Of one that stands `alone` the format is looked at as soon as it has begun to come.
        """
        self.files += 1
        if self.files > _MOST_FILES:
            raise EcganError(f"{self.url} consists of more than {_MOST_FILES:,} files.", _SMALLER)
        url, target = f"{self.url.rsplit('/', 1)[0]}/{name}", self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with stream(self.filesystem, path, url) as source, target.open("wb") as file:
            left = min(most, self.left)
            if (source.size or 0) > left:
                raise _too_large(url, left)
            if source.size is None and left > MOST_UNKNOWN:
                left = MOST_UNKNOWN
            for chunk in source.chunks:
                if time.monotonic() > self.until:
                    raise EcganError(f"{self.url} does not come within {MOST_SECONDS / 60:.0f} minutes.", _SMALLER)
                left -= len(chunk)
                self.left -= len(chunk)
                if left < 0:
                    raise _too_large(url, file.tell() + len(chunk) + left, unknown=source.size is None)
                file.write(chunk)
                if alone and file.tell() >= BEGIN:
                    file.flush()
                    check_begin(target)
                    alone = False

    def _header(self, name: str, *, must: bool, inner: bool = False) -> bool:
        """Copy a header and what it names, of an inner segment its signals only; whether it is there."""
        if not must and not self._is_there(self._beside(name)):
            return False
        self.copy(self._beside(name), name, most=_MOST_HEADER)
        place = self.folder / name
        read_header(place.parent, place.name.removesuffix(".hea"), COPY_AGAIN)  # else all of its words were fetched
        with place.open(encoding="latin-1") as file:
            text = file.read(_MOST_HEADER)
        lines = [line.split() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        several = bool(lines) and "/" in lines[0][0]
        for part in dict.fromkeys(line[0] for line in lines[1:] if line[0] != "~"):
            inside = PurePosixPath(name).parent / _checked(part, self.url)
            if several and not inner:
                segment = f"{inside.as_posix()}.hea"
                if not (self.folder / segment).exists():
                    self._header(segment, must=True, inner=True)
            elif not several and not (self.folder / inside).exists():
                self.copy(self._beside(inside.as_posix()), inside.as_posix())
        return True

    def _beside(self, name: str) -> str:
        base = self.root.split("?", 1)[0] if "http" in self.filesystem.protocol else self.root
        return f"{base.rsplit('/', 1)[0]}/{name}"

    def _is_there(self, path: str) -> bool:
        return is_there(self.filesystem, path, self.url)


def _too_large(url: str, most: int, *, unknown: bool = False) -> EcganError:
    why = ", and the server does not say how much is still to come" if unknown else ""
    return EcganError(f"{url} has more than {most >> 20:,} MB{why}.", _SMALLER)


def _checked(name: str, url: str) -> str:
    """Return the name of a file that a header names, which must not lead out of the record's folder."""
    if not re.fullmatch(r"[^\x00-\x1f\\:?#%*]{1,255}", name) or name.startswith("/") or ".." in name.split("/"):
        raise EcganError(f"the header of {url} names the file {name[:60]!r}, which is not fetched.", _SMALLER)
    return name
