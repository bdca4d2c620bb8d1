"""One attempt at one call to a plain server from the caller's own thread: nobody else needs to be woken for it.

The rule: only where nothing can take longer than the time limit, that is, plain HTTP to an address that need not be looked up. No
exception leaves this module but an interrupt, and what goes wrong with the work that is done meanwhile; either ends the request.
"""

from __future__ import annotations

import ipaddress
import os
import re
import threading
import time
import urllib.request
from collections.abc import Callable
from functools import cache, lru_cache, partial
from urllib.parse import urlsplit

from medsim.llm import plain
from medsim.llm.call import Call
from medsim.llm.fault import Endpoint, Fault, late, unanswered
from medsim.llm.line import Broken, Line, Longer
from medsim.llm.reading import Reply
from medsim.llm.scrub import scrub

_MOST_IDLE = 256
_UNFIT = re.compile(rb"[\x00-\x20\x7f-\xff]")
"""What may stand neither in a path nor, but for the spaces, in a field of a request."""
_lock = threading.Lock()
_idle: dict[tuple[int, str], list[Line]] = {}
"""By process and address: one that was forked has connections of its own."""


def usable(endpoint: Endpoint) -> bool:
    """Whether an endpoint may be asked this way."""
    return _usable(endpoint.api_base)


def ask(call: Call, endpoint: Endpoint, *, meanwhile: Callable[[], object] = tuple) -> Reply | Fault | None:
    """Make one attempt at a call, within the endpoint's time limit; None where the server sends elsewhere, which is not followed here.

    ``meanwhile`` is called once the request is out: what it does costs no time.
    """
    until, base = time.monotonic() + endpoint.timeout, endpoint.api_base
    line = _borrowed(base)
    try:
        request = _request(call, endpoint)
        try:
            line.open(until)
        except TimeoutError:
            return late(endpoint)
        except OSError as error:
            return unanswered(endpoint, scrub(str(error)), reached=False)
        status, headers, data = line.ask(request, until, largest=plain.LARGEST, meanwhile=partial(_do, meanwhile))
        _give_back(base, line)
    except _Wrong as wrong:
        line.close()
        raise wrong.error from wrong.error.__cause__
    except TimeoutError:
        line.close()
        return late(endpoint)
    except Longer:
        line.close()
        return plain.TOO_LARGE
    except (Broken, OSError) as error:
        line.close()
        return unanswered(endpoint, scrub(f"{type(error).__name__}: {error}".rstrip(": ")), reached=True)
    except ValueError:
        line.close()
        return plain.UNFIT
    except BaseException:
        line.close()
        raise
    return None if 300 <= status < 400 else plain.answered(endpoint, status, data, headers)


class _Wrong(Exception):
    """What was done meanwhile went wrong: no fault of the line, whatever its kind."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _do(meanwhile: Callable[[], object]) -> None:
    try:
        meanwhile()
    except Exception as error:
        raise _Wrong(error) from None


def _request(call: Call, endpoint: Endpoint) -> bytes:
    """The whole request; ValueError where something in it would end a line or is no plain letter."""
    body, headers = plain.sent(call, endpoint)
    return b"%bContent-Length: %d\r\n\r\n%b" % (_head(endpoint.api_base, tuple(headers.items())), len(body), body)


@lru_cache(maxsize=64)
def _head(api_base: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    """The head of the requests to an address, but for their length."""
    parts = urlsplit(api_base)
    path, host = (parts.path + plain.PATH).encode("ascii"), parts.netloc.encode("ascii")
    if _UNFIT.search(path) or _UNFIT.search(host):
        raise ValueError("the address holds more than plain letters")
    lines = [b"POST %b HTTP/1.1" % path, b"Host: " + host, b"Accept-Encoding: identity"]
    for name, value in headers:
        field = value.encode("latin-1")
        if _UNFIT.search(field.replace(b" ", b"")):
            raise ValueError(f"{name} holds more than plain letters")
        lines.append(b"%b: %b" % (name.encode("ascii"), field))
    return b"\r\n".join((*lines, b""))


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


def _borrowed(api_base: str) -> Line:
    """The connection that was used last, if it still stands, else a new one that is not open yet."""
    while True:
        with _lock:
            waiting = _idle.get((os.getpid(), api_base))
            line = waiting.pop() if waiting else None
        if line is None:
            parts = urlsplit(api_base)
            return Line(parts.hostname or "", parts.port or 80)
        if line.alive:
            return line
        line.close()


def _give_back(api_base: str, line: Line) -> None:
    if not line.is_open:  # it could not be kept
        return
    with _lock:
        waiting = _idle.setdefault((os.getpid(), api_base), [])
        if len(waiting) < _MOST_IDLE:
            waiting.append(line)
            return
    line.close()


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
