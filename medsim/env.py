"""The text environment: a consult as a Gymnasium env.

The rule: Gymnasium's contract, kept exactly. All chance comes from ``self.np_random``; what a step returns is built fresh and holds no
truth; a seat that fails raises.
"""

from __future__ import annotations

import math
import string
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Space
from gymnasium.vector.utils import create_shared_memory

from medsim import recipe as recipes
from medsim.action import HELP
from medsim.case import Brief, Case
from medsim.consult import Consult
from medsim.controller import Controller
from medsim.episode import episode_id
from medsim.errors import ActionError, CaseError, did_you_mean
from medsim.patient.personas import persona_over
from medsim.patient.seat import Patient
from medsim.recipe import Recipe, Reward
from medsim.rubric import Monitor, Scorecard
from medsim.rubric.scorecard import ending, tally
from medsim.safety import Watch
from medsim.safety.check import GRAVITY
from medsim.seats import Seats, kind_of
from medsim.trajectory import Trajectory, transcript

if TYPE_CHECKING:
    from medsim.llm import LLM

_LETTERS = np.array(list(string.ascii_letters + string.digits + " .,?!:;-'°µéß"))


class Utterance(Space[str]):
    """Any text. (Gymnasium's own Text space knows only fixed alphabets.)"""

    def __init__(self, max_length: int = 200_000, seed: int | np.random.Generator | None = None) -> None:
        self.max_length = int(max_length)
        super().__init__(dtype=str, seed=seed)

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        """Draw a short random text."""
        if mask is not None or probability is not None:
            raise ValueError("Utterance.sample takes neither mask nor probability.")
        length = int(self.np_random.integers(1, 40))
        return "".join(self.np_random.choice(_LETTERS, size=length))

    def contains(self, x: Any) -> bool:
        """Say whether x is text of at most ``max_length`` characters."""
        return isinstance(x, str) and len(x) <= self.max_length

    @property
    def is_np_flattenable(self) -> bool:
        """Text has no fixed-size array."""
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Utterance) and other.max_length == self.max_length

    def __hash__(self) -> int:
        return hash(("Utterance", self.max_length))

    def __repr__(self) -> str:
        return f"Utterance({self.max_length})"


@create_shared_memory.register(Utterance)
def _of_no_fixed_size(space: Utterance, n: int = 1, ctx: Any = None) -> Any:
    """Where Gymnasium would lay observations out in memory that processes share, say what to write instead."""
    raise ActionError(
        "Text has no fixed size that processes could share memory for. Add vector_kwargs={'shared_memory': False} to "
        "vectorization_mode='async', or leave both out."
    )


def _reward(given: Reward | dict[str, float]) -> Reward:
    if isinstance(given, Reward):
        return given
    if not isinstance(given, dict):
        raise ActionError(f"reward is a dict of terms, for example {{'rubric': 1, 'minute': -0.01}}; given {given!r}.")
    for name, weight in given.items():
        if name not in Reward.model_fields:
            known = list(Reward.model_fields)
            raise ActionError(f"No reward term '{name}'.{did_you_mean(str(name), known)} Terms: {', '.join(known)}.")
        if not isinstance(weight, (int, float)) or not math.isfinite(weight):
            raise ActionError(f"The weight of reward term '{name}' is a finite number; given {weight!r}.")
    return Reward(**given)


def _short(given: object) -> str:
    told = repr(given)
    return told if len(told) <= 60 else f"{told[:57]}..."


