"""What a doctor can do, in one text grammar for people, language models and environments.

The rule: parsing never fails and printing loses nothing: ``parse(show(actions)) == actions``. An action is a verb and its words;
doses, times and rankings are read from the words when they are needed, so that nothing is rounded away.

One action is ``verb: words``. Several stand on lines of their own or after ``;``. A line that begins with no verb goes on with the
action before it. Text without any verb is speech. To write a verb literally inside a text, put a backslash before it.
"""

from __future__ import annotations

import difflib
import inspect
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from medsim.case.part import seconds
from medsim.case.pattern import DoctorKind
from medsim.errors import ActionError, did_you_mean

VERBS: tuple[DoctorKind, ...] = get_args(DoctorKind)
ALIASES: dict[str, DoctorKind] = {
    "exam": "examine", "test": "order", "request": "order", "give": "treat", "prescribe": "treat", "perform": "procedure",
    "refer": "consult", "call": "consult", "tell": "say", "diagnosis": "diagnose", "disposition": "dispose", "admit": "dispose",
    "finish": "end",
}  # fmt: skip
_NEVER_SPOKEN = {"order", "treat", "examine", "diagnose", "dispose", "procedure", "prescribe"}
"""Verbs with which nobody begins to speak to a patient."""
MAX_CHARS = 20_000
MAX_TURN_CHARS = 200_000
MAX_ACTIONS = 25

HELP = """\
ask: WORDS                 ask or tell the patient something (say: is the same)
examine: WHAT              examine: heart
order: TEST                order: 12-lead ECG
treat: DRUG DOSE ROUTE     treat: aspirin 300 mg po
procedure: WHAT            procedure: iv access, or procedure: stop ibuprofen
consult: WHOM: WORDS       consult: cardiology: 60-year-old, chest pain since six, ST elevation
wait: TIME                 wait: 10m, or wait: result
calculate: WHAT INPUTS     calculate: bmi weight=70 kg height=175 cm
note: TEXT                 write in the notes
diagnose: FIRST; SECOND    ranked, most likely first
dispose: WHERE             dispose: icu
end:                       leave the encounter
Several actions in one turn: a line each."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a doctor does: a verb and its words."""

    kind: DoctorKind
    text: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", tidy(self.text).rstrip("; \n"))

    def __str__(self) -> str:
        return show([self])


def ask(text: str) -> Action:
    """Ask the patient something."""
    return Action("ask", text)


def say(text: str) -> Action:
    """Tell the patient something."""
    return Action("say", text)


def examine(what: str) -> Action:
    """Examine a part or system."""
    return Action("examine", what)


def order(test: str) -> Action:
    """Order a test."""
    return Action("order", test)


def treat(drug: str, *, dose: str = "", route: str = "") -> Action:
    """Give a drug, fluid or gas: ``treat("aspirin", dose="300 mg", route="po")``."""
    return Action("treat", " ".join(part for part in (drug, dose, route) if part))


def procedure(what: str) -> Action:
    """Do a procedure or start a nursing measure."""
    return Action("procedure", what)


def consult(whom: str) -> Action:
    """Call a colleague or a team."""
    return Action("consult", whom)


def wait(how_long: str = "result") -> Action:
    """Let time pass: a duration, or until the next result."""
    return Action("wait", how_long)


def calculate(calculation: str) -> Action:
    """Work out a clinical calculator: ``calculate("bmi weight=70 kg height=175 cm")``."""
    return Action("calculate", calculation)


def note(text: str) -> Action:
    """Write in the notes."""
    return Action("note", text)


def diagnose(*ranked: str) -> Action:
    """State the diagnosis, or a ranked differential, most likely first."""
    return Action("diagnose", "; ".join(name.replace(";", ",") for name in ranked))


def dispose(where: str) -> Action:
    """Decide where the patient goes."""
    return Action("dispose", where)


def end() -> Action:
    """Leave the encounter."""
    return Action("end")


# ---- as tools ----------------------------------------------------------------------------------------------------------------------

CONSTRUCTORS: dict[DoctorKind, Callable[..., Action]] = {
    "ask": ask, "say": say, "examine": examine, "order": order, "treat": treat, "procedure": procedure, "consult": consult, "wait": wait,
    "calculate": calculate, "note": note, "diagnose": diagnose, "dispose": dispose, "end": end,
}  # fmt: skip
MAX_RANKED = 20
_MARKS = " .,-*"
_MEANING = {
    "drug": "Name of the drug, fluid or gas.",
    "dose": "Amount with its unit, e.g. 300 mg, 500 ml, 0.1 units/kg/h.",
    "route": "How it is given, e.g. po, iv, im, sc, inh.",
    "calculation": "The calculator's name, then each input with its unit, e.g. egfr creatinine=1.2 mg/dL age=60 sex=female.",
    "how_long": "A duration such as 10m or 1h, or 'result' for the next result.",
    "ranked": "Diagnoses, most likely first, one name each.",
    "where": "Where the patient goes, e.g. home, ward, icu, theatre.",
    "whom": "The colleague or team, then what you tell them, if anything: cardiology: 60-year-old, chest pain since six.",
    "test": "Name of one test.",
    "what": "What, by its name, e.g. heart, or iv access.",
    "text": "The words themselves.",
}


