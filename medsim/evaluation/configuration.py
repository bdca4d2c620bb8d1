"""All that decides a result, as plain data, and its hash: the identity of a run.

The rule: what may change a score stands here (cases, rubrics, recipe, agents and their prompts, patient, models and how they sample);
what may not (budgets, jobs, retries, addresses, caches) does not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from medsim.agent import Given, called, fingerprint
from medsim.case import Case
from medsim.controller.model import fingerprint as controller_fingerprint
from medsim.evaluation.seats import Seats
from medsim.llm import image
from medsim.patient.matcher import matcher
from medsim.recipe import Recipe
from medsim.rubric import rubric_hash
from medsim.version import __version__


def configuration(recipe: Recipe, cases: Sequence[Case], agents: Sequence[Given], seed: int, seats: Seats) -> dict[str, Any]:
    """What a run is made of, as it is stored with it."""
    return {
        "medsim": __version__,
        "recipe": recipe.model_dump(mode="json", by_alias=True, exclude_defaults=True),  # a key that comes later changes no identity
        "cases": {case.id: case.hash for case in cases},
        "rubrics": {case.id: rubric_hash(case.rubric) for case in cases},
        "agents": {called(agent): fingerprint(agent) for agent in sorted(agents, key=called)},
        "patient": seats.patient,
        "patient_words": seats.patients(cases),
        "controller_words": controller_fingerprint() if any(case.roles is not None for case in cases) else "",
        "persona": dict(seats.persona),
        "models": dict(seats.models),
        "matcher": matcher().version,
        "judge": seats.judge.name if seats.judge is not None else "none",
        "seed": seed,
        **_pictures(cases),
    }


def _pictures(cases: Sequence[Case]) -> dict[str, Any]:
    """The pictures that lie beside the cases, by what is in them; nothing where there are none."""
    found = {
        case.id: {slot.id: image.digest(case.folder / slot.path) for slot in case.media if slot.path and case.folder}
        for case in cases
        if case.media
    }
    named = {name: slots for name, slots in found.items() if slots}
    return {"pictures": named} if named else {}


def identity_of(config: dict[str, Any]) -> str:
    """The hash of all that decides a result."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16]
