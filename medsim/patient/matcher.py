"""Decide what a question is about: the topic of each part of what the doctor says, or that it was not understood.

The rule: the same utterance always gives the same topics, offline and in well under a millisecond, and a guess is never passed
off as understanding. A text is a vector of the meaning of its words (static embeddings shipped with wordllama), of their
spelling and of their order; topics are told apart by kernel ridge regression over a few typical points of each topic's exemplars.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import threading
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medsim import document, library
from medsim.patient import words as lexis
from medsim.patient.words import LEXICON, LIMIT, SHORT, Matrix, Words, atoms, carry, curt, fold, lead_of, sentences

FILES = ("topics_history", "topics_mind_talk", "topics_review")
SMALLTALK = "talk.smalltalk"
MAX_PARTS = 12

# chosen by cross-validation over the exemplars; tests/bench/matcher.py prints what they reach
SPELLING, ORDER, MANNER = 0.175, 0.075, 0.1
"""Shares of spelling and word order in the likeness of two texts (the rest is meaning), and what asking or telling adds."""
WIDTH, RIDGE, POINTS = 4.0, 0.3, 4
"""Sharpness of the kernel, strength of the ridge, typical points a topic."""
UNDERSTOOD, MARGIN = 0.2, 0.08
"""The least score that counts as understood, and how near an alternative must be."""
CLAUSE_CUT, LIST_CUT, TOLD_CUT, NOT_UNDERSTOOD = 0.1, 0.35, 0.6, 0.1
"""What a cut must gain before a further question, in a list, in a statement; what a part that is not understood costs."""

TOUCHED, FACT = 0.5, 0.15
"""The share of topics in the likeness of a question and a fact, and the least likeness that counts."""
MAX_WORDS = 30_000
MANY = 256
"""More rows than these go through threaded matrix products; fewer through single dot products, which wait for no other core."""


class Heard(NamedTuple):
    """One part of an utterance and what it is about; topic None: not understood. Alternatives are nearly as good, best first."""

    text: str
    topic: str | None
    score: float
    alternatives: tuple[str, ...]


class Piece(NamedTuple):
    """A stretch of an utterance as plain words, and whether it asks or tells."""

    words: list[str]
    asks: bool


class Space:
    """Turns pieces into vectors (meaning | spelling and order | manner); rare words weigh more."""

    def __init__(self, counts: Mapping[str, int], texts: int) -> None:
        self._lock = threading.Lock()
        self._rare = np.log(2 * texts + 1)
        self._weigh = {word: np.log(texts / (count + 0.5) + 1) for word, count in counts.items()}
        self._forget()

    def vectors(self, pieces: Sequence[Piece]) -> Matrix:
        """Return one row for each piece; a piece without words is told apart by its manner only."""
        out = np.empty((len(pieces), 2 * lexis.DIM + 1), np.float32)
        for at in range(0, len(pieces), MANY):
            self._write(pieces[at : at + MANY], out[at : at + MANY])
        return out

    def _write(self, pieces: Sequence[Piece], out: Matrix) -> None:
        texts = [piece.words or [""] for piece in pieces]
        starts = np.cumsum([0, *map(len, texts[:-1])])
        with self._lock:
            self._learn({word for words in texts for word in words})
            ids = np.array([self._index[word] for words in texts for word in words])
            sense, letters, weights, codes = (table[ids] for table in (self._meaning, self._spelling, self._weights, self._codes))
        out[:, : lexis.DIM] = (1 - SPELLING - ORDER) ** 0.5 * lexis.unit(lexis.sums(sense * np.sqrt(weights[:, None]), starts))
        out[:, lexis.DIM : -1] = SPELLING**0.5 * lexis.unit(lexis.sums(letters * weights[:, None], starts))
        out[:, lexis.DIM : -1] += ORDER**0.5 * lexis.unit(_pairs(codes, starts))
        out[:, -1] = [MANNER**0.5 * (1 if piece.asks else -1) for piece in pieces]

    def _forget(self) -> None:
        """Begin an empty table; its memory is taken only as rows are written."""
        self._index: dict[str, int] = {}
        self._meaning, self._spelling = np.empty((MAX_WORDS, lexis.DIM), np.float32), np.empty((MAX_WORDS, lexis.DIM), np.float32)
        self._weights, self._codes = np.empty(MAX_WORDS, np.float32), np.empty(MAX_WORDS, np.int64)

    def _learn(self, words: set[str]) -> None:
        """Write the rows of words that were not met before."""
        new = sorted(words - self._index.keys())
        if not new:
            return
        if len(self._index) + len(new) > MAX_WORDS:
            self._forget()
            new = sorted(words)
        rows = slice(len(self._index), len(self._index) + len(new))
        self._index |= {word: rows.start + at for at, word in enumerate(new)}
        self._meaning[rows], self._spelling[rows] = lexis.meaning(new), lexis.spelling(new)
        self._weights[rows] = [self._weigh.get(word, self._rare) for word in new]
        self._codes[rows] = [zlib.crc32(word.encode()) for word in new]


def _pairs(codes: NDArray[np.int64], starts: NDArray[np.int64]) -> Matrix:
    """Return the sum of directions of neighbouring words, with where a text begins and ends."""
    before = np.roll(codes, 1)
    before[starts] = 17
    last = np.append(starts[1:], len(codes)) - 1
    return np.asarray(
        lexis.sums(lexis.signs()[(before * 31 + codes) % lexis.BUCKETS], starts) + lexis.signs()[(codes[last] * 31 + 29) % lexis.BUCKETS]
    )


class Fitted(NamedTuple):
    """What is learnt from the exemplars: all that hearing needs."""

    version: str
    names: tuple[str, ...]
    symptoms: tuple[str, ...]
    texts: int
    used: dict[str, int]
    """How often the exemplars use a word, as it is written."""
    counts: dict[str, int]
    """In how many exemplars a word stands, put plainly."""
    points: Matrix
    answers: Matrix

    def save(self, path: Path) -> None:
        """Write to a file that ``load`` reads; the same content gives the same bytes of every array."""
        words = json.dumps([self.version, self.names, self.symptoms, self.texts, self.used, self.counts], sort_keys=True)
        arrays = {"points": self.points.astype(np.float16), "answers": self.answers.astype(np.float16)}
        np.savez_compressed(path, words=np.frombuffer(words.encode(), np.uint8), **arrays)

    @classmethod
    def load(cls, path: Path) -> Fitted:
        """Read what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as file:
            version, names, symptoms, texts, used, counts = json.loads(file["words"].tobytes())
            points, answers = file["points"].astype(np.float32), file["answers"].astype(np.float32)
        return cls(version, tuple(names), tuple(symptoms), texts, used, counts, points, answers)


