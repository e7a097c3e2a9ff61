"""Commands in forks of one process that has loaded the libraries already, which is most of what a short command takes.

A command finds what it would in a process of its own: its folder, its environment, the code in that folder. Only the
libraries are there before it, loaded for portable arithmetic, and hashes have one seed in all forks; tests of what is
loaded when, and of bytes that are the same whatever the seed is, start real processes.

As a program: `forking.py serve SOCKET NAME…` serves, keeping variables of these names as they were when it loaded;
`forking.py ask SOCKET COMMAND…` has a command done there, as DVC's stages do where `ECGAN_RUN` is `runner()`.
"""

import atexit
import contextlib
import functools
import gc
import hashlib
import importlib
import io
import json
import os
import pickle
import runpy
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIBRARIES = (
    "dvc.cachemgr", "dvc.cli.parser", "dvc.commands.repro", "dvc.data_cloud", "dvc.repo", "dvc.repo.artifacts",
    "dvc.repo.datasets", "dvc.repo.index", "dvc.repo.metrics", "dvc.repo.params", "dvc.repo.plots",
    "dvc.repo.reproduce", "dvc.repo.stage", "dvc.repo.status", "dvc.rwlock", "dvc.stage", "dvc.utils.strictyaml",
    "dvc_data.hashfile.db.local", "dvclive", "filecmp", "flufl.lock", "jinja2", "matplotlib.backends.backend_svg",
    "matplotlib.figure", "mlflow.artifacts", "mlflow.store.tracking.sqlalchemy_store", "networkx", "pandas",
    "pandas.core.methods.to_dict", "pandas.io.formats.csvs", "platformdirs.unix", "pydantic",
    "pydantic.dataclasses", "pydantic.functional_serializers", "pydantic.functional_validators",
    "pydantic.json_schema", "pydantic.main", "pydantic.plugin._loader", "pydantic.types", "rich._emoji_codes",
    "rich.console", "rich.markdown", "safetensors.numpy", "safetensors.torch", "scipy.interpolate", "scipy.ndimage",
    "scipy.optimize", "scipy.signal", "scipy.spatial", "scipy.stats", "scmrepo.git", "sklearn.cluster",
    "sklearn.decomposition", "sklearn.ensemble", "sklearn.manifold", "sklearn.metrics", "sklearn.mixture",
    "sklearn.neighbors", "sklearn.svm", "torch", "torch._dynamo", "torch.distributed", "torch.onnx", "torch.optim",
    "typer", "typer._adapters", "typer._click.decorators", "typer.rich_utils", "wfdb", "xml.etree.ElementTree",
    "yaml", "zc.lockfile",
)  # fmt: skip
TIMEOUT = 3600  # seconds, of a command
SHARED = "ECGAN_TEST_FORKS"
"""Variable with the socket of a process that forks for several others."""


