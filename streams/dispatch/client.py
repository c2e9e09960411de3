"""A client of SES's API (SESv2), opened as the settings say: region, endpoint, credentials, connections, time.

Credentials come by AWS's own chain (environment, profile, container, instance). Plain HTTP to this very machine is a
simulator: it gets made-up credentials where there are none, and nobody asks the network for some. What is called, and
what an answer means, is for those who call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession, get_session
from botocore.exceptions import BotoCoreError

from streams.errors import BadSettings
from streams.settings.dispatch import Dispatch

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SIMULATED = "simulated"  # a simulator looks at no credentials; botocore cannot sign without
_ANY_REGION = "us-east-1"  # of a simulator; it signs as well as any
_CONNECT_S = 10.0  # AWS answers a SYN within milliseconds; longer is a network that drops them
_ASKING_NETWORK = ("iam-role", "container-role")  # botocore's names of the credentials that are asked for over HTTP


@asynccontextmanager
async def ses_client(settings: Dispatch, *, connections: int, tries: int) -> AsyncIterator[Any]:
    """Open a client; *tries* is how often a call is made at most, 1 for whatever must not happen twice.

    Raises BadSettings where no client can be made: no region, half a login, no such profile.
    """
    session = get_session()
    simulated = is_simulator(settings.endpoint_url)
    try:
        region = region_of(settings, session) or (_ANY_REGION if simulated else None)
        key, secret = await simulated_login(session) if simulated else (None, None)
        opened = session.create_client(
            "sesv2",
            region_name=region,
            endpoint_url=settings.endpoint_url,
            config=_config(settings, connections, tries),
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )
        client = await opened.__aenter__()
    except (BotoCoreError, ValueError, OSError) as error:  # ValueError: an endpoint_url that is no URL after all
        why = str(error).rstrip(".")
        raise BadSettings(
            f"no client of SES's API: {why}; set SES_STREAMS_DISPATCH__REGION, or see after AWS's own settings"
        ) from error
    try:
        yield client
    finally:
        await opened.__aexit__(None, None, None)


def region_of(settings: Dispatch, session: AioSession | None = None) -> str | None:
    """Return the region: of the settings, else of AWS's environment or profile; None where nobody says."""
    asked = get_session() if session is None else session
    return settings.region or asked.get_config_variable("region")


def is_simulator(url: str | None) -> bool:
    """Tell whether *url* is plain HTTP on this machine, where no SES can be."""
    parts = urlsplit("" if url is None else url)
    return parts.scheme == "http" and parts.hostname in LOOPBACK


async def simulated_login(session: AioSession) -> tuple[str, str] | tuple[None, None]:
    """Return made-up credentials where this machine has none of its own; else none, and the chain's count."""
    chain = session.get_component("credential_provider")
    for asking in _ASKING_NETWORK:
        chain.remove(asking)
    if await session.get_credentials() is not None:
        return None, None
    return _SIMULATED, _SIMULATED


def _config(settings: Dispatch, connections: int, tries: int) -> AioConfig:
    """Return botocore's settings; ours come before those of AWS's environment and files."""
    longest = settings.call_timeout_ms / 1000
    return AioConfig(
        connect_timeout=min(_CONNECT_S, longest / 2),  # sooner than the call's own end: then we know that nothing went
        read_timeout=longest,
        max_pool_connections=connections,
        retries={"total_max_attempts": tries, "mode": "standard"},
    )
