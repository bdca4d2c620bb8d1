"""``medsim/Record-v0``: a task in a patient record as a Gymnasium environment, with text or with a menu.

The rule: Gymnasium's contract, kept exactly; what is written really stands in the record, each episode has its own, and no info holds a
check or an answer before the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from medsim.env import Utterance
from medsim.errors import ActionError, CaseError, did_you_mean
from medsim.judge.ask import Ask, Judge, Line, clean
from medsim.record.grade import Grade, grade
from medsim.record.grade import Judge as Ruling
from medsim.record.menu import menu
from medsim.record.sitting import Sitting
from medsim.record.task import Task, listed, load
from medsim.record.tools import Call, manual, shown
from medsim.rubric.opinion import Opinion
from medsim.safety.check import GRAVITY
from medsim.world.game import numbered

HELP = """One call a turn: NAME {"argument": "value"}; or GET Type?parameters, POST Type with the resource as JSON below it, FINISH([answers])."""


class RecordEnv(gym.Env[str, Any]):
    """One task as text in, text out; with ``actions="menu"`` an action is a number of ``menu``.

    ``tasks``: names of shipped tasks, files, folders or tasks; left out, all that are shipped. Observation: the instruction, then the answer
    to each call. Reward: 0 until the end, then the share of the points that were earned, what is unknown counting nothing.
    ``terminated``: finished; ``truncated``: the rounds are used up.
    Info: ``task``, ``round``, ``done`` (the call was carried out), ``writes``, ``action_mask`` (menu); at the end also ``score``, ``coverage``
    and ``passed`` (nan where nothing is decided).

    ``unsafe``: what each finding of medication safety on an order is worth at once, twice that where the drug must not be given; then info
    has ``reward_unsafe``. ``judge``: rules on the checks that ask for one; without it they are unknown. ``warnings``: such an order is answered with why (off, on, or as each task says); it is carried out all the same.
    ``hints``: a search that finds nothing says which of its codes never occurs (off, on, or as each task says).
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4, "grammar": HELP}

    def __init__(
        self,
        tasks: str | Path | Task | Iterable[str | Path | Task] | None = None,
        *,
        actions: Literal["text", "menu"] = "text",
        rounds: int | None = None,
        unsafe: float = 0.0,
        warnings: bool | None = None,
        hints: bool | None = None,
        judge: Judge | None = None,
        render_mode: str | None = None,
    ) -> None:
        if actions not in {"text", "menu"}:
            raise ActionError(f"actions is 'text' or 'menu'; given {actions!r}.")
        if rounds is not None and (not isinstance(rounds, (int, np.integer)) or rounds < 1):
            raise ActionError(f"rounds is a whole number, 1 or more; given {rounds!r}.")
        found = _tasks(tasks)
        changes = {name: value for name, value in (("rounds", rounds), ("warnings", warnings), ("hints", hints)) if value is not None}
        self.tasks = [_changed(task, changes) if changes else task for task in found]
        self.unsafe = float(unsafe)
        self.menus = [menu(task) for task in self.tasks] if actions == "menu" else []
        self.render_mode = render_mode
        self._judge = judged_by(judge) if judge is not None else None
        self.observation_space: gym.Space[str] = Utterance()
        self.action_space: gym.Space[Any] = Utterance()
        if self.menus:
            self.action_space = gym.spaces.Discrete(max(map(len, self.menus)))
        self._sitting: Sitting | None = None
        self._place = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Begin a task; ``options={"task": id}`` picks it, otherwise chance does."""
        super().reset(seed=seed)
        self._place = int(self.np_random.integers(len(self.tasks)))
        for name in options or ():
            if name != "task":
                raise ActionError(f"No reset option '{name}'.{did_you_mean(str(name), ['task'])} Known: task, the id of a task.")
        if options and options.get("task"):
            ids = [task.id for task in self.tasks]
            if options["task"] not in ids:
                raise ActionError(f"No task '{options['task']}' here.{did_you_mean(str(options['task']), ids)} Tasks: {', '.join(ids)}.")
            self._place = ids.index(options["task"])
        self._sitting = Sitting.begin(self.tasks[self._place], watched=bool(self.unsafe))
        return self._opening(), self._info(done=True)

    def step(self, action: Any) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Carry out one call."""
        sitting = self._sitting
        if sitting is None or sitting.over:
            raise ActionError("The task is over, or was never begun. Call reset.")
        if not self.menus and not isinstance(action, str):
            raise ActionError(f"An action is text; given {type(action).__name__}.")
        made = sitting.use(self._picked(action)) if self.menus else sitting.say(action)
        finished = sitting.answer is not None
        info = self._info(done=made.done)
        reward = 0.0
        if self.unsafe:
            reward = info["reward_unsafe"] = self.unsafe * sum(GRAVITY[one.severity] for one in made.unsafe)
        if sitting.over:
            graded = grade(sitting, judge=self._judge)
            reward += (graded.score or 0.0) * graded.coverage
            nan = float("nan")
            info |= {"score": nan if graded.score is None else graded.score, "coverage": graded.coverage}
            info["passed"] = nan if graded.passed is None else float(graded.passed)
        return made.text, reward, finished, sitting.over and not finished, info

    @property
    def sitting(self) -> Sitting:
        """The episode: record, rounds, answer. For graders and tests, not for policies."""
        if self._sitting is None:
            raise ActionError("No task was begun. Call reset.")
        return self._sitting

    @property
    def grade(self) -> Grade:
        """The verdict of each check as things stand."""
        return grade(self.sitting, judge=self._judge)

    @property
    def menu(self) -> tuple[Call, ...]:
        """The calls of this task's menu."""
        return self.menus[self._place] if self.menus else ()

    def action_masks(self) -> NDArray[np.int8]:
        """Which numbers of the menu are calls of this task, (A,) int8."""
        mask = np.zeros(max(map(len, self.menus), default=0), dtype=np.int8)
        mask[: len(self.menu)] = 1
        return mask

    def render(self) -> Any:
        """Return what was called and answered so far, as text."""
        if self.render_mode is None or self._sitting is None:
            return None
        calls = [f"{part.number}. {shown(part.call) if part.call else '(not read)'}\n{part.text}" for part in self._sitting.rounds]
        return "\n\n".join([self._opening(), *calls])

    def _picked(self, action: Any) -> Call:
        number = numbered(action, actions=int(self.action_space.n))  # type: ignore[attr-defined]
        if number >= len(self.menu):
            raise ActionError(f"An action is 0 to {len(self.menu) - 1} in this task; given {number}. See info['action_mask'].")
        return self.menu[number]

    def _opening(self) -> str:
        task = self.sitting.task
        parts = [
            task.instruction.strip(),
            task.context.strip(),
            f"It is {task.now}. At most {task.rounds} calls. {HELP}",
            manual(task.offered),
        ]
        return "\n\n".join(part for part in parts if part)

    def _info(self, *, done: bool) -> dict[str, Any]:
        sitting = self.sitting
        info: dict[str, Any] = {"task": sitting.task.id, "round": len(sitting.rounds), "done": done, "writes": len(sitting.record.writes)}
        return {**info, "action_mask": self.action_masks()} if self.menus else info


