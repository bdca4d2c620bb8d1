"""AgentClinic's doctor: plain dialogue, ``REQUEST TEST: [x]``, ``REQUEST IMAGES`` and ``DIAGNOSIS READY: [x]``, read into our grammar.

The rule: a request counts where it opens a line or a sentence and names what it wants; words that only mention one are asked for again,
at most twice, and are then speech. Nothing else is read into the words: what is no request is said to the patient.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Literal, NamedTuple, get_args

from medsim import action as act
from medsim import library, vocabulary
from medsim.action import Action
from medsim.agent.observation import Observation, sees
from medsim.errors import CaseError
from medsim.llm import LLM, Answer, Call, Message, unusable
from medsim.patient import biases

AGAIN = 2
"""How often what could not be read is asked for again."""
LAST = "This is your last turn: give your diagnosis now, as DIAGNOSIS READY: [your diagnosis]"
IMAGES = "\nREQUEST IMAGES             see the medical images of this patient, where there are any"
LOOK = act.order("Image of the case")
"""What is ordered without asking the model, where pictures are shown from the start."""
Images = Literal["request", "start", "never"]

_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)|\A.*</think(?:ing)?>", re.IGNORECASE | re.DOTALL)
_BLANKS = re.compile(r"\s{2,}|[^\S\n ]")
_MARKUP = re.compile(r"^\s*```\w*\s*$|[*`]+|^[ \t]*#+[ \t]*", re.MULTILINE)
_REQUEST = re.compile(r"\b(REQUEST[ _]+TESTS?|REQUEST[ _]+IMAGES?|DIAGNOSIS[ _]+READY)\b", re.IGNORECASE)
_LABEL = r"(?:Dr\.?[ ]Agent|Doctor)[ \t]*:"
_OPENS = re.compile(rf"(?:(?:\A|\n)[ \t]*(?:[-•>]|\d{{1,2}}[.)])?[ \t]*(?:{_LABEL})?|[.!?:;)\]][\"'”’]?)[ \t]*\Z", re.IGNORECASE)
_LABELLED = re.compile(rf"\A\s*(?:{_LABEL})", re.IGNORECASE)
_ITEM_MARK = re.compile(r"(?:(?:\A|\n)[ \t]*(?:[-•>]|\d{1,2}[.)])?[ \t]*)\Z")
_STOPS = re.compile(r"\A[.!?)]+\s*")
_LETTER = re.compile(r"\w")
_BRACKETS = re.compile(r"[ \t]*:?[ \t]*\n?[ \t]*((?:\[[^\[\]]*\](?:[ \t]*(?:,|;|&|and\b)?[ \t]*(?=\[))?)+)", re.IGNORECASE)
_PLAIN = re.compile(r"[ \t]*:[ \t]*\n?[ \t]*(?P<words>[^\n]*)")
_SENTENCE_END = re.compile(r"(?<=[\w)%]{2})(?<!\bSt)(?<!\bvs)(?<!\bDr)(?<!\bsp)(?<!\bspp)(?<!\bvar)[.!?]\s+(?=[A-Z\"“])")
_PLACEHOLDER = re.compile(
    r"(?:your |the )?(?:tests?|test name|name of (?:the )?test|diagnosis|diagnosis here|results?|results here|x|name|\.\.\.|…)?",
    re.IGNORECASE,
)
_NO_DIAGNOSIS = re.compile(
    r"(?:not (?:yet|sure|ready|certain|available)\b.*|none|unknown|unclear|n/?a|tbd|pending|undetermined|no diagnosis.*"
    r"|i(?:'m| am| need| would| do| can| cannot| think| believe)\b.*)",
    re.IGNORECASE | re.DOTALL,
)
_EXAMINATION = re.compile(r"\b(?:exams?|examinations?|inspection|palpation|auscultation|percussion|vitals|vital signs)\b", re.IGNORECASE)
_SPECIMEN = re.compile(
    r"\b(?:csf|urine|urinary|stool|blood|sputum|fluid|microscop\w*|histo\w*|patho\w*|cyto\w*|biopsy|smear)\b", re.IGNORECASE
)
_ANNOUNCED = re.compile(r"^\[(?P<at>[\d:]+)\] .*Result in about (?P<minutes>\d+) min\.$", re.MULTILINE)
_NO_PICTURE = re.compile(rf"\[[\d:]+\] '{LOOK.text}' was not understood.*")
_STAMP = re.compile(r"^\[([\d:]+)\]", re.MULTILINE)
_OTHER_NEWS = re.compile(r"^\[[\d:]+\] (?!Result: )", re.MULTILINE)


class Said(NamedTuple):
    """What an utterance was read as, or why it could not be read."""

    actions: tuple[Action, ...] = ()
    fault: str = ""

    @property
    def decided(self) -> bool:
        """Whether a diagnosis was given."""
        return any(action.kind == "diagnose" for action in self.actions)


class ClinicDoctor:
    """Speaks as AgentClinic's doctor does, for so many inferences.

    On the last one it is told so; without a diagnosis then, it leaves without one. Asking again for what could not be read is no
    inference. A result that is announced is waited for without asking the model, where it comes before ``hours`` of the clock: in
    AgentClinic results come at once. ``bias`` and ``target`` put one of ``agents/prompts/biases.yaml`` into the prompt.

    ``images`` says when the model sees the pictures of a case: on ``request`` (from the call after REQUEST IMAGES on), from the ``start``
    (looked at before the first call, which is no inference), or ``never``. Without pictures, or with a model that is known to take none,
    it has the words in their place.
    """

    def __init__(
        self,
        llm: LLM,
        *,
        model: str = "",
        prompt: str = "agentclinic",
        inferences: int = 20,
        images: Images = "request",
        hours: float = 12.0,
        bias: str = "",
        target: str = "",
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> None:
        if inferences < 1:
            raise CaseError(f"agentclinic: inferences must be at least 1, given {inferences}.")
        if images not in get_args(Images):
            raise CaseError(f"agentclinic: images must be one of {', '.join(get_args(Images))}, given {images!r}.")
        self.llm, self.model, self.images = llm, model, images
        self.inferences, self.hours = inferences, hours
        self.temperature, self.max_tokens = temperature, max_tokens
        system = library.prompt(prompt).replace("{inferences}", str(inferences)).replace("{images}", IMAGES if images == "request" else "")
        self.system = "\n\n".join(filter(None, (system, biases.sentence("doctor", bias, target))))
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Begin a new conversation."""
        self.seed, self.asked = seed, 0
        self.messages = [Message("system", self.system)]
        self.news: list[str] = []
        self.shown: list[str] = []
        self.looking = self.images == "start"
        self.due: list[int] = []
        self.waited = False

    def act(self, observation: str) -> str:
        """Wait for a result that was announced, or ask the model for its next utterance; LLMError where it gives none."""
        self._take(observation)
        if self.looking:
            return str(LOOK)
        if self._waits(observation):
            return "wait: result"
        self.asked += 1
        final = self.asked >= self.inferences
        told = "\n".join(filter(None, self.news)) or "(Nothing happens.)"
        self.news = []
        self.messages.append(Message("user", f"{told}\n\n{LAST}" if final else told, self._pictures()))
        text, said = self._said()
        self.messages.append(Message("assistant", text))
        leave = (act.end(),) if said.decided or final else ()
        return act.show((*said.actions, *leave))

    def _take(self, observation: str) -> None:
        """Add what was observed; that a case has no picture to look at from the start is no news."""
        pictures = observation.pictures if isinstance(observation, Observation) and self.images != "never" else ()
        self.shown += [source for picture in pictures if (source := picture.source()) not in self.shown]
        looked, self.looking = self.looking and bool(self.news), self.looking and not self.news
        if not (looked and _NO_PICTURE.fullmatch(observation)):
            self.news.append(observation)

    def _pictures(self) -> tuple[str, ...]:
        """The pictures that came since the last call, unless the model is known to take none; the words in their place have come too."""
        if not self.shown:
            return ()
        shown, self.shown = tuple(self.shown), []
        asked = Call(self.model, tuple(self.messages), role="doctor")
        return () if sees(self.llm, asked) is False else shown

    def _waits(self, observation: str) -> bool:
        """Whether results that were announced are still to come and nothing else has happened while waiting for them."""
        stamps = _STAMP.findall(observation)
        now = _seconds(stamps[-1]) if stamps else 0
        announced = (_seconds(found["at"]) + 60 * int(found["minutes"]) for found in _ANNOUNCED.finditer(observation))
        self.due = [due for due in (*self.due, *announced) if now + 60 < due <= self.hours * 3600]
        disturbed = self.waited and _OTHER_NEWS.search(observation) is not None
        self.waited = bool(self.due) and not disturbed
        return self.waited

    def _said(self) -> tuple[str, Said]:
        """The next utterance; asked for again where it cannot be read, and then taken as speech."""
        again: tuple[Message, ...] = ()
        answers: list[Answer] = []
        for attempt in range(AGAIN + 1):
            answers.append(self.llm.complete(self._call(again, attempt)))
            text = answers[-1].text
            said = read(text)
            if not said.fault:
                return text, said
            again = (Message("assistant", text), Message("user", f"That could not be read: {said.fault} Say it again."))
        words = _bare(text)
        if not words:
            raise unusable(self.llm, answers, f"The doctor's model said nothing, {AGAIN + 1} times over.")
        return text, Said((_speech(words),))

    def _call(self, again: tuple[Message, ...], attempt: int) -> Call:
        return Call(
            self.model, (*self.messages, *again), role="doctor", temperature=self.temperature, max_tokens=self.max_tokens, seed=self.seed,
            salt=f"again/{attempt}" if attempt else "",
        )  # fmt: skip


