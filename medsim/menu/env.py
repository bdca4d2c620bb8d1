"""Compiled cases as a discrete environment: the same actions, observation and info as with a world, answered by the consult.

The rule: every choice is carried out as words in the case's own consult, so that rubric, clock and body are those of the text environment.
A compiled case has no prior and no likelihoods: there is no posterior, and what would need one is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from medsim.case import Case
from medsim.consult import Consult
from medsim.errors import ActionError, CaseError, did_you_mean
from medsim.menu.choices import Menu, diagnoses, drug_of, listed, menu_of
from medsim.patient.scripted import ScriptedPatient
from medsim.rubric import Monitor
from medsim.rubric.names import accepted, named
from medsim.rubric.scorecard import ending, tally
from medsim.safety import Unsafe, Watch, check
from medsim.safety.check import GRAVITY
from medsim.trajectory import Event, transcript
from medsim.world.game import Act, Seen, Task, numbered
from medsim.world.payoff import Payoff, payoff

Observation = dict[str, NDArray[Any]] | NDArray[Any]
TERMS = ("cost", "rubric", "utility", "safety", "unsafe")


class CasesEnv(gym.Env[Any, Any]):
    """An encounter with one of several compiled cases, by choices.

    Actions, in this order: each case's own questions, examinations and tests, filled up to the longest list; then, for ``inquiry``, STOP; for
    ``workup`` what is given, done, waited for and where the patient goes, filled up as well, and the diagnoses of all cases. ``cases`` are
    pack names, ids, files, or cases. The mask offers a case's own choices and no places that are filled up.

    Reward: fees; the rubric's points as they are earned (``rubric`` times the share); at a diagnosis +1, -0.5, or -1 where the condition must
    not be missed; a critical harm of the rubric holds the whole at zero or below; ``unsafe`` for each finding of medication safety on what is
    given, twice that where the drug must not be given.

    ``warnings``: the observation has ``warned``, what medication safety would speak against now, and info the ``warnings`` on what was given.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}

    def __init__(
        self,
        *,
        cases: str | Case | list[str] | list[Case],
        task: Task = "workup",
        reward: Payoff | Mapping[str, float] | None = None,
        rubric: float = 1.0,
        unsafe: float = 0.0,
        warnings: bool = False,
        max_turns: int = 60,
        observation: Seen = "dict",
        masked: bool = True,
        belief: bool = False,
        render_mode: str | None = None,
    ) -> None:
        self.task, self.max_turns, self.seen, self.masked, self.render_mode = task, max_turns, observation, masked, render_mode
        self.payoff = payoff(reward)
        if belief or self.payoff.shaping:
            raise ActionError("A compiled case has no posterior: belief=True and reward shaping go with a world. Leave them out.")
        if not isinstance(max_turns, (int, np.integer)) or max_turns < 1 or observation not in ("dict", "flat"):
            raise ActionError(
                f"max_turns of 1 or more and observation 'dict' or 'flat' were expected, given {max_turns!r}, {observation!r}."
            )
        if warnings and task != "workup":
            raise ActionError("Nothing is given in an inquiry that could be warned of: leave warnings out, or play medsim/Workup-v0.")
        self.weight, self.unsafe, self.warnings = float(rubric), float(unsafe), warnings
        self.menus = [menu_of(case) for case in listed(cases)]
        self.findings = max(len(menu.findings) for menu in self.menus)
        self.acts = max(len(menu.acts) for menu in self.menus) if task == "workup" else 0
        self.diagnoses = diagnoses(self.menus) if task == "workup" else ()
        self.stop = self.findings + self.acts
        self.layout = {"findings": self.findings, "asked": self.findings, "treated": self.acts, "demo": 3, "budget": 2}
        if warnings:
            self.layout["warned"] = self.acts
        self.layout = {name: width for name, width in self.layout.items() if width}
        self.observation_space = self._space()
        self.actions = self.stop + (len(self.diagnoses) if task == "workup" else 1)
        self.action_space = spaces.Discrete(self.actions)
        self._consult: Consult | None = None
        self._over = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Begin an encounter; ``options={"patient": i}`` or ``{"case": id}`` picks the case."""
        super().reset(seed=seed)
        for name in options or ():
            if name not in ("patient", "case"):
                raise ActionError(f"No reset option '{name}'.{did_you_mean(str(name), ['patient', 'case'])} Known: patient, case.")
        drawn = int(self.np_random.integers(len(self.menus)))
        self._index = self._picked(options or {}, drawn)
        self._consult = Consult(self.menu.case, seed=int(self.np_random.integers(2**31)), limits=(None, self.max_turns))
        self._seat = ScriptedPatient(self.menu.case.brief())
        self._monitor = Monitor(self.menu.case.rubric, self.menu.case)
        self._monitor.feed(self._consult.events)
        self._earned, self._turn, self._return, self._over = self._monitor.earned(), 0, 0.0, False
        self._state = {name: np.zeros(width, dtype=np.int8) for name, width in self.layout.items() if name not in ("demo", "budget")}
        self._watch = Watch(self.menu.case) if self.unsafe or self.warnings else None
        self._unsafe: list[Unsafe] = []
        self._warn()
        self._place = {choice.id: f for f, choice in enumerate(self.menu.findings)}
        self._mask = self._opening()
        return self._observation(), self._info(dict.fromkeys(TERMS, 0.0), 0, -1)

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Carry out one choice; an illegal one changes nothing, costs a little and takes a turn."""
        consult, a = self._running(), numbered(action, actions=self.actions)
        self._unsafe = []
        self._turn += 1
        terms, given = dict.fromkeys(TERMS, 0.0), -1
        if self._mask[a]:
            given = a - self.stop if a >= self.stop and self.task == "workup" else -1
            terms["cost"] = self._carry_out(a)
        else:
            terms["cost"] = self.payoff.illegal
        ended = consult.outcome().status == "finished"
        cut = not ended and (consult.over or self._turn >= self.max_turns)
        terms["unsafe"] = self.unsafe * sum(GRAVITY[one.finding.severity] for one in self._unsafe)
        earned = self._monitor.earned(ending(consult.outcome()) if consult.over else "censored" if cut else "open")
        terms["rubric"], self._earned = self.weight * (earned - self._earned), earned
        success = 0
        if given >= 0:
            success = int(self._right(given))
            terms["utility"] = self._utility(success)
        elif cut:
            terms["utility"] = self.payoff.truncated
        if consult.over and tally(self._monitor, ending(consult.outcome())).critical:
            rest = self._return + sum(terms.values()) + self.payoff.harm
            terms["safety"] = self.payoff.harm - (max(rest, 0.0) if self.payoff.veto else 0.0)
        total = float(sum(terms.values()))
        self._return += total
        self._over = ended or cut
        return self._observation(), total, ended, cut, self._info(terms, success, given)

    def action_masks(self) -> NDArray[np.int8]:
        """Return what is legal now, (A,) int8."""
        return self._mask.copy() if self.masked else np.ones_like(self._mask)

    def render(self) -> str | None:
        """Return the transcript so far."""
        return transcript(self._begun().events) if self.render_mode == "ansi" else None

    @property
    def menu(self) -> Menu:
        """The choices of the case that is being played."""
        return self.menus[self._index]

    @property
    def truth(self) -> int:
        """The diagnosis that is right, by its place among the diagnoses; for oracles and tests."""
        return next((d for d in range(len(self.diagnoses)) if self._right(d)), -1)

    def words(self, action: int) -> str:
        """Return a choice of the present case in words; what is filled up has none."""
        return self.named(action)[1]

    def named(self, action: int) -> tuple[Act, str]:
        """Return a choice of the present case by kind and id, and its words."""
        choices = self.menu.findings if action < self.findings else self.menu.acts
        at = action if action < self.findings else action - self.findings
        if action < self.stop:
            return (Act(choices[at].kind, choices[at].id), choices[at].words) if at < len(choices) else (Act("none", ""), "")
        if self.task == "inquiry":
            return Act("stop", ""), "end:"
        return Act("diagnose", self.diagnoses[action - self.stop]), f"diagnose: {self.diagnoses[action - self.stop]}\nend:"

    # ---- inside --------------------------------------------------------------------------------------------------------------------

    def _carry_out(self, a: int) -> float:
        """Do it in words, mark what came out, and return what it cost."""
        consult = self._running()
        events = consult.play(self.words(a), self._seat)
        self._monitor.feed(events)
        self._mark(events)
        if self._watch is not None:
            self._unsafe = self._watch.feed(events)
            self._warn()
        fee = 0.0
        if a < self.findings:
            fee = self.menu.findings[a].fee
            self._state["asked"][a] = 1
            # Asked too early, a patient deflects; that may be asked again.
            self._mask[a] = int(self.menu.findings[a].kind == "history" and self._deflected(events))
            if any(event.kind == "refused" for event in events):
                self._state["asked"][a], self._mask[a] = 0, 1
        elif a < self.stop:
            fee = self.menu.acts[a - self.findings].fee
            self._state["treated"][a - self.findings] = 1
        return -fee

    def _warn(self) -> None:
        """Mark what medication safety would speak against now."""
        if self._watch is None or not self.warnings:
            return
        known = self._watch.known
        for at, choice in enumerate(self.menu.acts):
            self._state["warned"][at] = choice.kind == "treat" and bool(check(drug_of(choice, weight_kg=known.weight_kg), known))

    def _deflected(self, events: list[Event]) -> bool:
        said = [event for event in events if event.kind == "reply"]
        deflections = [fact.deflect for fact in self.menu.case.patient.facts if fact.deflect]
        return any(not event.facts and any(words in event.text for words in deflections) for event in said)

    def _mark(self, events: list[Event]) -> None:
        """Write down what came out: +1 told or reported, -1 a relevant negative or an unremarkable result of the shared vocabulary."""
        facts = {fact.id: fact for fact in self.menu.case.patient.every_fact()}
        for event in events:
            if event.kind in {"finding", "result"} and event.code in self._place:
                self._state["findings"][self._place[event.code]] = -1 if event.args.get("shared") else 1
            for name in event.facts:
                for topic in (name, *facts[name].topics):
                    if topic in self._place:
                        self._state["findings"][self._place[topic]] = -1 if facts[name].negative else 1

    def _opening(self) -> NDArray[np.int8]:
        mask = np.zeros(self.actions, dtype=np.int8)
        mask[: len(self.menu.findings)] = 1
        if self.task == "workup":
            mask[self.findings : self.findings + len(self.menu.acts)] = 1
        mask[self.stop :] = 1
        return mask

    def _right(self, given: int) -> bool:
        return named([self.diagnoses[given]], accepted(self.menu.case.outcome.diagnosis))

    def _utility(self, success: int) -> float:
        if success:
            return self.payoff.correct
        return self.payoff.missed if self.menu.case.outcome.diagnosis.must_not_miss else self.payoff.wrong

    def _observation(self) -> Observation:
        patient, consult = self.menu.case.patient, self._begun()
        spent = min(consult.outcome().cost / 10_000.0, 1.0)
        real = {
            "demo": np.array([min(patient.age.years / 110.0, 1.0), patient.sex == "male", patient.sex == "female"], dtype=np.float32),
            "budget": np.array([min(self._turn / self.max_turns, 1.0), spent], dtype=np.float32),
        }
        seen: dict[str, NDArray[Any]] = {**{name: part.copy() for name, part in self._state.items()}, **real}
        if self.seen == "flat":
            return np.concatenate([seen[name].astype(np.float32) for name in self.layout])
        return seen

    def _space(self) -> spaces.Space[Any]:
        if self.seen == "flat":
            low = np.zeros(sum(self.layout.values()), dtype=np.float32)
            low[: self.findings] = -1.0
            return spaces.Box(low, np.ones_like(low), dtype=np.float32)
        parts: dict[str, spaces.Space[Any]] = {}
        for name, width in self.layout.items():
            if name in ("asked", "treated", "warned"):
                parts[name] = spaces.MultiBinary(width)
            elif name == "findings":
                parts[name] = spaces.Box(-1, 1, (width,), np.int8)
            else:
                parts[name] = spaces.Box(0.0, 1.0, (width,), np.float32)
        return spaces.Dict(parts)

    def _info(self, terms: dict[str, float], success: int, given: int) -> dict[str, Any]:
        told: dict[str, Any] = {f"reward_{name}": float(value) for name, value in terms.items()}
        if self.warnings:
            told["warnings"] = [str(one.finding) for one in self._unsafe]
        return {
            "action_mask": self.action_masks(), "turn": self._turn, "patient": self._index, "return_unshaped": self._return, **told,
            "reward_shaping": 0.0, "success": success, "diagnosis": given,
        }  # fmt: skip

    def _picked(self, options: dict[str, Any], drawn: int) -> int:
        if options.get("case") is not None:
            ids = [menu.case.id for menu in self.menus]
            if options["case"] not in ids:
                raise CaseError(
                    f"No case '{options['case']}' here.{did_you_mean(str(options['case']), ids)} It has: {', '.join(ids[:20])}."
                )
            return ids.index(options["case"])
        picked = options.get("patient", drawn)
        if not isinstance(picked, (int, np.integer)) or not 0 <= picked < len(self.menus):
            raise ActionError(f"options['patient'] is the place of a case, 0 to {len(self.menus) - 1}; given {picked!r}.")
        return int(picked)

    def _begun(self) -> Consult:
        if self._consult is None:
            raise ActionError("Call reset() first.")
        return self._consult

    def _running(self) -> Consult:
        consult = self._begun()
        if consult.over or self._over:
            raise ActionError("The encounter is over. Call reset() to begin another.")
        return consult
