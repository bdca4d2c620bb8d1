"""Which entry has a name: exactly, inside other words, or nearly.

The rule: a case's own names come before the shared ones, and a near name is taken only where nothing else can be meant; what is less near is
offered.
"""

from __future__ import annotations

from collections.abc import Mapping

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from medsim.vocabulary.entry import Entry, bare_form, normal_form
from medsim.vocabulary.index import Index, indexed, marks, shared_indexes

CONFIDENT = 88.0
OFFERED = 55.0


class Names:
    """The names of a case's own entries by code and, where they can be asked for too (``shared``), of the shared ones.

    ``strange`` words belong to a verb of another family: less of them is believed.
    """

    def __init__(self, own: Mapping[str, Entry], *, shared: bool) -> None:
        self.own, self.shared = own, shared
        self.own_indexes = indexed(own.values())

    def indexes(self, family: str) -> list[Index]:
        """Return the names of a family, the case's own first."""
        return [self.own_indexes[family], shared_indexes()[family]] if self.shared else [self.own_indexes[family]]

    def own_version(self, entry: Entry | None) -> Entry | None:
        """Return what the case has under the code of an entry, otherwise the entry."""
        return self.own.get(entry.code, entry) if entry else None

    def exact(self, family: str, words: str, *, strange: bool = False) -> Entry | None:
        """Find the name that the words are, as they stand or bare."""
        full, bare = normal_form(words), bare_form(words)
        for index in self.indexes(family):
            hit = index.by_name.get(full) or (index.by_bare.get(bare) or index.by_name.get(bare) if bare else None)
            if hit:
                return self.own_version(hit)
        return None

    def inside(self, family: str, words: str, *, strange: bool = False) -> Entry | None:
        """Find the longest name that stands inside the words; in a family the verb does not belong to, of two words or more."""
        tokens = normal_form(words).split()[:40]
        for size in range(len(tokens), 1 if strange else 0, -1):
            for start in range(len(tokens) - size + 1):
                name = " ".join(tokens[start : start + size])
                for index in self.indexes(family) if len(name) > 2 else ():
                    if size <= index.longest and name in index.by_name:
                        return self.own_version(index.by_name[name])
        return None

    def near(self, family: str, words: str, *, strange: bool = False) -> Entry | None:
        """Find the name the words nearly are. A drug may have one slip of a letter and no more: another drug may be two away."""
        text = bare_form(words)[:80]
        if len(text) < (9 if strange else 5):
            return None
        for index in self.indexes(family):
            found = process.extract(text, index.by_bare.keys(), scorer=fuzz.ratio, score_cutoff=CONFIDENT, limit=5)
            for name, *_ in found:
                if name[0] == text[0] and marks(name) == marks(text) and (family != "treat" or OSA.distance(text, name) <= 1):
                    return self.own_version(index.by_bare[name])
        return None

    def offers(self, family: str, words: str) -> tuple[str, ...]:
        """Return up to three names the words may have meant."""
        text, names = bare_form(words)[:80], {}
        for index in reversed(self.indexes(family)):
            names.update(index.by_bare)
        found = process.extract(text, names.keys(), scorer=fuzz.WRatio, limit=8, score_cutoff=OFFERED) if text else []
        return tuple(dict.fromkeys(names[name].name for name, *_ in found))[:3]
