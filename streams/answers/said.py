"""What all parts of an answer are made of: they are not changed once they are said, and have one way to say a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from streams.mail.time import LATEST
from streams.schemas.plain import iso_time, parse_time

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Moment = Annotated[
    datetime,
    PlainSerializer(lambda at: iso_time(parse_time(at.isoformat())), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
"""A time; in JSON as `2026-01-02T03:04:05.678Z`."""


class Said(BaseModel):
    """What all parts of an answer have in common: they are not changed once they are said."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, extra="forbid")


class Rule(Said):
    """A rule that decided something."""

    name: str
    """Its name, such as `hard-bounce`."""
    says: str
    """The rule in one sentence, with the numbers that are set."""
    section: str
    """Where docs/rules.md says more, such as `rules.md#whom-we-do-not-write-to`."""


def moment(at: int) -> datetime:
    """Return a time of ours (ms since the epoch) as an answer says it; the year 9999 is the last."""
    return _EPOCH + timedelta(milliseconds=min(at, LATEST))


def moment_or_none(at: int | None) -> datetime | None:
    """Return a time as `moment` does; None where there is none."""
    return None if at is None else moment(at)


def minute(at: int) -> str:
    """Return a time within a sentence: to the minute, in UTC."""
    written = iso_time(at)
    return f"{written[:10]} {written[11:16]}Z" if isinstance(written, str) else str(written)
