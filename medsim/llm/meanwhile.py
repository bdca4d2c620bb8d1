"""What can wait is done while a model is at work.

The rule: what is put off is done by the thread that put it off, in order and once: when its next request to a model is out, or at the end
of the block. What goes wrong in it is raised there, when all of it is done.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Work = Callable[[], object]


class _Here(threading.local):
    works: deque[Work] | None = None
    undone = False


_HERE = _Here()


@contextmanager
def putting_off() -> Iterator[None]:
    """Let ``later`` put work off in this block and this thread; what is left at its end is done then, however it ends."""
    before, _HERE.works, _HERE.undone = _HERE.works, deque(), False
    try:
        yield
    finally:
        try:
            catch_up()
        finally:
            _HERE.works = before


@contextmanager
def at_once() -> Iterator[None]:
    """Let nothing be put off in this block and this thread; what was put off before it waits on."""
    before, _HERE.works = _HERE.works, None
    try:
        yield
    finally:
        _HERE.works = before


def may_wait() -> bool:
    """Whether work may be put off here."""
    return _HERE.works is not None


def later(work: Work) -> None:
    """Put work off, or do it now where nothing may be put off."""
    if _HERE.works is None:
        work()
    else:
        _HERE.works.append(work)


def undo() -> None:
    """Say, in work that was put off, that what was done since does not count and has to be done again."""
    _HERE.undone = True


def undone() -> bool:
    """Whether that was said in this thread since this was last asked."""
    said, _HERE.undone = _HERE.undone, False
    return said


def catch_up() -> None:
    """Do what was put off in this thread."""
    works, wrong = _HERE.works, None
    while works:
        try:
            works.popleft()()
        except BaseException as error:
            wrong = wrong or error
    if wrong is not None:
        raise wrong
