"""How a stage is set, as data, and what follows from it: topics, tables, what is judged, and the worker's settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from tests.faults.checker import KINDS, KINDS_OF_REQUESTS
from tests.faults.ses import AWS

ROLES = (
    "send-requests",
    "sends",
    "feedback",
    "outcomes",
    "suppressions",
    "retries",
    "loops",
    "waiting",
    "instructions",
    "dead-letters",
    "settlements",
    "pauses",
)
OURS = ("-m", "streams", "worker")
TWINS = {"vanilla": ("-m", "tests.faults.vanilla")}
DONE_BY_TWINS = frozenset({"outcomes", "dead letters"})
NOT_FOR_TWINS = frozenset({"odd_key"})
"""Stories that are left out for a twin: it joins where records lie, as its users must see to it that they do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How a stage is set.

    park: seconds that feedback waits for its Send. retry: seconds from a soft bounce to its retry. kind: the broker's,
    for the table. twin: another program in place of our worker. dispatch: traffic is requests, which our worker sends
    through the simulator (`stage.ses`); then doubt is how long (seconds) a mail in doubt waits for SES's word, and
    account how SES's account is set besides.
    """

    partitions: int = 4
    replication: int = 1
    park: float = 20
    retry: float = 3
    session_timeout_ms: int = 6_000
    commit_interval_ms: int = 500
    idempotent: bool = True
    kind: str = "kafka"
    twin: str | None = None
    dispatch: bool = False
    doubt: float = 20
    account: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Return the worker's command, for Python."""
        return OURS if self.twin is None else TWINS[self.twin]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the roles of the topics of which the worker acknowledges what it has done."""
        if self.twin is not None:
            return ("sends", "feedback")
        requests = ("send-requests", "settlements", "retries") if self.dispatch else ()
        return ("sends", "feedback", "outcomes", "instructions", *requests)

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the tables that the worker keeps."""
        return ("lives", "standings", "requests") if self.dispatch else ("lives", "standings")

    @property
    def kinds(self) -> frozenset[str]:
        """Return what is judged."""
        if self.twin is not None:
            return DONE_BY_TWINS
        return KINDS_OF_REQUESTS if self.dispatch else KINDS

    @property
    def untold(self) -> frozenset[str]:
        """Return the plots that are left out."""
        return frozenset() if self.twin is None else NOT_FOR_TWINS

    def variables(self, brokers: str, prefix: str, group: str, ses: str) -> dict[str, str]:
        """Return the settings of workers and commands as environment variables; *ses* is the simulator's URL."""
        said: dict[str, object] = {
            "brokers": brokers,
            "topic_prefix": prefix,
            "group": group,
            "partitions": self.partitions,
            "replication": self.replication,
            "producer__idempotent": str(self.idempotent).lower(),
            "engine__session_timeout_ms": self.session_timeout_ms,
            "engine__commit_interval_ms": self.commit_interval_ms,
            "join__park_minutes": self.park / 60,
            "retry__first_minutes": self.retry / 60,
            "web__host": "127.0.0.1",
            "dispatch__enabled": "false",
        }
        return named(said) | (self._sending(ses) if self.dispatch else {})

    def _sending(self, ses: str) -> dict[str, str]:
        said: dict[str, object] = {
            "dispatch__enabled": "true",
            "dispatch__endpoint_url": ses,
            "dispatch__region": "us-east-1",
            "dispatch__call_timeout_ms": 2_000,
            "dispatch__doubt_minutes": self.doubt / 60,
            "dispatch__breaker__min_sends": 10_000_000,  # so much of this mail bounces that it would pause itself
            "retry__silence_minutes": 0.5,
        }
        return named(said) | AWS


def named(said: Mapping[str, object]) -> dict[str, str]:
    """Return settings as environment variables: ``engine__instance_id`` is SES_STREAMS_ENGINE__INSTANCE_ID."""
    return {f"SES_STREAMS_{key.upper()}": str(value) for key, value in said.items()}


def environment() -> dict[str, str]:
    """Return our own environment without settings of the product, and without anybody's AWS profile."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("SES_STREAMS_", "AWS_"))}
