"""What a case is, and how cases are written down."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ecgan.seals import seal

Spoil = Callable[[Path], None]

PARAMS, RAW, PROCESSED, FOLDS, TRAINED, DETECTED = "params", "raw", "processed", "folds", "trained", "detected"

RAW_DIR = "data/ecgsyn/raw"
PROCESSED_DIR = "data/ecgsyn/processed"
FOLDS_DIR = "data/ecgsyn/folds"
RUN = "models/lab/tiny/aegan"
TRAIN_DIR = f"{RUN}/train/fold_0"
INVERSE_DIR = f"{RUN}/inverse/fold_0"


@dataclass(frozen=True)
class Case:
    """One bad input.

    Attributes:
        name: What is wrong.
        stage: How far the project has come before it is spoiled.
        command: What the user runs.
        words: What the message must hold: the file or key, and what was found.
        spoil: Makes the bad input in the project's folder.
        status: Exit code; 2 is Typer's for a command line that cannot be read.
        lines: Most lines below the sentence: one for the hint, more where a file has several mistakes.
        mirror: ECGAN_MIRROR, set if it is an address or the project has such a folder.
        python: Whether the message may name a kind of error: who writes Python needs it.
        before: Whether earlier steps of the same command may have said something.
        damaged: Whether what is spoiled keeps the seal of what it was; else it is sealed again, as by its writer.
    """

    name: str
    stage: str
    command: tuple[str, ...]
    words: tuple[str, ...]
    spoil: Spoil
    status: int = 1
    lines: int = 1
    before: bool = False
    damaged: bool = False
    python: bool = False
    mirror: str = "mirror"


CASES: list[Case] = []


def spoil(case: Case, project: Path) -> None:
    """Make the bad input; what was sealed is sealed anew, but for damage."""
    case.spoil(project)
    if not case.damaged:
        for folder in {*project.glob("data/*/raw"), *(file.parent for file in project.rglob("seal.json"))}:
            seal(folder)


def add(name: str, stage: str, command: str, *words: str, spoil: Spoil | None = None, **more: object) -> None:
    """Write a case down."""
    if any(known.name == name for known in CASES):
        raise ValueError(f"two cases {name!r}")
    CASES.append(Case(name, stage, tuple(command.split()), words, spoil or (lambda project: None), **more))  # type: ignore[arg-type]


def case(stage: str, command: str, *words: str, **more: object) -> Callable[[Spoil], Spoil]:
    """Write the case down that the decorated function makes."""

    def decorate(spoil: Spoil) -> Spoil:
        add(spoil.__name__, stage, command, *words, spoil=spoil, **more)
        return spoil

    return decorate


def replaced(path: str, old: str, new: str) -> Spoil:
    """A text replaced once in a file; it must be there."""

    def spoil(project: Path) -> None:
        text = (project / path).read_text()
        assert old in text, f"{old!r} is not in {path}"
        (project / path).write_text(text.replace(old, new, 1))

    return spoil


def written(path: str, content: str | bytes) -> Spoil:
    """A file with this content."""

    def spoil(project: Path) -> None:
        file = project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    return spoil


def removed(path: str) -> Spoil:
    """A file that is not there."""
    return lambda project: (project / path).unlink()


def cut_off(path: str, size: int) -> Spoil:
    """A file of which only the first bytes are there, or with a negative size all but the last."""
    return lambda project: (project / path).write_bytes((project / path).read_bytes()[:size])


def both(*spoils: Spoil) -> Spoil:
    """Several things, one after the other."""

    def spoil(project: Path) -> None:
        for each in spoils:
            each(project)

    return spoil