def read(text: str) -> Said:
    """Read one utterance into actions, in the order of its words, the diagnosis last.

    A request opens a line or a sentence. Test names lose brackets and underscores; one that names an examination is examined. What is
    said beside a diagnosis goes into the notes, because nobody answers it; so does the rest of a sentence after a request.
    """
    words = _bare(text)
    if not words:
        return Said(fault="nothing was said.")
    done: list[Action] = []
    names: dict[str, str] = {}
    at = 0
    marks = list(_marks(words))
    for i, mark in enumerate(marks):
        done += _spoken(words[at : mark.start()], after=i > 0)
        verb = mark[1].upper().replace("_", " ").split()[1].rstrip("S")
        until = marks[i + 1].start() if i + 1 < len(marks) else len(words)
        wanted, length = _wanted(words[mark.end() : until])
        at = mark.end() + length
        if not _OPENS.search(words[: mark.start()]):
            return Said(fault=f"{mark[1]} stands inside a sentence. To use it, begin a line with it; otherwise leave it out.")
        if verb == "IMAGE":
            done.append(act.order("image"))
            continue
        if not wanted:
            return Said(
                fault=f"{mark[1]} does not say what: write {'DIAGNOSIS READY: [name]' if verb == 'READY' else 'REQUEST TEST: [name]'}."
            )
        if verb == "READY":
            names |= {vocabulary.normal_form(name): name for name in wanted}
        else:
            done += [act.examine(name) if is_examination(name) else act.order(name) for name in wanted]
    done += _spoken(words[at:], after=bool(marks))
    if len(names) > 1:
        return Said(fault="there is more than one DIAGNOSIS READY. Give one diagnosis.")
    for name in names.values():
        if _NO_DIAGNOSIS.fullmatch(name):
            return Said(fault="DIAGNOSIS READY names no diagnosis. Use it only with the name of one.")
        notes = [act.note(action.text) if action.kind in {"ask", "say"} else action for action in done]
        return Said((*notes, Action("diagnose", name)))
    return Said(tuple(done)) if done else Said(fault="nothing was said.")


