"""Jobs that wait for others, such as downloads: several at a time, in threads."""

import threading
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue


def in_threads(jobs: Sequence[Callable[[], None]], most: int, stop: threading.Event) -> Iterator[None]:
    """Do jobs that wait for others, so many at a time, and yield as each is done.

    What one raises is raised, once the others have seen `stop` and ended. At an interruption nobody waits for them, nor
    does Python when it ends: a connection that stalls would take a minute to give up.
    """
    waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()
    done: SimpleQueue[BaseException | None] = SimpleQueue()
    for job in jobs:
        waiting.put(job)

    arguments = (waiting, done, stop)
    threads = [threading.Thread(target=_work, args=arguments, daemon=True) for _ in range(min(most, len(jobs)))]
    for thread in threads:
        thread.start()
    try:
        for _ in jobs:
            _check(done.get())
            yield
    except Exception:
        stop.set()
        for thread in threads:
            thread.join()
        raise
    finally:
        stop.set()


def _work(
    waiting: SimpleQueue[Callable[[], None]], done: SimpleQueue[BaseException | None], stop: threading.Event
) -> None:
    while not stop.is_set():
        try:
            job = waiting.get_nowait()
        except Empty:
            return
        try:
            job()
        except BaseException as error:
            done.put(error)
        else:
            done.put(None)


def _check(error: BaseException | None) -> None:
    if error is not None:
        raise error
