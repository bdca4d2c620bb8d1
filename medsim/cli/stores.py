"""The store that a command line means: a folder is refused, and every next step that is named leads to the same store.

The rule: whoever says --store once need not be told to say it again; where the default is in use, nothing is added. A password is not shown.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from medsim.errors import StoreError

DEFAULT = "medsim.db"
_VERBS = "run|play|show|replay|fork|score|metrics|report|compare|power|agree|label|standards|rate|export"
_STEP = re.compile(rf"\bmedsim (?:{_VERBS})\b(?!(?:(?!\. ).)*--store)", re.DOTALL)
"""A command that takes --store and is not told which yet; it ends where the sentence does."""
_option = ""


def use(where: str | None) -> None:
    """Take note of the store in use; StoreError where it is a folder."""
    global _option
    _option = ""
    if not where or where == DEFAULT:
        return
    if "://" not in where and Path(where).is_dir():
        raise StoreError(f"'{where}' is a folder, and a store is a file. For example: --store {shlex.quote(str(Path(where) / DEFAULT))}")
    _option = f" --store {shlex.quote(_shown(where))}"


def with_store(text: str) -> str:
    """Name the store in use in every next step of a message."""
    return _STEP.sub(lambda step: step[0] + _option, text) if _option else text


def _shown(where: str) -> str:
    if "://" not in where:
        return where
    from medsim.store.opening import url_of  # SQLAlchemy, which a file's name does not need

    try:
        return url_of(where).render_as_string(hide_password=True)
    except StoreError:
        return "URL"
