"""What a judge hands back about one item: a verdict with the events it rests on, and the record of how it came about.

The rule: an opinion is met, unmet, unknown or na. Unknown always carries its reason.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from medsim.rubric.finding import Verdict


class Opinion(NamedTuple):
    """A judge's verdict on one item."""

    verdict: Verdict
    evidence: tuple[int, ...] = ()
    """Numbers of the events whose words were quoted."""
    reason: str = ""
    data: dict[str, Any] | None = None
    """Plain data for the store: votes, prompt hash, controls."""
    rating: int | None = None
    """On a scale: from 1 to 5."""
