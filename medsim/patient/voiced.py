"""The scripted patient with a voice of its own: a language model says what the gate has opened.

The rule: the model sees the words to convey, the persona and the last turns, never a fact that is not open. What it says is verified;
after two more tries the template speaks.
"""

from __future__ import annotations

import re

from medsim import library
from medsim.case import Brief
from medsim.llm import LLM, Call, Message
from medsim.patient import personas
from medsim.patient.scripted import ScriptedPatient
from medsim.patient.seat import Reply, Turn
from medsim.patient.verifier import faults
from medsim.trajectory import Usage

TRIES = 3
LAST = 4
"""How many lines of the talk before the model is shown."""
_DECIDES = re.compile(r"\W*(?:yes|yeah|yep|no|nope|never|not at all)\b", re.IGNORECASE)
_CONTENT = re.compile(r"[a-z]{4,}|\d+")
MANNERS = {
    "normal": "speaks freely", "short": "is short of breath and speaks in short sentences",
    "words": "is so short of breath that only single words come", "none": "cannot speak",
}  # fmt: skip


def stems(text: str) -> set[str]:
    """The beginnings of a text's longer words, and its numbers: what must come back when it is said in other words."""
    return {word[:5] for word in _CONTENT.findall(text.lower())}


class VoicedPatient:
    """Verbalises the scripted patient's answers with a model; what was told is decided by the gate alone."""

    def __init__(self, brief: Brief, llm: LLM, *, model: str = "", prompt: str = "patient_voice") -> None:
        self.script, self.llm, self.model = ScriptedPatient(brief), llm, model
        self.name = f"voiced:{model}" if model else "voiced"
        self.template = library.prompt(prompt)

    def reply(self, turn: Turn) -> Reply:
        """Answer one turn; LLMError where the model cannot be reached."""
        draft = self.script.reply(turn)
        if not draft.text.strip(". "):
            return draft
        usage, problems = Usage(), ""
        for attempt in range(TRIES):
            answer = self.llm.complete(self._call(turn, draft, problems, attempt))
            usage = usage.plus(answer.usage)
            text = " ".join(answer.text.split())
            found = self._faults(text, turn, draft)
            if answer.finish == "length":
                found.append("cut off: say it in fewer words")
            if not found:
                return Reply(text, draft.facts, draft.speaker, "voiced", usage, draft.held)
            problems = "; ".join(found)
        return Reply(draft.text, draft.facts, draft.speaker, "template", usage, draft.held)

    def _faults(self, text: str, turn: Turn, draft: Reply) -> list[str]:
        told = [wording for name in turn.told if name in self.script.gate.by_id for wording in self.script.gate.by_id[name].say]
        found = faults(text, released=(draft.text, *told, self.script.brief.opening), doctor=turn.words)
        found += [f"missing: {name}" for name in draft.facts if not self._conveys(text, name)]
        if draft.held and not draft.facts and _DECIDES.match(text):
            found.append("answer: neither yes nor no is to be said")
        if "<<<" in text or ">>>" in text:
            found.append("marks: leave the marks out")
        if len(text) > 3 * len(draft.text) + 200:
            found.append("length: far longer than what is to be conveyed")
        return found

    def _conveys(self, text: str, name: str) -> bool:
        """Whether a reply says a fact: it shares at least a third of the longer words and numbers of one of the fact's wordings."""
        fact = self.script.gate.by_id.get(name)
        said = stems(text)
        return fact is None or any(len(stems(wording) & said) * 3 >= len(stems(wording)) for wording in fact.say)

    def _call(self, turn: Turn, draft: Reply, problems: str, attempt: int) -> Call:
        again = f"\nYour last try was not used ({problems}). Say only what stands between the marks." if problems else ""
        before = [
            f"{'Doctor' if line.who == 'doctor' else 'You'}: {line.text}" for line in turn.dialogue if line.who in {"doctor", "patient"}
        ]
        talk = "\n".join(("What was said just before:", *before[-LAST:], "", "")) if before else ""
        asked = f"{talk}The doctor said: {turn.utterance}\n\nConvey this:\n<<<\n{draft.text}\n>>>{again}"
        messages = (Message("system", self._system(turn)), Message("user", asked))
        return Call(self.model, messages, role="patient", seed=turn.seed, salt=f"{turn.index}/{attempt}")

    def _system(self, turn: Turn) -> str:
        brief = self.script.brief
        speaks = "the patient" if brief.informant.role == "patient" else f"the {brief.informant.role} of the patient"
        who = f"{self.script.speaker}, {speaks}; the patient is {brief.name.given}, {brief.age}, {brief.sex}."
        person = f"{who} {personas.portrait(brief.persona)}".strip()
        now = MANNERS[turn.speech] if brief.informant.role == "patient" else "speaks freely"
        return self.template.replace("{person}", person).replace("{manner}", now)
