"""A command in a fork is what it would be as a process of its own, but for the libraries that are there already."""

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forking
from tests.conftest import ROOT

SHOWN = (
    "import os, sys; print(os.getcwd(), sys.argv, os.environ.get('HERE'), os.environ.get('PATH'), sys.path[0] in ('', "
    "os.getcwd())); print(sys.stdin.read() == '', file=sys.stderr)"
)
REPLACED = (
    "import os, sys; os.environ['A'] = 'b'; os.execv(sys.executable, "
    "['python', '-c', 'import os; print(os.getenv(\"A\"))'])"
)


@pytest.mark.parametrize(
    "code",
    [
        SHOWN,
        "import sys; sys.exit(3)",
        "raise SystemExit('a sentence')",
        "1 / 0",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
        REPLACED,
        "import mine; print(mine.__file__)",
        "import subprocess; print(subprocess.run(['false']).returncode)",
        "import atexit; atexit.register(print, 'the end'); print('é')",
    ],
)
def test_a_command_ends_as_in_a_process_of_its_own(code: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("")
    command, environment = [sys.executable, "-c", code, "one", "--two"], {**os.environ, "HERE": "here"}
    own = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    fork = forking.run(command, tmp_path, environment)
    assert (fork.returncode, fork.stdout) == (own.returncode, own.stdout)
    assert fork.stderr.splitlines()[-1:] == own.stderr.splitlines()[-1:]


def test_a_program_may_have_its_commands_done_in_forks(tmp_path: Path) -> None:
    command = ["sh", "-c", "$ECGAN_RUN python -c 'import sys; print(5); sys.exit(7)' x"]
    environment = {**os.environ, "ECGAN_RUN": forking.runner()}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (7, "5\n")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_such_a_program_ends_by_the_signal_that_ended_the_command(tmp_path: Path, number: int) -> None:
    command = [forking.runner(), "python", "-c", f"import os; os.kill(os.getpid(), {number})"]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == -number


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_such_a_program_passes_on_what_would_end_it(tmp_path: Path, number: int) -> None:
    code = f"import signal, sys; signal.signal({number}, lambda *_: sys.exit(9)); print(1, flush=True)"
    command = [forking.runner(), "python", "-c", f"{code}; signal.pause()"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        process.send_signal(number)
        assert process.wait(60) == 9


def test_nothing_of_a_command_is_there_for_the_next(tmp_path: Path) -> None:
    for _ in range(2):
        code = "import os, sys; print('left' in os.environ, 'json.tool' in sys.modules); os.environ['left'] = '1'"
        done = forking.run([sys.executable, "-c", code + "; import json.tool"], tmp_path, dict(os.environ))
        assert done.stdout == "False False\n"


def test_a_process_that_nobody_has_asked_loads_nothing_and_ends_with_who_started_it(tmp_path: Path) -> None:
    command = [sys.executable, "-v", "-P", forking.__file__, "serve", str(tmp_path / "socket")]
    told = tmp_path / "told"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with told.open("wb") as file, subprocess.Popen(command, **pipes, stderr=file) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) == 0
    loaded = told.read_bytes()
    assert b"import 'socket'" in loaded
    assert b"import 'torch'" not in loaded


def test_processes_that_are_told_of_it_share_one_that_forks(tmp_path: Path) -> None:
    code = "from tests import forking as f; print(f.server(), f.runner())"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), forking.SHARED: str(forking.server())}
    command = [sys.executable, "-c", code]
    own = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    fork = forking.run(command, tmp_path, environment)
    assert own.stdout.split() == fork.stdout.split() == [str(forking.server()), forking.runner()]


def test_garbage_is_looked_for_in_tests_and_in_forks(tmp_path: Path) -> None:
    assert gc.isenabled()
    code = "import gc; print(gc.isenabled())"
    assert forking.run([sys.executable, "-c", code], tmp_path, dict(os.environ)).stdout == "True\n"
