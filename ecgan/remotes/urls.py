"""Runs behind a URL that fsspec reads: S3 and other object stores, web servers that list their folders, SSH."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ecgan.errors import EcganError
from ecgan.remotes.files import Remote, RemoteFile, copy_stream
from ecgan.tracking.base import install

PROTOCOLS = ("s3", "http", "https", "gs", "abfs", "az", "sftp", "ssh", "file", "memory")
PARTS = ("train", "inverse", "detect")


def find(url: str, fold: int | None) -> Remote:
    """List a run behind a URL; nothing is fetched yet.

    Only folders of a run are listed (`train/fold_<k>` and so on), never what else lies there.
    """
    filesystem, root = _open(url)
    remote = Remote(root.rstrip("/").rsplit("/", 1)[-1])
    try:
        for path, entry in _walk(filesystem, root.rstrip("/")):
            place = f"{root.rstrip('/')}/{path}"
            remote.add(path, partial(_describe, filesystem, place, entry), fold)
    except EcganError:
        raise
    except Exception as error:
        raise EcganError(f"{url} cannot be read: {_say(error)}", _hint(url)) from error
    return remote


def _open(url: str) -> tuple[Any, str]:
    """Return file system and path of a URL."""
    protocol = url.split("://", 1)[0]
    if protocol not in PROTOCOLS or "::" in url:
        known = ", ".join(f"{name}://" for name in PROTOCOLS if name != "memory")
        raise EcganError(f"{url!r} cannot be read: there is no way to {protocol}:// here.", f"Known: {known}.")
    import fsspec

    try:
        filesystem, root = fsspec.core.url_to_fs(url, skip_instance_cache=True, **_options(protocol))
    except ImportError as error:
        hint = install("s3") if protocol == "s3" else f"Install what reads it: {_say(error)}"
        raise EcganError(f"{protocol}:// needs a package that is not installed.", hint) from error
    except Exception as error:
        raise EcganError(f"{url} cannot be read: {_say(error)}", _hint(url)) from error
    return filesystem, str(root)


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
        for fold in _names(filesystem, f"{root}/{part}", r"fold_\d+"):
            for name, entry in _list(filesystem, f"{root}/{part}/{fold}"):
                if re.fullmatch(r"v\d+", name):
                    for inner, inner_entry in _list(filesystem, f"{root}/{part}/{fold}/{name}"):
                        yield f"{part}/{fold}/{name}/{inner}", inner_entry
                elif entry.get("type") != "directory":
                    yield f"{part}/{fold}/{name}", entry


def _names(filesystem: Any, folder: str, pattern: str) -> list[str]:
    return sorted({name for name, _ in _list(filesystem, folder) if re.fullmatch(pattern, name)})


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
    return RemoteFile(None if size is None else int(size), " ".join(mark), _fetcher(filesystem, path))


def _fetcher(filesystem: Any, path: str) -> Any:
    def fetch(target: Path, limit: int) -> None:
        whole = {"block_size": 0} if "http" in filesystem.protocol else {}  # one request, no ranges
        try:
            with filesystem.open(path, "rb", **whole) as source:
                copy_stream(source, target, limit)
        except EcganError:
            raise
        except Exception as error:
            raise EcganError(f"{path} cannot be read: {_say(error)}") from error

    return fetch


def _hint(url: str) -> str:
    if url.startswith("s3://"):
        return (
            "Check the bucket and the AWS_* variables of the environment (AWS_ENDPOINT_URL for a server of your own)."
        )
    return ""


def _say(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{lines[0].rstrip('.') if lines else type(error).__name__}."
