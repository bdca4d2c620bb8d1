"""A doctor that is a language model and acts by calling tools, one tool a verb of the grammar.

The rule: a tool call becomes one action through the constructors of the grammar, or it is answered with what was expected and asked for
again. An answer with one wrong call does nothing at all. Text without a call is speech to the patient and nothing else, whatever verbs
stand in it; text beside calls is thinking aloud and reaches nobody.

A conversation holds roles and words only, so results of tools are written as messages of the user, headed RESULTS, below the calls they
answer. What cannot be read after two more tries is an LLMError, never a reply.
"""

from __future__ import annotations

import json
import re

from medsim import action as act
from medsim import library
from medsim.agent.chat import actions_of
from medsim.agent.observation import checked, pictures
from medsim.errors import ActionError
from medsim.llm import LLM, Answer, Call, Message, ToolCall, unusable

TRIES = 3
"""How often a turn is asked for before the model is given up."""
CALLED = "(tools called)"
"""Stands in the conversation where the model called tools and said nothing."""
_THOUGHT = re.compile(r"</?think(?:ing)?>", re.IGNORECASE)
_WRITTEN = re.compile(r"\s*(?:<\|?tool_call|<function|\[TOOL_CALLS\]|\[?\s*\{|\(tools called\))", re.IGNORECASE)


class ToolsDoctor:
    """Keeps the whole conversation and asks the model for each turn. ``model`` empty: the model of the role doctor.

    ``images``: who is shown the pictures of a case beside their words: ``known`` (a model that is known to take them), ``always``, ``never``.
    """

    def __init__(
        self,
        llm: LLM,
        *,
        model: str = "",
        prompt: str = "tools",
        temperature: float | None = None,
        max_tokens: int | None = None,
        images: str = "known",
    ) -> None:
        self.llm, self.model = llm, model
        self.images = checked(images, agent="tools")
        self.temperature, self.max_tokens = temperature, max_tokens
        self.system, self.tools = library.prompt(prompt), act.tool_schemas()
        self.messages: list[Message] = []
        self.seed, self.called = 0, ""

    def reset(self, seed: int) -> None:
        """Begin a new conversation; the seed is handed to the model, which may or may not keep to it."""
        self.seed, self.called, self.messages = seed, "", [Message("system", self.system)]

    def act(self, observation: str) -> str:
        """Ask the model for the next turn; LLMError where it gives none, or none that can be read in three tries."""
        seen = observation or "(Nothing happens.)"
        shown = pictures(observation, llm=self.llm, call=self._call(self.messages), shown=self.images)
        self.messages.append(Message("user", f"You called:\n{self.called}\n\nRESULTS\n{seen}" if self.called else seen, shown))
        asked, wrong, answers = list(self.messages), "", []
        for _ in range(TRIES):
            answers.append(answer := self.llm.complete(self._call(asked)))
            try:
                turn = turn_of(answer)
            except ActionError as error:
                wrong = str(error)
                asked += [Message("assistant", _said(answer)), Message("user", f"Nothing of this was done. {wrong} Answer again.")]
                continue
            self.called = _listed(answer.tool_calls)
            self.messages.append(Message("assistant", _said(answer)))
            return turn
        raise unusable(self.llm, answers, f"The doctor's model called its tools wrongly {TRIES} times; last: {wrong}")

    def _call(self, messages: list[Message]) -> Call:
        return Call(
            self.model, tuple(messages), role="doctor", temperature=self.temperature, max_tokens=self.max_tokens, seed=self.seed,
            tools=self.tools,
        )  # fmt: skip


def turn_of(answer: Answer) -> str:
    """One turn of the grammar from an answer; ActionError says everything that is wrong with it."""
    if not answer.tool_calls:
        return act.show([act.speech(spoken(answer.text))])
    actions, wrong = [], []
    for call in answer.tool_calls:
        try:
            actions.append(act.from_tool(call.name, call.arguments))
        except ActionError as error:
            wrong.append(str(error))
    turn = act.show(actions)
    if len(answer.tool_calls) > act.MAX_ACTIONS or len(turn) > act.MAX_TURN_CHARS:
        wrong.append(f"At most {act.MAX_ACTIONS} calls and {act.MAX_TURN_CHARS} characters make a turn.")
    if wrong:
        raise ActionError(" ".join(wrong))
    return turn


def spoken(text: str) -> str:
    """What a model said aloud, without thoughts and marks; ActionError where it only thought, or wrote a call as text."""
    words = act.tidy(actions_of(text)).rstrip("; \n")
    if not words or _THOUGHT.search(words):
        raise ActionError("Your answer held a thought and no words. Call a tool, or write what you say to the patient.")
    if _WRITTEN.match(words):
        raise ActionError("A tool call was written as text. Call the tool itself; text is spoken to the patient.")
    return words


def _said(answer: Answer) -> str:
    return actions_of(answer.text) or CALLED


def _listed(calls: tuple[ToolCall, ...]) -> str:
    return "\n".join(f"{call.name} {json.dumps(call.arguments, ensure_ascii=False)}" for call in calls)
