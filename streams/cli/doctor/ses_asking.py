"""Asks SES for what ses.py judges: by its API, and by SMTP where mail goes that way. Nothing is sent or changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from streams.cli.doctor.finding import Finding
from streams.cli.doctor.ses import Account, Seen, judge
from streams.cli.doctor.ses_rules import CREDENTIALS, OBSERVING, SMTP, SMTP_LOGIN, UNREACHABLE
from streams.cli.doctor.world import World
from streams.dispatch.trouble import TROUBLES, name_of
from streams.inlets.sqs.calls import Why
from streams.inlets.sqs.trouble import amiss
from streams.settings import Via
from streams.settings.dispatch import Dispatch

_MOST_SETS = 10  # SES takes one such question a second
_TRIES = 3


class _Denied(Exception):
    """We may not make this call."""


def look(world: World) -> list[Finding]:
    """Ask SES, where this worker sends."""
    dispatch = world.settings.dispatch
    if not dispatch.enabled and "ses" not in world.only:
        return [OBSERVING.found()]
    limited = dispatch.model_copy(update={"call_timeout_ms": round(world.patience_s * 1000)})
    return asyncio.run(_look(limited, world.now))


async def _look(dispatch: Dispatch, now: int) -> list[Finding]:
    found = await _by_smtp(dispatch) if dispatch.via is Via.SMTP else []
    try:
        return [*found, *judge(await _seen(dispatch, now), dispatch.rate)]
    except TROUBLES as error:
        rule = CREDENTIALS if amiss("", "", error).why is Why.CREDENTIALS else UNREACHABLE
        return [*found, rule.found(service="SES", why=name_of(error))]


async def _seen(dispatch: Dispatch, now: int) -> Seen:
    """Ask all that we may."""
    from streams.dispatch.client import ses_client

    denied: list[str] = []
    async with ses_client(dispatch, connections=1, tries=_TRIES) as ses:

        async def ask(call: str, method: Any, **words: Any) -> Mapping[str, Any]:
            try:
                said: Mapping[str, Any] = await method(**words)
            except TROUBLES as error:
                if amiss("", "", error).why is not Why.DENIED:
                    raise
                denied.append(call)
                raise _Denied from None
            return said

        account = await _or_none(ask("GetAccount", ses.get_account))
        identities = await _or_none(ask("ListEmailIdentities", ses.list_email_identities, PageSize=1000))
        return Seen(
            account=None if account is None else _account(account),
            identities=None if identities is None else _identities(identities),
            sets=await _sets(ask, ses),
            denied=tuple(dict.fromkeys(denied)),
            skew_s=0.0 if account is None else _skew_s(account, now),
        )


async def _or_none(asked: Any) -> Mapping[str, Any] | None:
    """Return an answer; None where we may not ask."""
    try:
        said: Mapping[str, Any] = await asked
    except _Denied:
        return None
    return said


async def _sets(ask: Any, ses: Any) -> Mapping[str, frozenset[str]] | None:
    """Return each configuration set with the types of events that its destinations publish."""
    listed = await _or_none(ask("ListConfigurationSets", ses.list_configuration_sets, PageSize=_MOST_SETS))
    if listed is None:
        return None
    found: dict[str, frozenset[str]] = {}
    for name in listed.get("ConfigurationSets", ()):
        method = ses.get_configuration_set_event_destinations
        said = await _or_none(ask("GetConfigurationSetEventDestinations", method, ConfigurationSetName=name))
        if said is None:
            return None
        outlets = [one for one in said.get("EventDestinations", ()) if one.get("Enabled")]
        found[name] = frozenset(kind for outlet in outlets for kind in outlet.get("MatchingEventTypes", ()))
    return found


def _account(said: Mapping[str, Any]) -> Account:
    quota = said.get("SendQuota", {})
    return Account(
        sending=bool(said.get("SendingEnabled")),
        standing=str(said.get("EnforcementStatus", "")),
        production=bool(said.get("ProductionAccessEnabled")),
        most=float(quota.get("Max24HourSend", -1)),
        sent=float(quota.get("SentLast24Hours", 0)),
        rate=float(quota.get("MaxSendRate", 0)),
        reasons=frozenset(said.get("SuppressionAttributes", {}).get("SuppressedReasons", ())),
    )


def _identities(said: Mapping[str, Any]) -> dict[str, str]:
    return {
        one["IdentityName"]: one.get("VerificationStatus") or ("SUCCESS" if one.get("SendingEnabled") else "PENDING")
        for one in said.get("EmailIdentities", ())
    }


def _skew_s(said: Mapping[str, Any], now: int) -> float:
    """Return by how much our clock is ahead of the one that dated SES's answer; 0 where it is not dated."""
    date = said.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        return now / 1000 - parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return 0.0


async def _by_smtp(dispatch: Dispatch) -> list[Finding]:
    """Connect and log in as a mail would, and leave again."""
    from streams.dispatch.connections import Connections

    connections = Connections(dispatch)
    await connections.open()
    try:
        why = await connections.tried()
    finally:
        await connections.close()
    return [SMTP_LOGIN.found() if why == "login" else SMTP.found(why=why)] if why else []
