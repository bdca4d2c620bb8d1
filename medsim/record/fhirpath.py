"""FHIRPath over a resource, through the package fhirpathpy.

The rule: what cannot be read or worked out is an error with a reason, never a "no". The library's own parser mends a slip in silence and
then answers no, so every expression is read strictly first; and it is given FHIR R4's model, without which choices such as
``medication[x]`` are silently empty; and numbers as decimals, which FHIR's are: to the library a float of 3.1 is not ``3.1``. All of it is
imported when first used.
"""

from __future__ import annotations

import importlib
from decimal import Decimal
from functools import cache
from typing import Any, NoReturn

from medsim.errors import CaseError, JudgeError


def holds(expression: str, resource: dict[str, Any]) -> bool:
    """Whether an expression is true of a resource; JudgeError where that cannot be said."""
    try:
        evaluate = importlib.import_module("fhirpathpy").evaluate
        model = importlib.import_module("fhirpathpy.models").models["r4"]
    except ImportError as error:
        raise JudgeError("FHIRPath needs the package fhirpathpy: pip install fhirpathpy.") from error
    if fault := _fault(expression):
        raise JudgeError(fault)
    try:
        found = evaluate(_exact(resource), expression, {}, model)
    except Exception as error:  # the library raises whatever its functions do
        raise JudgeError(f"The FHIRPath expression '{expression[:100]}' cannot be evaluated: {str(error)[:100]}.") from error
    return bool(found == [True])


def _exact(value: Any) -> Any:
    """A copy in which every float is the decimal that it is written as."""
    if isinstance(value, dict):
        return {name: _exact(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_exact(inner) for inner in value]
    return Decimal(repr(value)) if isinstance(value, float) else value


def parsable(expression: str) -> None:
    """CaseError where an expression cannot be read; nothing is said where the package is not there."""
    try:
        fault = _fault(expression)
    except ImportError:
        return
    if fault:
        raise CaseError(fault)


@cache
def _fault(expression: str) -> str:
    """What is wrong with the grammar of an expression, empty where nothing is."""
    antlr = importlib.import_module("antlr4")
    generated = "fhirpathpy.parser.generated.FHIRPath"
    lexer = importlib.import_module(f"{generated}Lexer").FHIRPathLexer(antlr.InputStream(expression))
    parser = importlib.import_module(f"{generated}Parser").FHIRPathParser(antlr.CommonTokenStream(lexer))
    for part in (lexer, parser):
        part.removeErrorListeners()
        part.addErrorListener(_strict())
    try:
        parser.expression()
        rest = parser.getCurrentToken()
        if rest.type != antlr.Token.EOF:
            raise ValueError(f"'{rest.text[:30]}' is left over")
    except (ValueError, RecursionError) as error:
        return f"The FHIRPath expression '{expression[:100]}' cannot be read: {str(error)[:200]}."
    return ""


@cache
def _strict() -> Any:
    listener = importlib.import_module("antlr4.error.ErrorListener").ErrorListener

    def refuse(self: Any, recognizer: Any, symbol: Any, line: int, column: int, said: str, error: Any) -> NoReturn:
        raise ValueError(f"{said} (at {line}:{column + 1})")

    return type("Strict", (listener,), {"syntaxError": refuse})()
