"""Which model sits in which role: one small YAML file, or a model's name for each role.

The rule: a file holds names and numbers, never a key. ``${VAR}`` and ``${VAR:-default}`` are filled from the environment, but not from
variables whose names say that they are secret.

    schema: medsim.models/1
    doctor: {model: openai/gpt-4o-mini, temperature: 0, max_tokens: 512}
    patient: {model: openai/local, api_base: "${LOCAL_LLM:-http://127.0.0.1:8000/v1}", price_in: 0, price_out: 0}
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from medsim import document
from medsim.case.part import Part, Seconds
from medsim.errors import CaseError, did_you_mean
from medsim.llm.call import Call
from medsim.llm.fault import Endpoint
from medsim.llm.scrub import is_secret_name, looks_like_a_key

ROLES = ("doctor", "question", "patient", "controller", "judge")
"""question: the doctor's questions, where a model of their own finds them."""

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_KEY_FIELD = re.compile(r"(?:^|_)(?:key|apikey|token|secret|password|authorization|headers?|bearer|credentials?)$", re.IGNORECASE)

_BARE = re.compile(r"@((?:localhost|\d+(?:\.\d+){3}|[\w.-]+:\d+)(?:[:/].*)?)$")
"""What looks like an address without its scheme; a version that belongs to a model's name (``model@20240620``) has neither port nor dot."""


class Role(Part):
    """One role's model, how it answers, and how it is reached."""

    model: str = Field(min_length=1)
    api_base: str = ""
    key_env: str = Field(default="", pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")
    """Name of the environment variable with the key, where it is not the provider's usual one."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1)
    seed: int | None = None
    concurrency: int | None = Field(default=None, ge=1, le=4096)
    """Calls under way at the same time; None for as many as the run has jobs, and 32 at least."""
    timeout: Seconds = 60
    retries: int = Field(default=4, ge=0, le=100)
    price_in: float | None = Field(default=None, ge=0)
    """USD for a million prompt tokens."""
    price_out: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _fits(self) -> Role:
        if (self.price_in is None) != (self.price_out is None):
            raise ValueError("price_in and price_out go together; give both, in USD for a million tokens")
        if self.timeout < 1:
            raise ValueError("a timeout of at least 1s was expected")
        return self

    def fill(self, call: Call) -> Call:
        """Put this role's model and parameters where a call leaves them open; what the role itself sets is more than a wish."""
        if call.model and call.temperature is not None and call.max_tokens is not None and call.seed is not None:
            return call
        return replace(
            call,
            model=self.model,
            temperature=self.temperature if call.temperature is None else call.temperature,
            max_tokens=self.max_tokens if call.max_tokens is None else call.max_tokens,
            seed=self.seed if call.seed is None else call.seed,
            soft=call.soft if self.seed is None and self.temperature is None else self._wished(call),
        )

    def _wished(self, call: Call) -> tuple[str, ...]:
        return tuple(name for name in call.soft if getattr(call, name) is not None or getattr(self, name) is None)

    def endpoint(self, manners: Endpoint) -> Endpoint:
        """The endpoint of this role; backoff and patience are those of ``manners``."""
        return replace(
            manners, model=self.model, api_base=self.api_base, key_env=self.key_env, concurrency=self.concurrency, timeout=float(self.timeout),
            retries=self.retries, price_in=self.price_in, price_out=self.price_out,
        )  # fmt: skip


class _File(Part):
    schema_: Literal["medsim.models/1"] = Field(alias="schema")
    doctor: Role | None = None
    question: Role | None = None
    patient: Role | None = None
    controller: Role | None = None
    judge: Role | None = None


def load(path: str | Path) -> dict[str, Role]:
    """Read a models file; CaseError names file, line and what to do."""
    found = document.read(Path(path))
    found.data = _filled(found, found.data, ())
    file = document.validate(found, _File)
    return {name: role for name in ROLES if (role := getattr(file, name)) is not None}


def of(text: str, base: Role | None = None) -> Role:
    """Read a role from the command line: ``openai/gpt-4o-mini``, or ``openai/local@http://127.0.0.1:8000/v1`` for a server of one's own.

    Sampling, limits and time-outs are taken from ``base``; its address, key and prices only where the model is the same.
    """
    model, at, rest = text.partition("@http")
    if not model or looks_like_a_key(model):
        raise CaseError(
            "A model was expected, such as openai/gpt-4o-mini or openai/local@http://127.0.0.1:8000/v1. Keys come from the environment only."
        )
    if not at and (bare := _BARE.search(model)):
        raise CaseError(
            f"The address of a server begins with http:// or https://: write {model[: bare.start()]}@http://{bare[1]}. As it stands, the provider "
            "of that name would be asked."
        )
    if base is not None and base.model == model and not at:
        return base
    kept: dict[str, Any] = {"timeout": "60s"}
    if base is not None:
        kept = base.model_dump(include={"temperature", "max_tokens", "seed", "concurrency", "retries"}) | {"timeout": f"{base.timeout}s"}
    return Role(model=model, api_base=at[1:] + rest, **kept)


def with_models(roles: dict[str, Role], models: dict[str, str | None]) -> dict[str, Role]:
    """Put models from the command line over those of a file; None leaves a role as it is."""
    for name in models:
        if name not in ROLES:
            raise CaseError(f"No role '{name}'.{did_you_mean(name, ROLES)} Roles: {', '.join(ROLES)}.")
    return roles | {name: of(text, roles.get(name)) for name, text in models.items() if text}


def _filled(found: document.Document, data: Any, path: tuple[str | int, ...]) -> Any:
    """Refuse keys and fill in variables; a value that becomes empty counts as not given."""
    if isinstance(data, dict):
        for name in data:
            if _KEY_FIELD.search(name):
                raise CaseError(
                    f"{found.where((*path, name))}: '{name}' has no place in a models file. Put the key into the environment, its variable's name into key_env."
                )
        filled = {name: _filled(found, value, (*path, name)) for name, value in data.items()}
        return {name: value for name, value in filled.items() if value != "" or data[name] == ""}
    if isinstance(data, list):
        return [_filled(found, value, (*path, i)) for i, value in enumerate(data)]
    if not isinstance(data, str):
        return data
    text = _VARIABLE.sub(lambda match: _value(found, path, match), data)
    if "${" in text:
        raise CaseError(f"{found.where(path)}: a variable is written ${{NAME}} or ${{NAME:-default}}.")
    if looks_like_a_key(text):
        raise CaseError(
            f"{found.where(path)}: this looks like a key. Put it into the environment, its variable's name into key_env, and take it out of the file."
        )
    return text


def _value(found: document.Document, path: tuple[str | int, ...], match: re.Match[str]) -> str:
    name, default = match[1], match[2]
    if is_secret_name(name):
        raise CaseError(f"{found.where(path)}: ${{{name}}} holds a secret. Write its name into key_env instead.")
    value = os.environ.get(name) or default
    if value is None:
        raise CaseError(f"{found.where(path)}: the environment variable {name} is not set. Set it, or write ${{{name}:-default}}.")
    return value
