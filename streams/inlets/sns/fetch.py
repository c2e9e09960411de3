"""Gets a small file from SNS, a certificate or the page that confirms a subscription: from there, and nowhere else.

Whether a URL may be asked for is decided before (hosts.py). Here: TLS only, no redirects, no cookies, little time, few
bytes, nothing compressed.
"""

from __future__ import annotations

from typing import Protocol

import aiohttp
from yarl import URL

from streams.errors import SesStreamsError

MOST_BYTES = 16 * 1024
"""Of an answer; a certificate is 2 KiB."""

_TIMEOUT = aiohttp.ClientTimeout(total=5)  # SNS waits 15 s for our own answer, which also takes Kafka's
_OK = 200
_REDIRECTS = range(300, 400)


class Unreachable(SesStreamsError):
    """No answer in time, or none that can be used; it may be better later."""


class Redirected(SesStreamsError):
    """The answer is to go elsewhere, which we do not."""


class Fetcher(Protocol):
    """Whoever gets a small file."""

    async def __call__(self, url: str) -> bytes:
        """Return the file.

        Raises:
            Unreachable: no answer in time, or none that can be used.
            Redirected: the answer is to go elsewhere.

        """
        ...


def careful_session(connector: aiohttp.BaseConnector | None = None, *, proxies: bool = False) -> aiohttp.ClientSession:
    """Return a session without memory.

    Args:
        connector: how to connect, where not as the system does.
        proxies: whether the environment's proxies are used (HTTPS_PROXY).

    """
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=_TIMEOUT, trust_env=proxies
    )


class HttpsFetcher:
    """Gets files over HTTPS, by the certificate authorities of the system."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        """Use a session as `careful_session` makes it; whoever made it closes it."""
        self._session = session

    async def __call__(self, url: str) -> bytes:
        """Return the file; raises as Fetcher says."""
        if not url.startswith("https://"):
            raise Unreachable("not by HTTPS")
        headers = {"Accept-Encoding": "identity"}
        try:
            async with self._session.get(
                URL(url, encoded=True), allow_redirects=False, timeout=_TIMEOUT, headers=headers
            ) as answer:
                return await _read(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(type(error).__name__) from None


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """Return the body of an answer that is one."""
    if answer.status in _REDIRECTS:
        raise Redirected(f"HTTP {answer.status}")
    if answer.status != _OK:
        raise Unreachable(f"HTTP {answer.status}")
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Unreachable("compressed, though that was not asked for")
    read = bytearray()
    while len(read) <= MOST_BYTES:
        part = await answer.content.read(MOST_BYTES + 1 - len(read))
        if not part:
            return bytes(read)
        read += part
    raise Unreachable(f"more than {MOST_BYTES} bytes")
