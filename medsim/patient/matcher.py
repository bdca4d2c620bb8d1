"""Decide what a question is about: the topic of each part of what the doctor says, or that it was not understood.

The rule: the same utterance always gives the same topics, offline and in well under a millisecond, and a guess is never passed
off as understanding. A text is a vector of the meaning of its words (static embeddings shipped with wordllama), of their
spelling and of their order; topics are told apart by kernel ridge regression over a few typical points of each topic's exemplars.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medsim import document, library
from medsim.errors import CaseError, PatientError
from medsim.patient.words import LEXICON, LIMIT, SHORT, Words, fold

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILES = ("topics_history", "topics_mind_talk", "topics_review")
SMALLTALK = "talk.smalltalk"
MAX_PARTS = 12
MAX_ATOMS = 8
"""A sentence is cut into no more than this many pieces."""

# chosen by cross-validation over the exemplars; tests/bench/matcher.py prints what they reach
SPELLING, ORDER, MANNER = 0.175, 0.075, 0.1
"""Shares of spelling and word order in the likeness of two texts (the rest is meaning), and what asking or telling adds."""
WIDTH, RIDGE, POINTS = 4.0, 0.3, 4
"""Sharpness of the kernel, strength of the ridge, typical points a topic."""
UNDERSTOOD, MARGIN = 0.2, 0.08
"""The least score that counts as understood, and how near an alternative must be."""
CLAUSE_CUT, LIST_CUT, TOLD_CUT, NOT_UNDERSTOOD = 0.1, 0.35, 0.6, 0.2
"""What must be gained for cutting a sentence before a further question, in a list, in a statement; what a part not understood costs."""

DIM = 256
BUCKETS = 4096
MAX_WORDS = 30_000
Matrix = NDArray[np.float32]

_ASKS = frozenset(
    "what when where who whom whose which why how do did have had is are was were can could would will should any shall ever may am".split()
)
_CURT = frozenset(
    "ok okay k yes yeah yep no nope right sure fine alright all good great mm mmm mhm hm hmm uh um huh ah oh i see well so now and then"
    " great lovely perfect please got it understood".split()
)
_SENTENCE = re.compile(r"(?:[^.?!;\n]|\.(?=\w))+[.?!;]*")
_JOINT = re.compile(
    r"\s*,\s*(?:(?:and|or|but|also|then)\s+)*|\s+(?:and|or|but|plus|also)\s+(?:also\s+)?|(?<=\w{3})\s*[/&+]\s*(?=\w{3})|\s+[-\u2013\u2014]+\s+", re.I
)
_LEAD = re.compile(
    r"(?:(?:have|has|had|do|does|did|are|is|was|were) (?:you|he|she|they|there|your \w+)|any|what about|how about|tell me about|your|no"
    r"|(?:family |past medical |past )?history of|[fp]?m?hx? of)(?: (?:ever|also|been|had|got|have|noticed|take|taken|experienced|feel"
    r"|felt|get|getting|having|feeling|suffer from|any|a|an|the|your|family|history of|problems with|trouble with|allergic to))*\s",
    re.I,
)


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


@functools.cache
def _static() -> tuple[Tokenizer, NDArray[np.float16]]:
    """Return the tokenizer and the token vectors that the wordllama wheel carries, without importing it."""
    from tokenizers import Tokenizer

    found = importlib.util.find_spec("wordllama")
    if found is None or not found.submodule_search_locations:
        raise PatientError("The topic matcher needs the word vectors of 'wordllama'. Install it: pip install 'wordllama>=0.4'.")
    root = Path(found.submodule_search_locations[0])
    tokenizer = Tokenizer.from_file(str(root / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    path = root / "weights" / "l2_supercat_256.safetensors"
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        shape = json.loads(file.read(size))["embedding.weight"]["shape"]
    return tokenizer, np.memmap(path, np.float16, "r", 8 + size, tuple(shape))


@functools.cache
def _signs() -> Matrix:
    """Return a fixed table of random directions; a group of letters or a pair of words points along the row of its hash."""
    bits = np.random.Generator(np.random.PCG64(2026)).integers(0, 2, (BUCKETS, DIM), dtype=np.int8)
    return ((bits * 2 - 1) / np.sqrt(DIM)).astype(np.float32)


def _unit(rows: Matrix) -> Matrix:
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9), np.float32)


def _sums(rows: Matrix, starts: NDArray[np.int64]) -> Matrix:
    return np.add.reduceat(rows, starts, axis=0) if len(starts) > 1 else rows.sum(0, keepdims=True)


class Space:
    """Turns pieces into vectors (meaning | spelling and order | manner); rare words weigh more."""

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        counts = Counter(word for words in texts for word in set(words))
        self._rare = np.log(2 * len(texts) + 1)
        self._weigh = {word: np.log(len(texts) / (count + 0.5) + 1) for word, count in counts.items()}
        self._forget()

    def vectors(self, pieces: Sequence[Piece]) -> Matrix:
        """Return one row for each piece; a piece without words is told apart by its manner only."""
        return np.concatenate([self._chunk(pieces[at : at + 256]) for at in range(0, len(pieces), 256)])

    def _chunk(self, pieces: Sequence[Piece]) -> Matrix:
        texts = [piece.words or [""] for piece in pieces]
        self._learn({word for words in texts for word in words})
        ids = np.array([self._index[word] for words in texts for word in words])
        starts = np.cumsum([0, *map(len, texts[:-1])])
        weights = self._weights[ids, None]
        out = np.empty((len(pieces), 2 * DIM + 1), np.float32)
        out[:, :DIM] = (1 - SPELLING - ORDER) ** 0.5 * _unit(_sums(self._meaning[ids] * np.sqrt(weights), starts))
        out[:, DIM:-1] = SPELLING**0.5 * _unit(_sums(self._spelling[ids] * weights, starts))
        out[:, DIM:-1] += ORDER**0.5 * _unit(self._pairs(self._codes[ids], starts))
        out[:, -1] = [MANNER**0.5 * (1 if piece.asks else -1) for piece in pieces]
        return out

    def _pairs(self, codes: NDArray[np.int64], starts: NDArray[np.int64]) -> Matrix:
        before = np.roll(codes, 1)
        before[starts] = 17
        last = np.append(starts[1:], len(codes)) - 1
        return _sums(_signs()[(before * 31 + codes) % BUCKETS], starts) + _signs()[(codes[last] * 31 + 29) % BUCKETS]

    def _forget(self) -> None:
        """Begin an empty table; its memory is taken only as rows are written."""
        self._index: dict[str, int] = {}
        self._meaning, self._spelling = np.empty((MAX_WORDS, DIM), np.float32), np.empty((MAX_WORDS, DIM), np.float32)
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
        self._meaning[rows], self._spelling[rows] = _meaning(new), _spelling(new)
        self._weights[rows] = [self._weigh.get(word, self._rare) for word in new]
        self._codes[rows] = [zlib.crc32(word.encode()) for word in new]


def _meaning(words: list[str]) -> Matrix:
    tokenizer, table = _static()
    ids = [encoding.ids or [0] for encoding in tokenizer.encode_batch(words, add_special_tokens=False)]
    starts = np.cumsum([0, *map(len, ids[:-1])])
    rows = _sums(table[[token for tokens in ids for token in tokens]].astype(np.float32), starts)
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) ** 0.75 + 1e-9), np.float32)


def _spelling(words: list[str]) -> Matrix:
    groups = [[f"<{word}>"[at : at + size] for size in (3, 4) for at in range(max(1, len(word) + 3 - size))] for word in words]
    starts = np.cumsum([0, *map(len, groups[:-1])])
    letters = _signs()[[zlib.crc32(group.encode()) % BUCKETS for parts in groups for group in parts]]
    return 0.65 * _signs()[[zlib.crc32(word.encode()) % BUCKETS for word in words]] + 0.75 * _unit(_sums(letters, starts))


class Matcher:
    """Knows topics by their exemplars."""

    def __init__(self, exemplars: Mapping[str, Sequence[str]], symptoms: Iterable[str] = ()) -> None:
        self._names = sorted(exemplars)
        self.topics, self.symptoms = frozenset(self._names), frozenset(symptoms)
        texts = [fold(text) for name in self._names for text in exemplars[name]]
        owners = np.repeat(np.arange(len(self._names)), [len(exemplars[name]) for name in self._names])
        self.version = _stamp(exemplars)
        used = Counter(word for text in texts for word in re.findall("[a-z]+", text))
        self._words = Words(used, _english)
        pieces = [self._piece(text) for text in texts]
        self._space = Space([piece.words for piece in pieces])
        self._fit(self._space.vectors(pieces), owners)

    def hear(self, utterance: str) -> tuple[Heard, ...]:
        """Split an utterance into its parts, in order, and say what each is about; always at least one part."""
        parts: list[Heard] = []
        for found in _SENTENCE.finditer(utterance[:LIMIT]):
            if len(parts) < MAX_PARTS:
                parts += self._sentence(found.group().strip())
        parts = _merge([part for part in parts if part.text])
        said = [part for part in parts if not _curt(part.text)]
        if said:
            return tuple(said[:MAX_PARTS])
        return (Heard(utterance[:LIMIT].strip(), SMALLTALK if parts else None, 1.0 if parts else 0.0, ()),)

    def _fit(self, rows: Matrix, owners: NDArray[np.int64]) -> None:
        """Solve kernel ridge regression of topics on typical points, a chunk of exemplars at a time."""
        self._points = np.concatenate([_typical(rows[owners == topic]) for topic in range(len(self._names))])
        self._bias = WIDTH / 2 * (1 + MANNER + (self._points**2).sum(1))
        gram = RIDGE * self._kernel(self._points)
        gram += 1e-3 * np.eye(len(gram), dtype=np.float32)
        target = np.zeros((len(gram), len(self._names)), np.float32)
        for at in range(0, len(rows), 1024):
            near = self._kernel(rows[at : at + 1024])
            gram += near.T @ near
            topics, starts = np.unique(owners[at : at + 1024], return_index=True)
            target[:, topics] += _sums(near, starts).T
        self._answer = np.linalg.solve(gram, target)

    def _kernel(self, rows: Matrix) -> Matrix:
        near = rows @ self._points.T
        near *= WIDTH
        near -= self._bias
        return np.asarray(np.exp(near, out=near))

    def scores(self, pieces: Sequence[Piece]) -> Matrix:
        """Return how much each piece is about each topic (pieces x topics in order of name; about 0 to 1)."""
        return np.asarray(self._kernel(self._space.vectors(pieces)) @ self._answer)

    def _piece(self, text: str, asks: bool = False) -> Piece:
        words = self._words.plain(fold(text))
        return Piece(words, asks or "?" in text[-4:] or len(words) < 3 or words[0] in _ASKS)

    def _sentence(self, text: str) -> list[Heard]:
        """Cut a sentence where the pieces are better understood than the whole, each cut at its price."""
        spans, lead, asks = _atoms(text), _lead(text), self._piece(text).asks
        runs = [(first, last) for first in range(len(spans)) for last in range(first, len(spans))]
        said = {(first, last): text[spans[first][0] : spans[last][1]] for first, last in runs}
        scores = dict(zip(runs, self.scores([self._piece(_carry(lead, said[run]) if run[0] else said[run], asks) for run in runs]), strict=True))
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


def _english(word: str) -> bool:
    return _static()[0].token_to_id("\u2581" + word) is not None


def _typical(rows: Matrix) -> Matrix:
    """Return a few means of a topic's exemplars (k-means begun at evenly spaced ones)."""
    means = rows[np.linspace(0, len(rows) - 1, min(POINTS, len(rows))).astype(int)]
    for _ in range(3):
        nearest = (rows @ means.T - (means**2).sum(1) / 2).argmax(1)
        means = np.stack([rows[nearest == at].mean(0) if (nearest == at).any() else means[at] for at in range(len(means))])
    return np.asarray(means, np.float32)


