"""One attempt at one call to a plain server from the loop: over connections that are kept, without litellm.

The rule: no exception leaves this module; how many connections there are is the caller's limit.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import ctypes
import os
import ssl
from functools import cache

import aiohttp

from medsim.llm import loop, plain
from medsim.llm.blocking import proxy
from medsim.llm.call import Call
from medsim.llm.fault import Endpoint, Fault, late, unanswered
from medsim.llm.reading import Reply
from medsim.llm.scrub import scrub

_NO_LIMIT = aiohttp.ClientTimeout(total=None, sock_connect=None)
"""The limit is set around the whole attempt."""

_sessions: dict[int, aiohttp.ClientSession] = {}
"""By process: one that was forked has connections of its own."""


async def ask(call: Call, endpoint: Endpoint) -> Reply | Fault:
    """Make one attempt at a call, within the endpoint's time limit; on the loop of ``medsim.llm.loop``."""
    url, secure = endpoint.api_base + plain.PATH, endpoint.api_base.startswith("https:")
    try:
        body, headers = plain.sent(call, endpoint)
        async with (
            asyncio.timeout(endpoint.timeout),
            _session().post(
                url, data=body, headers=headers, proxy=proxy(endpoint.api_base), ssl=_trusted() if secure else True, timeout=_NO_LIMIT
            ) as response,
        ):
            data = await _read(response)
            status, fields = response.status, response.headers
    except TimeoutError:
        return late(endpoint)
    except (aiohttp.NonHttpUrlClientError, ValueError):
        return plain.UNFIT
    except aiohttp.ClientConnectorError as error:
        return unanswered(endpoint, scrub(str(error.os_error)), reached=False)
    except (aiohttp.ClientError, OSError, EOFError) as error:
        return unanswered(endpoint, scrub(f"{type(error).__name__}: {error}".rstrip(": ")), reached=True)
    return plain.TOO_LARGE if data is None else plain.answered(endpoint, status, data, fields)


async def _read(response: aiohttp.ClientResponse) -> bytes | None:
    """The whole body, or None where it is longer than any answer is."""
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > plain.LARGEST:
            return None
    return b"".join(parts)


def _session() -> aiohttp.ClientSession:
    own = _sessions.get(os.getpid())
    if own is None or own.closed:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
        own = _sessions[os.getpid()] = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
    return own


@cache
def _trusted() -> ssl.SSLContext:
    """Certificates of the machine (or of SSL_CERT_FILE), and those that come with Python's clients where the machine has none."""
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"] and "SSL_CERT_FILE" not in os.environ:
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def _close() -> None:
    own = _sessions.get(os.getpid())
    if own is not None and not own.closed:
        with contextlib.suppress(Exception):
            loop.submit(own.close()).result(timeout=1)


def _leave_to_parent() -> None:
    """Keep what was forked for ever: to close it here would take the parent's connections off its list of watched ones."""
    for session in _sessions.values():
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))


atexit.register(_close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)
