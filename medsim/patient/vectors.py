"""Turn a text into a vector: the meaning of its words, their spelling, their order, and whether it asks or tells.

The rule: the same words give the same vector, whatever was read before, on every run. The meaning of a word comes from the static
embeddings in the wordllama wheel, of which only the rows that are needed are read; nothing here touches the network.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medsim.errors import PatientError
from medsim.patient.splitting import ASKS
from medsim.patient.words import Words, fold

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Matrix = NDArray[np.float32]

SPELLING, ORDER, MANNER = 0.175, 0.075, 0.1
"""Shares of spelling and word order in the likeness of two texts (the rest is meaning), and what asking or telling adds."""
DIM, BUCKETS = 256, 4096
"""Length of a vector of meaning or spelling, and how many directions the hash of a group of letters may point along."""
MAX_WORDS = 30_000
MANY = 256
"""More rows than these go through threaded matrix products; fewer through single dot products, which wait for no other core."""


class Piece(NamedTuple):
    """A stretch of an utterance as plain words, and whether it asks or tells."""

    words: list[str]
    asks: bool

    @classmethod
    def of(cls, text: str, words: Words, *, asks: bool = False) -> Piece:
        """Read a text; ``asks`` says that it is part of a question."""
        plain = words.plain(fold(text))
        return cls(plain, asks or "?" in text[-4:] or len(plain) < 3 or plain[0] in ASKS)


class Space:
    """Turns pieces into vectors (meaning | spelling and order | manner); rare words weigh more."""

    def __init__(self, counts: Mapping[str, int], texts: int) -> None:
        self._lock = threading.Lock()
        self._rare = np.log(2 * texts + 1)
        self._weigh = {word: np.log(texts / (count + 0.5) + 1) for word, count in counts.items()}
        self._forget()

    def vectors(self, pieces: Sequence[Piece]) -> Matrix:
        """Return one row for each piece; a piece without words is told apart by its manner only."""
        out = np.empty((len(pieces), 2 * DIM + 1), np.float32)
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
        out[:, :DIM] = (1 - SPELLING - ORDER) ** 0.5 * unit(sums(sense * np.sqrt(weights[:, None]), starts))
        out[:, DIM:-1] = SPELLING**0.5 * unit(sums(letters * weights[:, None], starts))
        out[:, DIM:-1] += ORDER**0.5 * unit(_pairs(codes, starts))
        out[:, -1] = [MANNER**0.5 * (1 if piece.asks else -1) for piece in pieces]

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
        self._meaning[rows], self._spelling[rows] = meaning(new), spelling(new)
        self._weights[rows] = [self._weigh.get(word, self._rare) for word in new]
        self._codes[rows] = [zlib.crc32(word.encode()) for word in new]


def _pairs(codes: NDArray[np.int64], starts: NDArray[np.int64]) -> Matrix:
    """Return the sum of directions of neighbouring words, with where a text begins and ends."""
    before = np.roll(codes, 1)
    before[starts] = 17
    last = np.append(starts[1:], len(codes)) - 1
    return np.asarray(sums(signs()[(before * 31 + codes) % BUCKETS], starts) + signs()[(codes[last] * 31 + 29) % BUCKETS])


@functools.cache
def static() -> tuple[Tokenizer, Callable[[list[int]], Matrix]]:
    """Return the tokenizer and a look-up of the token vectors that the wordllama wheel carries, without importing it.

    Rows are read from the file as they are needed, so that its 16 MB never stay in memory.
    """
    from tokenizers import Tokenizer

    found = importlib.util.find_spec("wordllama")
    if found is None or not found.submodule_search_locations:
        raise PatientError("The topic matcher needs the word vectors of 'wordllama'. Install it: pip install 'wordllama>=0.4'.")
    root = Path(found.submodule_search_locations[0])
    tokenizer = Tokenizer.from_file(str(root / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    path = root / "weights" / "l2_supercat_256.safetensors"
    file = path.open("rb", buffering=0)
    size = int.from_bytes(file.read(8), "little")
    width = 2 * json.loads(file.read(size))["embedding.weight"]["shape"][1]

    lock = threading.Lock()

    def row(token: int) -> bytes:
        file.seek(8 + size + width * token)
        return file.read(width)

    def vectors(tokens: list[int]) -> Matrix:
        with lock:
            rows = b"".join(map(row, tokens))
        return np.frombuffer(rows, np.float16).reshape(len(tokens), -1).astype(np.float32)

    return tokenizer, vectors


@functools.cache
def signs() -> Matrix:
    """Return a fixed table of random directions; a group of letters or a pair of words points along the row of its hash."""
    bits = np.random.Generator(np.random.PCG64(2026)).integers(0, 2, (BUCKETS, DIM), dtype=np.int8)
    return np.asarray((bits * 2 - 1) / np.sqrt(DIM), np.float32)


def unit(rows: Matrix) -> Matrix:
    """Return rows of length one."""
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9), np.float32)


def sums(rows: Matrix, starts: NDArray[np.int64]) -> Matrix:
    """Return the sum of each run of rows, added first to last; three times as fast as ``np.add.reduceat``."""
    if len(starts) == 1:
        return np.asarray(np.add.reduce(rows, axis=0, keepdims=True))
    lengths = np.diff(starts, append=len(rows))
    out = rows[starts].copy()
    for at in range(1, int(lengths.max())):
        longer = np.flatnonzero(lengths > at)
        out[longer] += rows[starts[longer] + at]
    return out


def meaning(words: list[str]) -> Matrix:
    """Return what each word means, common directions damped."""
    tokenizer, vectors = static()
    ids = [encoding.ids or [0] for encoding in tokenizer.encode_batch(words, add_special_tokens=False)]
    starts = np.cumsum([0, *map(len, ids[:-1])])
    rows = sums(vectors([token for tokens in ids for token in tokens]), starts)
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) ** 0.75 + 1e-9), np.float32)


def spelling(words: list[str]) -> Matrix:
    """Return how each word is spelt: itself and its groups of three and four letters."""
    groups = [[f"<{word}>"[at : at + size] for size in (3, 4) for at in range(max(1, len(word) + 3 - size))] for word in words]
    starts = np.cumsum([0, *map(len, groups[:-1])])
    letters = signs()[[zlib.crc32(group.encode()) % BUCKETS for parts in groups for group in parts]]
    return 0.65 * signs()[[zlib.crc32(word.encode()) % BUCKETS for word in words]] + 0.75 * unit(sums(letters, starts))


def english(word: str) -> bool:
    """Say whether the tokenizer knows a word whole."""
    return static()[0].token_to_id("\u2581" + word) is not None