def _atoms(text: str) -> list[tuple[int, int]]:
    """Return where the smallest pieces of a sentence begin and end."""
    spans, start = [], 0
    for joint in _JOINT.finditer(text):
        if joint.start() > start and len(spans) < MAX_ATOMS - 1:
            spans.append((start, joint.start()))
            start = joint.end()
    return [*spans, (start, len(text))] if start < len(text) else spans or [(0, len(text))]


def _lead(text: str) -> str:
    found = _LEAD.match(text)
    return found.group() if found else ""


def _carry(lead: str, text: str) -> str:
    """Give a later piece the words that the first began with: "any fever or cough?" asks "any cough?"."""
    begins = fold(text).partition(" ")[0]
    return text if begins in _ASKS or _LEAD.match(text) else lead + text


def _price(text: str, asks: bool) -> float:
    """Return what a cut costs before a piece: little before a question of its own, most within a statement."""
    if not asks:
        return TOLD_CUT
    return CLAUSE_CUT if fold(text).partition(" ")[0] in _ASKS - {"any"} else LIST_CUT


def _worth(score: float) -> float:
    return score if score >= UNDERSTOOD else score - NOT_UNDERSTOOD


def _curt(text: str) -> bool:
    words = re.findall("[a-z0-9]+", fold(text))
    return bool(words) and _CURT.issuperset(words)


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


def _stamp(exemplars: Mapping[str, Sequence[str]]) -> str:
    """Return a short hash of everything that the answers depend on."""
    method = [SPELLING, ORDER, MANNER, WIDTH, RIDGE, POINTS, UNDERSTOOD, MARGIN, CLAUSE_CUT, LIST_CUT, TOLD_CUT, NOT_UNDERSTOOD, DIM, BUCKETS]
    content = json.dumps([method, LEXICON, SHORT, {topic: list(texts) for topic, texts in sorted(exemplars.items())}])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


@functools.cache
def matcher() -> Matcher:
    """Return the matcher of the shipped vocabulary, loaded once."""
    entries: list[dict[str, Any]] = []
    for name in FILES:
        entries += document.read(library.vocabulary(name)).data["entries"]
    return Matcher({each["id"]: each["ask"] for each in entries}, [each["id"] for each in entries if each.get("symptom")])
