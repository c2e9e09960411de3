"""Settings that are allowed, and dangerous or probably not meant; and variables that nearly are settings.

What is not allowed at all is refused by streams/settings before anything runs. No secret is shown, nor its length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

from streams.cli.doctor.finding import Finding, Level, Rule
from streams.cli.doctor.world import World
from streams.dispatch.client import LOOPBACK
from streams.settings import Protocol, SaslMechanism, Settings

REFUSED = Rule("SETTING_REFUSED", Level.WRONG, "{why}", "mend that word; `ses-streams config` shows what is set")
NEARLY = Rule(
    "NEARLY_A_SETTING",
    Level.WRONG,
    "the variable {name} is set, and no setting: nobody reads it",
    "call it {meant}",
)
READABLE = Rule(
    "PASSWORD_READABLE",
    Level.WRONG,
    "the password crosses the network readable: {protocol} with PLAIN, and no TLS",
    "set SES_STREAMS_SECURITY__PROTOCOL=SASL_SSL, or __SASL_MECHANISM=SCRAM-SHA-512",
)
OPEN_WIRE = Rule(
    "BROKERS_WITHOUT_TLS",
    Level.ADVICE,
    "addresses cross the network readable, for the brokers are reached without TLS",
    "set SES_STREAMS_SECURITY__PROTOCOL=SASL_SSL or SSL",
)
REGISTRY = Rule(
    "REGISTRY_PASSWORD_READABLE",
    Level.WRONG,
    "the registry's password crosses the network readable, by http",
    "set SES_STREAMS_SCHEMA_REGISTRY__URL to https",
)
ONE_COPY = Rule(
    "ONE_COPY",
    Level.ADVICE,
    "topics of one copy are lost with their broker, and suppressions with them",
    "set SES_STREAMS_REPLICATION=3 before topics are created",
)
REPEATS = Rule(
    "PRODUCER_NOT_IDEMPOTENT",
    Level.ADVICE,
    "records may be written twice or out of order when a broker fails",
    "unset SES_STREAMS_PRODUCER__IDEMPOTENT; only the embedded broker needs it",
)
NEVER_STOPS = Rule(
    "DEAD_LETTERS_NEVER_STOP",
    Level.ADVICE,
    "a worker goes on though all that it reads ends as dead letters",
    "unset SES_STREAMS_DEAD_LETTERS__MAX_SHARE",
)
BREAKER = Rule(
    "BREAKER_ABOVE_SES",
    Level.WRONG,
    "a stream pauses itself at {what}, where SES may have paused the account",
    "unset SES_STREAMS_DISPATCH__BREAKER__BOUNCE_PERCENT and __COMPLAINT_PERCENT, or take 8 and 0.4",
)
RELATIVE = Rule(
    "DATA_DIR_RELATIVE",
    Level.ADVICE,
    "data_dir is {path}, below whatever directory a worker is started in: started elsewhere, it rebuilds its state",
    "set SES_STREAMS_DATA_DIR to a whole path",
)
NO_LOG_KEY = Rule(
    "LOG_KEY_NOT_SET",
    Level.ADVICE,
    "fingerprints of addresses change at every start, and differ between workers",
    "set SES_STREAMS_LOG__KEY to one secret for all workers: openssl rand -base64 33",
)
FINE = Rule("SETTINGS_FINE", Level.OK, "none is dangerous")
_PAUSE_BOUNCES, _PAUSE_COMPLAINTS = 10.0, 0.5
"""Percent, from which SES may pause an account (notes of SES, and docs/metrics.md)."""


def _is_away(hosts: Sequence[str]) -> bool:
    """Tell whether any host is another machine."""
    return any(host.strip("[]") not in LOOPBACK for host in hosts)


def _brokers(settings: Settings) -> list[str]:
    return [address.rpartition(":")[0] for address in settings.brokers.split(",")]


def _is_readable(settings: Settings) -> bool:
    plain = settings.security.sasl_mechanism is SaslMechanism.PLAIN
    return settings.security.protocol is Protocol.SASL_PLAINTEXT and plain and _is_away(_brokers(settings))


def _has_open_wire(settings: Settings) -> bool:
    without = settings.security.protocol in (Protocol.PLAINTEXT, Protocol.SASL_PLAINTEXT)
    return without and _is_away(_brokers(settings))


def _shows_registry_password(settings: Settings) -> bool:
    known, url = settings.schema_registry, urlsplit(settings.schema_registry.url or "")
    return known.password is not None and url.scheme == "http" and _is_away([url.hostname or ""])


def _is_above(settings: Settings) -> bool:
    breaker = settings.dispatch.breaker
    over = breaker.bounce_percent >= _PAUSE_BOUNCES or breaker.complaint_percent >= _PAUSE_COMPLAINTS
    return settings.dispatch.enabled and over


DANGERS: tuple[tuple[Rule, Callable[[Settings], bool]], ...] = (
    (READABLE, _is_readable),
    (REGISTRY, _shows_registry_password),
    (BREAKER, _is_above),
    (OPEN_WIRE, _has_open_wire),
    (ONE_COPY, lambda said: said.replication == 1 and _is_away(_brokers(said))),
    (REPEATS, lambda said: not said.producer.idempotent and _is_away(_brokers(said))),
    (NEVER_STOPS, lambda said: said.dead_letters.max_share >= 1),
    (RELATIVE, lambda said: not said.data_dir.is_absolute()),
    (NO_LOG_KEY, lambda said: said.log.key is None),
)
RULES = (REFUSED, NEARLY, *(rule for rule, _ in DANGERS), FINE)


def look(world: World) -> list[Finding]:
    """Look at the settings, and at what nearly is one."""
    from streams.settings.nearly import nearly_settings

    return list(judge(world.settings, nearly_settings()))


def judge(settings: Settings, nearly: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    """Yield what is dangerous, or that nothing is; *nearly* holds variables that look like settings, and which."""
    breaker = settings.dispatch.breaker
    said = {
        "protocol": settings.security.protocol.value,
        "path": settings.data_dir,
        "what": f"{breaker.bounce_percent:g} % bounces and {breaker.complaint_percent:g} % complaints",
    }
    found = [NEARLY.found(name=name, meant=meant) for name, meant in nearly]
    found += [rule.found(**said) for rule, holds in DANGERS if holds(settings)]
    yield from found
    if not found:
        yield FINE.found()
