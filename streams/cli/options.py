"""Options that several of an operator's commands have, so that they have one name, one help and one way to be read.

Nothing here does what a command does. Wrong words end with exit code 2, and never quote an address.
"""

from __future__ import annotations

import getpass
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from streams.cli import completion
from streams.mail.address import Who, read_address

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
BrokersOption = Annotated[
    str | None, typer.Option("--brokers", metavar="HOST:PORT", help="Instead of SES_STREAMS_BROKERS.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
ProgressOption = Annotated[
    bool | None, typer.Option("--progress/--no-progress", help="A bar on stderr; by itself only on a terminal.")
]
WhyOption = Annotated[str, typer.Option("--why", metavar="TEXT", help="Why, for those who ask later.")]
ByOption = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who decides; else your user name.")]
AddressArgument = Annotated[str, typer.Argument(metavar="ADDRESS", help="The recipient.")]
OneAddressArgument = Annotated[
    str | None, typer.Argument(metavar="ADDRESS", help="Only this recipient.", show_default=False)
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="TIME|+30d", help="Until when (ISO 8601, or from now); else for good.")
]
ReasonOption = Annotated[
    str | None,
    typer.Option(
        "--reason", metavar="REASON", help="Only those for this reason.", autocompletion=completion.suppression_reasons
    ),
]
StreamOption = Annotated[
    str | None,
    typer.Option(
        "--stream",
        metavar="STREAM",
        help="Only those that this sending stream must not write to.",
        autocompletion=completion.streams,
    ),
]
ScopeOption = Annotated[
    str,
    typer.Option(
        "--scope", metavar="STREAM", help="One sending stream; * is every one.", autocompletion=completion.streams
    ),
]
GivenReasonOption = Annotated[
    str,
    typer.Option(
        "--reason", metavar="REASON", help="The reason to give.", autocompletion=completion.suppression_reasons
    ),
]

_PROGRAM, _NAMELESS = "ses-streams", "operator"
_FROM_NOW = re.compile(r"\+(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def now() -> int:
    """Return the time, in ms since the epoch."""
    return time.time_ns() // 1_000_000


def decider(by: str | None) -> str:
    """Return who decides: the name given, else the name of who is logged in.

    Nobody is called ses-streams, as a container's user may be: what is by ses-streams, ses-streams itself takes back.
    """
    if by is not None:
        if by.strip() in ("", _PROGRAM):
            raise typer.BadParameter("wants a person's name", param_hint="--by")
        return by.strip()
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a container may run under a number that has no name
        return _NAMELESS
    return _NAMELESS if name == _PROGRAM else name


def who_or_none(text: str) -> Who | None:
    """Return whom *text* names; None where it is no address."""
    return read_address(text)


def who(text: str, hint: str = "ADDRESS") -> Who:
    """Return whom *text* names; wrong words (exit code 2) where it is no address."""
    found = who_or_none(text)
    if found is None:
        raise typer.BadParameter("this is no mail address, such as ann@example.com", param_hint=hint)
    return found


def moment(text: str, hint: str, at: int) -> int:
    """Return a time in ms since the epoch: ISO 8601 (UTC where it has no offset), or `+30d` from *at* on."""
    found = moment_or_none(text, at)
    if found is None:
        raise typer.BadParameter("wants 2026-11-30T12:00:00Z, or +30d, +2h, +15m from now", param_hint=hint)
    return found


def moment_or_none(text: str, at: int) -> int | None:
    """Return a time as `moment` does; None where *text* says none, or one before 1970 or after 9999."""
    from streams.mail.time import is_time

    later = _FROM_NOW.fullmatch(text.strip())
    if later is not None:
        found = at + round(timedelta(**{_UNITS[later[2]]: int(later[1])}).total_seconds() * 1000)
        return found if is_time(found) else None
    try:
        written = datetime.fromisoformat(text.strip().upper())
        found = round((written if written.tzinfo else written.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
    return found if is_time(found) else None


def later(text: str | None, hint: str, at: int) -> int | None:
    """Return a time as `moment` does, which must lie after *at*; None where there is no *text*."""
    if text is None:
        return None
    found = moment(text, hint, at)
    if found <= at:
        raise typer.BadParameter("this time is over", param_hint=hint)
    return found


def said(text: str, hint: str) -> str:
    """Return words that may not be empty: a decision without a reason helps nobody later."""
    if not text.strip():
        raise typer.BadParameter("wants a few words", param_hint=hint)
    return text.strip()


def reason_symbol(text: str) -> str:
    """Return why somebody is suppressed by its symbol; wrong words where there is none such."""
    from streams.decide.instruction import REASONS

    symbol = text.strip().upper()
    if symbol not in REASONS:
        raise typer.BadParameter(f"wants one of {', '.join(sorted(REASONS))}", param_hint="--reason")
    return symbol
