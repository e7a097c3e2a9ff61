"""Files of a folder that are no recordings: how many of which endings, and what can be done about them."""

from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath

from ecgan.ecg.files.hospital import ENDINGS, EXTRA, KINDS, TITLES, is_installed, kind_of
from ecgan.ecg.files.recordings import files_of_recording
from ecgan.errors import install

_BESIDE = ("labels.csv", "patients.csv", "records", "annotators", "sha256sums.txt", "index.html")
"""Files that lie beside recordings, in lower case; so do read-me files and licences."""
_CONVERT = "an ECG format that is not read: BioSig converts it (save2gdf -f=EDF FILE FILE.edf)"
_WHY = {
    ".mat": "MATLAB files without a .hea beside them: fetch the headers, or save them as .npz",
    ".txt": "text has to be named to be read",
    ".rec": "not EDF by their content",
    ".acq": "BIOPAC: export them as text or EDF",
    ".adicht": "LabChart: export them as text",
    **dict.fromkeys((".mwf", ".mfer", ".gdf", ".hl7", ".vhdr", ".dic", ".a00", ".pcecg", ".zzz"), _CONVERT),
}


def left_out(root: Path, names: Iterable[str], recordings: Collection[str]) -> str:
    """Say which files of a folder are no recordings, in one sentence; empty where there are none.

    Files that belong to a recording do not count: its signals, segments and annotations, sheets and read-me files.

    Args:
        root: The folder.
        names: Its files, paths below it.
        recordings: Those of them that are recordings.
    """
    stems = {PurePosixPath(name).with_suffix("").as_posix() for name in recordings}
    named = {file for name in recordings if name.lower().endswith(".hea") for file in files_of_recording(root / name)}
    reasons: dict[str, Counter[str]] = {}
    for name in names:
        path = PurePosixPath(name)
        if name in recordings or root / name in named or is_hidden(name) or _is_beside(path) or _belongs(path, stems):
            continue
        ending = path.suffix.lower() or "without an ending"
        reasons.setdefault(_why(root / name, ending), Counter())[ending] += 1
    if not reasons:
        return ""
    count = sum(sum(endings.values()) for endings in reasons.values())
    told = [
        ", ".join(f"{number:,} {ending}" for ending, number in sorted(endings.items())) + f" ({why})"
        for why, endings in sorted(reasons.items(), key=lambda pair: min(pair[1]))
    ]
    return f"left out of {root}: {count:,} file{'s' * (count > 1)}: {'; '.join(told)}."


def is_hidden(name: str) -> bool:
    """Whether a file, or a folder that it lies in, is hidden, as the `._` files are that macOS leaves on disks."""
    return any(part.startswith(".") for part in PurePosixPath(name).parts)


def _why(file: Path, ending: str) -> str:
    if ending in _WHY:
        return _WHY[ending]
    if ending not in ENDINGS:
        return "no format of recordings"
    kind = kind_of(file)
    if kind is not None and not is_installed():
        return f"{KINDS[kind].title}, which needs a package. {install(EXTRA)}"
    return f"no {TITLES} by their content; other formats: BioSig converts them (save2gdf -f=EDF FILE FILE.edf)"


def _belongs(path: PurePosixPath, stems: Collection[str]) -> bool:
    """Whether the path without one or two of its endings is one of the stems: 100.dat, 100.csv.atr."""
    once = path.with_suffix("")
    return once.as_posix() in stems or once.with_suffix("").as_posix() in stems


def _is_beside(path: PurePosixPath) -> bool:
    name = path.name.lower()
    return name in _BESIDE or name.startswith(("readme", "license", "licence"))
