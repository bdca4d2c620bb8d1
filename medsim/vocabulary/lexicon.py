"""What a doctor's words mean in one case.

The rule: words resolve to a code the same way in every case, and a case's own actions come before the shared ones. What cannot be
resolved with confidence is not guessed: the nearest names are offered instead.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from medsim.case import Case
from medsim.vocabulary import stopping
from medsim.vocabulary.entry import Entry, bare_form, bundles, entries, merge, normal_form
from medsim.vocabulary.index import FAMILY, REFRAIN, drug_forms, groups, shared_indexes, singular, wanted_part
from medsim.vocabulary.lookup import Names

_JOINT = re.compile(r"\s*(?:,|;|\n|\+|\s&\s|(?<=[a-z]{3})/(?=[a-z]{3})|\band\b|\bplus\b)\s*")
_JOINT_OF_DRUGS = re.compile(r"\s*(?:,|;|\n|\+|\s&\s|\band\b|\bplus\b|\bwith\b)\s*")
_ASIDE = re.compile(r"\([^()]*\)")
_HEAD = re.compile(r"[:;,\n(]|\.\s|\s[-–—]+\s")
"""Where the name of who is called ends and what is said to them begins."""
_DUTY = re.compile(
    r"\b(?:on[ -]call|on duty|duty|team|registrar|consultant|doctor|senior|service|consult|review|opinion|both|too|my|our)\b", re.I
)


class Found(NamedTuple):
    """What words were resolved to: an entry, or the nearest names."""

    entry: Entry | None
    offered: tuple[str, ...] = ()


class Lexicon:
    """Resolves a doctor's words for one case: the case's own actions first, the shared vocabulary second; without a case, by that alone."""

    def __init__(self, case: Case | None = None) -> None:
        self.own = {code: merge(code, authored) for code, authored in case.actions.items()} if case else {}
        self.open = case is None or case.unlisted == "vocabulary"
        self._names = Names(self.own, shared=self.open)
        self._known_stops: dict[str, Entry] | None = None

    def entry(self, code: str) -> Entry | None:
        """Return an entry by code."""
        return self.own.get(code) or (entries().get(code) if self.open else None) or self._stop_of(code.removeprefix(stopping.CODE), code)

    @property
    def codes(self) -> list[Entry]:
        """Everything that can be asked for here, the case's own first."""
        shared = [entry for code, entry in entries().items() if code not in self.own] if self.open else []
        return [*self.own.values(), *shared]

    def resolve(self, kind: str, words: str) -> Found:
        """Find the one entry the words name: exactly, by its bare words, by a name inside them, or nearly.

        What the words say is not to be given or done is not found: ``"stop heparin"`` names nothing to give.
        """
        family = FAMILY[kind]
        families = [family, *(other for other in dict.fromkeys(FAMILY.values()) if other != family)]
        wanted = words
        for look in (self._names.exact, self._names.inside, self._names.near):
            for other in families:
                for form in drug_forms(wanted) if other == "treat" else (wanted,):
                    found = look(other, form, strange=other != family)
                    if found:
                        return Found(found)
            if wanted is words and family != "examine":
                wanted = wanted_part(words, family)
                if not wanted:
                    return Found(None)
        return Found(None, self._names.offers(family, wanted))

    def resolve_all(self, kind: str, words: str) -> list[tuple[str, Found]]:
        """Resolve words that may list several things: ``"fbc, crp and lactate"``. Each is returned with its own words."""
        family = FAMILY[kind]
        several = self._bundle(family, words)
        if several:
            return [(words, Found(entry)) for entry in several]
        if kind == "consult":
            return self._called(words)
        if family != "examine" and (stopped := self._stopped(kind, words)):
            return stopped
        if family == "treat":
            asked = self._asked(words)
            if not asked:
                return [(words, Found(None))]
            words = asked
        forms = drug_forms(words) if family == "treat" else (words,)
        whole = next((hit for form in forms if (hit := self._names.exact(family, form))), None)
        parts = self._parts(family, words)
        single = Found(whole) if whole else self.resolve(kind, words)
        if whole or not 1 < len(parts) <= 20:
            return [(words, single)]
        found = [(part, self.resolve(kind, part)) for part in parts]
        known = {hit.entry.code for _, hit in found if hit.entry}
        if len(known) > 1 or (known and single.entry is None):
            return [(part, hit) for part, hit in found if hit.entry] if family == "treat" else found
        return [(words, single)]

    # ---- what is said to a colleague ------------------------------------------------------------------------------------------------

    def _called(self, words: str) -> list[tuple[str, Found]]:
        """A call, with all that is said in it; several calls only where the words are names of teams and nothing else."""
        if whole := self._names.exact("procedure", words):
            return [(words, Found(whole))]
        parts = self._parts("procedure", words)
        teams = [self._team(part) for part in parts]
        if 1 < len(teams) <= 20 and all(teams):
            aside = " ".join(_ASIDE.findall(words))
            return [(f"{part} {aside}".strip(), Found(team)) for part, team in zip(parts, teams, strict=True)]
        return [(words, self._whom(words))]

    def _team(self, words: str) -> Entry | None:
        """The team that words name and no more."""
        for form in dict.fromkeys((words, _DUTY.sub(" ", words))):
            for look in (self._names.exact, self._names.near):
                found = look("procedure", form)
                if found and found.kind == "consult":
                    return found
        return None

    def _whom(self, words: str) -> Found:
        """Who is called: the first team that is named, before what is said to them where it can be."""
        text = _ASIDE.sub(" ", words)
        head = _HEAD.split(text.strip(), maxsplit=1)[0].strip()
        if not head or not wanted_part(head, "procedure"):
            return Found(None)
        found = self._names.exact("procedure", head) or self._team(head) or self._first_team(head) or self._first_team(text)
        if found is None:
            named = self.resolve("consult", head)
            found = named.entry if named.entry and (named.entry.kind in {"consult", "procedure"} or head == text.strip()) else None
        return Found(found) if found else Found(None, self._names.offers("procedure", head))

    def _first_team(self, words: str) -> Entry | None:
        """The team named first, by the longest name that stands there."""
        tokens = normal_form(words).split()[:200]
        for start in range(len(tokens)):
            for size in range(min(len(tokens) - start, max(index.longest for index in self._names.indexes("procedure"))), 0, -1):
                name = " ".join(tokens[start : start + size])
                for index in self._names.indexes("procedure") if len(name) > 2 else ():
                    found = self._names.own_version(index.by_name.get(name))
                    if found and found.kind == "consult":
                        return found
        return None

    # ---- what is stopped ------------------------------------------------------------------------------------------------------------

    def _stopped(self, kind: str, words: str) -> list[tuple[str, Found]]:
        """What words stop, one by one, and what else they ask for behind it; empty where they stop nothing that is known."""
        rest = stopping.told(words)
        if rest is None or self._names.exact(FAMILY[kind], words):
            return []
        if known := self._stop(rest) or self._stop_named(rest):
            return [(words, Found(known))]
        parts, found, any_stop, at = stopping.pieces(rest), [], False, 0
        while at < min(len(parts), 20):
            until, stop = self._longest_stop(parts, at)
            piece = ", ".join(parts[at:until])
            any_stop = any_stop or stop is not None
            if stop is not None:
                found.append((f"stop {stopping.bare(stopping.told(piece) or piece)}", Found(stop)))
            elif stopping.reason(piece):
                break
            elif stopping.another(piece):
                tail = ", ".join(parts[at:])
                found += self.resolve_all(kind, tail)
                break
            else:
                hit = self.resolve(kind, piece)
                if hit.entry and hit.entry.kind != "treat":
                    found.append((piece, hit))
                elif len(piece.split()) < 4:
                    found.append((piece, Found(None, self._names.offers("treat", piece))))
            at = until
        return found if any_stop else []

    def _longest_stop(self, parts: list[str], at: int) -> tuple[int, Entry | None]:
        """The end of the longest run of parts, from one on, that a case knows how to stop together, and what stops it."""
        for until in range(min(len(parts), at + 4), at + 1, -1):
            if known := self._stops.get(bare_form(stopping.bare(" and ".join(parts[at:until])))):
                return until, known
        piece = stopping.told(parts[at]) or parts[at]
        other = stopping.another(parts[at]) or stopping.reason(parts[at])
        return at + 1, None if other else self._stop(piece) or self._stop_of_words(piece)

    def _stop(self, words: str) -> Entry | None:
        """What the case, or the shared vocabulary, has for stopping just this; a drug of the case is stopped by its own code."""
        return self._stops.get(bare_form(stopping.bare(words)))

    @property
    def _stops(self) -> dict[str, Entry]:
        """The names under which something can be stopped, whatever the verb."""
        if self._known_stops is None:
            self._known_stops = {}
            for index in self._names.indexes("procedure"):
                for name, entry in index.by_name.items():
                    if rest := stopping.told(name):
                        self._known_stops.setdefault(bare_form(stopping.bare(rest)), entry)
        return self._known_stops

    def _stop_of_words(self, words: str) -> Entry | None:
        """The stop of the drug that words begin with."""
        text = stopping.bare(words)
        for form in dict.fromkeys((words, *drug_forms(text))):
            tokens = normal_form(form).split()[:20]
            for size in range(len(tokens), 0, -1):
                if found := self._stop_named(" ".join(tokens[:size])):
                    return found
        drug = self._names.near("treat", text)
        return self._stop_of(drug.code) if drug else self._stop_of(next((form for form in singular(text) if form in groups()), ""))

    def _stop_named(self, name: str) -> Entry | None:
        """The stop of the drug that has just this name."""
        for index in (self._names.own_indexes["treat"], shared_indexes()["treat"]):
            if drug := index.by_name.get(normal_form(name)):
                return self._stop_of(drug.code)
        return None

    def _stop_of(self, drug: str, code: str = "") -> Entry | None:
        """The stop of a drug or a group of drugs: the case's own, or one that says no more than that; None where there is no such drug."""
        entry, own = self.own.get(drug) or entries().get(drug), f"{stopping.CODE}{drug}"
        known = entry.kind == "treat" if entry else drug in groups()
        if not known or (code and code != own):
            return None
        name = entry.name if entry else drug.replace("_", " ")
        return self.own.get(own) or Entry(own, "procedure", f"Stop {name}", "nursing", busy=30, stops=drug)

    def _parts(self, family: str, words: str) -> list[str]:
        """Cut a list into its parts; a name that holds a joint itself stays whole (``type and screen``)."""
        text = _ASIDE.sub(" ", words)
        joint = _JOINT_OF_DRUGS if family == "treat" else _JOINT
        cuts = [(0, 0), *((match.start(), match.end()) for match in joint.finditer(text)), (len(text), len(text))]
        parts, at = [], 0
        while at < len(cuts) - 1:
            stops = range(min(len(cuts) - 1, at + 4), at, -1)
            pieces = ((stop, text[cuts[at][1] : cuts[stop][0]].strip()) for stop in stops)
            stop, piece = next((stop, piece) for stop, piece in pieces if stop == at + 1 or self._names.exact(family, piece))
            parts.append(piece)
            at = stop
        return [part for part in parts if part]

    def _bundle(self, family: str, words: str) -> list[Entry]:
        """The entries of a bundle the words name; a case's own name comes first, and a full name of the vocabulary before a bare bundle."""
        full, bare = normal_form(words), bare_form(words)
        if {full, bare} & self._names.own_indexes[family].by_name.keys():
            return []
        parts = bundles().get((family, full))
        if parts is None and full not in shared_indexes()[family].by_name:
            parts = bundles().get((family, bare))
        return [entry for code in parts or () if (entry := self.entry(code))]

    def _asked(self, words: str) -> str:
        """The words of a treatment without what they refuse: ``"aspirin 300 mg, no morphine"`` asks for aspirin and its dose alone."""
        if not REFRAIN.search(words) or any(self._names.exact("treat", form) for form in drug_forms(words)):
            return words
        clauses = (clause.strip() for clause in re.split(r"[,;\n]", words))
        kept = (
            clause if any(self._names.exact("treat", form) for form in drug_forms(clause)) else wanted_part(clause, "treat")
            for clause in clauses
        )
        return ", ".join(clause for clause in kept if clause)
