"""Many encounters at the same time: the pool, and how a run is stopped.

The rule: results are stored as they end, by one thread; few wait for it, so that memory stays flat and a kill loses little. One encounter
at a time is stored while the doctor's model has the first request of the next. The first interrupt begins nothing new and lets end what is under
way; the second leaves at once, and what is left is stored nowhere.
"""

from __future__ import annotations

import contextlib
import gc
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Any, NamedTuple

from medsim.evaluation.encounter import Done, Job
from medsim.llm.meanwhile import catch_up, later, putting_off

_WAITING = 4
"""One result for so many encounters under way may wait for the store before no other is begun."""


class Flag:
    """Something that is so or not yet. It has no lock, so that a signal's handler can raise it whatever it has interrupted."""

    up = False


class Watch:
    """Somebody who looks on; every method may be left as it is. ``begun`` is called in the threads that play, the others in the caller's."""

    def planned(self, todo: Sequence[Job], kept: Sequence[Mapping[str, Any]], jobs: int) -> None:
        """Told before the first encounter: what will be played, the stored rows that will not, and how many at the same time."""

    def begun(self, job: Job) -> None:
        """Told when an encounter begins."""

    def ended(self, done: Done) -> None:
        """Told when an encounter is stored."""

    def stopping(self) -> None:
        """Told once: when the budget is spent, or at the first interrupt, and then inside the signal's handler: do little."""


class Played(NamedTuple):
    """What became of the encounters that were to be played."""

    number: int
    stopped: bool
    """Whether there was an interrupt, or the budget was spent."""


def play_all(
    todo: Sequence[Job],
    play: Callable[[Job, threading.Event], Done],
    *,
    jobs: int,
    watch: Watch,
    keep: Callable[[Done], None],
    ended: Callable[[Done], None],
) -> Played:
    """Play encounters, hand each to ``keep`` and then to ``ended`` as it ends, and say how far that went."""
    stop, left = Flag(), threading.Event()
    count = 0
    failed: list[Exception] = []

    def one(job: Job) -> Done:
        watch.begun(job)
        return play(job, left)

    def stored(done: Done) -> None:
        nonlocal count
        try:
            keep(done)
            count += 1
            ended(done)
        except Exception as error:  # it may be raised inside a call of the next encounter, whose error it then is
            failed.append(error)
            raise

    try:
        results = _results(todo, one, jobs, stop)
        with _interruptible(stop, watch), _settled(), contextlib.closing(results), putting_off():
            for done in results:
                catch_up()  # the one before, where no model was asked since
                if failed:
                    raise failed[0]
                later(partial(stored, done))
                if jobs > 1 or not any(call.role == "doctor" for call in done.calls):  # else the next doctor asks its model at once
                    catch_up()
                if done.trajectory.outcome.reason == "BudgetSpent" and not stop.up:
                    stop.up = True
                    watch.stopping()
    except KeyboardInterrupt:
        stop.up = True
    finally:
        left.set()
    return Played(count, stop.up)


@contextlib.contextmanager
def _settled() -> Iterator[None]:
    """Spare the garbage collector what was there before: cases are many objects, and none of them goes away meanwhile."""
    if gc.get_freeze_count():  # somebody else's doing, and theirs to undo
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextlib.contextmanager
def _interruptible(stop: Flag, watch: Watch) -> Iterator[None]:
    """Make ctrl-C set ``stop``, or raise where it is set already; only where nobody else listens to it, and in the main thread."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def interrupted(*_: object) -> None:
        if stop.up:
            raise KeyboardInterrupt
        stop.up = True
        watch.stopping()

    signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _results(todo: Sequence[Job], one: Callable[[Job], Done], jobs: int, stop: Flag) -> Generator[Done, None, None]:
    """Results as they end, until all have ended or ``stop`` is set and what was under way has ended."""
    if jobs > 1 and len(todo) > 1:
        yield from _Pool(todo, one, min(jobs, len(todo)), stop).results()
        return
    for job in todo:
        if stop.up:
            return
        yield one(job)


class _Pool:
    """Threads that take the next job until there is none. They are daemons: to leave at once is to leave them behind."""

    def __init__(self, todo: Sequence[Job], one: Callable[[Job], Done], size: int, stop: Flag) -> None:
        self._jobs, self._one, self._size, self._stop = iter(todo), one, size, stop
        self._lock = threading.Lock()
        self._room = threading.Semaphore(size + size // _WAITING + 1)
        self._ended: SimpleQueue[Done | BaseException | None] = SimpleQueue()

    def results(self) -> Iterator[Done]:
        """Start the threads and give their results; what none of them should raise is raised here and stops the others."""
        for number in range(self._size):
            threading.Thread(target=self._work, name=f"medsim-run-{number}", daemon=True).start()
        working = self._size
        try:
            while working:
                ended = self._ended.get()
                if ended is None:
                    working -= 1
                elif isinstance(ended, BaseException):
                    raise ended
                else:
                    yield ended
                    self._room.release()
        finally:
            if working:  # left before the end
                self._stop.up = True
            self._room.release(self._size)

    def _work(self) -> None:
        try:
            while (job := self._next()) is not None:
                self._ended.put(self._one(job))
        except BaseException as error:  # never of an agent or a seat: those are errors of their encounters
            self._ended.put(error)
        finally:
            self._ended.put(None)

    def _next(self) -> Job | None:
        self._room.acquire()
        with self._lock:
            return None if self._stop.up else next(self._jobs, None)
