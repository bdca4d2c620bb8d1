"""Votes: read from what a judge answered, checked against the transcript, and counted.

The rule: a vote counts only when it is as asked, and a vote of "met" only when its quotation stands in the entry it names, said by one
whose words count. What does not count is void and keeps its reason. More than half of the votes asked for must count, and more than half
of those must agree; otherwise the verdict is unknown.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from medsim.judge.ask import Ask, Line, clean

Said = Literal["met", "not_met", "cannot_tell"]
SAID: tuple[Said, ...] = ("met", "not_met", "cannot_tell")
SHORTEST = 8
"""Characters that a quotation has at least, unless it is the whole entry."""
LONGEST_WHY, LONGEST_QUOTE = 300, 600

_ANSWER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "statement": {"type": "string"},
        "why": {"type": "string"},
        "turn": {"type": ["integer", "null"]},
        "quote": {"type": ["string", "null"]},
        "verdict": {"type": "string", "enum": list(SAID)},
    },
    "required": ["statement", "why", "turn", "quote", "verdict"],
    "additionalProperties": False,
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"answers": {"type": "array", "items": _ANSWER}},
    "required": ["answers"],
    "additionalProperties": False,
}

_QUOTES = {ord(ch): "'" for ch in "\"'`´‘’‚‛“”„‟«»‹›′″＂＇"}
_PREFIX = re.compile(r"\A\s*(?:\[\d+\]\s*)?(?:[^:\n]{1,80}\(\d[\d:]*\):\s*)?")


@dataclass(frozen=True, slots=True)
class Vote:
    """One model's answer on one statement."""

    model: str
    said: Said | None = None
    line: int | None = None
    """Number of the entry it cites."""
    seq: int | None = None
    """Number of the event behind that entry, where the quotation holds."""
    quote: str = ""
    why: str = ""
    fault: str = ""
    """Why it does not count."""
    call: str = ""
    """Content address of the call."""

    @property
    def counts(self) -> bool:
        """Whether it may be counted."""
        return not self.fault and self.said is not None

    def void(self, fault: str) -> Vote:
        """The same vote, not to be counted."""
        return replace(self, fault=self.fault or fault)

    def data(self) -> dict[str, Any]:
        """Plain data for the store."""
        return {
            "model": self.model, "verdict": self.said, "event": self.seq, "quote": self.quote[:LONGEST_QUOTE], "why": self.why, "void": self.fault, "call": self.call,
        }  # fmt: skip


def read(text: str, labels: Sequence[str], *, model: str, call: str = "") -> dict[str, Vote]:
    """Read an answer of any shape: a vote for each label, void where there is none that can be read."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return {label: Vote(model, fault="the answer was not JSON", call=call) for label in labels}
    answers = data.get("answers") if isinstance(data, dict) else None
    if not isinstance(answers, list):
        return {label: Vote(model, fault="the answer held no list of answers", call=call) for label in labels}
    found: dict[str, list[Vote]] = {label: [] for label in labels}
    for answer in answers:
        label = answer.get("statement") if isinstance(answer, dict) else None
        if isinstance(label, str) and (name := label.strip().rstrip(".:").upper()) in found:
            found[name].append(_vote(answer, model, call))
    return {label: _only(votes, model, call) for label, votes in found.items()}


def _only(votes: Sequence[Vote], model: str, call: str) -> Vote:
    if not votes:
        return Vote(model, fault="the statement was not answered", call=call)
    return votes[0] if len(votes) == 1 else votes[0].void("the statement was answered more than once")


def _vote(answer: dict[str, Any], model: str, call: str) -> Vote:
    said, turn, quote, why = (answer.get(name) for name in ("verdict", "turn", "quote", "why"))
    whole = (isinstance(turn, int) and not isinstance(turn, bool)) or (isinstance(turn, float) and turn.is_integer())
    line = int(turn) if whole and turn is not None else None
    vote = Vote(
        model, next((known for known in SAID if known == said), None), line, None, clean(quote) if isinstance(quote, str) else "",
        clean(why)[:LONGEST_WHY] if isinstance(why, str) else "", call=call,
    )  # fmt: skip
    return vote if vote.said else vote.void("the verdict was none of met, not_met, cannot_tell")


def checked(vote: Vote, ask: Ask) -> Vote:
    """Check a vote's quotation; a vote of not_met or cannot_tell needs none."""
    if not vote.counts or vote.said != "met":
        return replace(vote, line=None, quote="") if vote.counts else vote
    if not ask.needs_quote and not vote.quote:
        return vote
    if vote.line is None or not 1 <= vote.line <= len(ask.lines):
        return vote.void("met, but it names no entry of the transcript")
    line = ask.lines[vote.line - 1]
    if line.voice not in ask.quotable:
        return vote.void(f"met, but entry {vote.line} is not by one whose words count")
    fault = unfound(vote.quote, line)
    return vote.void(f"met, but {fault}") if fault else replace(vote, seq=line.seq)


def unfound(quote: str, line: Line) -> str:
    """Say why a quotation does not stand in an entry; empty where it does."""
    wanted, text = _plain(_PREFIX.sub("", quote, count=1)), _plain(line.text)
    if not wanted:
        return "it quotes nothing"
    if wanted not in text:
        return "the words it quotes do not stand in the entry it names"
    return "" if len(wanted) >= SHORTEST or wanted.strip(".!? ") == text.strip(".!? ") else "the quotation is too short to show anything"


def _plain(text: str) -> str:
    """Text with white space and quotation marks made alike."""
    return " ".join(unicodedata.normalize("NFC", clean(text)).translate(_QUOTES).split()).strip("' ")


def split(votes: Sequence[Vote]) -> bool:
    """Whether the votes that count differ."""
    return len({vote.said for vote in votes if vote.counts}) > 1


def count(votes: Sequence[Vote], *, share: float = 0.5) -> tuple[Said | None, str]:
    """The verdict of the majority, which must be more than ``share`` of the votes that count; or None with the reason."""
    valid = [vote.said for vote in votes if vote.counts and vote.said]
    if 2 * len(valid) <= len(votes):
        return None, _too_few(votes, len(valid))
    (said, most), *_ = Counter(valid).most_common()
    told = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in Counter(valid).most_common())
    if most <= share * len(valid):
        return None, f"the votes are split ({told})"
    return (None, f"the judge cannot tell ({told})") if said == "cannot_tell" else (said, "")


def _too_few(votes: Sequence[Vote], valid: int) -> str:
    faults = Counter(vote.fault for vote in votes if not vote.counts)
    first = faults.most_common(1)[0][0] if faults else "no vote was given"
    some = f"only {valid} of {len(votes)} votes count" if valid else "no vote counts" if len(votes) > 1 else "the vote does not count"
    return f"{some}: {first}"