def run(
    command: list[str], cwd: Path, environment: dict[str, str], timeout: int = TIMEOUT
) -> subprocess.CompletedProcess[str]:
    """Do what `subprocess.run(command, …)` does; the command is `python -m …`, `python -c …` or `dvc …`."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, Path(os.devnull).open() as nothing:
        files = [file.fileno() for file in (nothing, out, err)]
        code = ask(server(), {"command": command, "cwd": str(cwd), "environment": environment}, files, timeout)
        told = [_read(file) for file in (out, err)]
    return subprocess.CompletedProcess(command, code, *told)


def _read(file: Any) -> str:
    file.seek(0)
    text: str = file.read().decode()
    return text


@functools.cache
def server() -> Path:
    """Start the process that forks, once for this one and its children, until it ends; return its socket."""
    from ecgan.arithmetic import PORTABLE

    if SHARED in os.environ:
        return Path(os.environ[SHARED])
    folder = tempfile.TemporaryDirectory(prefix="forking")
    path = Path(folder.name) / "socket"
    ready, say = os.pipe()
    command = [sys.executable, "-P", __file__, "serve", str(path), *PORTABLE]
    made = os.environ | PORTABLE | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=made, stdin=subprocess.PIPE, stdout=say)
    os.close(say)
    with os.fdopen(ready) as lines:
        assert lines.readline(), "the process that forks did not start"

    @atexit.register
    def end() -> None:
        process.kill()
        process.wait()
        folder.cleanup()

    return path


def runner() -> str:
    """Return the program for `ECGAN_RUN` that has its arguments done in a fork."""
    path = server().parent / "runner"
    if not path.exists():
        command = [sys.executable, "-ISE", __file__, "ask", str(server())]
        made = path.with_suffix(f".{os.getpid()}")
        made.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        made.chmod(0o700)
        made.replace(path)  # others may be looking for it
    return str(path)


def ask(
    path: Path, job: dict[str, Any], files: list[int], timeout: int = TIMEOUT, began: Callable[[int], Any] | None = None
) -> int:
    """Have a job done with these files as its standard ones; return its exit code, of a signal the negative number.

    `began` is told the number of the process that does it.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        connection.connect(str(path))
        text = json.dumps(job).encode()
        socket.send_fds(connection, [len(text).to_bytes(4, "big")], files)
        connection.sendall(text)
        worker = int.from_bytes(connection.recv(4), "big")
        if began is not None:
            began(worker)
        return int.from_bytes(connection.recv(4), "big", signed=True)


def _pass_on(worker: int) -> None:
    """Pass on to the process that does it what would end this one; it then ends as that one does."""

    def pass_on(number: int, _: Any) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            os.kill(worker, number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)


def serve(path: Path, kept: list[str]) -> None:
    """Load the libraries for the first job, and fork for every job, until whoever started this has ended."""
    variables = {name: os.environ[name] for name in kept}
    running: dict[int, tuple[int, socket.socket]] = {}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        os.write(sys.stdout.fileno(), b"ready\n")
        if sys.stdin in select.select([listener, sys.stdin], [], [])[0]:
            return
        _load(path.parent)
        while sys.stdin not in (ready := select.select([listener, sys.stdin, *running], [], [])[0]):
            for one in ready:
                if one is not listener:
                    _tell(one, *running.pop(one))
                    continue
                connection, _ = listener.accept()
                worker = os.fork()
                if not worker:
                    listener.close()
                    for other, (_, asking) in running.items():
                        os.close(other)
                        asking.close()
                    _work(connection, variables)
                with contextlib.suppress(BrokenPipeError):  # who asked was killed
                    connection.sendall(worker.to_bytes(4, "big"))
                running[os.pidfd_open(worker)] = worker, connection


def _load(folder: Path) -> None:
    gc.disable()  # a fifth of the time
    for name in LIBRARIES:
        with contextlib.suppress(ModuleNotFoundError):  # what other versions do not have
            importlib.import_module(name)
    for library in weakref.finalize._registry:
        library.atexit = False  # operators of torch, each taken down as a fork ends, for nothing
    _remember_yaml(folder)
    stay()


def stay() -> None:
    """Let what is there stay: garbage is looked for in what comes after, and seldom."""
    gc.freeze()
    gc.set_threshold(20_000, 10, 100)
    gc.enable()


