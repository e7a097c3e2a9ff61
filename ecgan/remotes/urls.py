"""Runs behind a URL that fsspec reads: S3 and other object stores, web servers that list their folders, SSH."""

import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin

from ecgan.errors import EcganError, first_line, install, outside
from ecgan.remotes.files import CHUNK, PARTS, Remote, RemoteFile, copy_stream

_LINK = re.compile(r"""a\s[^>]*?href\s*=\s*["'](?P<to>[^"']{1,500})["']""", re.IGNORECASE)
_LONGEST_PAGE = 4 << 20
_LONGEST_WAIT = 60.0  # seconds
_MOST_FOLDS = 1000
_MOST_VERSIONS = 100
_PACKAGES = {"gs": "gcsfs", "abfs": "adlfs", "az": "adlfs", "sftp": "paramiko", "ssh": "paramiko"}
"""Packages that read an address and that none of our extras brings."""
PROTOCOLS = ("s3", "http", "https", "gs", "abfs", "az", "sftp", "ssh", "file", "hf", "memory")


def find(url: str, fold: int | None) -> Remote:
    """List a run behind a URL; nothing is fetched yet.

    Only folders of a run are listed (`train/fold_<k>` and so on), never what else lies there.
    """
    hint = "Check the bucket and the AWS_* variables of the environment (AWS_ENDPOINT_URL for a server of your own)."
    with outside(f"{url} cannot be read", hint if url.startswith("s3://") else ""):
        filesystem, root = open_url(url)
        remote = Remote(root.rsplit("/", 1)[-1])
        for path, entry in _walk(filesystem, root):
            remote.add(path, partial(_describe, filesystem, f"{root}/{path}", entry), fold)
    return remote


def open_url(url: str) -> tuple[Any, str]:
    """Return file system and path of a URL."""
    protocol = url.split("://", 1)[0]
    if protocol not in PROTOCOLS or "::" in url:
        known = ", ".join(f"{name}://" for name in PROTOCOLS if name != "memory")
        raise EcganError(f"{url!r} cannot be read: there is no way to {protocol}:// here.", f"Known: {known}.")
    import fsspec

    try:
        filesystem, root = fsspec.core.url_to_fs(url, skip_instance_cache=True, **_options(protocol))
    except ImportError as error:
        extra, package = {"s3": "s3", "hf": "hub"}.get(protocol), _PACKAGES.get(protocol)
        hint = f"Install it: pip install {package}" if package else f"Install what reads it: {first_line(error)}"
        hint = install(extra) if extra else hint
        raise EcganError(f"{protocol}:// needs a package that is not installed.", hint) from error
    return filesystem, str(root).rstrip("/")


def _options(protocol: str) -> dict[str, Any]:
    """Return options that let a server that does not answer be told after seconds, and a long download go on."""
    if protocol == "s3":
        return {"config_kwargs": {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 3}}}
    if protocol in ("http", "https"):
        import aiohttp

        return {"client_kwargs": {"timeout": aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)}}
    return {}


def _walk(filesystem: Any, root: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every file of a run with its path below the root: three levels, known folders only."""
    for part in PARTS:
        folds = {name for name, _ in _list(filesystem, f"{root}/{part}") if re.fullmatch(r"fold_\d+", name)}
        _check_count(len(folds), _MOST_FOLDS, f"{root}/{part}")
        for fold in sorted(folds):
            entries = _list(filesystem, f"{root}/{part}/{fold}")
            versions = [name for name, _ in entries if re.fullmatch(r"v\d+", name)]
            _check_count(len(versions), _MOST_VERSIONS, f"{root}/{part}/{fold}")
            for name, entry in entries:
                if name in versions:
                    for inner, inner_entry in _list(filesystem, f"{root}/{part}/{fold}/{name}"):
                        yield f"{part}/{fold}/{name}/{inner}", inner_entry
                elif entry.get("type") not in ("directory", "other"):
                    yield f"{part}/{fold}/{name}", entry


def _check_count(found: int, most: int, where: str) -> None:
    if found > most:
        raise EcganError(
            f"{where} holds {found:,} folders, more than the {most:,} of any trained run.", "Check the address."
        )


def _list(filesystem: Any, folder: str) -> list[tuple[str, dict[str, Any]]]:
    """List a folder by name; one that is not there is empty."""
    try:
        if "http" in filesystem.protocol:
            return _links(filesystem, f"{folder}/")
        entries = filesystem.ls(folder, detail=True)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [(str(entry["name"]).rstrip("/").rsplit("/", 1)[-1], entry) for entry in entries]


def _links(filesystem: Any, folder: str) -> list[tuple[str, dict[str, Any]]]:
    """List a folder of a web server by the links of its page, which is read up to a length."""
    content = bytearray()
    began = time.monotonic()
    with filesystem.open(folder, "rb", block_size=0, size=1) as page:  # one request, no ranges
        while chunk := page.read(CHUNK):
            content += chunk
            if len(content) > _LONGEST_PAGE or time.monotonic() - began > _LONGEST_WAIT:
                raise EcganError(
                    f"{folder} is no list of a run's files: it is too long, or comes too slowly.", "Check the address."
                )
    found = {}
    for tag in content.decode("utf-8", "replace").split("<"):
        if match := _LINK.match(tag):
            address = urljoin(folder, match["to"]).split("?", 1)[0].split("#", 1)[0]
            name = address.removeprefix(folder).rstrip("/")
            if address.startswith(folder) and name and "/" not in name:
                kind = "directory" if address.endswith("/") else "file"
                found[unquote(name)] = {"name": address.rstrip("/"), "type": kind}
    return list(found.items())


def _describe(filesystem: Any, path: str, entry: dict[str, Any]) -> RemoteFile:
    """Return size and mark of a file; a web server is asked, since its pages tell neither."""
    facts = filesystem.info(path) if "http" in filesystem.protocol else entry
    keys = ("ETag", "etag", "md5", "content_md5", "generation", "mtime", "LastModified", "Last-Modified", "created")
    mark = [str(facts[key]) for key in keys if facts.get(key) is not None]
    size = facts.get("size")
    known = int(size) if size is not None and int(size) >= 0 else None
    return RemoteFile(known, " ".join(mark), partial(_fetch, filesystem, path))


def _fetch(filesystem: Any, path: str, target: Path, limit: int) -> None:
    whole = {"block_size": 0} if "http" in filesystem.protocol else {}  # one request, no ranges
    with outside(f"{path} cannot be read", "Check the address."), filesystem.open(path, "rb", **whole) as source:
        copy_stream(source, target, limit)
