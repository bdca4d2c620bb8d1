"""What a doctor is shown: text, and the pictures that came with it.

The rule: an observation is a str, so that an agent that reads text needs to know nothing of pictures. A picture comes from an event that
the doctor sees, never from the case's truth, and is read from its file only when somebody looks at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from medsim.case import Case
from medsim.llm import image
from medsim.trajectory import Event, transcript


class Picture(NamedTuple):
    """One picture: the id of its slot, its publisher's address, and a file of one's own."""

    id: str
    url: str = ""
    path: Path | None = None

    def source(self) -> str:
        """What goes into a message: the file as a data URI, else the address; CaseError where the file is bad."""
        return image.data_uri(self.path) if self.path else self.url


class Observation(str):
    """Text with the pictures shown beside it."""

    pictures: tuple[Picture, ...] = ()


def look(case: Case, events: Sequence[Event]) -> Observation:
    """Write what the doctor sees of events, without the doctor's own words, with the pictures that these events show."""
    seen = Observation(transcript(events, doctor=False))
    found = (_picture(case, event) for event in events if event.visible and event.actor == "controller")
    seen.pictures = tuple(picture for picture in found if picture.url or picture.path)
    return seen


def _picture(case: Case, event: Event) -> Picture:
    """The picture of an event, without a place where it has none; only web addresses and files beside the case are places."""
    slot, url, name = (str(event.args.get(key, "")) for key in ("media", "url", "path"))
    path = (case.folder / name).resolve() if case.folder and name else None
    inside = path is not None and case.folder is not None and path.is_relative_to(case.folder)
    return Picture(slot, url if url.startswith(("https://", "http://")) else "", path if inside else None)