class Matcher:
    """Knows topics by their exemplars."""

    def __init__(self, exemplars: Mapping[str, Sequence[str]] | Fitted, symptoms: Iterable[str] = ()) -> None:
        known = exemplars if isinstance(exemplars, Fitted) else None
        self._names = list(known.names) if known else sorted(exemplars)
        self.topics, self.symptoms = frozenset(self._names), frozenset(known.symptoms if known else symptoms)
        if known:
            self._words, self._space = Words(known.used, lexis.english), Space(known.counts, known.texts)
            self.version, self._points, self._answers = known.version, known.points, known.answers
            self._fitted = known
        else:
            self._learn(dict(exemplars))  # type: ignore[arg-type]
        self._bias = WIDTH / 2 * (1 + MANNER + (self._points**2).sum(1))

    @property
    def fitted(self) -> Fitted:
        """What this matcher has learnt."""
        return self._fitted

    def _learn(self, exemplars: dict[str, Sequence[str]]) -> None:
        texts = [fold(text) for name in self._names for text in exemplars[name]]
        owners = np.repeat(np.arange(len(self._names)), [len(exemplars[name]) for name in self._names])
        self.version = _stamp(json.dumps({topic: list(said) for topic, said in sorted(exemplars.items())}).encode())
        used = Counter(word for text in texts for word in re.findall("[a-z]+", text))
        self._words = Words(used, lexis.english)
        pieces = [self._piece(text) for text in texts]
        counts = Counter(word for piece in pieces for word in set(piece.words))
        self._space = Space(counts, len(texts))
        self._fit(self._space.vectors(pieces), owners)
        self._fitted = Fitted(
            self.version,
            tuple(self._names),
            tuple(sorted(self.symptoms)),
            len(texts),
            dict(used),
            dict(counts),
            self._points,
            self._answers,
        )

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

    def _fit(self, rows: Matrix, owners: NDArray[np.int64]) -> None:
        """Solve kernel ridge regression of topics on typical points, a chunk of exemplars at a time."""
        self._points = _rounded(np.concatenate([_typical(rows[owners == topic]) for topic in range(len(self._names))]))
        self._bias = WIDTH / 2 * (1 + MANNER + (self._points**2).sum(1))
        gram = RIDGE * self._kernel(self._points)
        gram += 1e-3 * np.eye(len(gram), dtype=np.float32)
        target = np.zeros((len(gram), len(self._names)), np.float32)
        for at in range(0, len(rows), 512):
            near = self._kernel(rows[at : at + 512])
            gram += near.T @ near
            topics, starts = np.unique(owners[at : at + 512], return_index=True)
            target[:, topics] += lexis.sums(near, starts).T
        self._answers = _rounded(np.ascontiguousarray(np.linalg.solve(gram, target).T))

    def _kernel(self, rows: Matrix) -> Matrix:
        near = rows @ self._points.T if len(rows) > MANY else np.vecdot(rows[:, None], self._points)
        near *= WIDTH
        near -= self._bias
        return np.asarray(np.exp(near, out=near))

    def scores(self, pieces: Sequence[Piece]) -> Matrix:
        """Return how much each piece is about each topic (pieces x topics in order of name; about 0 to 1)."""
        return self._touched(self._space.vectors(pieces))

    def _touched(self, rows: Matrix) -> Matrix:
        return np.asarray(np.vecdot(self._kernel(rows)[:, None], self._answers))

    def likeness(self, texts: Sequence[str]) -> Matrix:
        """Return unit rows whose products say how alike texts are, by their words and by the topics they touch."""
        rows = self._space.vectors([self._piece(text) for text in texts])
        touched = np.maximum(self._touched(rows), 0)
        words = rows[:, : 2 * lexis.DIM]
        return np.concatenate([(1 - TOUCHED) ** 0.5 * lexis.unit(words), TOUCHED**0.5 * lexis.unit(touched)], axis=1)

    def _piece(self, text: str, asks: bool = False) -> Piece:
        words = self._words.plain(fold(text))
        return Piece(words, asks or "?" in text[-4:] or len(words) < 3 or words[0] in lexis.ASKS)

    def _sentence(self, text: str) -> list[Heard]:
        """Cut a sentence where the pieces are better understood than the whole, each cut at its price."""
        spans, lead, asks = atoms(text), lead_of(text), self._piece(text).asks
        runs = [(first, last) for first in range(len(spans)) for last in range(first, len(spans))]
        said = {(first, last): text[spans[first][0] : spans[last][1]] for first, last in runs}
        scores = dict(
            zip(runs, self.scores([self._piece(carry(lead, said[run]) if run[0] else said[run], asks) for run in runs]), strict=True)
        )
        price = [0.0, *(_price(said[first, first], asks) for first in range(1, len(spans)))]
        worth = {run: _worth(float(scores[run].max())) - price[run[0]] for run in runs}
        best: list[tuple[float, list[tuple[int, int]]]] = [(0.0, [])]
        for end in range(1, len(spans) + 1):
            ways = [(best[at][0] + worth[at, end - 1], [*best[at][1], (at, end - 1)]) for at in range(end)]
            best.append(max(ways, key=lambda way: way[0]))
        return [self._heard(said[run], scores[run]) for run in best[-1][1]]

    def _heard(self, text: str, scores: Matrix) -> Heard:
        order = np.argsort(-scores, kind="stable")[:4]
        top = float(scores[order[0]])
        near = tuple(self._names[at] for at in order[1:] if scores[at] > max(top - MARGIN, UNDERSTOOD / 2))
        if top < UNDERSTOOD:
            return Heard(text, None, round(top, 4), ())
        return Heard(text, self._names[order[0]], round(top, 4), near)


