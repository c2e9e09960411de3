"""The settings as data: each word, its type, its default, the range that makes sense, and one sentence for people.

docs/settings.md is made from this file and its neighbour kafka.py. Names are the contract (DESIGN section 6): a word
may be added, never renamed. What a setting is used for is none of this file's business, nor is where it comes from.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from streams.settings.dispatch import Dispatch
from streams.settings.group import KAFKA_NAME, Group, Words
from streams.settings.intake import Intake
from streams.settings.kafka import Engine, Producer, Security
from streams.settings.unsubscribe import Unsubscribe

_BROKERS = r"^[A-Za-z0-9.\-\[\]:_]+:[0-9]{1,5}(,[A-Za-z0-9.\-\[\]:_]+:[0-9]{1,5})*$"
_SHORTEST_TOKEN = 16


class LogLevel(StrEnum):
    """The least serious message that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a log line looks."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


class Web(Group):
    """The HTTP side: metrics, health and the status page."""

    host: str = Field(default="127.0.0.1", min_length=1)
    """Address to listen on; a container needs 0.0.0.0."""
    port: int = Field(default=8080, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""
    token: SecretStr | None = None
    """Bearer token for whatever shows addresses or changes anything; without one those stay closed."""
    advertise: str | None = Field(default=None, pattern=r"^https?://[^@/?#\s]+$")
    """Where other workers reach this one, such as http://worker-0.mail:8080; else the address that it listens on."""
    hosts: Words = ()
    """Names that browsers may call us by, besides IP addresses, localhost, names without a dot, and those above."""
    rate: float = Field(default=20, gt=0, le=100_000)
    """Requests a second that one client may make of API and search page for long; five seconds' worth at once."""

    @field_validator("token")
    @classmethod
    def _long_enough(cls, token: SecretStr | None) -> SecretStr | None:
        """Refuse a token that can be guessed."""
        if token is not None and len(token.get_secret_value()) < _SHORTEST_TOKEN:
            raise ValueError(f"wants {_SHORTEST_TOKEN} characters or more, such as `openssl rand -hex 32` makes")
        return token


class SchemaRegistry(Group):
    """Where schema ids come from."""

    url: str | None = Field(default=None, pattern=r"^https?://[^@\s]+$")
    """Confluent-compatible registry; without one the ids of schemas/lock.json count."""
    username: str | None = None
    """User name for the registry."""
    password: SecretStr | None = None
    """Password for the registry."""


class Join(Group):
    """How long the join of sends and feedback waits."""

    park_minutes: float = Field(default=30, ge=0, le=1440)
    """How long feedback waits for a send that is not there yet."""
    unanswered_days: int = Field(default=3, ge=1, le=30)
    """After how long a send without feedback is counted as unanswered."""
    forget_days: int = Field(default=14, ge=1, le=365)
    """How long after its last event a message is remembered."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        """Refuse to forget a send before it can be counted."""
        if self.unanswered_days > self.forget_days:
            raise ValueError("unanswered_days is longer than forget_days")
        return self


class Suppression(Group):
    """When soft bounces and suspicions stop us from writing."""

    soft_bounces: int = Field(default=5, ge=1, le=100)
    """How many soft bounces in a row, with no delivery between, suppress a recipient."""
    soft_bounce_hours: int = Field(default=72, ge=0, le=24 * 90)
    """Over at least how many hours they must stretch."""
    soft_bounce_days: int = Field(default=30, ge=1, le=3650)
    """For how many days the first time; each time after doubles it."""
    suspicion_days: int = Field(default=30, ge=1, le=3650)
    """For how many days one of several possible complainers is suppressed."""
    forget_days: int = Field(default=90, ge=1, le=3650)
    """After how many quiet days a recipient without a suppression is forgotten."""


class Retry(Group):
    """When a mail that bounced softly is sent again."""

    first_minutes: float = Field(default=120, gt=0, le=43_200)
    """How long after the bounce the first retry comes."""
    factor: int = Field(default=4, ge=1, le=100)
    """Each further retry comes so many times later."""
    mailbox_full_minutes: float = Field(default=1440, gt=0, le=43_200)
    """How long after a full mailbox the first retry comes."""
    most: int = Field(default=3, ge=0, le=20)
    """Retries of one request to one recipient at most; 0 is none."""
    jitter_percent: float = Field(default=20, ge=0, le=90)
    """Retries are spread by this part of their delay, up or down."""
    silence_minutes: float = Field(default=120, gt=0, le=10_080)
    """After so long without a word on a retry, newer requests to its recipient go out."""


class Loops(Group):
    """When two machines answer each other: auto-replies of one recipient to one of our addresses, each to another mail.

    The counts are of mails of ours that were answered so.
    """

    in_ten_minutes: int = Field(default=2, ge=1, le=1000)
    """So many in ten minutes are a loop."""
    in_hour: int = Field(default=3, ge=1, le=1000)
    """So many in an hour are a loop."""
    in_day: int = Field(default=5, ge=1, le=1000)
    """So many in a day are a loop."""
    flag_hours: float = Field(default=24, gt=0, le=8760)
    """How long a loop is flagged the first time; each time after doubles it."""
    longest_days: int = Field(default=30, ge=1, le=3650)
    """How long it is flagged at most."""


class DeadLetters(Group):
    """How many records may be unusable before the fault is ours, and the worker stops (docs/dead-letters.md)."""

    max_share: float = Field(default=0.05, gt=0, le=1)
    """More dead letters than this share of what a stage reads stop the worker; 1 never does."""
    window: int = Field(default=1000, ge=1, le=10_000_000)
    """Over the last so many records, or some more; fewer never stop it."""


class MetricSettings(Group):
    """What metrics may name."""

    streams: Words = ()
    """Sending streams that get a label of their own; without any, the first 50 seen. The rest is `other`."""


class Log(Group):
    """What is logged, and how."""

    level: LogLevel = LogLevel.INFO
    """debug, info, warning or error."""
    format: LogFormat = LogFormat.AUTO
    """text for people, json for machines; auto is text on a terminal, else json."""
    key: SecretStr | None = None
    """Key of the fingerprints that stand for addresses; without one a new key is made at every start."""


class Settings(Group):
    """All of it. `Settings()` is the defaults; `load_settings` is what a worker uses."""

    brokers: str = Field(default="127.0.0.1:9092", pattern=_BROKERS)
    """Kafka brokers to start from: host:port, separated by commas."""
    data_dir: Path = Path("ses-streams-data")
    """Directory of the tables on disk; one worker each."""
    topic_prefix: str = Field(default="ses.", pattern=r"^[A-Za-z0-9._-]{0,100}$")
    """What every topic's name begins with."""
    partitions: int = Field(default=4, ge=1, le=10_000)
    """Partitions of every topic: the most workers that can share the work. Cannot be changed later."""
    replication: int = Field(default=3, ge=1, le=100)
    """Copies of every topic."""
    group: str = Field(default="ses-streams", pattern=KAFKA_NAME, max_length=150)
    """Consumer group; changelog topics carry its name."""
    web: Web = Web()
    dispatch: Dispatch = Dispatch()
    intake: Intake = Intake()
    unsubscribe: Unsubscribe = Unsubscribe()
    schema_registry: SchemaRegistry = SchemaRegistry()
    security: Security = Security()
    producer: Producer = Producer()
    engine: Engine = Engine()
    join: Join = Join()
    suppression: Suppression = Suppression()
    retry: Retry = Retry()
    loops: Loops = Loops()
    dead_letters: DeadLetters = DeadLetters()
    metrics: MetricSettings = MetricSettings()
    log: Log = Log()
