"""A record that could not be used, with its original bytes (schemas/mail.DeadLetter.avsc)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where a record failed."""

    UNKNOWN = "UNKNOWN"
    INTAKE = "INTAKE"
    BY_MESSAGE = "BY_MESSAGE"
    BY_RECIPIENT = "BY_RECIPIENT"
    DISPATCH = "DISPATCH"


class DeadReason(StrEnum):
    """Why a record could not be used."""

    UNKNOWN = "UNKNOWN"
    NOT_JSON = "NOT_JSON"
    NOT_AN_EVENT = "NOT_AN_EVENT"
    NO_MESSAGE_ID = "NO_MESSAGE_ID"
    BAD_TIME = "BAD_TIME"
    BAD_MAGIC = "BAD_MAGIC"
    UNKNOWN_SCHEMA = "UNKNOWN_SCHEMA"
    NOT_AVRO = "NOT_AVRO"
    NO_KEY = "NO_KEY"
    NO_VALUE = "NO_VALUE"
    WRONG_TYPE = "WRONG_TYPE"
    TOO_LARGE = "TOO_LARGE"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Field for field the record mail.DeadLetter; *at* is ms since the epoch, *detail* holds no address."""

    topic: str
    partition: int = -1
    offset: int = -1
    key: bytes | None = None
    value: bytes | None = None
    stage: Stage
    reason: DeadReason
    detail: str = ""
    at: int
