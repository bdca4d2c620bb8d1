"""One attempt at one call to a plain server from the caller's own thread: nobody else needs to be woken for it.

The rule: only where nothing can take longer than the time limit, that is, plain HTTP to an address that need not be looked up. No
exception leaves this module but an interrupt, and that ends the request.
"""

from __future__ import annotations

import http.client
import ipaddress
import os
import select
import socket
import threading
import time
import urllib.request
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from medsim.llm import plain
from medsim.llm.call import Call
from medsim.llm.fault import Endpoint, Fault, late, unanswered
from medsim.llm.reading import Reply
from medsim.llm.scrub import scrub

_MOST_IDLE = 256
_lock = threading.Lock()
_idle: dict[tuple[int, str], list[_Line]] = {}
"""By process and address: one that was forked has connections of its own."""


class _Timed(socket.socket):
    """A socket for which all that is sent and received has one end of time, however slowly it drips."""

    until: float

    def recv_into(self, *given: Any) -> int:
        """Receive within what is left of the time."""
        self._hurry()
        return super().recv_into(*given)

    def sendall(self, *given: Any) -> None:
        """Send within what is left of the time."""
        self._hurry()
        super().sendall(*given)

    def _hurry(self) -> None:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.settimeout(left)


class _Line(http.client.HTTPConnection):
    """One kept connection."""

    sock: _Timed | None
    _head = b""

    def send(self, data: Any) -> None:
        """Send head and body of a request together: one packet and one reading less for the server."""
        if not self._head:
            self._head = bytes(data)
            return
        head, self._head = self._head, b""
        super().send(head + data)

    def open(self, until: float) -> None:
        """Connect, or go on with the connection there is, with a new end of time."""
        if self.sock is None:
            self.sock = _connected(self.host, self.port, until)
        self.sock.until = until

    @property
    def alive(self) -> bool:
        """Whether the server has neither closed an idle connection nor sent something that nobody asked for."""
        if self.sock is None:
            return False
        watch = select.poll() if hasattr(select, "poll") else None
        if watch is None:
            return not select.select([self.sock], [], [], 0)[0]
        watch.register(self.sock, select.POLLIN)
        return not watch.poll(0)


def usable(endpoint: Endpoint) -> bool:
    """Whether an endpoint may be asked this way."""
    return _usable(endpoint.api_base)


def ask(call: Call, endpoint: Endpoint) -> Reply | Fault | None:
    """Make one attempt at a call, within the endpoint's time limit; None where the server sends elsewhere, which is not followed here."""
    until, base = time.monotonic() + endpoint.timeout, endpoint.api_base
    line = _borrowed(base)
    try:
        body, headers = plain.sent(call, endpoint)
        try:
            line.open(until)
        except TimeoutError:
            return late(endpoint)
        except OSError as error:
            return unanswered(endpoint, scrub(str(error)), reached=False)
        line.request("POST", urlsplit(base).path + plain.PATH, body, headers)
        response = line.getresponse()
        data = response.read(plain.LARGEST + 1)
        if len(data) > plain.LARGEST:
            line.close()
            return plain.TOO_LARGE
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)
        if response.isclosed():
            _give_back(base, line)
        else:
            line.close()
    except TimeoutError:
        line.close()
        return late(endpoint)
    except (http.client.HTTPException, OSError) as error:
        line.close()
        return unanswered(endpoint, scrub(f"{type(error).__name__}: {error}".rstrip(": ")), reached=True)
    except ValueError:
        line.close()
        return plain.UNFIT
    except BaseException:
        line.close()
        raise
    return None if 300 <= response.status < 400 else plain.answered(endpoint, response.status, data, dict(response.headers.items()))


@cache
def proxy(api_base: str) -> str | None:
    """The proxy that the environment names for an address."""
    parts = urlsplit(api_base)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    found = urllib.request.getproxies()
    return found.get(parts.scheme) or found.get("all")


@cache
def _usable(api_base: str) -> bool:
    parts = urlsplit(api_base)
    host = parts.hostname or ""
    try:
        known = parts.port != 0 and (host == "localhost" or bool(ipaddress.ip_address(host)))
    except ValueError:
        return False
    return known and parts.scheme == "http" and proxy(api_base) is None


def _borrowed(api_base: str) -> _Line:
    """The connection that was used last, if it still stands, else a new one that is not open yet."""
    while True:
        with _lock:
            waiting = _idle.get((os.getpid(), api_base))
            line = waiting.pop() if waiting else None
        if line is None:
            parts = urlsplit(api_base)
            return _Line(parts.hostname or "", parts.port or 80)
        if line.alive:
            return line
        line.close()


def _give_back(api_base: str, line: _Line) -> None:
    if line.sock is None:  # the server wanted it closed
        return
    with _lock:
        waiting = _idle.setdefault((os.getpid(), api_base), [])
        if len(waiting) < _MOST_IDLE:
            waiting.append(line)
            return
    line.close()


def _connected(host: str, port: int, until: float) -> _Timed:
    error = OSError("no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        line = _Timed(family, kind, protocol)
        line.until = until
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


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
