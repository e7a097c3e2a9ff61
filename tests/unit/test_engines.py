"""Where work is done: the results are the same everywhere, a killed process costs nothing, an interruption ends all."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ecgan
from ecgan.engines.base import LostError, as_done, in_order
from ecgan.engines.choosing import _all, each
from ecgan.engines.here import Here
from ecgan.engines.pool import Pool
from ecgan.errors import EcganError, Interrupted
from ecgan.terminal import interruptible


def square(item: int) -> int:
    time.sleep(0.02 if item == 0 else 0)
    return item * item


def die_once(place: Path) -> str:
    """End without a word, the first time that it is tried."""
    mark = place.with_suffix(".tried")
    if place.suffix == ".deadly" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return place.name


def die(item: str) -> str:
    if item == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    return item


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(2) as pool:
        yield pool


def test_results_are_in_order_and_few_items_are_held(pool: Pool) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(40):
            taken.append(item)
            yield item

    assert list(in_order(Here(), square, range(5))) == [0, 1, 4, 9, 16]
    for place, found in enumerate(in_order(pool, square, items())):
        assert found == place**2
        assert len(taken) <= place + 9


def test_few_items_go_to_the_cluster_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ECGAN_CLUSTER", raising=False)
    assert list(each(abs, [-1, 2], "working")) == [1, 2]
    monkeypatch.setenv("ECGAN_CLUSTER", "ftp://nowhere:1")
    with pytest.raises(EcganError, match="ftp://nowhere:1"):
        list(each(abs, [-1, 2], "working"))
    assert list(each(abs, [], "working")) == []


def test_what_is_done_first_comes_first_with_its_place(pool: Pool) -> None:
    found = {place: handle.result() for place, handle in as_done(pool, square, range(10))}
    assert found == {item: item**2 for item in range(10)}


def test_what_a_killed_process_worked_on_is_done_again(pool: Pool, tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("one", "two.deadly", "three", "four")]
    assert list(in_order(pool, die_once, places)) == [place.name for place in places]


def test_paths_mean_the_same_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    assert _all(os.path.exists, tmp_path / "here", ["file"]) == [True]
    with pytest.raises(EcganError) as error:
        _all(os.path.exists, tmp_path / "there", ["file"])
    assert error.value.hint


def test_what_kills_each_process_is_named_and_the_others_are_done(pool: Pool) -> None:
    found = dict(as_done(pool, die, ["one", "deadly", "three", "four"]))
    with pytest.raises(LostError):
        found.pop(1).result()
    assert {place: handle.result() for place, handle in found.items()} == {0: "one", 2: "three", 3: "four"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_the_workers_at_once(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    monkeypatch.setenv("ECGAN_WORKERS", "2")
    before = set(multiprocessing.active_children())

    def work() -> None:
        with interruptible():
            list(each(time.sleep, [30.0] * 200, "sleeping"))

    threading.Timer(1.0, os.kill, (os.getpid(), number)).start()
    start = time.monotonic()
    with pytest.raises(Interrupted):
        work()
    assert time.monotonic() - start < 20
    assert set(multiprocessing.active_children()) <= before


SLEEPING = """
import time
from pathlib import Path

from ecgan.engines.choosing import each
from ecgan.errors import Interrupted
from ecgan.terminal import interruptible


def sleep(name):
    Path(name).touch()
    time.sleep(0.2)


if __name__ == "__main__":
    try:
        with interruptible():
            list(each(sleep, [f"begun{number}" for number in range(2000)], "sleeping", at_once=1))
    except Interrupted:
        print("interrupted")
"""


@pytest.mark.slow
@pytest.mark.parametrize("engine", [{"ECGAN_WORKERS": "2"}, {"ECGAN_CLUSTER": "local:2"}], ids=["pool", "dask"])
def test_ctrl_c_of_a_terminal_is_for_the_command_alone(tmp_path: Path, engine: dict[str, str]) -> None:
    if "ECGAN_CLUSTER" in engine:
        pytest.importorskip("distributed")
    (tmp_path / "sleeping.py").write_text(SLEEPING)
    environment = {**os.environ, "PYTHONPATH": str(Path(ecgan.__file__).parents[1]), **engine}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, "sleeping.py"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, start_new_session=True, **pipes) as process:
        try:
            _wait(lambda: len(list(tmp_path.glob("begun*"))) > 2)
        finally:
            os.killpg(process.pid, signal.SIGINT)
        out, error = process.communicate(timeout=60)
    assert out == "interrupted\n"
    assert not error


def test_processes_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    parent = context.Process(target=_parent, args=(tmp_path,))
    parent.start()
    mark = tmp_path / "child"
    _wait(lambda: mark.exists() and mark.read_text())
    child = int(mark.read_text())
    parent.kill()
    parent.join()
    _wait(lambda: not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split(")")[1])


def _parent(folder: Path) -> None:
    with Pool(1) as pool:
        list(in_order(pool, _sleep, [folder]))


def _sleep(folder: Path) -> None:
    (folder / "child").write_text(str(os.getpid()))
    time.sleep(60)


def _wait(until) -> None:
    end = time.monotonic() + 20
    while not until():
        assert time.monotonic() < end
        time.sleep(0.05)