def is_examination(name: str) -> bool:
    """Whether a test by this name is done at the bedside: an examination of the vocabulary, or one by its words."""
    plain = vocabulary.normal_form(name)
    if plain in _known("order"):
        return False
    return plain in _known("examine") or (_EXAMINATION.search(plain) is not None and not _SPECIMEN.search(plain))


@cache
def _known(kind: str) -> frozenset[str]:
    found = (entry for entry in vocabulary.entries().values() if entry.kind == kind)
    return frozenset(vocabulary.normal_form(name) for entry in found for name in (entry.name, *entry.synonyms))


def _marks(words: str) -> Iterator[re.Match[str]]:
    """Requests, and what looks like one: in capitals anywhere, otherwise only before a colon where a sentence opens."""
    for found in _REQUEST.finditer(words):
        if found[1].isupper() or (re.match(r"[ \t]*:", words[found.end() :]) and _OPENS.search(words[: found.start()])):
            yield found


def _wanted(rest: str) -> tuple[list[str], int]:
    """The names after a request, without placeholders, and how many characters they take."""
    bracketed = _BRACKETS.match(rest)
    if bracketed:
        given, length = re.findall(r"\[([^\[\]]*)\]", bracketed[1]), bracketed.end()
    else:
        plain = _PLAIN.match(rest)
        if plain is None:
            return [], 0
        stop = _SENTENCE_END.search(plain["words"])
        given = [plain["words"][: stop.start() + 1] if stop else plain["words"]]
        length = plain.start("words") + len(given[0])
    names = [" ".join(name.replace("_", " ").split()).strip(" []\"'“”.!?,;:") for name in given]
    return [name for name in names if not _PLACEHOLDER.fullmatch(name)], length


def _spoken(words: str, *, after: bool) -> list[Action]:
    """Speech between requests; after one, the rest of its sentence is a note unless it asks something."""
    found = _LABELLED.sub("", words)
    done: list[Action] = []
    if after and re.match(r"[ \t,;]*(?:-[ \t]*)?[a-z(]", found):
        stop = re.search(r"[.!?](?:\s|\Z)|\n", found)
        first = found[: stop.end()] if stop else found
        if "?" not in first:
            found = found[len(first) :]
            done = [act.note(first.strip(" \t\n,;-"))] if _LETTER.search(first) else []
    kept = _STOPS.sub("", _ITEM_MARK.sub("", found).strip(" \t\n,;:-]"))
    return [*done, _speech(kept)] if _LETTER.search(kept) else done


def _speech(words: str) -> Action:
    return act.ask(words) if "?" in words else act.say(words)


def _bare(text: str) -> str:
    """The words without thoughts, marks of formatting and runs of blanks."""
    return _MARKUP.sub("", _BLANKS.sub(lambda run: "\n\n"[: run[0].count("\n")] or " ", _THOUGHT.sub("", text))).strip()


def _seconds(stamp: str) -> int:
    total = 0
    for part in stamp.split(":"):
        total = total * 60 + int(part or 0)
    return total
