"""The biases of AgentClinic as data: a sentence each, put into the prompt of a doctor or of a role-played patient.

The rule: a bias names what it is about. Who sets one says the target too, a diagnosis or an attribute, so that its effect can be
measured against the same seeds without it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from medsim import document, library
from medsim.case.part import CODE, Part
from medsim.errors import CaseError, did_you_mean

Seat = Literal["doctor", "patient"]


class Bias(Part):
    """One bias in one seat."""

    id: str = Field(pattern=CODE)
    seat: Seat
    sort: Literal["cognitive", "implicit"]
    target: Literal["diagnosis", "attribute"]
    """What ``{target}`` stands for."""
    text: str = Field(pattern=r"\{target\}")
    example: str
    """A target as somebody might give it."""


class Biases(Part):
    """The file of them."""

    schema_: Literal["medsim.biases/1"] = Field(alias="schema")
    biases: tuple[Bias, ...]

    @model_validator(mode="after")
    def _once(self) -> Biases:
        names = [(bias.seat, bias.id) for bias in self.biases]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"bias '{twice[1]}' stands twice for the {twice[0]}")
        return self


def path() -> Path:
    """The shipped file."""
    return library.folder("agents") / "prompts" / "biases.yaml"


@cache
def shipped() -> tuple[Bias, ...]:
    """All shipped biases."""
    return document.validate(document.read(path()), Biases).biases


def sentence(seat: Seat, name: str, target: str) -> str:
    """The words of a bias about a target; empty for no bias. A slip is answered with the nearest name."""
    if not name:
        if target:
            raise CaseError(f"A target ('{target}') was given without a bias.")
        return ""
    known = {bias.id: bias for bias in shipped() if bias.seat == seat}
    if name not in known:
        raise CaseError(f"No bias '{name}' for the {seat}.{did_you_mean(name, known)} Known: {', '.join(known)}.")
    if not target.strip():
        raise CaseError(f"Bias '{name}' needs a target: {known[name].target}, e.g. target: {known[name].example}")
    return known[name].text.replace("{target}", " ".join(target.split()))
