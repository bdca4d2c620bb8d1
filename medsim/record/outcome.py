"""What a record answers when it does not do what was asked: an OperationOutcome, always.

The rule: every refusal carries its HTTP status, a code of FHIR's issue types and one sentence that says what was given and what was
expected; what was given is quoted short, and never more than a line of it.
"""

from __future__ import annotations

from typing import Any

from medsim.errors import ActionError

Resource = dict[str, Any]


class Refusal(ActionError):
    """The record refuses a request; ``status`` is the HTTP status, ``issues`` are (code, sentence, place)."""

    def __init__(self, status: int, code: str, *sentences: str, where: str = "") -> None:
        super().__init__("; ".join(sentences))
        self.status = status
        self.issues = [(code, sentence, where) for sentence in sentences]

    @property
    def outcome(self) -> Resource:
        """The refusal as an OperationOutcome."""
        return {"resourceType": "OperationOutcome", "issue": [issue("error", *parts) for parts in self.issues]}


def issue(severity: str, code: str, sentence: str, where: str = "") -> Resource:
    """One issue of an OperationOutcome."""
    made: Resource = {"severity": severity, "code": code, "diagnostics": sentence}
    return {**made, "expression": [where]} if where else made


def information(*sentences: str) -> Resource:
    """An OperationOutcome that only tells something."""
    return {"resourceType": "OperationOutcome", "issue": [issue("information", "informational", sentence) for sentence in sentences]}


def quoted(given: object, limit: int = 60) -> str:
    """Quote what was given on one line, shortened."""
    text = given if isinstance(given, str) else str(type(given).__name__)
    text = "".join(sign if sign.isprintable() else "?" for sign in text)
    return f"'{text[:limit]}…'" if len(text) > limit else f"'{text}'"
