"""A language model in the controller's seat of a documented case.

The rule: it is given the controller's documents, the declared states and what has happened, each time anew, so it keeps nothing between
turns. Its answer is JSON with one entry for each action or it is asked for again, twice, and is then an LLMError. A sentence that
advises the doctor is asked to be taken back once and is then left out.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from medsim import library
from medsim.case import Case
from medsim.case.role import joined
from medsim.controller.hints import advice, without
from medsim.controller.seat import LONGEST_ACT, LONGEST_RESULT, STANDINGS, VITALS, Deed, Ruling, Task
from medsim.errors import CaseError
from medsim.llm import LLM, Call, Message, unusable

TRIES = 3
"""How often a ruling is asked for before the model is given up."""
PROMPT = "controller"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _Deed(_Strict):
    number: int
    status: Literal["executed", "pending", "unsupported"]
    text: str
    minutes: float = Field(ge=0)
    result_minutes: float | None = Field(default=None, ge=0)


class _Vitals(_Strict):
    hr: float | None = None
    sbp: float | None = None
    dbp: float | None = None
    rr: float | None = None
    spo2: float | None = None
    temp: float | None = None
    gcs: float | None = None


class _Ruling(_Strict):
    actions: list[_Deed]
    seen: list[str] = []
    vitals: _Vitals | None = None
    advance: bool
    complete: bool = False


def _number() -> dict[str, Any]:
    return {"type": ["number", "null"]}


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "actions": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "number": {"type": "integer"},
                    "status": {"type": "string", "enum": list(STANDINGS)},
                    "text": {"type": "string"},
                    "minutes": {"type": "number"},
                    "result_minutes": _number(),
                },
                "required": ["number", "status", "text", "minutes", "result_minutes"],
                "additionalProperties": False,
            },
        },
        "seen": {"type": "array", "items": {"type": "string"}},
        "vitals": {
            "type": ["object", "null"],
            "properties": {name: _number() for name in VITALS},
            "required": list(VITALS),
            "additionalProperties": False,
        },
        "advance": {"type": "boolean"},
        "complete": {"type": "boolean"},
    },
    "required": ["actions", "seen", "vitals", "advance", "complete"],
    "additionalProperties": False,
}
"""The form of an answer; nothing is optional, as providers' strict modes want it."""


class ModelController:
    """Answers for the surroundings of one documented case. ``model`` empty: the model of the role ``controller``."""

    def __init__(self, case: Case, llm: LLM, *, model: str = "", prompt: str = PROMPT) -> None:
        if case.roles is None:
            raise CaseError(f"Case '{case.id}' is compiled: its states and results answer for themselves and no controller is seated.")
        self.llm, self.model = llm, model
        self.name = ":".join(filter(None, ("model", model)))
        documents = joined(case.roles.controller) or f"(There are none. This is what the doctor was told: {case.encounters[0].door_note})"
        states = "\n".join(
            f"{i}. {name}{f': {state.note}' if state.note else ''}" for i, (name, state) in enumerate(case.states.items(), 1)
        )
        self.system = library.prompt(prompt).replace("{documents}", documents).replace("{states}", states)

    def rule(self, task: Task) -> Ruling:
        """Answer one task; LLMError where the model fails or gives no answer of the right form in three tries."""
        messages = [Message("system", self.system), Message("user", _told(task))]
        wrong, softened, answers = "", False, []
        for _ in range(TRIES):
            call = Call(self.model, tuple(messages), role="controller", seed=task.seed, schema=SCHEMA, salt=f"turn {task.index}")
            answers.append(answer := self.llm.complete(call))
            ruling, wrong = read(answer.text, task)
            if ruling is not None:
                hints = tuple(hint for text in (*(deed.text for deed in ruling.deeds), *ruling.seen) for hint in advice(text))
                if not hints or softened:
                    return _kept(ruling, hints, self.name, answer.usage)
                softened = True
                wrong = f"These sentences tell the doctor what to do; give the same answer without them: {' | '.join(hints)[:600]}"
            messages += [Message("assistant", answer.text), Message("user", wrong)]
        raise unusable(self.llm, answers, f"The controller's model gave no ruling in {TRIES} tries: {wrong}")


def fingerprint(prompt: str = PROMPT) -> str:
    """The hash of what decides a ruling beside the model: prompt and form."""
    return hashlib.sha256(f"{library.prompt(prompt)}\n{json.dumps(SCHEMA, sort_keys=True)}".encode()).hexdigest()[:16]


def read(text: str, task: Task) -> tuple[Ruling | None, str]:
    """Read an answer strictly: a ruling, or None and what was wrong with it."""
    bare = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    try:
        said = _Ruling.model_validate_json(bare)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the answer"
        return None, f"That is not the JSON object that was asked for ({where}: {first['msg']}). Answer with it and nothing else."
    if sorted(deed.number for deed in said.actions) != list(range(1, len(task.actions) + 1)):
        return None, f"Answer each of the {len(task.actions)} numbered actions exactly once, by its number."
    vitals = {name: value for name, value in (said.vitals or _Vitals()).model_dump().items() if value is not None}
    for name, value in vitals.items():
        low, high = VITALS[name]
        if not low <= value <= high:
            return None, f"{name} {value:g} is outside {low} to {high}; correct it."
    deeds = tuple(_deed(deed) for deed in sorted(said.actions, key=lambda deed: deed.number))
    if any(deed.status == "pending" and not deed.text.strip() for deed in deeds):
        return None, "A pending action needs its result in text."
    seen = tuple(line.strip() for line in said.seen if line.strip())
    return Ruling(deeds, seen, vitals, said.advance, said.complete), ""


def _deed(said: _Deed) -> Deed:
    seconds = round(min(said.minutes * 60, LONGEST_ACT))
    result_in = round(min((said.result_minutes or 0) * 60, LONGEST_RESULT)) if said.status == "pending" else 0
    return Deed(said.status, " ".join(said.text.split()), seconds, result_in)


def _kept(ruling: Ruling, hints: tuple[str, ...], source: str, usage: Any) -> Ruling:
    deeds = tuple(deed._replace(text=without(deed.text, hints)) for deed in ruling.deeds)
    seen = tuple(line for line in (without(line, hints) for line in ruling.seen) if line)
    return Ruling(deeds, seen, ruling.vitals, ruling.advance, ruling.complete, hints, source, usage)


def _told(task: Task) -> str:
    """The situation and the doctor's actions, with a mark around what the doctor wrote that the doctor cannot have written."""
    actions = "\n".join(f"{i}. {line}" for i, line in enumerate(task.actions, 1))
    if task.ended:
        actions = f"{actions}\n(The doctor has finished this stage.)".strip()
    mark = hashlib.sha256("\n".join((*task.transcript, *task.actions)).encode()).hexdigest()[:12]
    story = "\n".join(task.transcript) or "(Nothing yet.)"
    after = f"after it: {task.following}" if task.following else "the last"
    return (
        f"Time: {task.seconds // 60} min after arrival. State: {task.state} ({after}).\n\n"
        f"So far:\n<<{mark}\n{story}\n{mark}>>\n\nThe doctor now:\n<<{mark}\n{actions}\n{mark}>>"
    )
