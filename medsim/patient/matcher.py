"""Decide what a question is about: the topic of each part of what the doctor says, or that it was not understood.

The rule: the same utterance always gives the same topics, offline and in well under a millisecond, and a guess is never passed
off as understanding; what would cost the patient's trust is heard only when it is clearly meant.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from medsim.patient import vectors
from medsim.patient.fitting import CLOSELY, Fitted, Kernel, fit, shipped
from medsim.patient.splitting import ASKS, atoms, best_cut, carry, curt, lead_of, sentences
from medsim.patient.vectors import Matrix, Piece, Space
from medsim.patient.words import LIMIT, Words, fold

SMALLTALK = "talk.smalltalk"
MAX_PARTS = 12

# chosen by cross-validation over the exemplars; tests/bench/matcher.py prints what they reach
UNDERSTOOD, MARGIN = 0.2, 0.08
"""The least score that counts as understood, and how near an alternative must be."""
CLAUSE_CUT, LIST_CUT, TOLD_CUT, NOT_UNDERSTOOD = 0.1, 0.35, 0.6, 0.1
"""What a cut must gain before a further question, in a list, in a statement; what a part that is not understood costs."""
TOUCHED, FACT = 0.5, 0.15
"""The share of topics in the likeness of a question and a fact, and the least likeness that counts."""
METHOD = (UNDERSTOOD, MARGIN, CLAUSE_CUT, LIST_CUT, TOLD_CUT, NOT_UNDERSTOOD, TOUCHED, FACT)


class Heard(NamedTuple):
    """One part of an utterance and what it is about; topic None: not understood. Alternatives are nearly as good, best first."""

    text: str
    topic: str | None
    score: float
    alternatives: tuple[str, ...]


class Matcher:
    """Knows topics by their exemplars."""

    def __init__(self, fitted: Fitted) -> None:
        self._names, self._answers = fitted.names, fitted.answers
        self.topics, self.symptoms = frozenset(fitted.names), frozenset(fitted.symptoms)
        self.version = hashlib.sha256(json.dumps([fitted.version, METHOD]).encode()).hexdigest()[:16]
        self._words = Words(fitted.lexicon, fitted.used, vectors.english)
        self._space, self._kernel = Space(fitted.counts, fitted.texts), Kernel(fitted.points)

    @classmethod
    def of(cls, exemplars: Mapping[str, Sequence[str]], symptoms: Iterable[str] = ()) -> Matcher:
        """Return a matcher that has learnt topics from these exemplars."""
        return cls(fit(exemplars, symptoms))

    def hear(self, utterance: str) -> tuple[Heard, ...]:
        """Split an utterance into its parts, in order, and say what each is about; always at least one part."""
        parts: list[Heard] = []
        for found in sentences(utterance):
            if len(parts) < MAX_PARTS:
                parts += self._sentence(found)
        parts = _merge([part for part in parts if part.text])
        said = [part for part in parts if not curt(part.text)]
        if said:
            return tuple(said[:MAX_PARTS])
        return (Heard(utterance[:LIMIT].strip(), SMALLTALK if parts else None, 1.0 if parts else 0.0, ()),)

    def piece(self, text: str, *, asks: bool = False) -> Piece:
        """Return a text as it is compared; ``asks`` says that it is part of a question."""
        return Piece.of(text, self._words, asks=asks)

    def scores(self, pieces: Sequence[Piece]) -> Matrix:
        """Return how much each piece is about each topic (pieces x topics in order of name; about 0 to 1)."""
        return self._touched(self._space.vectors(pieces))

    def likeness(self, texts: Sequence[str]) -> Matrix:
        """Return unit rows whose products say how alike texts are, by their words and by the topics they touch."""
        rows = self._space.vectors([self.piece(text) for text in texts])
        touched = np.maximum(self._touched(rows), 0)
        meant = rows[:, : 2 * vectors.DIM]
        return np.concatenate([(1 - TOUCHED) ** 0.5 * vectors.unit(meant), TOUCHED**0.5 * vectors.unit(touched)], axis=1)

    def _touched(self, rows: Matrix) -> Matrix:
        return np.asarray(np.vecdot(self._kernel(rows)[:, None], self._answers))

    def _sentence(self, text: str) -> list[Heard]:
        """Cut a sentence where the pieces are better understood than the whole, each cut at its price."""
        spans, asks = atoms(text), self.piece(text).asks
        runs = [(first, last) for first in range(len(spans)) for last in range(first, len(spans))]
        said = {run: text[spans[run[0]][0] : spans[run[1]][1]] for run in runs}
        lead = lead_of(text)
        pieces = [self.piece(carry(lead, part) if run[0] else part, asks=asks) for run, part in said.items()]
        scores = dict(zip(runs, self.scores(pieces), strict=True))
        price = [0.0, *(_price(said[first, first], asks) for first in range(1, len(spans)))]
        worth = {run: _worth(float(scores[run].max())) - price[run[0]] for run in runs}
        return [self._heard(said[run], scores[run]) for run in best_cut(worth, len(spans))]

    def _heard(self, text: str, scores: Matrix) -> Heard:
        order = np.argsort(-scores, kind="stable")[:4]
        top = float(scores[order[0]])
        near = [self._names[at] for at in order[1:] if scores[at] > max(top - MARGIN, UNDERSTOOD / 2)]
        if top < UNDERSTOOD:
            return Heard(text, None, round(top, 4), ())
        return Heard(text, self._names[order[0]], round(top, 4), tuple(topic for topic in near if topic not in CLOSELY))


def _price(text: str, asks: bool) -> float:
    """Return what a cut costs before a piece: little before a question of its own, most within a statement."""
    if not asks:
        return TOLD_CUT
    return CLAUSE_CUT if fold(text).partition(" ")[0] in ASKS - {"any"} else LIST_CUT


def _worth(score: float) -> float:
    return score if score >= UNDERSTOOD else score - NOT_UNDERSTOOD


def _merge(parts: list[Heard]) -> list[Heard]:
    """Join neighbours about the same topic."""
    out: list[Heard] = []
    for part in parts:
        if out and part.topic and out[-1].topic == part.topic:
            before = out.pop()
            best = max(before, part, key=lambda each: each.score)
            part = best._replace(text=f"{before.text} {part.text}")
        out.append(part)
    return out


@functools.cache
def matcher() -> Matcher:
    """Return the matcher of the shipped vocabulary, loaded once."""
    return Matcher(shipped())


class FactIndex:
    """Finds facts by their own words, for imported cases whose facts have no topics."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._ids = list(texts)
        self._rows = matcher().likeness([texts[each] for each in self._ids])

    def match(self, utterance_part: str) -> tuple[str, ...]:
        """Return the facts that a question is about, best first: none, one, or two that are about as near."""
        if not self._ids or not re.search("[a-zA-Z0-9]", utterance_part):
            return ()
        near = self._rows @ matcher().likeness([utterance_part])[0]
        order = np.argsort(-near, kind="stable")[:2]
        return tuple(self._ids[at] for at in order if near[at] >= max(FACT, near[order[0]] - MARGIN))
