"""Downloads of datasets: every file is checked against a published hash.

Lists of hashes come with the package (`registries/`), or from PhysioNet, which puts a file SHA256SUMS.txt beside the
files of every project.

`ECGAN_MIRROR` names another place to take all files from: a folder, or an http(s) address, in which every file lies
under its host and path (`<mirror>/physionet.org/files/mitdb/1.0.0/100.dat`). The hashes are the same.
"""

import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib import resources
from pathlib import Path
from urllib.parse import quote

from ecgan.datasets.handing_out import fetch_by_workers
from ecgan.datasets.names import check_names
from ecgan.datasets.transfer import Remote, leftovers, transfer
from ecgan.engines.choosing import asks_for_cluster
from ecgan.engines.threads import in_threads
from ecgan.errors import EcganError
from ecgan.files import sha256, write_text
from ecgan.progress import track

SUMS = "SHA256SUMS.txt"

_CONNECTIONS = 8
_LONGEST_LIST = 64 << 20


def load_registry(name: str) -> dict[str, str]:
    """Read `registries/<name>.txt` of the package, one file and its hash a line; return the SHA-256 by file name."""
    text = resources.files("ecgan.datasets").joinpath(f"registries/{name}.txt").read_text(encoding="utf-8")
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


def download(raw: Path, url: str, registry: Mapping[str, str | None], keep: tuple[str, ...] = ()) -> None:
    """Put the files of a registry into `raw`, several at a time; afterwards nothing else is there but `keep`.

    A file that is there with the right hash is kept. A file appears under its name only when it is whole and its hash
    is right; what has come of it before an interruption is used when the download is started again. `registry` has the
    SHA-256 of each file by its path below `url`, which ends in "/"; None where it is not known yet.

    Where a cluster is asked for, its workers fetch them, and what has come of a file is not kept.

    Raises:
        EcganError: A file cannot be had, or is not the one that the registry names.
    """
    files = {name: Remote(url + quote(name), digest) for name, digest in registry.items()}
    remove_others(raw, {*files, *keep})
    come = fetch_by_workers(raw, files) if asks_for_cluster() else _in_threads(raw, files)
    for _ in track(come, len(files), "fetching"):
        pass


def _in_threads(raw: Path, files: Mapping[str, Remote]) -> Iterator[None]:
    stop = threading.Event()

    def job(name: str) -> None:
        if not files[name].fits(raw / name):
            transfer(files[name], raw / name, stop=stop)

    return in_threads([partial(job, name) for name in files], _CONNECTIONS, stop)


def download_published(
    raw: Path, url: str, wanted: Callable[[str], bool], *, pin: str | None = None, keep: tuple[str, ...] = ()
) -> list[str]:
    """Put files of a PhysioNet project into `raw`, each checked against the list that the project publishes.

    The list is kept in `raw` as SHA256SUMS.txt: a later call goes by the same list, and needs no network where all
    files are there. `url` ends in "/"; `pin` is the SHA-256 of the list, where it is known; files to `keep` stay.

    Returns:
        The names of the files, in the list's order.

    Raises:
        EcganError: The list or a file cannot be had or is refused, or the list has no wanted file.
    """
    raw.mkdir(parents=True, exist_ok=True)
    source = Remote(url + SUMS, pin)
    if not source.fits(raw / SUMS):
        transfer(source, raw / SUMS)
    registry = {name: digest for name, digest in read_sums(raw / SUMS).items() if wanted(name)}
    if not registry:
        raise EcganError(f"the list {url}{SUMS} has none of the files that are needed.", _ANEW.format(raw / SUMS))
    download(raw, url, registry, keep=(SUMS, *keep))
    return list(registry)


def download_pinned(raw: Path, url: str, names: Sequence[str], check: Callable[[], None]) -> None:
    """Put files for which nobody publishes hashes into `raw`; their hashes of the first time are the ones that count.

    They are written to SHA256SUMS.txt in `raw`. `check` raises an error if what came the first time is something else:
    it is then not pinned, and not kept.

    Raises:
        EcganError: A file cannot be had, or is not that of the first time.
    """
    pins = read_sums(raw / SUMS) if (raw / SUMS).is_file() else {}
    if pins.keys() >= set(names):
        download(raw, url, {name: pins[name] for name in names}, keep=(SUMS,))
        return
    download(raw, url, dict.fromkeys(names))
    try:
        check()
    except EcganError:
        remove_others(raw, set())
        raise
    write_text(raw / SUMS, "".join(f"{sha256(raw / name)}  {name}\n" for name in names))


_ANEW = "If the list itself is damaged or out of date, remove {} and fetch again."


def read_sums(file: Path) -> dict[str, str]:
    """Read a list as `sha256sum` writes it: a SHA-256, a space or two, a file name.

    Returns:
        SHA-256 by file name, in the list's order.

    Raises:
        EcganError: It is no such list, or names a file that may not be written.
    """
    if file.stat().st_size > _LONGEST_LIST:
        raise EcganError(f"{file} is larger than {_LONGEST_LIST >> 20} MiB and no list of hashes.", _ANEW.format(file))
    names, sums = [], []
    for number, line in enumerate(file.read_bytes().decode("utf-8", "replace").splitlines(), 1):
        found = re.fullmatch(r"([0-9a-fA-F]{64}) [ *]?(\S.*)", line)
        if found is None:
            raise EcganError(f"{file}, line {number}, is no SHA-256 and a file name.", _ANEW.format(file))
        names.append(found[2])
        sums.append(found[1].lower())
    check_names(names, f"the list {file}")
    return dict(zip(names, sums, strict=True))


def remove_others(raw: Path, names: set[str]) -> None:
    """Make the folder `raw`, or remove from it all but the named files and what has come of them so far.

    Links are removed and never followed.
    """
    raw.mkdir(parents=True, exist_ok=True)
    kept = {raw / name for name in names}
    kept |= {part for file in kept for part in leftovers(file)}
    folders = {folder for file in kept for folder in file.parents}
    _remove(raw, kept, folders)


def _remove(folder: Path, kept: set[Path], folders: set[Path]) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            if entry in folders:
                _remove(entry, kept, folders)
            else:
                shutil.rmtree(entry)
        elif entry not in kept or not entry.is_file():
            entry.unlink()
