"""What the simulator is told: how it is started, and what its world is like while it runs.

`SimulatorSettings` stands for the whole run; `Conditions` may change at any time (`POST /simulator/conditions`). They
are data with ranges: nothing here listens, sends or counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from streams.errors import BadSettings
from streams.simulator.refusals import REFUSALS

LARGEST_MAIL = 40 * 1024 * 1024
"""Bytes of a mail: API v2 and SMTP (SES developer guide, "Service quotas")."""


class Form(StrEnum):
    """In which of SES's two formats events are written."""

    EVENTS = "events"
    """Event publishing: `eventType`, with tags."""
    NOTIFICATIONS = "notifications"
    """The older feedback notifications: `notificationType`; bounces, complaints and deliveries only."""
    BOTH = "both"
    """Each bounce, complaint and delivery twice, as in an account where both are on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The world's trouble. Ratios are shares in 0 to 1, drawn by the seed for each mail; times are ms."""

    rate: float = 1000.0
    """Recipients a second."""
    quota: float = -1.0
    """Recipients in any 24 hours; -1 is no limit."""
    throttle: float = 0.0
    """Share of sends that are refused as too fast, however slow they are."""
    fail: float = 0.0
    """Share that is answered with a 500, and not accepted."""
    fail_after: float = 0.0
    """Share that is accepted, and answered with a 500 all the same."""
    hang: float = 0.0
    """Share that is accepted, and never answered."""
    latency_ms: float = 0.0
    """How long an answer takes."""
    paused: bool = False
    """Whether the account's sending is paused."""
    refuse: str | None = None
    """An error by which every send is refused, by SES's name for it."""
    outage: tuple[str, ...] = ()
    """Domains whose mail servers do not answer: mail to them is delayed, then bounces softly."""
    delay_ms: float = 200.0
    """Mean time from a mail to its first event, and from one event to the next."""
    repeat: float = 0.0
    """Share of events that come twice."""
    disorder: bool = False
    """Whether the events of one mail may come in any order."""

    def changed(self, words: Mapping[str, Any]) -> Self:
        """Return these conditions with some of them changed, as parsed JSON says.

        Raises:
            BadSettings: a word nobody knows, or a value out of range.

        """
        known = {field.name for field in fields(self)}
        unknown = sorted(words.keys() - known)
        if unknown:
            raise BadSettings(f"no condition is called {', '.join(unknown)}; there are {', '.join(sorted(known))}")
        wrong = [f"{name} must be {_RANGES[name][1]}" for name, value in words.items() if not _fits(name, value)]
        if wrong:
            raise BadSettings("; ".join(wrong))
        found = dict(words)
        if "outage" in found:
            found["outage"] = tuple(domain.lower() for domain in found["outage"])
        return replace(self, **found)


def _number(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


_Range = tuple[Callable[[Any], bool], str]

_RATIO: _Range = (lambda value: _number(value, 0, 1), "a share from 0 to 1")
_TIME: _Range = (lambda value: _number(value, 0, 86_400_000), "ms, from 0 to a day")
_SWITCH: _Range = (lambda value: isinstance(value, bool), "true or false")
_RANGES: Mapping[str, _Range] = {
    "rate": (lambda value: _number(value, 0.001, 1e9), "recipients a second, more than 0"),
    "quota": (lambda value: _number(value, -1, 1e12), "recipients in 24 hours, or -1"),
    "throttle": _RATIO,
    "fail": _RATIO,
    "fail_after": _RATIO,
    "hang": _RATIO,
    "repeat": _RATIO,
    "latency_ms": _TIME,
    "delay_ms": _TIME,
    "paused": _SWITCH,
    "disorder": _SWITCH,
    "refuse": (lambda value: value is None or value in REFUSALS, f"null or one of {', '.join(REFUSALS)}"),
    "outage": (
        lambda value: isinstance(value, list | tuple) and all(isinstance(domain, str) for domain in value),
        "a list of domains",
    ),
}


def _fits(name: str, value: object) -> bool:
    return bool(_RANGES[name][0](value))


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorSettings:
    """How a simulator is started."""

    host: str = "127.0.0.1"
    """Where to listen: this machine only, unless told otherwise."""
    api_port: int = 0
    """Port of the API; 0 takes a free one."""
    smtp_port: int | None = 0
    """Port of SMTP; 0 takes a free one, None leaves SMTP out."""
    seed: int = 1
    """The same seed draws the same ids, delays and troubles for the same mails."""
    conditions: Conditions = Conditions()
    """The world at the start, and after a reset."""
    events: tuple[str, ...] = ()
    """Where events go: `file:PATH`, `sns:URL`, `kafka`; any number of them."""
    form: Form = Form.EVENTS
    """In which format."""
    send_events: bool = True
    """Whether an accepted mail has a Send event."""
    verify: bool = False
    """Whether a sender must be a verified identity."""
    sandbox: bool = False
    """Whether the account is in the sandbox: senders and recipients verified, SES's own list not writable."""
    verified: tuple[str, ...] = ()
    """Identities (addresses, domains) that are verified from the start."""
    configuration_sets: tuple[str, ...] | None = None
    """The configuration sets there are; None takes any name."""
    suppress: bool = False
    """Whether hard bounces and complaints go on the account's suppression list, as in a real account."""
    region: str = "us-east-1"
    """The region it says it is in."""
    smtp_login: tuple[str, str] | None = None
    """The one login that SMTP takes, and demands; without one it takes any, and none."""
    certificate: Path | None = None
    """Certificate (PEM) for STARTTLS; without one there is no STARTTLS."""
    key: Path | None = None
    """Its key (PEM), where the certificate's file does not hold it."""
    message_bytes: int = LARGEST_MAIL
    """The largest mail."""
    connections: int = 0
    """SMTP connections at a time before `421`; 0 is no limit."""
    remember: int = 1_000_000
    """How many accepted mails `/simulator/sent` remembers: the last ones."""
    patience_ms: float = 1000.0
    """How long an SNS-shaped post waits before it is tried again; SNS itself waits 20 s."""
