"""One mail on its way to SES, and what SES answers: the words between dispatch and the roads that it takes.

A letter is a request made ready: whom it goes to this time, and which attempt it is. An answer is what SES, or the
silence, says about one call. Answers are no tuples: a tuple equals any other with the same parts, and a doubt must
never equal a certainty. Nothing here knows HTTP or SMTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Simple(NamedTuple):
    """A subject and a body, as text, as HTML, or both."""

    subject: str
    text: str | None
    html: str | None


class Template(NamedTuple):
    """A template that SES keeps, and its data as JSON text."""

    name: str
    data: str


class Raw(NamedTuple):
    """A whole mail as bytes (RFC 5322)."""

    mime: bytes


Content = Simple | Template | Raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One mail as it is to be handed to SES. Addresses are as the request wrote them."""

    request_id: str
    attempt: int
    stream: str
    from_address: str
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    in_reply_to: str | None = None
    configuration_set: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    leave: tuple[str, ...] = ()
    """URLs by which its one recipient leaves the stream (RFC 2369), an https one first; none where it does not say."""
    content: Content

    @property
    def recipients(self) -> tuple[str, ...]:
        """Everybody it goes to."""
        return (*self.to, *self.cc, *self.bcc)


@dataclass(frozen=True, slots=True)
class Accepted:
    """SES has it: *message_id* in normal form, *at* when it said so (ms since the epoch)."""

    message_id: str
    at: int


@dataclass(frozen=True, slots=True)
class Refused:
    """SES said no. *code* is SES's name for it or an SMTP code; *text* its words, which may hold addresses."""

    code: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Silent:
    """No answer came: SES may have it. *why* is a word of ours such as `timeout` or `connection`."""

    why: str
    at: int


@dataclass(frozen=True, slots=True)
class Unsent:
    """It certainly did not reach SES: no connection, no credentials. *why* is a word of ours."""

    why: str
    at: int


Answer = Accepted | Refused | Silent | Unsent


class Quota(NamedTuple):
    """What SES allows: recipients in any 24 hours (-1 is no limit), so far and a second; and whether to send at all."""

    per_day: float
    sent: float
    per_second: float
    sending: bool