def _rounded(rows: Matrix) -> Matrix:
    """Return values as the file keeps them, so that learning anew and loading answer alike."""
    return rows.astype(np.float16).astype(np.float32)


def _typical(rows: Matrix) -> Matrix:
    """Return a few means of a topic's exemplars (k-means begun at evenly spaced ones)."""
    means = rows[np.linspace(0, len(rows) - 1, min(POINTS, len(rows))).astype(int)]
    for _ in range(3):
        nearest = (rows @ means.T - (means**2).sum(1) / 2).argmax(1)
        chosen = (nearest[:, None] == np.arange(len(means))).astype(np.float32)
        counts = chosen.sum(0)[:, None]
        means = np.where(counts > 0, chosen.T @ rows / np.maximum(counts, 1), means)
    return np.asarray(means, np.float32)


def _price(text: str, asks: bool) -> float:
    """Return what a cut costs before a piece: little before a question of its own, most within a statement."""
    if not asks:
        return TOLD_CUT
    return CLAUSE_CUT if fold(text).partition(" ")[0] in lexis.ASKS - {"any"} else LIST_CUT


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


def _stamp(content: bytes) -> str:
    """Return a short hash of everything that the answers depend on."""
    method = [
        SPELLING,
        ORDER,
        MANNER,
        WIDTH,
        RIDGE,
        POINTS,
        UNDERSTOOD,
        MARGIN,
        CLAUSE_CUT,
        LIST_CUT,
        TOLD_CUT,
        NOT_UNDERSTOOD,
        lexis.DIM,
        lexis.BUCKETS,
    ]
    return hashlib.sha256(json.dumps([method, LEXICON, SHORT]).encode() + content).hexdigest()[:16]


def learn() -> Matcher:
    """Learn the shipped vocabulary anew, from its exemplars."""
    entries: list[dict[str, Any]] = []
    for name in FILES:
        entries += document.read(library.vocabulary(name)).data["entries"]
    learnt = Matcher({each["id"]: each["ask"] for each in entries}, [each["id"] for each in entries if each.get("symptom")])
    return Matcher(learnt.fitted._replace(version=_shipped_version()))


def _shipped_version() -> str:
    return _stamp(b"".join(library.vocabulary(name).read_bytes() for name in FILES))


def fitted_path() -> Path:
    """Where the fitted matcher of the shipped vocabulary is kept."""
    return library.vocabulary("topics").with_suffix(".npz")


@functools.cache
def matcher() -> Matcher:
    """Return the matcher of the shipped vocabulary, loaded once; learnt anew where the kept one is not of these exemplars."""
    path = fitted_path()
    if path.is_file():
        kept = Fitted.load(path)
        if kept.version == _shipped_version():
            return Matcher(kept)
    return learn()


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
