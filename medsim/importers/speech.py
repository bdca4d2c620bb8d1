"""Case notes in the third person, said by the person they are about.

The rule: a sentence is turned only where every word that points at the patient is understood; otherwise it is kept as reported.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from medsim.case.person import Informant, Sex
from medsim.importers.denial import ADVERB, GOES_ON, denial, negates, refuted
from medsim.importers.grammar import AMBIGUOUS, ANYONE, PEOPLE, REPORT, THIRD, first_person, guessed, spelled
from medsim.importers.text import sentence, uncapital

REPORTED = "I was told: {}"

_SUBJECT = r"(?:(?:the|this) (?:patient|individual|boy|girl|man|woman|infant|newborn|baby|child|neonate|adolescent)|patient|{he})"
_HISTORY = re.compile(r"an? (?:approximately |about )?((?:\d+|[a-z]+)[- ](?:hour|day|week|month|year))s?(?:-long)? history of (.+)", re.I)
_CLAUSE = re.compile(
    r"\b(?:is|are|was|were|has|have|had|worsens?|began|started|developed|increases?|decreases?|improves?|radiates?|shows?|"
    r"appears?|denies|reports|"
    r"became|lasts?|occurs?|noticed|failed|cannot|can|does|do|died|expresses|exhibits|complains)\b",
    re.I,
)


_DANGLING = re.compile(r"\bI\b(?!.*\b(?:that|which|who)\b).*\b(?:and|but) (?:has|is|does|hasn't|doesn't)\b")


class Said(NamedTuple):
    """What is said, whether it denies something, and whether it had to stay as reported."""

    text: str
    negative: bool = False
    reported: bool = False


class Voice:
    """Turns sentences about one patient into what the patient, or the parent who speaks, says."""

    def __init__(self, sex: Sex, informant: Informant, told: str = "") -> None:
        self.sex: Sex = sex if sex in PEOPLE else guessed(told)
        self.informant = informant
        self.own = informant.role == "patient"
        self.role = informant.role
        self.he, self.his, self.him = {"female": ("she", "her", "her"), "male": ("he", "his", "him")}.get(self.sex, ("he", "his", "him"))
        known = self.sex in PEOPLE
        self.subject = re.compile(rf"\A{_SUBJECT.format(he=self.he if known else '(?:he|she)')}(?=\s|'s|\u2019s)", re.I)

        self.mother = informant.role == "mother"

    @property
    def me(self) -> str:
        """The word this voice uses for the patient as a subject."""
        return "I" if self.own else {"female": "She", "male": "He"}.get(self.sex, "My child")

    def have(self, what: str) -> str:
        """``"double vision"`` -> ``"I have double vision."``"""
        return sentence(f"{self.me} {'have' if self.own else 'has'} {uncapital(what)}")

    def symptom(self, text: str) -> Said:
        """Say an item of a list of symptoms."""
        denied = denial(text)
        if (denied and not GOES_ON.search(denied)) or text.lower().startswith(("not ", "no ", "never ", "without ")):
            return Said(sentence(refuted(denied) if denied else text), True)
        if re.match(
            r"(?:the )?(?:patient|mother|father|parents?|family|wife|husband|he|she|his|her|denies|reports|expresses|shows)\b",
            text,
            re.I,
        ):
            return self.tell(text)
        text = re.sub(r"\Apresence of ", "", text, flags=re.I)
        if re.search(rf"\b(?:{self.his}|{self.him}|{self.he}|himself|herself)\b", text, re.I):
            turned = self._turned(text, fragment=True)
            return Said(self.have(turned)) if turned and not _CLAUSE.search(text) else Said(REPORTED.format(sentence(text)), False, True)
        if _CLAUSE.search(text):
            return Said(sentence(text))
        article = "a " if re.match(r"(?:history|sensation|feeling) of", text, re.I) else ""
        return Said(self.have(article + uncapital(text)))

    def tell(self, text: str) -> Said:
        """Say a sentence of case notes."""
        denied = denial(self.subject.sub("", text, count=1).strip() or text)
        if denied is not None and not self._pointed(denied) and not GOES_ON.search(denied):
            return Said(sentence(refuted(denied)), True)
        negative = negates(text) or negates(self.subject.sub("", text, count=1).lstrip())
        turned = self._turned(text)
        if turned is None:
            return Said(REPORTED.format(sentence(text)), negative, True)
        return Said(sentence(turned), negative)

    def _turned(self, text: str, *, fragment: bool = False) -> str | None:
        """Return the sentence in this voice, or None where a word is not understood."""
        rest, led = text, False
        if not fragment:
            lead = re.match(
                r"((?:In addition|Additionally|Also|Recently|Currently|Otherwise|Furthermore|Moreover|Over [^,]{3,40}|"
                r"[^,]{0,40} ago),\s+)",
                text,
            )
            start = lead.end() if lead else 0
            body = text[start:]
            found = self.subject.match(body)
            if found:
                rest, led = body[found.end() :].lstrip(), True
                if body[found.end() :].startswith(("'s", "\u2019s")):
                    rest = f"{'My' if self.own else self._theirs()} {rest[2:].lstrip()}"
                    return self._join(lead, self._pointers(rest))
            else:
                report = re.match(
                    rf"{REPORT}\b|(?:has|is|does not|did not|was|{'|'.join(verb for verb in THIRD if verb.isalpha())})\b",
                    body,
                    re.I,
                )
                if report:
                    rest, led = body, True
            if led:
                done = self._predicate(rest)
                return None if done is None else self._join(lead, self._pointers(self._coordinated(done)))
        turned = self._pointers(rest)
        return None if turned and self.own and _DANGLING.search(turned) else turned

    def _join(self, lead: re.Match[str] | None, text: str | None) -> str | None:
        if text is None or lead is None:
            return text
        return lead[1] + (text if text.startswith(("I ", "I'")) else uncapital(text))

    def _theirs(self) -> str:
        return {"female": "Her", "male": "His"}.get(self.sex, "My child's")

    def _predicate(self, text: str) -> str | None:
        """Turn what follows the subject: ``"reports a 2-day history of pain"`` -> ``"For 2 days I have had pain"``."""
        has, had = ("have", "I have had") if self.own else ("has", f"{self.me} has had")
        match = re.match(
            rf"(?:{ADVERB} )?(?:{REPORT}|complains? of|presents? (?:with|due to)|presented with|admits? to)(?: complaints? "
            rf"of)? (.+)",
            text,
            re.I,
        )
        if match and not re.match(r"(?:that|being|to|for)\b", match[1], re.I):
            what = match[1]
            history = _HISTORY.match(what)
            if history:
                doing = re.match(r"(?:experiencing|having|feeling|suffering from) (.+)", history[2], re.I)
                return f"For {spelled(history[1])} {had} {doing[1] if doing else history[2]}"
            doing = re.match(r"(experiencing|having|feeling|developing|noticing|exercising|maintaining|using|taking) (.+)", what, re.I)
            if doing:
                been = f"{self.me} {has} been {doing[1].lower()} {doing[2]}"
                noticed = f"{self.me} noticed" if " ago" in doing[2] else f"{self.me} {has} noticed"
                return f"{noticed} {doing[2]}" if doing[1].lower() == "noticing" else been
            if re.match(
                r"(?:(?:no|an?|some)\b|severe|mild|increas|worsen|progressive|chronic|occasional|frequent|generali|bloody|"
                r"fatigue|pain|fever)",
                what,
                re.I,
            ):
                return f"{self.me} {has} {what}"
            if not self.own:
                return f"{self.me} {has} had {what}" if not _CLAUSE.search(what) else None
        clause = re.match(rf"(?:{ADVERB} )?{REPORT} that (?P<rest>.+)", text, re.I)
        if clause:
            inner = clause["rest"]
            found = self.subject.match(inner)
            if found and not inner[found.end() :].startswith(("'s", "\u2019s")):
                return self._predicate(inner[found.end() :].lstrip())
            return inner
        return self._conjugated(text)

    def _conjugated(self, text: str) -> str | None:
        if not self.own:
            return f"{self.me} {text[0].lower() + text[1:]}" if text else None
        match = re.match(rf"((?:{ADVERB}[, ]+)*)([A-Za-z]+)\b(.*)", text, re.I | re.S)
        verb = first_person(match[2]) if match else None
        if match is None or verb is None:
            return None
        return f"I {match[1].lower()}{verb}{match[3]}"

    def _coordinated(self, text: str) -> str | None:
        """Turn the further verbs of "I": ``"and has ..."``; inside a relative clause they have another subject."""
        if not self.own or not text.startswith("I "):
            return text
        clause = re.search(r"\b(?:that|which|who|whose|where)\b", text)
        own, rest = (text[: clause.start()], text[clause.start() :]) if clause else (text, "")

        def turn(match: re.Match[str]) -> str:
            verb = None if match["verb"] in AMBIGUOUS else THIRD.get(match["verb"])
            return f"{match['join']}{verb or match['verb']}"

        own = re.sub(rf"(?P<join>(?:,? (?:and|but)|[,;]) (?:{ADVERB} )?)(?P<verb>[a-z']+)\b", turn, own)
        return None if re.search(r"\b(?:and|but) (?:is|isn't)\b", own) else own + rest

    def _pointed(self, text: str) -> bool:
        return bool(re.search(rf"\b(?:the patient|patient|{self.he}|{self.his}|{self.him}|himself|herself)\b", text, re.I))

    def _pointers(self, text: str | None, *, alone: bool = True) -> str | None:
        """Turn the pronouns inside a sentence; None where one may stand for somebody else."""
        if text is None or not self.own:
            return None if text is None else self._by_parent(text)
        pronoun = re.compile(rf"\b(?:{self.he}|{self.his}|{self.him}|himself|herself|hers)\b", re.I)
        first = re.search(rf"\b(?:{'|'.join((*PEOPLE.get(self.sex, ()), *ANYONE))})s?\b", text, re.I)
        other = re.compile(r"\b(?:he|his|him|himself)\b" if self.sex == "female" else r"\b(?:she|her|hers|herself)\b", re.I)
        if (alone and other.search(text)) or (first and pronoun.search(text, first.end())):
            return None
        failed: list[str] = []

        def subject(match: re.Match[str]) -> str:
            verb = first_person(match["verb"])
            if verb is None:
                failed.append(match[0])
            return f"I {match['adverb'] or ''}{verb}"

        text = re.sub(rf"\b(?:{self.he}|the patient)\s+(?P<adverb>(?:{ADVERB}\s+)*)(?P<verb>\w+)", subject, text, flags=re.I)
        text = re.sub(r"\b(?:the )?patient['\u2019]s\b", "my", text, flags=re.I)
        text = re.sub(r"\bthe patient\b", "me", text, flags=re.I)
        text = re.sub(r"\b(?:himself|herself)\b", "myself", text, flags=re.I)
        if self.sex == "female":
            text = re.sub(
                r"\bher(?=\s+(?!I\b|to\b|from\b|in\b|on\b|at\b|with\b|for\b|by\b|and\b|or\b|but\b|when\b|while\b|as\b|"
                r"about\b|that\b|after\b)\w)",
                "my",
                text,
                flags=re.I,
            )
            text = re.sub(r"\bher\b", "me", text, flags=re.I)
        else:
            text = re.sub(r"\bhis\b", "my", text, flags=re.I)
            text = re.sub(r"\bhim\b", "me", text, flags=re.I)
        return None if failed or re.search(rf"\b{self.he}\b", text, re.I) else text

    def _by_parent(self, text: str) -> str | None:
        """Turn what a sentence says of the mother to what she says; None where it speaks of parents otherwise."""
        text = re.sub(
            r"\bthe (?:patient|infant|newborn|baby|child|neonate)(?:'s|\u2019s)",
            self._theirs().lower() if self.sex in PEOPLE else "my child's",
            text,
            flags=re.I,
        )
        report = re.match(
            rf"(?:the |his |her )?(?:(?:child|infant|baby|patient)(?:'s|\u2019s) )?(?:parents?|caregivers?|guardians?) "
            rf"{REPORT} (that )?",
            text,
            re.I,
        )
        if report:
            text = text[report.end() :] if report[1] else f"{self.me} has {text[report.end() :]}"
            found = self.subject.match(text)
            text = f"{self.me}{text[found.end() :]}" if found else text
        own = r"(?:the |his |her |patient['\u2019]s )?mother" + ("|she" if self.sex == "male" and self.mother else "")
        actor = re.match(rf"(?:{own})\s+(?P<rest>.+)", text, re.I)
        if not actor and not re.search(r"\b(?:mother|father|parents?|caregiver|guardian)\b", text, re.I):
            return text
        if not (self.mother and actor) or re.search(r"\b(?:father|parents?|sister|aunt)\b", text, re.I):
            return None if actor or re.search(r"\b(?:reports?|states?|believes?|notes?|says)\b", text, re.I) else text
        pronoun = re.search(r"\b(?:she|her|hers)\b", text, re.I)
        if pronoun and self.sex != "male" and not re.fullmatch(r"her", pronoun[0], re.I):
            return None
        speaker = Voice("female", Informant()) if self.sex == "male" else None
        inner = re.sub(rf"\A(?:{ADVERB} )?{REPORT} (?:that )?", "", actor["rest"])
        if inner != actor["rest"] and (self.subject.match(inner) or re.match(r"(?:there|she|no)\b", inner, re.I)):
            found = self.subject.match(inner)
            told = (
                f"{self.me}{inner[found.end() :]}" if found and not (self.sex != "female" and inner.lower().startswith("she ")) else inner
            )
        else:
            told = speaker._conjugated(actor["rest"]) or "" if speaker else Voice("female", Informant())._conjugated(actor["rest"]) or ""
        if not told:
            return None
        if speaker is None:
            return None if pronoun else told
        spoken = speaker._coordinated(told)
        return speaker._pointers(spoken, alone=False) if spoken else None