def tool_schemas() -> tuple[dict[str, Any], ...]:
    """The actions as tools for a language model, one a verb, read off their constructors: name, docstring and parameters."""
    return tuple(_tool(verb, made) for verb, made in CONSTRUCTORS.items())


def _tool(verb: str, made: Callable[..., Action]) -> dict[str, Any]:
    taken, said = inspect.signature(made).parameters, (inspect.getdoc(made) or "").partition(": `")[0]
    strings: dict[str, Any] = {"type": "string"}
    properties = {
        name: {
            **({"type": "array", "items": strings} if _several(taken[name]) else strings),
            "description": _MEANING[name],
        }
        for name in taken
    }
    parameters = {"type": "object", "properties": properties, "required": _required(taken), "additionalProperties": False}
    return {"type": "function", "function": {"name": verb, "description": said, "parameters": parameters}}


def _several(parameter: inspect.Parameter) -> bool:
    return parameter.kind is inspect.Parameter.VAR_POSITIONAL


def _required(taken: Mapping[str, inspect.Parameter]) -> list[str]:
    return [name for name, parameter in taken.items() if parameter.default is inspect.Parameter.empty]


def from_tool(name: str, arguments: Mapping[str, Any]) -> Action:
    """Make the action a tool call stands for, whole or not at all; ActionError says what was expected instead.

    Nothing is guessed, converted or cut: an argument is text (diagnose: a list of names), and null only for what may be left out.
    """
    made = CONSTRUCTORS.get(cast(DoctorKind, name))
    if made is None:
        raise ActionError(f"There is no tool '{name[:60]}'.{did_you_mean(name, CONSTRUCTORS)} Tools: {', '.join(CONSTRUCTORS)}.")
    taken = inspect.signature(made).parameters
    unknown = [given for given in arguments if given not in taken]
    if unknown:
        raise ActionError(f"Tool '{name}' takes no '{unknown[0][:60]}'. It takes: {', '.join(taken) or 'nothing'}.")
    given = {key: value for key, value in arguments.items() if value is not None}
    missing = [key for key in _required(taken) if key not in given]
    if missing:
        raise ActionError(f"Tool '{name}' needs '{missing[0]}'. It takes: {', '.join(taken)}.")
    listed = next((key for key in given if _several(taken[key])), None)
    if listed is not None:
        return made(*_names(name, listed, given[listed]))
    action = made(**{key: _words(f"'{key}' of tool '{name}'", value, key in _required(taken)) for key, value in given.items()})
    if len(action.text) >= MAX_CHARS:
        raise ActionError(f"Tool '{name}' was given more than {MAX_CHARS} characters.")
    return action


def _words(what: str, value: Any, required: bool) -> str:
    if not isinstance(value, str):
        raise ActionError(f"{what} should be text, is {type(value).__name__}.")
    if len(value) >= MAX_CHARS:
        raise ActionError(f"{what} is longer than {MAX_CHARS} characters.")
    words = tidy(value)
    if required and not words.rstrip("; \n"):
        raise ActionError(f"{what} is empty.")
    return words


