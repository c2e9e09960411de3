"""Asks workers how they are: /health/ready, /metrics and what /api/v1/overview foresees, all at once, again and again.

A worker that does not answer is one that says so: it takes nothing from the others, and is asked again next time. What
the answers come to is counted in top_sight.py.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp

from streams.cli.shown import harmless
from streams.demo.gauges import Page, read_page

DOWN = "down"
"""The state of a worker that does not answer."""
_PATIENCE_S = 3.0
_LONGEST_PAGE = 16 << 20
"""Bytes; a worker's page has some hundred thousand at most, and what is longer is somebody else's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one worker said; *at* is seconds of a monotonic clock, *page* None where it said nothing of use."""

    url: str
    at: float
    state: str
    ready: bool = False
    live: bool = False
    reasons: tuple[str, ...] = ()
    page: Page | None = None
    foreseen: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Stream (* is all of them) and kind of ratio to the hours until SES would review the account for it."""


async def ask_all(session: aiohttp.ClientSession, urls: Sequence[str]) -> tuple[Said, ...]:
    """Ask every worker, and wait for the slowest."""
    return tuple(await asyncio.gather(*(ask(session, url) for url in urls)))


def session() -> aiohttp.ClientSession:
    """Return what workers are asked by; proxies and passwords of the environment are none of its business."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_PATIENCE_S), auto_decompress=True)


async def ask(session: aiohttp.ClientSession, url: str) -> Said:
    """Ask one worker; never fails, and what it says is harmless to a terminal: anybody may answer there."""
    try:
        async with session.get(f"{url}/health/ready", allow_redirects=False) as answer:
            health = json.loads(await _read(answer))
        async with session.get(f"{url}/metrics", allow_redirects=False) as answer:
            answer.raise_for_status()
            page = read_page("\n".join(map(harmless, (await _read(answer)).decode().split("\n"))))
        return Said(
            url=url,
            at=time.monotonic(),
            state=harmless(str(health["state"])),
            ready=bool(health["ready"]),
            live=bool(health["live"]),
            reasons=tuple(harmless(str(reason)) for reason in health["reasons"]),
            page=page,
            foreseen=await _foreseen(session, url),
        )
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return _down(url, why_silent(error))
    except (ValueError, LookupError, TypeError):
        return _down(url, "what answers there is no worker of ses-streams")


async def _foreseen(session: aiohttp.ClientSession, url: str) -> Mapping[tuple[str, str], float]:
    """Return what a worker foresees; nothing where it has no overview, as an intake, or one of another version."""
    async with session.get(f"{url}/api/v1/overview", allow_redirects=False) as answer:
        if answer.status != HTTPStatus.OK:
            return {}
        told = await _read(answer)
    try:
        return dict(_hours(json.loads(told)))
    except (ValueError, LookupError, TypeError):
        return {}


def _hours(overview: Any) -> Iterator[tuple[tuple[str, str], float]]:
    """Yield what an overview foresees, as far as it foresees anything."""
    for each in (overview["account"], *overview["streams"]):
        for kind in ("bounce", "complaint"):
            hours = each[f"{kind}s"]["review_in_hours"]
            if hours is not None:
                yield (harmless(each["stream"]), kind), float(hours)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """Return the body, or fail where it is longer than any of ours."""
    parts: list[bytes] = []
    async for part in answer.content.iter_chunked(1 << 16):
        parts.append(part)
        if sum(map(len, parts)) > _LONGEST_PAGE:
            raise ValueError("too long")
    return b"".join(parts)


def _down(url: str, why: str) -> Said:
    return Said(url=url, at=time.monotonic(), state=DOWN, reasons=(why,))


def why_silent(error: BaseException) -> str:
    """Return why nobody answers, without the library's own words."""
    match error:
        case TimeoutError():
            return "no answer in time"
        case aiohttp.ClientResponseError():
            return f"answered {error.status}"
        case aiohttp.ClientConnectorDNSError():
            return "there is no such host"
        case aiohttp.ClientConnectorError():
            return "nobody listens there"
        case _:
            return "the connection broke"


def checked_urls(urls: Iterable[str]) -> tuple[str, ...]:
    """Return the addresses of workers without a slash at the end, each once; ValueError where one is none."""
    from yarl import URL

    found: dict[str, None] = {}
    for text in urls:
        url = URL(text if "://" in text else f"http://{text}")
        if url.scheme not in ("http", "https") or not url.host or url.user or url.query_string or url.fragment:
            raise ValueError(text)
        found[str(url).rstrip("/")] = None
    return tuple(found)
