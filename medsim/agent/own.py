"""A doctor of one's own: ``module:attribute``, or the class or function itself.

The rule: it has a name by which another program finds it again. Where it is given as itself, a hash of what its source says stands beside
the name; what has neither is refused, for a result must say who earned it.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import sys
import textwrap
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from medsim.case import Case
from medsim.errors import ActionError, CaseError
from medsim.llm import LLM

Given = str | Callable[..., Any]
"""An agent as a program gives it: a name, a class with ``reset`` and ``act``, or a function that makes one."""


def stands_in_a_module(given: Given) -> bool:
    """Whether this is a doctor of one's own, and neither a shipped one nor a recipe."""
    return not isinstance(given, str) or (":" in given and not given.endswith((".yaml", ".yml")))


def called(given: Given) -> str:
    """Return the name of an agent; ActionError for what no other program could find by a name."""
    if isinstance(given, str):
        return given
    if not callable(given) or not hasattr(given, "__qualname__"):
        raise ActionError(
            f"An agent is a name, a class or a function that makes one; given an object of {type(given).__qualname__}. Encounters share no agent: "
            "give its class instead, or 'module:attribute'."
        )
    name = f"{given.__module__}:{given.__qualname__}"
    try:
        found = attrgetter(given.__qualname__)(sys.modules.get(given.__module__))
    except AttributeError:
        found = None
    if found is not given:
        raise ActionError(
            f"'{name}' cannot be found by that name again. Define the agent at the top of a module, with all it needs inside, and give it "
            "or its name, 'module:attribute'."
        )
    return name


def find(given: Given) -> Any:
    """Return the class or function that ``module:attribute`` names."""
    if not isinstance(given, str):
        return given
    module, _, attribute = given.partition(":")
    try:
        return attrgetter(attribute)(importlib.import_module(module))
    except (ImportError, AttributeError, ValueError) as error:
        raise CaseError(f"No agent '{given}': {error}. Give module:attribute of a class that can be imported from here.") from error


def maker(found: Any, *, llm: LLM | None) -> Callable[[Case], Any]:
    """Return what makes an agent for a case: what it needs by the name of ``case`` or ``llm`` is given; a function's only argument is the case."""
    needed = _needed(found)
    if inspect.isroutine(found) and len(needed) == 1 and needed[0] != "llm":
        return lambda case: found(case)
    models: dict[str, Any] = {"llm": llm} if llm is not None and "llm" in needed else {}
    return (lambda case: found(case=case, **models)) if "case" in needed else (lambda case: found(**models))


def _needed(found: Any) -> list[str]:
    """What must be given to make an agent."""
    try:
        asked = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return []
    named = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [one.name for one in asked if one.default is one.empty and one.kind in named]


def fingerprint(given: Callable[..., Any]) -> str:
    """A hash of the source of a class or function and of what it names in its own module; ActionError where there is no source to read."""
    read: dict[str, str] = {}
    try:
        _read(given, read)
    except (OSError, SyntaxError, TypeError) as error:  # nothing on disk, half a statement, or built in
        raise ActionError(
            f"The source of agent '{called(given)}' cannot be read, so that its results would not say who earned them. "
            "Write it in a file and give 'module:attribute'."
        ) from error
    return hashlib.sha256("\n".join(read[name] for name in sorted(read)).encode()).hexdigest()[:16]


def _read(thing: Any, read: dict[str, str]) -> None:
    """Take down a class or function, and what it names among the classes, functions, texts and numbers of its module."""
    source = textwrap.dedent(inspect.getsource(thing))
    read[thing.__qualname__] = source
    module = sys.modules[thing.__module__]
    for name in sorted({node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}):
        other = getattr(module, name, None)
        if inspect.isclass(other) or inspect.isfunction(other):
            if other.__module__ == thing.__module__ and other.__qualname__ not in read:
                _read(other, read)
        elif isinstance(other, (str, int, float, bool)):
            read.setdefault(name, f"{name} = {other!r}")
