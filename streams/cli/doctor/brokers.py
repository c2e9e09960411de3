"""Brokers: whether each answers, and where not, at which step it fails; which Kafka they speak; whether all are there.

The engine's own client knocks, because what a worker cannot open nothing else helps. What the cluster says of itself
is asked by librdkafka. Nothing is written.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from streams.cli.doctor.finding import Finding, Level, Rule
from streams.cli.doctor.world import World

_SECURITY = "SES_STREAMS_SECURITY__"
NO_NAME = Rule(
    "BROKER_NAME_UNKNOWN",
    Level.WRONG,
    "{where}: no such host",
    "set SES_STREAMS_BROKERS to names that this machine resolves",
    world=True,
)
REFUSED = Rule(
    "BROKER_REFUSED",
    Level.WRONG,
    "{where}: nobody listens there",
    "start the broker, or set SES_STREAMS_BROKERS",
    world=True,
)
SILENT = Rule(
    "BROKER_SILENT",
    Level.WRONG,
    "{where}: no answer ({why})",
    "let this machine through to that port, or set SES_STREAMS_BROKERS",
    world=True,
)
MUTE = Rule(
    "BROKER_MUTE",
    Level.WRONG,
    "{where}: it takes the connection, and answers nothing",
    f"set {_SECURITY}PROTOCOL as that listener has it; if it is right, the broker hangs: see its log",
    world=True,
)
CERTIFICATE = Rule(
    "CERTIFICATE_NOT_TRUSTED",
    Level.WRONG,
    "{where}: TLS fails, nobody whom we trust vouches for its certificate ({why})",
    f"set {_SECURITY}SSL_CAFILE to the authorities' certificates (PEM), and name the broker as its certificate does",
    world=True,
)
TLS = Rule(
    "TLS_FAILS",
    Level.WRONG,
    "{where}: TLS fails ({why})",
    f"set {_SECURITY}PROTOCOL as that listener has it: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
    world=True,
)
LOGIN = Rule(
    "LOGIN_REFUSED",
    Level.WRONG,
    "{where}: SASL fails, name and password are not taken",
    f"set {_SECURITY}SASL_USERNAME and {_SECURITY}SASL_PASSWORD",
    world=True,
)
MECHANISM = Rule(
    "MECHANISM_REFUSED",
    Level.WRONG,
    "{where}: SASL fails, this way of giving a password is not theirs",
    f"set {_SECURITY}SASL_MECHANISM to PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, as the broker has it",
    world=True,
)
PROTOCOL = Rule(
    "PROTOCOL_DIFFERS",
    Level.WRONG,
    "{where}: it hangs up on us ({why})",
    f"see that the port is Kafka's, and set {_SECURITY}PROTOCOL as that listener has it",
    world=True,
)
ADVERTISED = Rule(
    "ADVERTISED_NOT_REACHABLE",
    Level.WRONG,
    "broker {number} says that it is at {where}, where this machine does not reach it ({why})",
    "set advertised.listeners of that broker to a name that its clients reach",
    world=True,
)
OLD = Rule(
    "BROKERS_TOO_OLD",
    Level.WRONG,
    "the brokers speak as Kafka {version}, which knows no zstd and no lasting idempotent producer",
    "take a newer Kafka: we test with 4.1",
)
FEW = Rule(
    "FEWER_BROKERS_THAN_COPIES",
    Level.WRONG,
    "{brokers} brokers cannot keep {copies} copies of a topic",
    "set SES_STREAMS_REPLICATION={brokers}, or add brokers",
)
ANSWER = Rule(
    "BROKERS_ANSWER",
    Level.OK,
    "{answer} of the {named} in the settings answer, by {protocol}; the cluster has {brokers}, and speaks as Kafka"
    " {version}",
)
RULES = (NO_NAME, REFUSED, SILENT, MUTE, CERTIFICATE, TLS, MECHANISM, LOGIN, PROTOCOL, ADVERTISED, OLD, FEW, ANSWER)

_FETCH = 1
VERSIONS: tuple[tuple[int, str], ...] = (
    (18, "4.1 or newer"),
    (17, "3.9 or 4.0"),
    (16, "3.7 or 3.8"),
    (15, "3.5 or 3.6"),
    (13, "3.1 to 3.4"),
    (12, "2.7 to 3.0"),
    (11, "2.3 to 2.6"),
    (10, "2.1 or 2.2"),
    (0, "2.0 or older"),
)
"""By the highest version of Fetch that a broker knows: each release that matters has raised it (FetchRequest.json)."""
_ZSTD = 10


class Mute(Exception):
    """A broker takes the connection, and answers nothing."""


class Door(NamedTuple):
    """One broker of the settings: what came of a knock, None where it opened; what it speaks then."""

    where: str
    trouble: BaseException | None = None
    versions: Mapping[int, tuple[int, int]] = {}


class Node(NamedTuple):
    """One broker as the cluster names it; *trouble* says why it is not reached, empty where it is."""

    number: int
    where: str
    trouble: str = ""


class Seen(NamedTuple):
    """What was seen of the brokers."""

    doors: Sequence[Door]
    nodes: Sequence[Node] = ()


def look(world: World) -> list[Finding]:
    """Knock at every broker, and at those that the cluster names."""
    doors = asyncio.run(_knock(world))
    nodes = _nodes(world) if any(door.trouble is None for door in doors) else ()
    return list(judge(Seen(doors, nodes), world.settings.replication, world.settings.security.protocol.value))


def judge(seen: Seen, copies: int, protocol: str) -> Iterator[Finding]:
    """Yield what is wrong with the brokers, and which of them answer."""
    troubles = [_trouble(door) for door in seen.doors if door.trouble is not None]
    away = [node for node in seen.nodes if node.trouble]
    troubles += [ADVERTISED.found(number=node.number, where=node.where, why=node.trouble) for node in away]
    version, knows_zstd = _version(seen.doors)
    if seen.nodes and not knows_zstd:
        troubles.append(OLD.found(version=version))
    if seen.nodes and len(seen.nodes) < copies:
        troubles.append(FEW.found(brokers=len(seen.nodes), copies=copies))
    yield from troubles
    answer = sum(door.trouble is None for door in seen.doors)
    if answer:
        yield ANSWER.found(
            answer=answer, named=len(seen.doors), brokers=len(seen.nodes), version=version, protocol=protocol
        )


def _version(doors: Sequence[Door]) -> tuple[str, bool]:
    """Return which Kafka the oldest of the brokers speaks like, and whether that is new enough."""
    highest = [door.versions[_FETCH][1] for door in doors if _FETCH in door.versions]
    lowest = min(highest, default=_ZSTD)
    words = next(words for version, words in VERSIONS if lowest >= version)
    return (words if highest else "of a version that it does not say"), lowest >= _ZSTD


def _trouble(door: Door) -> Finding:
    """Return which step of the way to a broker failed."""
    error, kind = door.trouble, type(door.trouble).__name__
    by_type: tuple[tuple[type[BaseException], Rule], ...] = (
        (socket.gaierror, NO_NAME),
        (ssl.SSLCertVerificationError, CERTIFICATE),
        (ssl.SSLError, TLS),
        (ConnectionRefusedError, REFUSED),
        (Mute, MUTE),
        (TimeoutError, SILENT),
    )
    by_name = {
        "SaslAuthenticationFailed": LOGIN,
        "UnsupportedSaslMechanismError": MECHANISM,
        **dict.fromkeys(("IllegalSaslStateError", "RequestTimedOutError", "KafkaConnectionError"), PROTOCOL),
    }
    rule = by_name.get(kind) or next((rule for cls, rule in by_type if isinstance(error, cls)), SILENT)
    return rule.found(where=door.where, why=_why(error))


def _why(error: BaseException | None) -> str:
    """Return an error's own words, short: which of them a peer chose is not in here."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return getattr(error, "reason", "") or type(error).__name__
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


