"""The exceptions that a user sees: what happened, what was found, what to run next."""

import contextlib
import importlib
import re
from collections.abc import Iterator, Sequence
from typing import Any


class EcganError(Exception):
    """A mistake that the user can mend.

    The command line prints `message` and, below it, `hint`, and exits with status 1; no traceback.

    Args:
        message: What happened and what was found, one or two sentences.
        hint: The next command to run or the value to change.
        items: Lines between the two, where there are several mistakes.
    """

    def __init__(self, message: str, hint: str = "", items: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.items = tuple(items)

    def __str__(self) -> str:
        lines = [self.message, *(f"  {item}" for item in self.items), self.hint]
        return "\n".join(line for line in lines if line)


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM. Whoever knows what has been kept, and where it goes on, says so with `add_note`.

    Args:
        number: The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def outside(what: str, hint: str = "") -> Iterator[None]:
    """Say in one sentence what a package or a service refuses within the block.

    Raises:
        EcganError: It failed: `what`, a colon, and the first line of what it says.
    """
    try:
        yield
    except EcganError:
        raise
    except Exception as error:
        raise EcganError(f"{what}: {first_line(error)}", hint) from error


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, as a sentence, without passwords."""
    lines = str(error).strip().splitlines()
    return redacted(f"{lines[0].rstrip('.') if lines else type(error).__name__}.")


def redacted(address: str) -> str:
    """Return an address without the user name and password that it may hold, for messages."""
    return re.sub(r"(://)[^/@]*@", r"\1…@", address)


def needed(module: str, extra: str, purpose: str) -> Any:
    """Import a module of an optional package, which one of our extras brings; `purpose` is what needs it.

    Raises:
        EcganError: It is not installed, or does not load; the hint is the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == module.split(".")[0]
        trouble = "which is not installed" if missing else f"which does not load: {error}"
        raise EcganError(f"{purpose} needs the package {module}, {trouble}.", install(extra)) from error


def install(extra: str) -> str:
    """Return the sentence that names the command to install an extra."""
    return f"Install it: pip install 'ecgan[{extra}]'"


def ended(text: str) -> str:
    """Return a sentence with a mark at its end."""
    text = text.rstrip()
    return text if text.endswith((".", "?", "!")) else f"{text}."


def nearest(word: str, known: list[str]) -> str:
    """Return `", did you mean 'x'?"` for the closest of `known`, or an empty string."""
    from difflib import get_close_matches

    close = get_close_matches(word, known, n=1, cutoff=0.5)
    return f", did you mean {close[0]!r}?" if close else ""
