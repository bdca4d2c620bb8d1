"""Keep keys out of everything that is stored, shown or raised, and make a provider's words safe to keep.

The rule: what a provider says is untrusted text. It is cut, put on one line, and every key that the environment holds or that looks
like one is struck out before anybody sees it.
"""

from __future__ import annotations

import os
import re

STRUCK = "[key]"
SHORTEST = 8

_SECRET_NAME = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS)$", re.IGNORECASE)
_KEY = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf|r8|nvapi|pplx|tgp|fw)[-_][\w*.-]{6,}|\bAKIA\w{12,}|\bAIza[\w-]{20,}|\bya29\.[\w-]+"
    r"|(?<=bearer )[\w*.~+/=-]{6,}"
    r"|\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]+)?",
    re.IGNORECASE,
)
_LOOKS_LIKE_ONE = re.compile(
    r"(?:sk|pk|rk|gsk|xai|hf|r8|nvapi|pplx|tgp|fw)[-_][\w.-]{8,}|AKIA\w{12,}|AIza[\w-]{20,}|eyJ[\w-]{8,}\.[\w.-]+|bearer\s+\S+|(?=\S*\d)(?=\S*[A-Za-z])[A-Za-z0-9_+=-]{32,}",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"((?:api[-_ ]?key|access[-_ ]?token|authorization|x-api-key|[?&]key)[\"']?\s*[:=]\s*[\"']?(?:bearer\s+)?)[^\s\"'&,}]+", re.IGNORECASE
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def secrets() -> tuple[str, ...]:
    """Return the values of environment variables whose names say that they are secret, the longest first."""
    found = {value for name, value in os.environ.items() if len(value) >= SHORTEST and is_secret_name(name)}
    return tuple(sorted(found, key=len, reverse=True))


def is_secret_name(name: str) -> bool:
    """Say whether a variable of this name holds a secret."""
    return bool(_SECRET_NAME.search(name))


def looks_like_a_key(text: str) -> bool:
    """Say whether a whole value looks like a key, or is one of the environment."""
    return bool(_LOOKS_LIKE_ONE.fullmatch(text.strip())) or any(secret in text for secret in secrets())


def strike(text: str, known: tuple[str, ...]) -> str:
    """Strike out known secrets; quick, for text that is kept."""
    for secret in known:
        if secret in text:
            text = text.replace(secret, STRUCK)
    return text


def scrub(text: str, *, limit: int = 300) -> str:
    """Make a provider's error text safe and short: one line, no control codes, nothing that is or looks like a key."""
    text = strike(text, secrets())
    text = _KEY.sub(STRUCK, _NAMED.sub(rf"\1{STRUCK}", text))
    text = " ".join(clean(text).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def clean(text: str) -> str:
    """Drop control codes and put U+FFFD in place of half characters; ordinary text comes back as it is."""
    if text.isascii() and text.isprintable():
        return text
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