def _names(tool: str, what: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_RANKED:
        raise ActionError(f"'{what}' of tool '{tool}' should be a list of 1 to {MAX_RANKED} names.")
    names = [_words(f"each name in '{what}' of tool '{tool}'", name, True) for name in value]
    if sum(map(len, names)) >= MAX_CHARS // 2 or ranked("; ".join(names)) != [name.strip(_MARKS) for name in names]:
        raise ActionError(f"each name in '{what}' of tool '{tool}' should be one bare name: no numbering, ';', '>' or new line.")
    return names


_WORDS = "|".join(sorted((*VERBS, *ALIASES), key=len, reverse=True))
_START = re.compile(rf"(?:^|(?<=\n)|(?<=;))[ \t]*(?P<verb>{_WORDS})[ \t]*:", re.IGNORECASE)
_ESCAPE = re.compile(rf"((?:^|(?<=\n)|(?<=;))[ \t]*)(\\*(?:{_WORDS})[ \t]*:)", re.IGNORECASE)
_ESCAPED = re.compile(rf"((?:^|(?<=\n)|(?<=;))[ \t]*)\\(\\*(?:{_WORDS})[ \t]*:)", re.IGNORECASE)
_BARE_END = re.compile(r"(?:end|finish)[ \t.!]*\Z", re.IGNORECASE)
_QUESTION = re.compile(
    r"(who|what|when|where|why|how|which|do|does|did|have|has|had|are|is|was|were|can|could|any|tell me|describe|would)\b", re.IGNORECASE
)


def tidy(text: str, *, limit: int = MAX_CHARS) -> str:
    """Return text with one kind of newline, no control or format codes, no lone surrogates, stripped, at most ``limit`` long."""
    text = text[:limit]
    if text.isascii() and text.isprintable():
        return text.strip()
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").replace("\u2028", "\n").replace("\u2029", "\n")
    text = "".join(ch for ch in text if ch == "\n" or unicodedata.category(ch) not in {"Cc", "Cf", "Cs", "Co", "Cn"})
    return text.strip()


def parse(text: str) -> list[Action]:
    """Read a doctor's turn; never fails, and never returns an empty list.

    Text before the first verb is speech. More than MAX_ACTIONS actions are cut; the consult says so.
    """
    text = tidy(text, limit=MAX_TURN_CHARS)
    starts = list(_START.finditer(text))
    lead = text[: starts[0].start()].rstrip("; \n") if starts else text
    actions = [_spoken(lead)] if lead.strip() or not starts else []
    for i, match in enumerate(starts):
        end_at = starts[i + 1].start() if i + 1 < len(starts) else len(text)
        verb = match["verb"].lower()
        words = text[match.end() : end_at].strip()
        actions.append(Action(cast(DoctorKind, ALIASES.get(verb, verb)), _ESCAPED.sub(r"\1\2", words)))
    return actions


def slip(message: str) -> str:
    """What to say to a turn that begins like an action and would be heard as speech; empty where there is no doubt."""
    found = re.match(r"\s*([A-Za-z]+)\s*(:?)\s*(.*)", message)
    if found is None:
        return ""
    given, colon, rest = found[1].lower(), found[2], found[3][:120]
    known = {*VERBS, *ALIASES}
    if colon and given not in known:
        near = difflib.get_close_matches(given, known, n=1, cutoff=0.75)
        return f"there is no '{given}:'. Did you mean '{near[0]}: {rest}'?" if near else ""
    if not colon and given in _NEVER_SPOKEN and rest and "?" not in rest:
        return f"an action has a colon: '{given}: {rest}'."
    return ""


def _spoken(text: str) -> Action:
    words = _ESCAPED.sub(r"\1\2", text.strip())
    return Action("end") if _BARE_END.match(words) else speech(words)


def speech(words: str) -> Action:
    """Words to the patient, whatever they look like: a question is asked, anything else said."""
    return Action("ask" if "?" in words or _QUESTION.match(words) else "say", words)


def show(actions: Iterable[Action]) -> str:
    """Print actions in the grammar, one beginning on each line."""
    return "\n".join(f"{action.kind}: {_escape(action.text)}".rstrip() for action in actions)


def _escape(text: str) -> str:
    return _ESCAPE.sub(r"\1\\\2", text)


# ---- what the words say ------------------------------------------------------------------------------------------------------------


class TooLong(ValueError):
    """A duration that can be read and is beyond all that can be waited."""


def wait_seconds(text: str) -> int | None:
    """Read how long to wait; None means until the next result or event. Unreadable words raise ValueError, absurd lengths TooLong."""
    words = text.strip().lower().removeprefix("for ").strip()
    if words in {"", "result", "results", "next", "until result", "until results", "for results", "for result", "next result"}:
        return None
    compact = re.sub(r"\s*(seconds?|secs?)\b", "s", words)
    compact = re.sub(r"\s*(minutes?|mins?)\b", "m", compact)
    compact = re.sub(r"\s*(hours?|hrs?)\b", "h", compact)
    compact = re.sub(r"\s*days?\b", "d", compact)
    if re.fullmatch(r"\d+(\.\d+)?", compact):
        compact += "m"
    compact = compact.replace(" and ", "").replace(" ", "")
    try:
        return seconds(compact)
    except ValueError as error:
        if re.fullmatch(r"(?:\d+(?:\.\d+)?[smhd])+", compact):
            raise TooLong(f"a shorter time was expected, given {text[:60]!r}") from error
        raise


def ranked(text: str) -> list[str]:
    """Read a ranked list of diagnoses: ``"1. PE; 2. pneumonia"`` -> ``["PE", "pneumonia"]``."""
    parts = re.split(r"[;\n>]|(?:^|\s)\d{1,2}[.)]\s", text)
    return [part.strip(_MARKS) for part in parts if part.strip(_MARKS)][:MAX_RANKED]
