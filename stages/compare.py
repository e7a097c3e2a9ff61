"""Command `compare`: two runs, locks, folders of reports or projects → what differs. No stage of the pipeline."""

from pathlib import Path

from ecgan.comparing.locks import compare_locks, read_lock
from ecgan.comparing.reports import compare_reports, report_files
from ecgan.comparing.runs import compare_runs, run_files
from ecgan.comparing.showing import LOCK, REPORT, RUN, Section
from ecgan.comparing.sources import HINT, opened
from ecgan.errors import EcganError
from stages import paths

LOCK_FILE = "dvc.lock"
PROJECT = "project"
PIPELINE = ("detect/", "train/")
_WORDS = {LOCK: "a dvc.lock", RUN: "a trained run", REPORT: "a folder of reports", PROJECT: "a project"}


def run(old: str, new: str) -> list[Section]:
    """Compare two things of one kind.

    Args:
        old: The reference: a path, `REVISION:PATH` in Git, or a revision alone.
        new: The other.

    Raises:
        EcganError: One is not there or is broken, holds nothing that can be compared, or is of another kind.
    """
    with opened(old, new) as (first, second):
        kinds = _kind(old, first), _kind(new, second)
        if kinds[0] != kinds[1]:
            words = [_WORDS[kind] for kind in kinds]
            raise EcganError(f"{words[0]} ({old}) cannot be compared with {words[1]} ({new}).", HINT)
        return _sections(kinds[0], first, second)


def _sections(kind: str, old: Path, new: Path) -> list[Section]:
    if kind == PROJECT:
        reports = [folder / paths.REPORTS for folder in (old, new)]
        found = _sections(LOCK, old / LOCK_FILE, new / LOCK_FILE)
        if not any(map(report_files, reports)):
            return found
        compared = compare_reports(*reports)  # other results lie there too, of runs outside of the pipeline
        return [*found, Section(REPORT, [item for item in compared if item.where.startswith(PIPELINE)])]
    if kind == LOCK:
        return [Section(LOCK, compare_locks(read_lock(old), read_lock(new)))]
    return [Section(kind, compare_reports(old, new) if kind == REPORT else compare_runs(old, new))]


def _kind(name: str, path: Path) -> str:
    """Say what a path is, by what it holds."""
    if path.is_file():
        return LOCK
    if (path / LOCK_FILE).is_file():
        return PROJECT
    if report_files(path):
        return REPORT
    if run_files(path):
        return RUN
    raise EcganError(f"{name} holds nothing that can be compared: no dvc.lock, no results, no trained run.", HINT)