async def _knock(world: World) -> list[Door]:
    """Try each broker's door once, all at the same time."""
    from streams.app import engine_config
    from streams.engine.knock import spoken

    config = engine_config(world.settings)

    async def knocked(address: str) -> Door:
        try:
            return Door(address, None, await spoken(config, address, world.patience_s))
        except TimeoutError as error:
            host, _, port = address.rpartition(":")
            away = await asyncio.to_thread(_reached, host.strip("[]"), int(port), world.patience_s)
            return Door(address, error if away else Mute())
        except Exception as error:  # noqa: BLE001 - whatever it is, it becomes the finding
            return Door(address, error)

    return list(await asyncio.gather(*map(knocked, config.brokers)))


def _nodes(world: World) -> list[Node]:
    """Return the brokers that the cluster names, each tried at the address that it gives."""
    from streams.cli.doctor.asking import asking

    with asking(world) as admin:
        brokers = admin.list_topics(timeout=world.patience_s).brokers.values()
    places = [(one.id, str(one.host), one.port) for one in brokers]
    return [Node(number, f"{host}:{port}", _reached(host, port, world.patience_s)) for number, host, port in places]


def _reached(host: str, port: int, patience_s: float) -> str:
    """Return why a broker is not reached; nothing where it is."""
    try:
        socket.create_connection((host, port), patience_s).close()
    except OSError as error:
        return _why(error)
    return ""
