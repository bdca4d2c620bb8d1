"""One agent at one task: calls in, answers out, everything kept that checks look at.

The rule: no input or output happens here, and the state is a value: a sitting can be forked at any round. A call that cannot be read or
that the record refuses is a round with an answer, never an exception and never free.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from medsim.calculator import said
from medsim.errors import ActionError
from medsim.record.outcome import Refusal, Resource
from medsim.record.store import Check, Record, by_fhir
from medsim.record.task import Task
from medsim.record.tools import Call, from_text, from_tool

SHOWN = 20_000
"""Characters of an answer; what is longer is cut, and says so."""
PAGE = "20"
NOTE = {"coding": [{"system": "http://loinc.org", "code": "34109-9", "display": "Note"}], "text": "Note"}


@dataclass(frozen=True, slots=True)
class Round:
    """One call and what came of it; ``shown`` are the type and id of every resource that the agent was given."""

    number: int
    call: Call | None
    done: bool
    text: str
    shown: frozenset[tuple[str, str]] = frozenset()


@dataclass(slots=True)
class Sitting:
    """A task that is being done; ``answer`` is None until it is finished."""

    task: Task
    record: Record
    rounds: list[Round] = field(default_factory=list)
    answer: list[Any] | None = None

    @classmethod
    def begin(cls, task: Task, *, check: Check | None = by_fhir) -> Sitting:
        """Open the chart of a task."""
        return cls(task, Record(task.holdings, now=task.at, hints=task.hints, check=check))

    def fork(self) -> Sitting:
        """An independent sitting in the same state."""
        return Sitting(self.task, self.record.fork(), list(self.rounds), self.answer)

    @property
    def over(self) -> bool:
        """Whether no more calls are taken."""
        return self.answer is not None or len(self.rounds) >= self.task.rounds

    def say(self, text: str) -> Round:
        """Carry out a call given as text."""
        try:
            call = from_text(text, tools=self.task.offered)
        except ActionError as error:
            return self._kept(None, False, f"Nothing was done. {error}")
        return self.use(call)

    def call(self, name: str, arguments: Mapping[str, Any]) -> Round:
        """Carry out a tool call of a language model."""
        try:
            call = from_tool(name, arguments, tools=self.task.offered)
        except ActionError as error:
            return self._kept(None, False, f"Nothing was done. {error}")
        return self.use(call)

    def use(self, call: Call) -> Round:
        """Carry out a call."""
        if self.over:
            raise ActionError("The task is over: it was finished, or its rounds are used up. Begin another.")
        try:
            given = self._done(call)
        except Refusal as refusal:
            return self._kept(call, False, json.dumps(refusal.outcome, ensure_ascii=False))
        except ActionError as error:
            return self._kept(call, False, f"Nothing was done. {error}")
        return self._kept(call, True, _cut(json.dumps(given, ensure_ascii=False)), _shown(given))

    def _done(self, call: Call) -> Any:
        if call.verb == "search":
            counted = any(name == "_count" for name, _ in call.query)
            return self.record.search(call.kind, call.query if counted else [*call.query, ("_count", PAGE)])
        if call.verb == "read":
            return self.record.read(call.kind, str(call.arguments["id"]))
        if call.verb == "create":
            return self.record.create(call.arguments["resource"])
        if call.verb == "update":
            return self.record.update(call.arguments["resource"])
        if call.verb == "note":
            return self.record.create(self._note(call.arguments))
        if call.verb == "calculate":
            return {"calculated": str(said(str(call.arguments["what"])))}
        self.answer = list(call.arguments["answer"])
        return {"finished": self.answer}

    def _note(self, given: Mapping[str, Any]) -> Resource:
        text = base64.b64encode(str(given["text"]).encode("utf-8", "replace")).decode()
        content: Resource = {"contentType": "text/plain", "data": text, **({"title": str(given["title"])} if given.get("title") else {})}
        made: Resource = {"resourceType": "DocumentReference", "status": "current", "type": NOTE, "content": [{"attachment": content}]}
        who = str(given["patient"]).removeprefix("Patient/")
        return {**made, "subject": {"reference": f"Patient/{who}"}, "date": self.record.stamp}

    def _kept(self, call: Call | None, done: bool, text: str, shown: Iterable[tuple[str, str]] = ()) -> Round:
        if self.over and self.answer is None:
            raise ActionError("The task is over: its rounds are used up. Begin another.")
        made = Round(len(self.rounds) + 1, call, done, text, frozenset(shown))
        self.rounds.append(made)
        return made


def _cut(text: str) -> str:
    if len(text) <= SHOWN:
        return text
    return f"{text[:SHOWN]}\n[cut after {SHOWN} of {len(text)} characters: ask for less with _count, _elements or narrower parameters]"


def _shown(given: Any) -> Iterable[tuple[str, str]]:
    """The resources in an answer. One that was cut off counts as shown: it was asked for and found."""
    if not isinstance(given, dict):
        return
    if given.get("resourceType") == "Bundle":
        for entry in given.get("entry", ()):
            yield from _shown(entry.get("resource"))
    elif isinstance(given.get("id"), str) and isinstance(given.get("resourceType"), str):
        yield given["resourceType"], given["id"]
