"""One kept HTTP connection, used by one thread at a time: a request goes out in one piece, and its answer is read by ``httptools``.

The rule: all of a request and its answer has one end of time, however slowly it drips, and what does not end as it announced is no answer.
A connection is kept only where the server agreed and sent nothing that nobody asked for.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from typing import NamedTuple

from httptools import HttpParserError, HttpResponseParser

_PIECE = 65_536
_LARGEST_HEAD = 262_144
_SLACK = 0.01
"""Seconds by which a step may overrun its end."""


class Broken(Exception):
    """What came is not the whole of an answer."""


class Longer(Exception):
    """The answer is longer than any is."""


class Received(NamedTuple):
    """One whole answer."""

    status: int
    headers: dict[str, str]
    """By name in lower case; of a name that comes twice, the last."""
    body: bytes


class _Reading:
    """One answer as far as it has come; the parser calls it."""

    def __init__(self) -> None:
        self.parser = HttpResponseParser(self)
        self.headers: dict[str, str] = {}
        self.parts: list[bytes] = []
        self.status = self.size = self.answers = 0
        self.open_ended = False
        """Whether only the end of the connection ends the body."""
        self.keep = False

    @property
    def whole(self) -> bool:
        return self.answers > 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        """Take the status; what only announces the answer is passed over."""
        self.status = self.parser.get_status_code()
        self.keep = self.parser.should_keep_alive()
        self.open_ended = "content-length" not in self.headers and "chunked" not in self.headers.get("transfer-encoding", "").lower()

    def on_body(self, part: bytes) -> None:
        """Take a part of the body."""
        self.parts.append(part)
        self.size += len(part)

    def on_message_complete(self) -> None:
        """Note the end of an answer, or forget an announcement."""
        if 100 <= self.status < 200:
            self.headers, self.status = {}, 0
        else:
            self.answers += 1


class Line:
    """A connection to one server, opened when it is first used."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._socket: socket.socket | None = None
        self._watch: select.poll | None = None

    @property
    def alive(self) -> bool:
        """Whether the server has neither closed an idle connection nor sent something that nobody asked for."""
        if self._socket is None:
            return False
        if self._watch is None:
            return not select.select([self._socket], [], [], 0)[0]
        return not self._watch.poll(0)

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self._socket is not None

    def open(self, until: float) -> None:
        """Connect, or go on with the connection there is; OSError where nobody is there, TimeoutError where time is over."""
        if self._socket is None:
            self._socket = _connected(self.host, self.port, until)
            if hasattr(select, "poll"):  # not on every system; where it is, it takes sockets of any number
                self._watch = select.poll()
                self._watch.register(self._socket, select.POLLIN)

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = self._watch = None

    def ask(self, request: bytes, until: float, *, largest: int, meanwhile: Callable[[], object] = tuple) -> Received:
        """Send a request and read its answer; TimeoutError, OSError, Broken or Longer, after which the line is of no more use.

        ``until`` is on the clock of ``time.monotonic``; the line is closed where it cannot be kept. ``meanwhile`` is called once between
        the two, while the server is at work; what it takes does not count.
        """
        line = self._socket
        if line is None:
            raise Broken("the connection is not open")
        self._limit(line, until)
        line.sendall(request)
        sent = time.monotonic()
        meanwhile()
        until += time.monotonic() - sent
        reading, head = _Reading(), 0
        while not reading.whole:
            self._limit(line, until)
            piece = line.recv(_PIECE)
            if not piece:
                break
            try:
                reading.parser.feed_data(piece)
            except HttpParserError as error:  # an upgrade that nobody asked for is one too
                raise Broken(f"not HTTP: {error}") from error
            head += 0 if reading.status else len(piece)
            if reading.size > largest or head > _LARGEST_HEAD:
                raise Longer
        if not reading.whole and not (reading.status and reading.open_ended):
            raise Broken("the connection ended before the answer did")
        if not (reading.whole and reading.keep and reading.answers == 1):
            self.close()
        return Received(reading.status, reading.headers, b"".join(reading.parts))

    def _limit(self, line: socket.socket, until: float) -> None:
        """Let the next step end in time; a limit that is as good as right is left as it is, which saves the system a call."""
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if abs(left - (line.gettimeout() or 0.0)) > _SLACK:
            line.settimeout(left)


def _connected(host: str, port: int, until: float) -> socket.socket:
    error = OSError("no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        line = socket.socket(family, kind, protocol)
        try:
            line.settimeout(max(0.001, until - time.monotonic()))
            line.connect(address)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return line
        except OSError as failed:
            line.close()
            error = failed
        except BaseException:
            line.close()
            raise
    raise error
