"""What is seen of a run while it goes on: a table that renews itself on a terminal, plain lines where it is read later.

The rule: it only looks on. It is told by the run, counts, and is drawn by a thread of its own; what an agent or a case is called reaches
the terminal as text. All of it goes to stderr and is gone when the run has ended.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from medsim.cli.output import number, progress_console, remark, table
from medsim.evaluation import Done, Job, Watch

if TYPE_CHECKING:
    from medsim.llm import Models

_RATE_SECONDS = 10.0
"""Calls a second are those of so many seconds past."""
_RENEWALS = 4
HOW_TO_STOP = "ctrl-C stops when what is running has ended; --resume then goes on."
STOPPING = "Stopping: what is running ends and is stored. ctrl-C again stops at once."


class _Row:
    """What is known of one agent."""

    def __init__(self) -> None:
        self.left = self.done = self.failed = self.ended = 0
        self.running: dict[tuple[str, int], float] = {}
        self.seconds = 0.0
        self.usd: float | None = None
        """What its ended encounters cost at known prices."""
        self.scores: dict[str, tuple[float, int]] = {}

    def scored(self, case: str, score: float | None) -> None:
        if score is not None:
            total, count = self.scores.get(case, (0.0, 0))
            self.scores[case] = (total + score, count + 1)

    @property
    def score(self) -> float | None:
        """The mean over cases so far, clipped to 0..1: a rubric may leave that to the mean."""
        means = [total / count for total, count in self.scores.values()]
        return max(0.0, min(1.0, sum(means) / len(means))) if means else None

    def to_do(self, now: float, usual: float, *, more: bool) -> float:
        """Seconds of playing that are left, where an encounter usually takes so many; with ``more``, of those not begun too."""
        lasts = self.seconds / self.ended if self.ended else usual
        return (self.left * lasts if more else 0.0) + sum(max(lasts - (now - since), 0.0) for since in self.running.values())


class Board(Watch):
    """Counts by agent, and draws the count."""

    def __init__(self, models: Models | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._models, self._clock, self._lock = models, clock, threading.Lock()
        self._rows: dict[str, _Row] = {}
        self._jobs, self._began, self._stopping = 1, clock(), False
        self._calls: deque[tuple[float, int]] = deque([(self._began, 0)])

    # ---- told by the run --------------------------------------------------------------------------------------------------------

    def planned(self, todo: Sequence[Job], kept: Sequence[Mapping[str, Any]], jobs: int) -> None:
        """Begin to count; what is stored counts as done."""
        with self._lock:
            self._jobs, self._began = jobs, self._clock()
            for job in todo:
                self._row(job.agent).left += 1
            for stored in kept:
                row = self._row(stored["agent"])
                row.done += 1
                row.scored(stored["case_hash"], stored["score"])

    def begun(self, job: Job) -> None:
        """One more is running."""
        with self._lock:
            row = self._row(job.agent)
            row.left -= 1
            row.running[job.case.hash, job.trial] = self._clock()

    def ended(self, done: Done) -> None:
        """One less is running."""
        told, now = done.trajectory, self._clock()
        with self._lock:
            row = self._row(told.agent)
            lasted = now - row.running.pop((told.case_hash, told.trial), now)
            known = [entry.usd for entry in done.calls if entry.usd is not None and not entry.cached]
            row.usd = sum(known, row.usd or 0.0) if known else row.usd
            if told.outcome.status == "error":
                row.failed += 1
                return
            row.done, row.ended, row.seconds = row.done + 1, row.ended + 1, row.seconds + lasted
            row.scored(told.case_hash, done.card.score if done.card else None)

    def stopping(self) -> None:
        """Say so with the next drawing."""
        self._stopping = True

    def _row(self, agent: str) -> _Row:
        return self._rows.setdefault(agent, _Row())

    # ---- drawn ------------------------------------------------------------------------------------------------------------------

    def __rich__(self) -> RenderableType:
        """The table as it stands, and what holds for the whole run below it."""
        with self._lock:
            cells = [
                [name, f"{row.done}/{row.done + row.failed + len(row.running) + row.left}", str(len(row.running)), str(row.failed),
                 number(row.score), number(row.usd, 4)]
                for name, row in self._rows.items()
            ]  # fmt: skip
            left = self._left()
        columns = {"agent": "fold", "done": "right", "running": "right", "failed": "right", "score so far": "right", "spent $": "right"}
        if self._models is None:
            del columns["spent $"]
            cells = [row[:-1] for row in cells]
        gone = _time(self._clock() - self._began)
        lines = [*self._spent(), f"{gone} gone{f', about {_time(left)} left' if left is not None else ''}"]
        lines.append(STOPPING if self._stopping else HOW_TO_STOP)
        return Group(table(columns, cells), Text("\n".join(lines)))

    def _left(self) -> float | None:
        """Seconds until the end, told from what has ended; None while nothing has."""
        rows, now = list(self._rows.values()), self._clock()
        ended = sum(row.ended for row in rows)
        if not ended:
            return None
        usual = sum(row.seconds for row in rows) / ended
        more = not self._stopping
        at_once = min(self._jobs, sum(row.left * more + len(row.running) for row in rows))
        return sum(row.to_do(now, usual, more=more) for row in rows) / max(at_once, 1)

    def _spent(self) -> list[str]:
        """Calls and money, where there are models."""
        if self._models is None:
            return []
        books, budget = self._models.ledger, self._models.budget
        paid, cached = books.total, sum(usage.calls for usage in books.cached.values())
        parts = [f"{number(self._rate(paid.calls + cached), 1)} calls/s", f"{paid.calls:,} calls"]
        parts += [f"{cached:,} from the cache"] if cached else []
        limit = f" of {number(budget.usd, 2)}" if budget and budget.usd is not None else ""
        unknown = " and calls of unknown price" if books.unpriced else ""
        return ["   ".join([*parts, f"spent $ {number(paid.usd, 4)}{limit}{unknown}"])]

    def _rate(self, calls: int) -> float:
        now = self._clock()
        self._calls.append((now, calls))
        while len(self._calls) > 2 and self._calls[1][0] < now - _RATE_SECONDS:
            self._calls.popleft()
        since, before = self._calls[0]
        return (calls - before) / (now - since) if now > since else 0.0


class Lines(Watch):
    """A line for each tenth."""

    def __init__(self) -> None:
        self._total = self._count = 0

    def planned(self, todo: Sequence[Job], kept: Sequence[Mapping[str, Any]], jobs: int) -> None:
        """Note how many there will be."""
        self._total = len(todo)

    def ended(self, done: Done) -> None:
        """Say how many have ended, once for each tenth."""
        self._count += 1
        if self._count * 10 // self._total > (self._count - 1) * 10 // self._total:
            remark(f"{self._count} of {self._total} encounters")

    def stopping(self) -> None:
        """Say so, past all buffers: this is called inside a signal's handler, which may have interrupted a write."""
        with contextlib.suppress(OSError):
            os.write(2, f"\n{STOPPING}\n".encode())


def _time(seconds: float) -> str:
    """A length of time as 0:07 or 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


@contextlib.contextmanager
def watching(models: Models | None, *, plain: bool, quiet: bool) -> Iterator[Watch]:
    """Somebody to look on, as fits: nobody, plain lines, or the table while the run lasts."""
    console = progress_console()
    if quiet:
        yield Watch()
    elif plain or not console.is_terminal or console.is_dumb_terminal:
        yield Lines()
    else:
        board = Board(models)
        with Live(board, console=console, refresh_per_second=_RENEWALS, transient=True, redirect_stdout=False, redirect_stderr=False):
            yield board
