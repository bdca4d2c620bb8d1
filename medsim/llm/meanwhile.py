"""What can wait is done while a model is at work.

The rule: what is put off is done by the thread that put it off, in order and once: when its next request to a model is out, or at the end
of the block. What goes wrong in it is raised there and is still to be done; nothing that was put off is forgotten.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Work = Callable[[], object]


class _Here(threading.local):
    works: deque[Work] | None = None


_HERE = _Here()


@contextmanager
def putting_off() -> Iterator[None]:
    """Let ``later`` put work off in this block and this thread; what is left at its end is done then, however it ends."""
    before, _HERE.works = _HERE.works, deque()
    try:
        yield
    finally:
        try:
            catch_up()
        finally:
            _HERE.works = before


def later(work: Work) -> None:
    """Put work off, or do it now where nothing may be put off."""
    if _HERE.works is None:
        work()
    else:
        _HERE.works.append(work)


def catch_up() -> None:
    """Do what was put off in this thread."""
    works = _HERE.works
    while works:
        work = works.popleft()
        try:
            work()
        except BaseException:
            works.appendleft(work)
            raise
