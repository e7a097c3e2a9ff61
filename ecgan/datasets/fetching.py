"""Downloads: every file is checked against a SHA-256 list that the package carries.

`ECGAN_MIRROR` names another place to take the files from: a folder, or an http(s) address, in which every file lies
under its host and path (`<mirror>/physionet.org/files/mitdb/1.0.0/100.dat`). The list of hashes is the same.
"""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ecgan.datasets.progress import track
from ecgan.errors import EcganError
from ecgan.files import sha256

MIRROR = "ECGAN_MIRROR"

_CONNECTIONS = 8
_RETRIES = 2


class _WrongHashError(ValueError):
    """A file that is not the one it should be; pooch tries again after a ValueError."""


def load_registry(name: str) -> dict[str, str]:
    """Read a list of files and their SHA-256 that the package carries.

    Args:
        name: Of the list: `ecgan/datasets/registries/<name>.txt`, one file and its hash a line.

    Returns:
        Hash by file name.
    """
    text = resources.files("ecgan.datasets").joinpath(f"registries/{name}.txt").read_text(encoding="utf-8")
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


def download(raw: Path, url: str, registry: dict[str, str]) -> None:
    """Put the files of a registry into `raw`, several at a time; afterwards nothing else is there.

    A file that is there with the right hash is kept. A file appears under its name only when it is whole and its
    hash is right, so that an interrupted download can be started again.

    Args:
        raw: The folder.
        url: Where the files are, ending in "/".
        registry: SHA-256 by file name.

    Raises:
        EcganError: A file cannot be had, or is not the one that the registry names.
    """
    raw.mkdir(parents=True, exist_ok=True)
    _remove_others(raw, registry)
    missing = [name for name, known in registry.items() if not _is_there(raw / name, known)]
    if not missing:
        return
    source, downloader, retries = _source(url)
    fetch = _fetcher(raw, source, registry, downloader, retries)
    pool = ThreadPoolExecutor(_CONNECTIONS)
    try:
        jobs = [pool.submit(fetch, name) for name in missing]
        for job in track(as_completed(jobs), len(jobs), "fetching"):
            job.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _is_there(file: Path, known: str) -> bool:
    return file.is_file() and sha256(file) == known


def _remove_others(raw: Path, registry: dict[str, str]) -> None:
    """Remove what does not belong, such as the unfinished files of a download that was killed."""
    for entry in raw.iterdir():
        if entry.name in registry and entry.is_file():
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _source(url: str) -> tuple[str, Callable[..., None], int]:
    """Return where files come from, how one is fetched, and how often a failure is tried again."""
    import pooch

    mirror = os.environ.get(MIRROR, "").rstrip("/")
    if not mirror:
        return url, pooch.HTTPDownloader(), _RETRIES
    place = urlsplit(url)
    base = f"{mirror}/{place.netloc}{place.path}"
    if urlsplit(mirror).scheme in ("http", "https"):
        return base, pooch.HTTPDownloader(), _RETRIES
    if not Path(mirror).is_dir():
        raise EcganError(
            f"{MIRROR} is {mirror!r}, which is neither a folder nor an http(s) address.",
            f"Set it to the folder that holds {place.netloc}{place.path}, or unset it to download from {url}.",
        )
    return base, _copy, 0


def _copy(source: str, output: str, _: Any) -> None:
    shutil.copyfile(source, output)


def _fetcher(
    raw: Path, base: str, registry: dict[str, str], downloader: Callable[..., None], retries: int
) -> Callable[[str], None]:
    """Return the function that fetches one file by name, checked and renamed into place by pooch."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    store = pooch.create(path=raw, base_url=base, registry=registry, retry_if_failed=retries)

    def checked(address: str, output: str, owner: Any) -> None:
        downloader(address, output, owner)
        name, found = address.removeprefix(base), sha256(Path(output))
        if found != registry[name]:
            raise _WrongHashError(f"{address} has the SHA-256 {found}, expected {registry[name]}")
        Path(output).chmod(0o644)

    def fetch(name: str) -> None:
        try:
            store.fetch(name, downloader=checked)
        except _WrongHashError as error:
            raise EcganError(
                f"the file {name} was refused: {error}.",
                "It was damaged on the way, or is another file. Try again, or mend the mirror.",
            ) from None
        except (requests.exceptions.RequestException, OSError) as error:
            raise _unreachable(base + name, error) from error

    return fetch


def _unreachable(address: str, error: Exception) -> EcganError:
    if isinstance(error, FileNotFoundError):
        return EcganError(
            f"the mirror has no file {address}.", f"Complete the mirror that {MIRROR} names, or unset it."
        )
    return EcganError(
        f"cannot fetch {address}: {error}",
        f"Without a network, set {MIRROR} to a folder or an http(s) address that holds the files under their host and"
        " path; files that are finished are kept, so the same command goes on where it stopped.",
    )
