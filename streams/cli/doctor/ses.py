"""Amazon SES: credentials, the account's standing, what is left of its quota, its identities, and what it tells us.

Asked where this worker sends, or where `--only ses` asks for it. An identity that is somebody's address is shown by its
domain alone. Clock and SMTP are looked at by the way. What is asked is in ses_asking.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from streams.cli.doctor import ses_rules as rules
from streams.cli.doctor.finding import Finding, Level

NEEDED = ("SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT", "DELIVERY_DELAY", "RENDERING_FAILURE")
"""Event types that the rules read; opens and clicks are welcome, and nothing hangs on them."""
_LOW_SHARE = 0.1
_SKEW_S = 60.0
_REASONS = ("BOUNCE", "COMPLAINT")
_HEALTHY = ("HEALTHY", "")
_ENDLESS = -1
RULES = rules.RULES


class Account(NamedTuple):
    """What SES says of the account. *most* and *sent* are recipients in 24 h; -1 is no limit."""

    sending: bool
    standing: str
    production: bool
    most: float
    sent: float
    rate: float
    reasons: frozenset[str]


class Seen(NamedTuple):
    """What SES answered: None where it may not be asked. *skew_s* is our clock less SES's."""

    account: Account | None = None
    identities: Mapping[str, str] | None = None
    """Each with its verification's status."""
    sets: Mapping[str, frozenset[str]] | None = None
    """Each configuration set with the event types that it publishes."""
    denied: tuple[str, ...] = ()
    """Calls that we may not make."""
    skew_s: float = 0.0


def judge(seen: Seen, rate: float | None) -> Iterator[Finding]:
    """Yield what is wrong at SES, or that nothing is; *rate* is that of the settings."""
    found = [*_denied(seen), *_clock(seen)]
    if seen.account is not None:
        found += [*_standing(seen.account), *_limits(seen.account, rate)]
    found += [*_identities(seen.identities), *_events(seen.sets)]
    yield from found
    if seen.account is not None and not any(one.rule.level is Level.WRONG for one in found):
        account = seen.account
        endless = account.most == _ENDLESS
        yield rules.FINE.found(
            left="any number" if endless else f"{account.most - account.sent:,.0f}",
            most="any number" if endless else f"{account.most:,.0f}",
            rate=account.rate,
            identities="unknown" if seen.identities is None else sum(map(_is_verified, seen.identities.values())),
        )


def _denied(seen: Seen) -> Iterator[Finding]:
    """Yield what we may not ask."""
    if seen.denied:
        yield rules.DENIED.found(calls=", ".join(seen.denied), actions=", ".join(f"ses:{call}" for call in seen.denied))


def _clock(seen: Seen) -> Iterator[Finding]:
    """Yield that our clock is far from SES's."""
    if abs(seen.skew_s) > _SKEW_S:
        yield rules.SKEWED.found(seconds=abs(seen.skew_s), way="ahead of" if seen.skew_s > 0 else "behind")


def _standing(account: Account) -> Iterator[Finding]:
    """Yield what SES thinks of the account, where that is not well."""
    if account.standing == "SHUTDOWN":
        yield rules.SUSPENDED.found()
    elif account.standing not in _HEALTHY:
        yield rules.REVIEW.found(status=account.standing.lower())
    elif not account.sending:
        yield rules.PAUSED.found()
    if not account.production:
        yield rules.SANDBOX.found(most=account.most)
    lacking = [reason for reason in _REASONS if reason not in account.reasons]
    if lacking:
        yield rules.LIST_OFF.found(reasons=" and ".join(f"{reason.lower()}s" for reason in lacking))


def _limits(account: Account, rate: float | None) -> Iterator[Finding]:
    """Yield that the quota nears its end, or that we want more than is allowed."""
    left = account.most - account.sent
    if account.most != _ENDLESS and left <= 0:
        yield rules.SPENT.found(sent=account.sent, most=account.most)
    elif account.most != _ENDLESS and left < account.most * _LOW_SHARE:
        yield rules.LOW.found(left=left, most=account.most)
    if rate is not None and rate > account.rate:
        yield rules.FASTER.found(ours=rate, theirs=account.rate)


def _identities(identities: Mapping[str, str] | None) -> Iterator[Finding]:
    """Yield which identities are not verified."""
    if identities is None:
        return
    if not any(map(_is_verified, identities.values())):
        yield rules.NOBODY.found()
    bad = [f"{shown(name)} ({status.lower()})" for name, status in identities.items() if not _is_verified(status)]
    if bad:
        yield rules.UNVERIFIED.found(names=", ".join(sorted(bad)))


def _is_verified(status: str) -> bool:
    return status == "SUCCESS"


def shown(identity: str) -> str:
    """Return an identity as it may be shown: of an address its domain."""
    local, at, domain = identity.rpartition("@")
    return f"an address at {domain}" if at and local else identity


def _events(sets: Mapping[str, frozenset[str]] | None) -> Iterator[Finding]:
    """Yield which events do not come."""
    if sets is None:
        return
    if not any(sets.values()):
        yield rules.DEAF.found()
        return
    for name, types in sets.items():
        lacking = [one for one in NEEDED if one not in types]
        if types and lacking:
            yield rules.PARTLY.found(name=name, types=", ".join(lacking))