class ConsultEnv(gym.Env[str, str]):
    """One encounter as text in, text out.

    ``patient``: the name of a kind (scripted, voiced, role, ...), a patient, or a function that makes one of a case's brief; left out, the
    recipe's. ``models`` answers for every seat that needs a language model; ``controller`` makes another controller for documented cases.

    Action: a turn in the action grammar (``env.metadata["grammar"]``). Observation: what the doctor sees and hears.
    Reward: the recipe's terms; each is in the info dict as ``reward_…``. ``terminated``: the doctor ended, or the patient reached a
    terminal state; ``truncated``: our limit of turns or time.
    """

    metadata = {"render_modes": ["ansi", "human"], "render_fps": 4, "grammar": HELP}

    def __init__(
        self,
        cases: str | list[str] | None = None,
        *,
        recipe: str | Recipe | None = None,
        patient: str | Patient | Callable[[Brief], Patient] | None = None,
        controller: Callable[[Case], Controller] | None = None,
        models: LLM | None = None,
        reward: Reward | dict[str, float] | None = None,
        max_turns: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        chosen = recipes.chosen(recipe)
        changes: dict[str, Any] = {}
        if cases is not None:
            changes["cases"] = recipes.named(cases)
        if reward is not None:
            changes["reward"] = _reward(reward)
        if max_turns is not None:
            if not isinstance(max_turns, (int, np.integer)) or max_turns < 1:
                raise ActionError(f"max_turns is the most turns an encounter may take, a whole number, 1 or more; given {max_turns!r}.")
            changes["turns"] = int(max_turns)
        self.recipe = chosen.model_copy(update=changes)
        self.cases: list[Case] = self.recipe.listed()
        self.render_mode = render_mode
        self.action_space = Utterance()
        self.observation_space = Utterance()
        if models is not None and not hasattr(models, "complete"):
            raise ActionError(f"models is medsim.llm.Models, or anything that answers calls; given {_short(models)}.")
        seats = Seats(models).under(self.recipe)
        self._seats = seats._replace(patient=kind_of(patient)) if isinstance(patient, str) else seats
        self._patient, self._controller = None if isinstance(patient, str) else patient, controller
        if self._patient is not None and not callable(self._patient) and not hasattr(self._patient, "reply"):
            raise ActionError(f"patient is a kind of patient, a patient or a function that makes one of a brief; given {_short(patient)}.")
        if self._patient is None and self._controller is None:
            self._seats.check(self.cases)
        self._consult: Consult | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Begin an encounter; ``options={"case": id}`` picks the case, otherwise chance does."""
        super().reset(seed=seed)
        drawn = self.cases[int(self.np_random.integers(len(self.cases)))]
        for key in options or ():
            if key != "case":
                raise ActionError(
                    f"No reset option '{key}'.{did_you_mean(str(key), ['case'])} Known: case, the id of a case of this environment."
                )
        case = self._named(options["case"]) if options and options.get("case") else drawn
        self._seed = int(self.np_random.integers(2**31))
        self._consult = Consult(case, seed=self._seed, limits=self.recipe.limits)
        self._seat, self._ruler = self._seated(case), self._ruled(case)
        self._monitor = Monitor(case.rubric, case)
        self._monitor.feed(self._consult.events)
        self._earned = self._monitor.earned()
        self._watch = Watch(case) if self.recipe.reward.unsafe else None
        self._shown = 0
        if self.render_mode == "human":
            self.render()
        return transcript(self._consult.events, doctor=False), self._info({})

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Carry out one turn. Text that is no action, or no text at all, costs time and is answered; it does not raise."""
        consult = self._running()
        before = consult.outcome()
        events = consult.play(action if isinstance(action, str) else "", self._seat, controller=self._ruler)
        self._monitor.feed(events)
        after = consult.outcome()
        terms = self._terms(before, after, sum(event.kind in {"unclear", "refused"} for event in events))
        terms["unsafe"] = (
            self.recipe.reward.unsafe * sum(GRAVITY[one.finding.severity] for one in self._watch.feed(events)) if self._watch else 0.0
        )
        if self.render_mode == "human":
            self.render()
        terminated, truncated = after.status == "finished", after.status == "truncated"
        return transcript(events, doctor=False), float(sum(terms.values())), terminated, truncated, self._info(terms)

    def render(self) -> str | None:
        """Return the transcript so far (ansi), or write what is new to the terminal (human)."""
        consult = self._begun()
        if self.render_mode == "ansi":
            return transcript(consult.events)
        if self.render_mode == "human":
            sys.stdout.write(transcript(consult.events[self._shown :]) + "\n")
            self._shown = len(consult.events)
            return None
        if self.render_mode is None:
            gym.logger.warn("render() was called without a render_mode; give render_mode='ansi' or 'human'.")
            return None
        raise ActionError(f"No render mode '{self.render_mode}'. Known: {', '.join(self.metadata['render_modes'])}.")

    @property
    def trajectory(self) -> Trajectory:
        """What has happened so far, as a trajectory. It holds the truth: keep it from the policy."""
        consult = self._begun()
        case = consult.case
        return Trajectory(
            id=episode_id("env", case.hash, self._seed, len(consult.events)), case_id=case.id, case_hash=case.hash, agent="env",
            seed=self._seed, trial=0, events=list(consult.events), outcome=consult.outcome(), patient=self._seat.name, env=self.recipe.id,
        )  # fmt: skip

    @property
    def scorecard(self) -> Scorecard:
        """The rubric's verdicts on the encounter, once it has ended."""
        consult = self._begun()
        if not consult.over:
            raise ActionError("The encounter is still open; its scorecard comes when it has ended.")
        return tally(self._monitor, ending(consult.outcome()))

    def _terms(self, before: Any, after: Any, unclear: int) -> dict[str, float]:
        weights = self.recipe.reward
        earned = self._monitor.earned(ending(after) if after.status != "open" else "open")
        gained, self._earned = earned - self._earned, earned
        return {
            "rubric": weights.rubric * gained,
            "turn": weights.turn,
            "minute": weights.minute * (after.seconds - before.seconds) / 60,
            "usd": weights.usd * (after.cost - before.cost),
            "unclear": weights.unclear * unclear,
        }

    def _info(self, terms: dict[str, float]) -> dict[str, Any]:
        consult = self._begun()
        outcome = consult.outcome()
        info: dict[str, Any] = {
            "case_id": consult.case.id,
            "turn": outcome.turns,
            "turns_left": max(0, consult.limits.turns - (outcome.turns - consult.scene.visit_turn)),
            "minutes": outcome.seconds / 60,
            "cost": outcome.cost,
            "ended_by": outcome.reason,
        }
        return {**info, **{f"reward_{name}": float(terms.get(name, 0.0)) for name in Reward.model_fields}}

    def _seated(self, case: Case) -> Patient:
        """The patient of an encounter: the one given, one made from the brief, or the recipe's."""
        if self._patient is None:
            return self._seats.patient_of(case)
        return self._patient(persona_over(case.brief(), self.recipe.persona)) if callable(self._patient) else self._patient

    def _ruled(self, case: Case) -> Controller | None:
        """The controller of a documented case; a compiled one answers for itself."""
        if case.roles is not None and self._controller is not None:
            return self._controller(case)
        return self._seats.controller_of(case)

    def _named(self, name: Any) -> Case:
        if not isinstance(name, str):
            raise CaseError(f"options['case'] is the id of a case, given {name!r}.")
        for case in self.cases:
            if case.id == name:
                return case
        known = [case.id for case in self.cases]
        raise CaseError(f"No case '{name}' in this environment.{did_you_mean(name, known)} It has: {', '.join(known[:20])}.")

    def _begun(self) -> Consult:
        if self._consult is None:
            raise ActionError("Call reset() first.")
        return self._consult

    def _running(self) -> Consult:
        consult = self._begun()
        if consult.over:
            raise ActionError("The encounter is over. Call reset() to begin another.")
        return consult
