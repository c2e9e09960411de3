"""Why no broker answers: aiokafka's clients only say that none could be reached, and wait again where waiting is vain.

So the door is tried once by hand: a wrong password, a certificate that nobody vouches for, TLS where there is none.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Mapping

from aiokafka import errors
from aiokafka.conn import create_conn

from streams.engine.config import EngineConfig
from streams.errors import WorldFailed

PATIENCE_MS = 5_000
_VAIN: tuple[tuple[type[Exception], str], ...] = (
    (
        errors.SaslAuthenticationFailed,
        "SaslAuthenticationFailed. Set SES_STREAMS_SECURITY__SASL_USERNAME and SES_STREAMS_SECURITY__SASL_PASSWORD",
    ),
    (
        errors.UnsupportedSaslMechanismError,
        "this way of giving a password is not theirs. Set SES_STREAMS_SECURITY__SASL_MECHANISM",
    ),
    (
        errors.IllegalSaslStateError,
        "they want no password, or another protocol. Set SES_STREAMS_SECURITY__PROTOCOL",
    ),
    (
        ssl.SSLCertVerificationError,
        "nobody we trust vouches for their certificate. Set SES_STREAMS_SECURITY__SSL_CAFILE",
    ),
    (ssl.SSLError, "TLS fails with them. Set SES_STREAMS_SECURITY__PROTOCOL as the brokers' listener has it"),
)
"""What no waiting mends, and what to set; the first that fits counts."""


async def knock(config: EngineConfig) -> str:
    """Try the door of each broker once, and return why the last one stays shut; nothing where it opens.

    Raises:
        WorldFailed: one of them refuses us for a reason that no waiting mends; a broker that is away is none.
    """
    why = ""
    for address in config.brokers:
        error = await _answer_of(config, address)
        for kind, words in _VAIN:
            if isinstance(error, kind):
                raise WorldFailed(f"the broker at {address} refuses us: {words}") from error
        why = "" if error is None else _words(error)
    return why


async def spoken(config: EngineConfig, address: str, patience_s: float) -> Mapping[int, tuple[int, int]]:
    """Open the door of one broker, and return the lowest and highest version of each kind of request that it knows.

    Raises:
        OSError, KafkaError: what came in between; TimeoutError where nothing came in time.
    """
    host, _, port = address.rpartition(":")
    async with asyncio.timeout(patience_s):
        connection = await create_conn(
            host.strip("[]"),
            int(port),
            request_timeout_ms=int(patience_s * 1000),
            **config.security.client_options(),
        )
    known: Mapping[int, tuple[int, int]] = getattr(connection, "_versions", {})  # private: without it nothing is known
    connection.close()
    return known


def _words(error: Exception) -> str:
    """Return why a door stays shut, as the system says it: asyncio's words hold the address once more."""
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno) if error.errno > 0 else str(error.strerror)  # below 0 it is no such name
    return type(error).__name__


async def _answer_of(config: EngineConfig, address: str) -> Exception | None:
    host, _, port = address.rpartition(":")
    try:
        connection = await create_conn(
            host, int(port), request_timeout_ms=PATIENCE_MS, **config.security.client_options()
        )
    except (errors.KafkaError, OSError) as exc:
        return exc
    connection.close()
    return None
