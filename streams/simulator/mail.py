"""A mail as it is handed in, and as SES took it: the words that the rooms of the simulator share.

What a mail says is not kept: only its headers, because SES's events show them. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Via(StrEnum):
    """By which door a mail came."""

    API = "API"
    SMTP = "SMTP"


class Failure(NamedTuple):
    """Why a template could not be rendered."""

    template: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A mail that somebody hands in: everything that may matter, and no text.

    sender: as written, perhaps with a name. to, cc, bcc: bare addresses, in the case they were written in.
    headers: as SES's events show them. size: in bytes. virus: it holds the EICAR test string.
    """

    via: Via
    sender: str
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    configuration_set: str | None = None
    failure: Failure | None = None
    virus: bool = False
    size: int = 0
    source_ip: str = "127.0.0.1"
    tls: str | None = None

    @property
    def recipients(self) -> tuple[str, ...]:
        """Everybody it goes to."""
        return (*self.to, *self.cc, *self.bcc)


class Mail(NamedTuple):
    """A mail that SES took. *number* counts accepted mails from 1; *suppressed* are not asked, *courses* are.

    at: ms since the epoch. wire_id: its Message-ID as the recipient sees it.
    """

    number: int
    message_id: str
    at: int
    submission: Submission
    suppressed: tuple[str, ...]

    @property
    def open_to(self) -> list[str]:
        """Those whom SES really writes to, each once."""
        held = set(self.suppressed)
        return [address for address in dict.fromkeys(self.submission.recipients) if address not in held]


def bare(written: str) -> str:
    """Return the address within `Name <address>`, in its own case."""
    if "<" not in written:
        return written.strip()
    return written[written.rindex("<") + 1 :].partition(">")[0].strip()


def domain_of(address: str) -> str:
    """Return the domain, in lower case."""
    return address.rpartition("@")[2].lower()
