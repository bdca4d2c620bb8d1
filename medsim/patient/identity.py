"""What a patient is made of besides its model, as one hash: part of a run's identity.

The rule: two runs whose patients were given other words have other identities. A kind's prompts stand here by name, its phrases and
levels by file, a bias by its sentence.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from medsim import library
from medsim.errors import CaseError, did_you_mean
from medsim.patient import biases, personas

PROMPTS: Mapping[str, tuple[str, ...]] = {
    "scripted": (),
    "voiced": ("patient_voice",),
    "role": ("patient_role",),
    "direct": ("patient_direct", "patient_again"),
    "instruct": ("patient_instruct", "patient_again"),
    "factselect": ("patient_factselect", "patient_again"),
    "document": ("patient_document",),
}
"""The prompts of each kind of patient; ``document`` is seated in documented cases, whatever kind was asked for."""
SCRIPTED = frozenset({"scripted", "voiced"})
"""Kinds that say what the templates say."""


def fingerprint(kind: str, *, bias: str = "", target: str = "", persona: Mapping[str, Any] | None = None, documented: bool = False) -> str:
    """The hash of all that a kind of patient is told and may say by itself; CaseError for a kind, bias or level that does not exist.

    ``documented``: whether documented cases are played too.
    """
    if kind not in PROMPTS:
        raise CaseError(f"No kind of patient '{kind}'.{did_you_mean(kind, PROMPTS)} Known: {', '.join(PROMPTS)}.")
    prompts = (*PROMPTS[kind], *(PROMPTS["document"] if documented else ()))
    parts = {
        "prompts": {name: library.prompt(name) for name in prompts},
        "personas": personas.path().read_text(encoding="utf-8"),
        "speech": library.vocabulary("speech").read_text(encoding="utf-8") if kind in SCRIPTED else "",
        "bias": biases.sentence("patient", bias, target),
        "persona": personas.checked(persona or {}),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
