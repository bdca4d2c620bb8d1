"""The turn of MedSP1000's examinee, ``{"speak": str, "actions": [str], "eos": bool}``, into our grammar and back.

The rule: the object is taken whole or not at all. Two objects, braces beside it, a missing key or a wrong type (``"eos": "false"``) are
faults that are said and asked again; nothing is repaired, because a mended turn is not what the model did. Keys beside the three reach
nobody. Free-text actions keep their words; only their verb is read, and what fits no verb is a procedure by its own words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple, cast

from medsim import action as act
from medsim import vocabulary
from medsim.action import Action
from medsim.agent.clinic import is_examination
from medsim.agent.reading import spoken
from medsim.case.pattern import DoctorKind
from medsim.dose import drug_words
from medsim.errors import ActionError

MOST_ACTIONS = act.MAX_ACTIONS - 2
"""Beside them, words and an end stand in the same turn."""
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "speak": {"type": "string", "description": "What you say aloud; may be empty."},
        "actions": {"type": "array", "items": {"type": "string"}, "description": "What you do, one thing each; may be empty."},
        "eos": {"type": "boolean", "description": "Whether this stage of the encounter is finished."},
    },
    "required": ["speak", "actions", "eos"],
    "additionalProperties": False,
}

_FENCE = re.compile(r"^[ \t]*```\w*[ \t]*$", re.MULTILINE)
_MARK = re.compile(r"^(?:[-*•]+|\d{1,2}[.)])\s+")
_NAMED = re.compile(rf"({'|'.join((*act.VERBS, *act.ALIASES))})\s*:\s*(?=\S)", re.IGNORECASE)
_PLEASE = re.compile(r"^(?:(?:please|now|then|next|immediately|urgently|stat|also|i|will|would like to|want to|to|let's|we)[\s,:]+)+", re.I)
_LEADS: tuple[tuple[str, DoctorKind, tuple[DoctorKind, ...]], ...] = (
    ("examine|auscultate|palpate|percuss|inspect|listen to|look at|look for|observe|assess|feel", "examine", ("order",)),
    ("order|request|send|draw|collect", "order", ("examine", "procedure")),
    ("give|administer|start|begin|initiate|prescribe|infuse|inject|bolus|push|titrate|continue|increase|decrease|stop|hold|treat with|treat",
     "treat", ("procedure", "order")),
    ("consult|page|call|contact|notify|refer to|refer|alert|activate", "consult", ()),
    ("perform|do|place|insert|apply|attach|connect|establish|secure|set up|prepare|intubate|ventilate|defibrillate|cardiovert|position|monitor",
     "procedure", ("examine", "order")),
)  # fmt: skip
"""Leading words, the verb they stand for, and those they may stand for where the vocabulary knows the rest under one of them."""
_LEAD = [(re.compile(rf"(?:{words})\b\s*(?:the patient(?: with)?\b\s*)?", re.IGNORECASE), kind, others) for words, kind, others in _LEADS]
_VAGUE = re.compile(r"(?:obtain|get|repeat|recheck|measure|check|run|review|take)\s+", re.IGNORECASE)
"""Leading words that are a verb only where the vocabulary knows the rest: one checks a glucose, and for allergies."""
_KEPT = re.compile(
    r"(?:stop|hold|increase|decrease|titrate|continue|intubate|ventilate|defibrillate|cardiovert|position|bolus|monitor|prepare)\b", re.I
)
"""Leading words that say more than a verb of the grammar does, and stay."""
_WAIT = re.compile(r"wait(?:\s+for)?\s+(?P<time>.+)", re.IGNORECASE)
_PLACE = re.compile(
    r"(?:admit|discharge|transfer)\s+(?:(?:the )?patient\s+)?(?:to\s+(?:the\s+)?)?(?P<to>home|(?<=to )[\w-]+(?: [\w-]+){0,3}|(?<=the )[\w-]+(?: [\w-]+){0,3})",
    re.IGNORECASE,
)
_LONGEST, _TOKENS = 300, 24
"""Characters and words of an action that are looked at to find its verb."""
_EMPTY = frozenset(
    ["a", "an", "the", "some", "his", "her", "patient's", "bedside", "serum", "plasma", "level", "levels", "repeat", "stat", "urgent"]
)
"""Words that no name needs to be found."""
_RESULTS = re.compile(r"(?:the |all )?(?:\w+ )?(?:test )?results?(?: to (?:come )?back)?", re.IGNORECASE)


class PacketTurn(NamedTuple):
    """One turn of the examinee."""

    speak: str = ""
    actions: tuple[str, ...] = ()
    eos: bool = False

    def to_json(self) -> str:
        """The turn as the protocol writes it, on one line."""
        return json.dumps({"speak": self.speak, "actions": list(self.actions), "eos": self.eos}, ensure_ascii=False)


def read(text: str) -> PacketTurn:
    """Read a model's words; ActionError says what is wrong with them."""
    held = one_object(text)
    for name, kind, what in (("speak", str, "text"), ("actions", list, "a list of texts"), ("eos", bool, "true or false, without quotes")):
        if name not in held:
            raise ActionError(f'the key "{name}" is missing; all of speak, actions and eos are needed.')
        if type(held[name]) is not kind:
            raise ActionError(f'"{name}" should be {what}.')
    if not all(isinstance(item, str) for item in held["actions"]):
        raise ActionError('every item of "actions" should be text.')
    turn = PacketTurn(act.tidy(held["speak"]), tuple(words for item in held["actions"] if (words := _line(item))), held["eos"])
    if not turn.speak and not turn.actions and not turn.eos:
        raise ActionError("nothing is said and nothing is done.")
    if len(turn.actions) > MOST_ACTIONS or len(message_of(turn)) > act.MAX_TURN_CHARS // 2:
        raise ActionError(f"there is too much in it; at most {MOST_ACTIONS} actions make a turn.")
    return turn


