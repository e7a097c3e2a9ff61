"""What a terminal is told: nothing acts on it, its encoding does not matter, and interruptions are said once."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ecgan.commands import guarded
from ecgan.errors import EcganError, Interrupted
from ecgan.terminal import deferred, interruptible, printable, quoted, say, write_json

SHOWN = {
    "\x1b]0;title\x07": r"\x1b]0;title\x07",
    "a\nb\r\tc": r"a\nb\r\tc",
    "\x9b2J": r"\x9b2J",
    "\u202etxt.exe\u2069": r"\u202etxt.exe\u2069",
    "x\udcff.csv": r"x\xff.csv",
    "\ud800": r"\ud800",
    "one\u2028two\x85": r"one\u2028two\x85",
    "Müller – 心電図 👩‍⚕️": "Müller – 心電図 👩‍⚕️",
}


@pytest.mark.parametrize(("text", "shown"), SHOWN.items())
def test_what_would_act_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


WORDS = ["plain", "a b", "it's", "$(id)", "`id`", "a;b", "\x1b[31m'\\x", "new\nline", "x\udcff y", "ü\u202e!", "~", "*"]


@pytest.mark.parametrize("word", WORDS)
def test_a_word_that_is_copied_is_that_word_for_a_shell(word: str) -> None:
    text = quoted(word)
    assert text == printable(text)
    done = subprocess.run(["bash", "-c", f"printf %s {text}"], capture_output=True, check=True)
    assert done.stdout == os.fsencode(word)


def test_a_message_is_one_line_and_has_no_colour_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say("cannot read a\nerror: b", 31)
    assert capsys.readouterr().err == "cannot read a\\nerror: b\n"


def status(app: Any) -> int:
    with pytest.raises(SystemExit) as ended:
        guarded(app)
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": ""}, False),
    ],
)
def test_colours_are_for_those_who_want_them(
    variables: dict[str, str], coloured: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    say("stop", 31)
    assert ("\x1b[31m" in capsys.readouterr().err) == coloured


def test_each_mistake_of_several_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    def app(standalone_mode: bool) -> None:
        raise EcganError("a.yaml has 2 mistakes:", "Mend it.", ["line 1: x\ny", "line 2: \x1b"])

    assert status(app) == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: a.yaml has 2 mistakes:",
        r"  line 1: x\ny",
        r"  line 2: \x1b",
        "Mend it.",
    ]


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("note", ["", "3 of 9 epochs are kept."])
def test_a_signal_ends_a_command_with_a_word(
    number: signal.Signals, code: int, note: str, capsys: pytest.CaptureFixture[str]
) -> None:
    left = []

    def app(standalone_mode: bool) -> None:
        try:
            signal.raise_signal(number)
            time.sleep(30)
        except Interrupted as error:
            if note:
                error.add_note(note)
            raise
        finally:
            left.append("tidied up")

    before = signal.getsignal(number)
    assert status(app) == code
    told = capsys.readouterr().err
    assert told.count("interrupted") == 1
    assert told.splitlines()[1:] == [note or "The same command begins again."]
    assert left == ["tidied up"]
    assert signal.getsignal(number) is before


def test_of_processes_that_train_together_one_says_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANK", "1")

    def app(standalone_mode: bool) -> None:
        signal.raise_signal(signal.SIGTERM)
        time.sleep(30)

    assert status(app) == 143
    assert capsys.readouterr().err == ""


def test_a_signal_that_is_ignored_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_signal_waits_for_what_must_be_done_at_once() -> None:
    done = []

    def work() -> None:
        with interruptible():
            with deferred():
                signal.raise_signal(signal.SIGTERM)  # to this thread, at once
                done.append("all")
            done.append("more")

    with pytest.raises(Interrupted):
        work()
    assert done == ["all"]


def shell(command: str, root: Path, **extra: str) -> subprocess.CompletedProcess[bytes]:
    """What a shell does with `$ECGAN`, the command line, in a process of its own."""
    made = os.environ | {"ECGAN": f"{sys.executable} -m ecgan", "PYTHONPATH": str(root)} | extra
    return subprocess.run(["bash", "-c", command], capture_output=True, env=made, check=False)


C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ENCODINGS = [
    (C_LOCALE, "utf-8"),
    ({"PYTHONIOENCODING": "latin-1"}, "latin-1"),
    ({"PYTHONIOENCODING": "ascii"}, "ascii"),
]


@pytest.mark.parametrize(("variables", "encoding"), ENCODINGS)
def test_a_terminal_of_any_encoding_is_told_what_it_can_show(
    variables: dict[str, str], encoding: str, root: Path
) -> None:
    done = shell("$ECGAN inverse --help; $ECGAN inverse --bogus", root, **variables)
    assert done.returncode == 2
    text = done.stdout.decode(encoding)
    assert "inverse mapping x ? z" in text
    assert "--plugin" in text
    assert "Traceback" not in done.stderr.decode(encoding)
    assert "No such option" in done.stderr.decode(encoding)


def test_nobody_needs_to_read_what_is_told(root: Path) -> None:
    done = shell(
        "$ECGAN --help >&-; echo $?; $ECGAN --help >&- 2>&-; echo $?; $ECGAN --help | true; echo $PIPESTATUS", root
    )
    first, second, third = done.stdout.split()
    assert (first, second) == (b"0", b"0")
    assert third in (b"0", b"141")
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_results_that_cannot_be_written_are_an_error(root: Path) -> None:
    done = shell("$ECGAN --version >/dev/full", root)
    assert done.returncode == 1
    assert re.match(rb"error: cannot write.*No space left", done.stderr)
    assert b"Traceback" not in done.stderr
    assert b"ignored" not in done.stderr


def test_a_program_gets_paths_of_any_bytes_back_as_they_were(capsys: pytest.CaptureFixture[str]) -> None:
    places = ["x\udcff/M\u00fcller.csv", "\U0001f600.csv"]
    write_json(places, line=True)
    assert json.loads(capsys.readouterr().out) == places
