"""What reaches a terminal: nothing that acts on it, nothing that its encoding cannot say, commands safe to copy."""

import contextlib
import json
import os
import re
import shlex
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from ecgan.errors import EcganError, Interrupted

ACTING = "\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff"
"""Characters of a regular expression's set that are not shown but act: control characters, line ends, bidirectional
overrides and other marks without a width, and bytes of file names that are no UTF-8."""

_NO_TEXT = re.compile("[\ud800-\udfff]")
_ACTING = re.compile(f"[{ACTING}]")
_INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM)
_AGAIN = 1.0  # seconds after an interruption; a signal that comes later ends the process at once


def printable(text: object) -> str:
    r"""Return a text on one line, with an escape such as `\x1b` for each character that would act on a terminal."""
    return _ACTING.sub(_escaped, str(text))


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # how Python reads a byte of a file name that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return found[0].encode("unicode_escape", "surrogatepass").decode()


def encodable(text: str) -> str:
    """Return a text that UTF-8 can say, with an escape for each byte of a file name that is none."""
    return _NO_TEXT.sub(_escaped, text)


def quoted(word: object) -> str:
    """Return a word as a shell takes it, of printable characters: what is copied means that word and nothing else."""
    text = str(word)
    if not _ACTING.search(text):
        return shlex.quote(text)
    plain = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{_ACTING.sub(_bytes, plain)}'"


def _bytes(found: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in found[0].encode("utf-8", "surrogateescape"))


def say(message: str, colour: int | None = None) -> None:
    """Tell the user something in a line among the errors; results alone go to standard output.

    Args:
        message: What; it is made printable.
        colour: Of a terminal, such as 31 for red.
    """
    text = printable(message)
    if colour is not None and _coloured():
        text = f"\x1b[{colour}m{text}\x1b[0m"
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def _coloured() -> bool:
    """Whether standard error takes colours: https://no-color.org, https://force-color.org."""
    return not os.environ.get("NO_COLOR") and (sys.stderr.isatty() or bool(os.environ.get("FORCE_COLOR")))


def write_line(text: str) -> None:
    """Write a line of a result to standard output."""
    sys.stdout.write(f"{printable(text)}\n")


def write_json(value: Any, *, line: bool = False) -> None:
    """Write JSON to standard output, in characters that its encoding has; on one line, at once, if `line`."""
    unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    text = json.dumps(value, indent=None if line else 2, ensure_ascii=not unicode)
    sys.stdout.write(_NO_TEXT.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")
    if line:
        sys.stdout.flush()


def prepare_streams() -> None:
    """Make the standard streams take any text, in whatever encoding, and be there even where they were closed."""
    for number in range(3):  # else the next file that is opened takes the place
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout, sys.stderr = _stream(sys.stdout), _stream(sys.stderr)


def _stream(stream: TextIO | None) -> TextIO:
    if stream is None:
        return Path(os.devnull).open("w", encoding="utf-8")
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")
    return stream


def flush_results() -> None:
    """Write out what waits for standard output.

    Raises:
        EcganError: It takes no more, as on a full disk.
        BrokenPipeError: Nobody reads it.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_results()
        raise EcganError(
            f"cannot write to standard output: {error.strerror or error}.", "Write into another file or pipe."
        ) from error


def discard_results() -> None:
    """Let what still waits for standard output go nowhere, so that nothing fails when Python ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the block is over; a process that is started in it never gets them."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTIONS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raise `Interrupted` at Ctrl-C and at SIGTERM while the block lasts; whoever sends another one ends it at once.

    A signal that is ignored, as in a job that a shell put into the background, stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    first: list[float] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if first and time.monotonic() - first[0] > _AGAIN:
            os._exit(128 + number)
        if not first:  # of a group of processes one may be told twice
            first.append(time.monotonic())
            raise Interrupted(number)

    signals = [one for one in _INTERRUPTIONS if signal.getsignal(one) is not signal.SIG_IGN]
    before = {one: signal.signal(one, stop) for one in signals}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