def judged_by(judge: Judge) -> Ruling:
    """Any judge of encounters, to rule on the text of what was written: the text is one entry, the doctor's, and is data."""

    def rule(statement: str, text: str) -> Opinion:
        lines = tuple(Line(number, "notes", "Doctor", part) for number, row in enumerate(text.splitlines(), 1) if (part := clean(row)))
        ask = Ask("statement", clean(statement), lines, quotable=frozenset({"notes"}))
        return judge.opinions([ask], lines).get("statement") or Opinion("unknown", reason="the judge gave no opinion")

    return rule


def _changed(task: Task, changes: dict[str, Any]) -> Task:
    return task.model_copy(update=changes).over(task.holdings)


def _tasks(given: str | Path | Task | Iterable[str | Path | Task] | None) -> list[Task]:
    """Every task that was named, loaded; CaseError where there is none."""
    if given is None:
        given = listed()
    several = [given] if isinstance(given, (str, Path, Task)) else list(given) if isinstance(given, Iterable) else []
    found: list[Task] = []
    for part in several:
        if not isinstance(part, (str, Path, Task)):
            raise CaseError(f"A task is the name of a shipped one, a file, a folder or a Task; given {part!r}.")
        if isinstance(part, Task):
            found.append(part)
        elif Path(part).is_dir():
            found += map(load, listed(part))
        else:
            found.append(load(part))
    if not found:
        raise CaseError(f"No task was given, but {given!r}. Name a shipped one, a file of schema medsim.task/1, or a folder of such files.")
    return found
