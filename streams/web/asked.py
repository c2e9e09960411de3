"""What the HTTP API is asked, and what it says of an instruction: pydantic models, from which its description is made.

What may be asked is what the command line may ask (streams/cli/suppressions.py), with the same defaults. What `why` and
`trace` answer lives with them, in streams/answers.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints, WithJsonSchema

from streams.decide.instruction import REASONS, Action
from streams.mail.address import LONGEST, Who, read_address
from streams.mail.suppression import SuppressionReason

_PROGRAM = "ses-streams"
_LONGEST_WORDS = 1000
_BLANK = r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_PART = rf"[^{_BLANK}@<>,;]+"
ADDRESS = {
    "type": "string",
    "minLength": 3,
    "maxLength": LONGEST,
    "pattern": rf'^({_PART}|"[^"\x00-\x1f\x7f]+")@{_PART}$',
    "examples": ["ann@example.com"],
}
"""A bare address, as JSON Schema says it: what is taken, no more and no less."""
_BARE = re.compile(str(ADDRESS["pattern"]))


def _person(name: str) -> str:
    """Refuse the name under which ses-streams itself decides: what it has decided it takes back."""
    if name == _PROGRAM:
        raise ValueError("wants a person's name")
    return name


def _given(reason: SuppressionReason) -> SuppressionReason:
    """Refuse the reason that stands for none that we know."""
    if reason not in REASONS:
        raise ValueError(f"wants one of {', '.join(sorted(REASONS))}")
    return reason


def _recipient(text: str) -> str:
    """Refuse what is no address, without a word of it."""
    if whom(text) is None:
        raise ValueError("this is no mail address, such as ann@example.com")
    return text


def whom(text: str) -> Who | None:
    """Return whom a text names; None where it is no bare address, or nothing that can be written down."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return None
    return read_address(text) if _BARE.fullmatch(text) else None


_Text = StringConstraints(strip_whitespace=True, min_length=1, max_length=_LONGEST_WORDS, pattern=r"\S")
Words = Annotated[str, _Text]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"\S")]
Address = Annotated[str, AfterValidator(_recipient), WithJsonSchema(ADDRESS)]
Reason = Annotated[
    SuppressionReason, AfterValidator(_given), WithJsonSchema({"type": "string", "enum": sorted(REASONS)})
]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True)


class Whom(_Asked):
    """A recipient, named in the body: proxies keep paths in their logs, and no bodies."""

    address: Address
    """The recipient."""


class Release(_Asked):
    """That we may write to a recipient again."""

    why: Words
    """Why, for those who ask later."""
    by: Annotated[Name, AfterValidator(_person)] = "api"
    """Who decides."""
    scope: Name = "*"
    """The sending stream; * is every one."""


class Suppress(Release):
    """That nobody may write to a recipient any more."""

    reason: Reason = SuppressionReason.MANUAL
    """The reason to give."""
    until: AwareDatetime | None = None
    """Until when; without it for good."""


class ReleaseWhom(Release, Whom):
    """Whom we may write to again."""


class SuppressWhom(Suppress, Whom):
    """Whom nobody may write to any more."""


class Scope(StrEnum):
    """Of whom an overview speaks."""

    WORKER = "worker"
    GROUP = "group"


class Names(StrEnum):
    """Whether an overview has addresses."""

    SHOWN = "shown"
    HIDDEN = "hidden"


class Overlook(_Asked):
    """What an overview is to be of."""

    scope: Scope = Scope.WORKER
    """`worker` is the one that is asked, `group` all of them."""
    names: Names = Names.SHOWN
    """`shown` has addresses where the token is sent, `hidden` never."""


class Instructed(BaseModel):
    """An instruction as it was written; a worker carries it out, usually within a second or two."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    recipient: str
    """The address in normal form."""
    action: Action
    """What was asked for."""
    scope: str
    """The sending stream; * is every one."""
    why: str
    """Why."""
    by: str
    """Who decided."""
    at: datetime
    """When; what happens later counts again."""
    reason: SuppressionReason | None = None
    """The reason that was given, of a suppression."""
    until: datetime | None = None
    """Until when, of a suppression; null is for good."""


def later_than(until: datetime | None, now: int) -> bool:
    """Tell whether a suppression would still hold *now* (ms since the epoch)."""
    return until is None or until.timestamp() * 1000 > now


Json = dict[str, Any]
"""What a body holds before it is read."""
