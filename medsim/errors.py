"""The six exceptions of medsim, each naming the boundary that failed.

The rule: an error says what was given, what was expected and what to do next; a failure is never turned into a number.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MedsimError(Exception):
    """Any failure that medsim itself reports."""


class CaseError(MedsimError):
    """Content (a case, rubric, recipe, vocabulary) could not be found, read or accepted."""


class ActionError(MedsimError):
    """A program used an action or an environment in a way that has no meaning."""


class PatientError(MedsimError):
    """The patient's seat failed to answer."""


class JudgeError(MedsimError):
    """A rubric could not be applied, or a judge failed."""


class StoreError(MedsimError):
    """The database could not be opened, read or written."""


class LLMError(MedsimError):
    """A language model could not be reached or answered nonsense."""


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest of the known names, or an empty string."""
    close = difflib.get_close_matches(given, list(known), n=1, cutoff=0.6)
    return f" Did you mean '{close[0]}'?" if close else ""
