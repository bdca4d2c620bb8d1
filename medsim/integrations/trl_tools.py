"""An encounter as the tools a language model calls: of a world, or of an authored case.

The rule: every public method but ``reset`` is a tool, and what it takes and says is all that the model learns of it; words that are no text do
nothing. The reward is reckoned after every call and stays what it was once the encounter is over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from medsim import action as act
from medsim import recipe as recipes
from medsim.action import Action
from medsim.case import Case
from medsim.consult import Consult
from medsim.errors import ActionError, CaseError, did_you_mean
from medsim.patient.scripted import ScriptedPatient
from medsim.rubric import Monitor
from medsim.rubric.scorecard import ending
from medsim.trajectory import Event, transcript
from medsim.world.game import Game, game
from medsim.world.patients import Draw, keys
from medsim.world.payoff import Payoff
from medsim.world.settling import Reckoning
from medsim.world.telling import Told, tell

MOST_WAITS = 8
"""Times twelve hours: what an order waits for its result at most."""
OVER = "The encounter is over. Call no further tool."


@lru_cache(maxsize=16)
def game_of(world: str, terms: Payoff | None, max_turns: int) -> Game:
    """Return the game whose encounters are played, made once."""
    return game(world, task="workup", reward=terms, max_turns=max_turns)


class EncounterTools:
    """One encounter of a world; every public method but ``reset`` is a tool."""

    _waits = True
    _games: Callable[[], Game] = staticmethod(lambda: game_of("sore-throat", None, 30))

    def __init__(self) -> None:
        """Begin with nobody in the room."""
        self.reward = 0.0
        self.done = True
        self._consult: Consult | None = None

    def reset(self, **row: Any) -> str:
        """Begin the encounter of a dataset row; ``seed`` says who comes in."""
        play = type(self)._games()
        told = _told(play.tables, _seed_of(row), play.max_turns)
        self._begin(told.case, _seed_of(row))
        self._reckoning = Reckoning(told, play)
        self._cut = play.payoff.truncated
        self._settle([])
        return transcript(self._running().events, doctor=False)

    def ask(self, question: str) -> str:
        """Ask the patient a question.

        Args:
            question: One question, in plain words.

        Returns:
            What the patient says.
        """
        return self._act("ask", question)

    def examine(self, what: str) -> str:
        """Examine the patient.

        Args:
            what: The part, system or sign to examine, by its name.

        Returns:
            What is found.
        """
        return self._act("examine", what)

    def order(self, test: str) -> str:
        """Order a test and wait for its result.

        Args:
            test: The name of one test.

        Returns:
            The result.
        """
        return self._act("order", test)

    def treat(self, drug: str) -> str:
        """Give a treatment.

        Args:
            drug: The drug or treatment by its name; where a dose matters with dose and route, such as aspirin 300 mg po.

        Returns:
            What is seen.
        """
        return self._act("treat", drug)

    def diagnose(self, ranked: str) -> str:
        """State the diagnosis and end the encounter.

        Args:
            ranked: The most likely diagnosis; others may follow after semicolons, less likely ones later.

        Returns:
            That the encounter is over.
        """
        return self._act("diagnose", ranked)

    # ---- inside: nothing below is a tool -----------------------------------------------------------------------------------------

    def _begin(self, case: Case, seed: int) -> None:
        self._consult, self._seat = Consult(case, seed=seed), ScriptedPatient(case.brief())
        self.done = False

    def _running(self) -> Consult:
        if self._consult is None:
            raise ActionError("No encounter has begun. Call reset(seed=...) with a row of the dataset.")
        return self._consult

    def _act(self, kind: Any, words: Any) -> str:
        """Carry out one action, whatever the words look like; words that are no text are an action that cannot be understood."""
        consult = self._running()
        if self.done or consult.over:
            return OVER
        action = Action(kind, words if isinstance(words, str) else "")
        events = self._ordered(action) if kind == "order" and self._waits else consult.play(act.show([action]), self._seat)
        if kind == "diagnose" and any(event.kind == "diagnose" for event in events) and not consult.over:
            events = [*events, *consult.play("end:", self._seat)]
        self._settle(events)
        self.done = consult.over
        return OVER if self.done and kind == "diagnose" else transcript(events, doctor=False) or OVER

    def _ordered(self, action: Action) -> list[Event]:
        """Order and wait for what was ordered, in one turn."""
        consult = self._running()
        start = len(consult.events)
        for one, *_ in consult.begin(act.show([action, *[act.wait()] * MOST_WAITS])):
            if one.kind == "wait" and consult.clock.next_result() is None:
                break
            consult.close(consult.open(one))
        consult.finish()
        return consult.events[start:]

    def _settle(self, events: Sequence[Event]) -> None:
        now = self._reckoning.feed(events)
        if self._running().over:
            now = self._reckoning.finish(over=True)
        closed = now.ended or now.truncated
        self.reward = float(now.unshaped) if closed else float(now.unshaped + self._cut)


class CaseTools(EncounterTools):
    """One encounter of an authored case: more can be done, time passes, and the rubric decides. The row's ``case`` or seed picks the case."""

    _cases: Callable[[], list[Case]] = staticmethod(lambda: recipes.load_cases(["starter"]))
    _waits = False

    def reset(self, **row: Any) -> str:
        """Begin the encounter of a dataset row; ``case`` names the case, otherwise the seed picks it."""
        known, seed = type(self)._cases(), _seed_of(row)
        name = row.get("case")
        found = [case for case in known if case.id == name] if name else [known[seed % len(known)]]
        if not found:
            ids = [case.id for case in known]
            raise CaseError(f"No case '{name}' here.{did_you_mean(str(name), ids)} It has: {', '.join(ids[:20])}.")
        self._begin(found[0], seed)
        self._monitor = Monitor(found[0].rubric, found[0])
        self._cut = Payoff().truncated
        self._settle(self._running().events)
        return transcript(self._running().events, doctor=False)

    def order(self, test: str) -> str:
        """Order a test; its result comes later.

        Args:
            test: The name of one test.

        Returns:
            How long the result takes, or the result where it is there at once.
        """
        return self._act("order", test)

    def procedure(self, what: str) -> str:
        """Do a procedure or start a nursing measure.

        Args:
            what: The procedure by its name, such as iv access.

        Returns:
            What is seen.
        """
        return self._act("procedure", what)

    def consult(self, whom: str) -> str:
        """Call a colleague or a team.

        Args:
            whom: The colleague or team.

        Returns:
            What they say.
        """
        return self._act("consult", whom)

    def wait(self, how_long: str) -> str:
        """Let time pass.

        Args:
            how_long: A duration such as 10m or 1h, or result for the next result.

        Returns:
            What happens meanwhile.
        """
        return self._act("wait", how_long)

    def note(self, text: str) -> str:
        """Write in the notes.

        Args:
            text: What is written.

        Returns:
            Nothing of the patient.
        """
        return self._act("note", text)

    def dispose(self, where: str) -> str:
        """Decide where the patient goes; do this before the diagnosis.

        Args:
            where: One of home, ward, icu, theatre and the like.

        Returns:
            Nothing of the patient.
        """
        return self._act("dispose", where)

    def _settle(self, events: Sequence[Event]) -> None:
        consult = self._running()
        self._monitor.feed(events)
        outcome = consult.outcome()
        earned = self._monitor.earned(ending(outcome) if consult.over else "open")
        self.reward = float(earned) if outcome.status == "finished" else float(earned + self._cut)


def _seed_of(row: Mapping[str, Any]) -> int:
    given = row.get("seed")
    if isinstance(given, bool) or not isinstance(given, (int, str)) or not str(given).strip().lstrip("-").isdigit():
        raise ActionError(
            f"The row's 'seed' says which patient comes in, so that a whole group meets the same one; a whole number was expected, given {given!r}. "
            "Make rows with medsim.integrations.trl.rows."
        )
    return int(given)


_TOLD: dict[tuple[int, int, int], tuple[Any, Told]] = {}


def _told(tables: Any, seed: int, max_turns: int) -> Told:
    """The patient of a seed as a case, kept for the other rollouts of its group."""
    at = (id(tables), seed, max_turns)
    if at not in _TOLD:
        if len(_TOLD) >= 256:
            _TOLD.clear()
        patients = Draw.of(tables).patients(keys(seed, 1))
        _TOLD[at] = (tables, tell(tables, patients, max_turns=max_turns))  # the tables are kept, so that their id stays their own
    return _TOLD[at][1]
