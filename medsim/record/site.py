"""The facade's addresses: one record at ``/fhir``, and an isolated fork of it for every episode that asks for one.

The rule: ``/episodes/NAME/fhir`` is a record of its own from the first request on and ``DELETE /episodes/NAME`` forgets it; the record at
``/fhir`` never sees what happens there. Each request is answered whole before the next, so that a transaction cannot be seen half done.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from medsim.record.facade import Request, Response, answer
from medsim.record.outcome import Refusal, issue, quoted
from medsim.record.store import Record

EPISODES = 1000
"""Episodes held at the same time."""
_PLACE = re.compile(r"(?P<base>(?:/episodes/(?P<name>[A-Za-z0-9._-]{1,64}))?/fhir)(?:/(?P<rest>.*))?", re.DOTALL)
_EPISODE = re.compile(r"/episodes/(?P<name>[A-Za-z0-9._-]{1,64})/?")


class Site:
    """Records by address; ``respond`` is all that a web server needs."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.episodes: dict[str, Record] = {}

    def respond(
        self, method: str, path: str, query: str = "", headers: Mapping[str, str] | None = None, body: bytes = b"", *, origin: str = ""
    ) -> Response:
        """Answer one request; ``path`` as it came over the wire, header names in lower case, ``origin`` such as http://127.0.0.1:8080."""
        try:
            place = _PLACE.fullmatch(path)
            if place is None:
                return self._other(method, path)
            record = self._of(place["name"])
            return answer(record, Request(method, place["rest"] or "", query, body, headers or {}), base=origin + place["base"])
        except Refusal as refusal:
            return Response(refusal.status, refusal.outcome)
        except Exception:  # a fault of ours must not look like an answer, nor show its inside
            fault = issue("fatal", "exception", "The record failed to answer; this is a fault of the program.")
            return Response(500, {"resourceType": "OperationOutcome", "issue": [fault]})

    def _of(self, name: str | None) -> Record:
        if name is None:
            return self.record
        if name not in self.episodes:
            if len(self.episodes) >= EPISODES:
                raise Refusal(429, "throttled", f"{EPISODES} episodes are held. Forget one: DELETE /episodes/NAME.")
            self.episodes[name] = self.record.fork()
        return self.episodes[name]

    def _other(self, method: str, path: str) -> Response:
        found = _EPISODE.fullmatch(path)
        if found is None:
            raise Refusal(
                404, "not-found", f"Nothing is at {quoted(path)}. The record is at /fhir, an episode's own at /episodes/NAME/fhir."
            )
        if method != "DELETE":
            raise Refusal(405, "not-supported", "An episode is used at /episodes/NAME/fhir and forgotten with DELETE.")
        self.episodes.pop(found["name"], None)
        return Response(204, None)
