"""A model that answers from a list or a function: for tests, and for running without a network.

The rule: it keeps the promises of the real one. An empty answer, JSON that does not fit, or a script that has ended is an LLMError.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from medsim.errors import LLMError
from medsim.llm.call import Answer, Call, Signature, ToolCall
from medsim.llm.fault import Fault
from medsim.llm.reading import Reply, read
from medsim.trajectory import Usage

Line = str | Answer | ToolCall | BaseException
"""What a script can say: text, a whole answer, the use of a tool, or an exception to raise."""


class Scripted:
    """Answers calls from a list, one after the other, or by a function of the call; remembers every call."""

    def __init__(self, script: Iterable[Line] | Callable[[Call], Line]) -> None:
        self._by = script if callable(script) else None
        self._lines = [] if callable(script) else list(script)
        self._lock = threading.Lock()
        self.calls: list[Call] = []

    def __deepcopy__(self, memo: Any) -> Scripted:
        """The same one: a copied environment asks the same model."""
        return self

    def complete(self, call: Call) -> Answer:
        """Answer, or raise."""
        return self._said(call, self._line(call))

    async def acomplete(self, call: Call) -> Answer:
        """Answer, or raise."""
        return self._said(call, self._line(call))

    def _line(self, call: Call) -> Line:
        with self._lock:
            number = len(self.calls)
            self.calls.append(call)
        if self._by is not None:
            return self._by(call)
        if number >= len(self._lines):
            raise LLMError(f"The script has {len(self._lines)} answers; call {number + 1} (of the role '{call.role}') found none.")
        return self._lines[number]

    def _said(self, call: Call, line: Line) -> Answer:
        if isinstance(line, BaseException):
            raise line
        if isinstance(line, Answer):
            return replace(line, hash=line.hash or Signature(call).hash)
        text = "" if isinstance(line, ToolCall) else line
        found = read(call, Reply(text=text))
        if isinstance(line, str) and isinstance(found, Fault):
            raise LLMError(f"The scripted model failed: {found.reason}.")
        spoken = found.text if not isinstance(found, Fault) else ""
        usage = Usage(1, sum(len(message.content) for message in call.messages) // 4 + 1, len(spoken) // 4 + 1)
        return Answer(
            text=spoken, tool_calls=(line,) if isinstance(line, ToolCall) else (), usage=usage, model=call.model or "scripted",
            finish="tool_calls" if isinstance(line, ToolCall) else "stop", hash=Signature(call).hash,
        )  # fmt: skip
