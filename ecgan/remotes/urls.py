"""Runs behind a URL that fsspec reads: S3 and other object stores, web servers that list their folders, SSH."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ecgan.errors import EcganError, first_line, install, outside
from ecgan.remotes.files import PARTS, Remote, RemoteFile, copy_stream

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
        extra = {"s3": "s3", "hf": "hub"}.get(protocol)
        hint = install(extra) if extra else f"Install what reads it: {first_line(error)}"
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
        for fold in sorted(folds):
            for name, entry in _list(filesystem, f"{root}/{part}/{fold}"):
                if re.fullmatch(r"v\d+", name):
                    for inner, inner_entry in _list(filesystem, f"{root}/{part}/{fold}/{name}"):
                        yield f"{part}/{fold}/{name}/{inner}", inner_entry
                elif entry.get("type") != "directory":
                    yield f"{part}/{fold}/{name}", entry


def _list(filesystem: Any, folder: str) -> list[tuple[str, dict[str, Any]]]:
    """List a folder by name; one that is not there is empty."""
    web = "http" in filesystem.protocol
    try:
        entries = filesystem.ls(f"{folder}/" if web else folder, detail=True)
    except (FileNotFoundError, NotADirectoryError):
        return []
    result = []
    for entry in entries:
        name = str(entry["name"]).split("?", 1)[0].rstrip("/").rsplit("/", 1)[-1]
        result.append((unquote(name) if web else name, entry))
    return result


def _describe(filesystem: Any, path: str, entry: dict[str, Any]) -> RemoteFile:
    """Return size and mark of a file; a web server is asked, since its pages tell neither."""
    facts = filesystem.info(path) if "http" in filesystem.protocol else entry
    keys = ("ETag", "etag", "md5", "content_md5", "generation", "mtime", "LastModified", "Last-Modified", "created")
    mark = [str(facts[key]) for key in keys if facts.get(key) is not None]
    size = facts.get("size")
    return RemoteFile(None if size is None else int(size), " ".join(mark), partial(_fetch, filesystem, path))


def _fetch(filesystem: Any, path: str, target: Path, limit: int) -> None:
    whole = {"block_size": 0} if "http" in filesystem.protocol else {}  # one request, no ranges
    with outside(f"{path} cannot be read"), filesystem.open(path, "rb", **whole) as source:
        copy_stream(source, target, limit)