def one_object(text: str) -> dict[str, Any]:
    """The one JSON object in a model's words; ActionError where there is none, or a brace beside it."""
    words = _FENCE.sub("", spoken(text))
    start = words.find("{")
    if start < 0:
        raise ActionError("there is no JSON object in it.")
    try:
        held, end = json.JSONDecoder(object_pairs_hook=_once).raw_decode(words, start)
    except (ValueError, RecursionError) as error:
        if isinstance(error, _Twice):
            raise ActionError(f'the key "{str(error)[:60]}" stands twice.') from None
        raise ActionError("the JSON object in it is broken, or something else stands in braces before it.") from None
    if re.search(r"[{}]", words[end:]):
        raise ActionError("more than one JSON object, or braces beside it, were given.")
    return dict(held)


class _Twice(ValueError):
    """A key that stands twice in an object."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held: dict[str, Any] = {}
    for name, value in pairs:
        if name in held:
            raise _Twice(name)
        held[name] = value
    return held


# ---- into the grammar and back ---------------------------------------------------------------------------------------------------


def message_of(turn: PacketTurn | str) -> str:
    """The turn in the text grammar: words first, then what is done, then the end of the stage."""
    given = read(turn) if isinstance(turn, str) else turn
    said = [act.speech(given.speak)] if given.speak else []
    return act.show([*said, *map(action_of, given.actions), *([act.end()] if given.eos else [])])


def to_packet_turn(message: str | Iterable[Action]) -> PacketTurn:
    """The turn of the protocol that a message of the grammar stands for: each act under its verb, so that ``message_of`` reads it back."""
    actions = act.parse(message) if isinstance(message, str) else list(message)
    words = [action.text for action in actions if action.kind in {"ask", "say"} and action.text]
    acts = [action for action in actions if action.kind not in {"ask", "say", "end"} and (action.text or action.kind == "wait")]
    done = tuple(f"{action.kind}: {_line(action.text) or 'result'}" for action in acts)
    return PacketTurn("\n".join(words), done, any(action.kind == "end" for action in actions))


def action_of(text: str) -> Action:
    """The action of the grammar that free words stand for, by their leading verb and the shared vocabulary."""
    words = _line(text)
    labelled = _NAMED.match(words)
    if labelled and (verb := labelled[1].lower()) not in {"end", "finish"}:
        return Action(cast(DoctorKind, act.ALIASES.get(verb, verb)), words[labelled.end() :])
    plain = (_PLEASE.sub("", words) or words).rstrip(".")
    waited, placed = _WAIT.fullmatch(plain), _PLACE.fullmatch(plain)
    if waited and (length := _length(waited["time"])):
        return Action("wait", length)
    if placed:
        return Action("dispose", placed["to"])
    for lead, kind, others in _LEAD:
        found = lead.match(plain)
        rest = plain[found.end() :].strip(" .:") if found else ""
        if found and re.search(r"\w", rest):
            return Action(_fits(rest, (kind, *others)) or kind, plain if _KEPT.match(plain) else rest)
    vague = _VAGUE.match(plain)
    if vague and (known := _fits(plain[vague.end() :], ("order", "examine", "procedure"))):
        return Action(known, plain[vague.end() :])
    return Action(next((kind for kind in _BARE if _named(kind, plain)), "procedure"), words)


_BARE: tuple[DoctorKind, ...] = ("examine", "order", "treat")
"""Verbs for words that have none, where they are nothing but a name of the vocabulary."""


def _fits(words: str, kinds: Sequence[DoctorKind]) -> DoctorKind | None:
    """The verb under which the vocabulary has the longest name in these words; another verb than the first needs a name of two words or all."""
    if "examine" in kinds and is_examination(words):
        return "examine"
    tokens = [word for word in vocabulary.normal_form(words[:_LONGEST]).split() if word not in _EMPTY][:_TOKENS]
    for size in range(len(tokens), 0, -1):
        spans = {" ".join(tokens[at : at + size]) for at in range(len(tokens) - size + 1)}
        for kind in kinds if size > 1 or len(tokens) == 1 else kinds[:1]:
            if any(len(span) > 2 and span in _names(kind) for span in spans):
                return kind
    return "order" if "order" in kinds and vocabulary.analyte_of(" ".join(tokens)) else None


def _named(kind: DoctorKind, words: str) -> bool:
    if kind == "examine" and is_examination(words):
        return True
    form = vocabulary.normal_form(drug_words(words) if kind == "treat" else words)
    return form in _names(kind) or (kind == "order" and vocabulary.analyte_of(form) is not None)


@cache
def _names(kind: DoctorKind) -> frozenset[str]:
    own = (entry for entry in vocabulary.entries().values() if entry.kind == kind)
    return frozenset(vocabulary.normal_form(name) for entry in own for name in (entry.code, entry.name, *entry.synonyms))


def _length(words: str) -> str:
    """What ``wait`` takes, or nothing."""
    try:
        return words.strip() if act.wait_seconds(words) is not None else "result"
    except ValueError:
        return "result" if _RESULTS.fullmatch(words.strip()) else ""


def _line(text: str) -> str:
    """Words on one line, without a list mark."""
    return _MARK.sub("", " ".join(act.tidy(text).split())).strip("; ")
