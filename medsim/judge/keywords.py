"""A baseline that needs no model: it looks for the statement's words in one entry of the transcript.

The rule: it says what it is, in its name and in every reason. It understands nothing: a denial, a paraphrase and a recited checklist all
deceive it. It is there to test with and to be beaten.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from medsim.judge.ask import Ask, Line
from medsim.rubric import Opinion

SHARE = 0.5
"""Of a statement's words, how many must stand in one entry."""
VERSION = 1

_WORD = re.compile(r"[a-z]{3,}|\d+")
_EMPTY = frozenset(
    """
    the and for that this with from what when where which who whom whose how does did doing done has have had was were are is been being not
    but its his her him she they them their there then than into onto over under after before early about once least any all one two says said
    say asks asked ask tells told tell explains explained clinician doctor doctors patient patients person persons examinee
    """.split()  # noqa: SIM905
)


def stems(text: str) -> frozenset[str]:
    """The beginnings of a text's words, those left out that every statement has."""
    return frozenset(word[:5] for word in _WORD.findall(text.lower()) if word not in _EMPTY)


class KeywordJudge:
    """Met where an entry of the doctor's holds at least half of the statement's words."""

    name = f"keywords (baseline, no understanding) v{VERSION}"

    def opinions(self, asks: Sequence[Ask], lines: Sequence[Line]) -> dict[str, Opinion]:
        """Judge each statement by its words."""
        return {ask.id: _opinion(ask) for ask in asks}


def _opinion(ask: Ask) -> Opinion:
    wanted = stems(ask.statement)
    if not wanted:
        return Opinion("unknown", reason="keyword baseline: the statement has no words to look for")
    own = [(len(wanted & stems(line.text)), -at, line) for at, line in enumerate(ask.lines) if line.voice in ask.quotable]
    best = max(own, default=None, key=lambda found: found[:2])
    most = best[0] if best else 0
    told = f"keyword baseline: {most} of {len(wanted)} words stand in one entry"
    if best is None or most < SHARE * len(wanted):
        return Opinion("unmet", (), told, {"words": most, "of": len(wanted)})
    return Opinion("met", (best[2].seq,), told, {"words": most, "of": len(wanted), "quote": best[2].text[:300]})