def _remember_yaml(folder: Path) -> None:
    """Let DVC read a YAML file once, in whatever fork, and write each stage of `dvc.lock` once: half of its time."""
    from dvc.utils import strictyaml
    from dvc.utils.serialize import _yaml

    parse, parse_for_update, dump = _yaml.parse_yaml, _yaml.parse_yaml_for_update, _yaml._dump
    stages: dict[str, str] = {}

    def parse_or_remember(text: str, path: Any, typ: str = "safe") -> Any:
        if typ != "safe":
            return parse(text, path, typ)
        known = folder / hashlib.sha256(text.encode()).hexdigest()
        if not known.exists():
            made = known.with_suffix(f".{os.getpid()}")
            made.write_bytes(pickle.dumps(parse(text, path)))
            made.replace(known)
        return pickle.loads(known.read_bytes())

    def parse_lock_or_remember(text: str, path: Any) -> Any:
        return (parse_or_remember if Path(path).name == "dvc.lock" else parse_for_update)(text, path)

    def dump_by_stages(data: Any, stream: Any) -> None:
        if list(data) != ["schema", "stages"] or not data["stages"]:
            dump(data, stream)
            return
        head = f"schema: {data['schema']!r}\nstages:\n"
        stream.write(head)
        for name, stage in data["stages"].items():
            key = json.dumps([data["schema"], name, stage])
            if key not in stages:
                text = io.StringIO()
                dump({"schema": data["schema"], "stages": {name: stage}}, text)
                assert text.getvalue().startswith(head)
                stages[key] = text.getvalue()[len(head) :]
            stream.write(stages[key])

    _yaml.parse_yaml = strictyaml.parse_yaml = parse_or_remember
    _yaml.parse_yaml_for_update, _yaml._dump = parse_lock_or_remember, dump_by_stages


def _tell(ended: int, worker: int, connection: socket.socket) -> None:
    """Tell whoever asked for it how a job has ended."""
    os.close(ended)
    code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    with connection, contextlib.suppress(BrokenPipeError):  # who asked was killed
        connection.sendall(code.to_bytes(4, "big", signed=True))


def _work(connection: socket.socket, kept: dict[str, str]) -> None:
    """See to one job in a process of its own; it may end in any way, and begin another program."""
    length, files, _, _ = socket.recv_fds(connection, 4, 3)
    text = b""
    while len(text) < int.from_bytes(length, "big"):
        text += connection.recv(1 << 16)
    connection.close()
    for number, (file, name) in enumerate(zip(files, ("stdin", "stdout", "stderr"), strict=True)):
        os.dup2(file, number)
        os.close(file)
        setattr(sys, name, _opened(number, getattr(sys, name)))
    code = _done(**json.loads(text), kept=kept)
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code & 0xFF)


def _opened(number: int, stream: Any) -> Any:
    """Open a standard stream anew: one that was a file would seek in the pipe that it is now."""
    how = {"encoding": stream.encoding, "errors": stream.errors, "closefd": False}
    return open(number, stream.mode, buffering=1 if number == 2 else -1, **how)


def _done(command: list[str], cwd: str, environment: dict[str, str], kept: dict[str, str]) -> int:
    """Do what `python` or `dvc` would; return the exit code."""
    os.environ.clear()
    os.environ.update(environment | kept)
    os.chdir(cwd)
    sys.path[0:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    sys.dont_write_bytecode = bool(environment.get("PYTHONDONTWRITEBYTECODE"))
    sys.orig_argv = [sys.executable, *command[1:]]
    try:
        _call(*command)
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    finally:
        atexit._run_exitfuncs()
    return 0


def _call(program: str, *arguments: str) -> None:
    sys.argv = [program, *arguments]
    if Path(program).name == "dvc":
        from dvc.cli import main

        sys.exit(main())
    sys.path.insert(0, str(Path.cwd()))
    option, code, *rest = arguments
    sys.argv = [option, *rest]
    if option == "-m":
        runpy.run_module(code, run_name="__main__", alter_sys=True)
    else:
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    task, at, *words = sys.argv[1:]
    if task == "serve":
        serve(Path(at), words)
    else:
        job = {"command": words, "cwd": str(Path.cwd()), "environment": dict(os.environ)}
        ended = ask(Path(at), job, [0, 1, 2], began=_pass_on)
        if ended < 0:
            with contextlib.suppress(OSError):  # which cannot be set
                signal.signal(-ended, signal.SIG_DFL)
            os.kill(os.getpid(), -ended)
        sys.exit(ended)
