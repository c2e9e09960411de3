"""What becomes of a mail, by the address it goes to: two tables, and how many times a word holds.

At simulator.amazonses.com the five addresses of SES's mailbox simulator (SES developer guide, "Using the mailbox
simulator"). At any other domain the local part is a word; what stands after a `+` is free. No chance and no clock: a
mail's time comes in, and whatever varies is counted in a `Memory`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

MAILBOX = "simulator.amazonses.com"
MINUTE = 60_000


class Event(StrEnum):
    """What SES says of a mail; the words are those of `eventType`."""

    SEND = "Send"
    DELIVERY = "Delivery"
    BOUNCE = "Bounce"
    COMPLAINT = "Complaint"
    REJECT = "Reject"
    OPEN = "Open"
    CLICK = "Click"
    RENDERING_FAILURE = "Rendering Failure"
    DELIVERY_DELAY = "DeliveryDelay"
    RECEIVED = "Received"
    """Inbound mail, from SES's receiving side: an answer to the mail."""


class Dsn(NamedTuple):
    """What the other mail server said (RFC 3464)."""

    status: str
    diagnostic: str
    action: str = "failed"


class Turn(NamedTuple):
    """One turn in a mail's life. *whole_domain*: the event names every recipient of the mail at that domain."""

    event: Event
    bounce: tuple[str, str] = ("", "")
    dsn: Dsn | None = None
    complaint: str | None = None
    agent: str = "ExampleFeedbackLoop/1.0"
    delay: str = ""
    whole_domain: bool = False


class Times(StrEnum):
    """For which mails to an address its turns hold; the others are delivered."""

    ALWAYS = "always"
    FIRST_N = "the first N mails to the address; without a number, all"
    ONCE_A_MINUTE = "the first mail in a minute"
    N_TURNS = "every mail, with N turns before its delivery; without a number, one"


class Fate(NamedTuple):
    """One row: the turns, for which mails they hold, and why it is so."""

    turns: tuple[Turn, ...]
    because: str
    times: Times = Times.ALWAYS


def _bounced(kind: str, subtype: str, status: str, diagnostic: str) -> Turn:
    return Turn(Event.BOUNCE, bounce=(kind, subtype), dsn=Dsn(status, f"smtp; {diagnostic}"))


def _complained(feedback: str, agent: str = "ExampleFeedbackLoop/1.0", *, whole_domain: bool = False) -> Turn:
    return Turn(Event.COMPLAINT, complaint=feedback, agent=agent, whole_domain=whole_domain)


DELIVERED = Turn(Event.DELIVERY)
AUTO_REPLIED = Turn(Event.BOUNCE, bounce=("Transient", "General"))
DELAYED = Turn(
    Event.DELIVERY_DELAY,
    delay="TransientCommunicationFailure",
    dsn=Dsn("4.4.1", "smtp; 421 4.4.1 Unable to connect to remote host", "delayed"),
)
_GONE = _bounced("Permanent", "General", "5.1.1", "550 5.1.1 user unknown")
_SUPPRESSED = "Amazon SES did not send the message to this address because it is on"
_ON_OUR_LIST = Dsn("5.1.1", f"{_SUPPRESSED} the suppression list for your account.")
_ON_SES_LIST = Dsn("5.1.1", f"{_SUPPRESSED} the global suppression list: it bounced recently.")
ON_THE_LIST = Turn(Event.BOUNCE, bounce=("Permanent", "OnAccountSuppressionList"), dsn=_ON_OUR_LIST)
"""What SES says of a recipient on the account's own suppression list, whom it did not write to."""

OUTAGE = Fate(
    (DELAYED, _bounced("Transient", "General", "4.4.7", "550 4.4.7 Message expired: unable to deliver in time")),
    "the provider's servers do not answer",
)

MAILBOXES: Mapping[str, Fate] = {
    "success": Fate((DELIVERED,), "accepted"),
    "bounce": Fate((_GONE,), "hard bounce; never put on the suppression list"),
    "ooto": Fate((DELIVERED, AUTO_REPLIED), "delivered, and a machine answers: no DSN"),
    "complaint": Fate((DELIVERED, _complained("abuse", "Amazon SES Mailbox Simulator")), "marked as spam"),
    "suppressionlist": Fate(
        (Turn(Event.BOUNCE, bounce=("Permanent", "Suppressed"), dsn=_ON_SES_LIST),), "on the global suppression list"
    ),
}
"""SES's own five. The events of one mail to several of one kind come as one."""

WORDS: Mapping[str, Fate] = {
    "gone": Fate((_GONE,), "no such mailbox"),
    "full": Fate(
        (_bounced("Transient", "MailboxFull", "4.2.2", "452 4.2.2 mailbox full"),), "over quota", Times.FIRST_N
    ),
    "busy": Fate(
        (_bounced("Transient", "General", "4.3.2", "450 4.3.2 system busy, try again later"),),
        "a server that says later",
        Times.FIRST_N,
    ),
    "nodomain": Fate(
        (_bounced("Transient", "General", "5.4.4", "550 5.4.4 Invalid domain"),),
        "no such domain: soft, and SES looks it up again",
        Times.FIRST_N,
    ),
    "undetermined": Fate(
        (_bounced("Undetermined", "Undetermined", "5.0.0", "550 5.0.0 refused"),),
        "a bounce with too little in it; its DSN tells it from an auto-reply",
        Times.FIRST_N,
    ),
    "toolarge": Fate((_bounced("Transient", "MessageTooLarge", "5.3.4", "552 5.3.4 message too big"),), "too large"),
    "content": Fate((_bounced("Transient", "ContentRejected", "5.6.0", "554 5.6.0 content rejected"),), "a filter"),
    "attachment": Fate(
        (_bounced("Transient", "AttachmentRejected", "5.6.1", "552 5.6.1 attachment not allowed"),), "a filter"
    ),
    "slow": Fate((DELAYED,), "SES tries for a while, and gets through", Times.N_TURNS),
    "complain": Fate((DELIVERED, _complained("abuse")), "marked as spam, by one who can be named"),
    "angry": Fate(
        (DELIVERED, _complained("abuse", whole_domain=True)),
        "marked as spam, and the provider does not say by whom: SES names all it may have been",
    ),
    "notspam": Fate((DELIVERED, _complained("not-spam")), "rescued from the spam folder: no complaint"),
    "robot": Fate((DELIVERED, AUTO_REPLIED), "answers every mail; SES tells it as a bounce"),
    "responder": Fate((DELIVERED, Turn(Event.RECEIVED)), "answers every mail; the answer reaches our own mailbox"),
    "vacation": Fate((DELIVERED, AUTO_REPLIED), "answers once a minute", Times.ONCE_A_MINUTE),
    "late": Fate((DELIVERED, _GONE), "accepted at first, then sent back"),
    "open": Fate((DELIVERED, Turn(Event.OPEN), Turn(Event.CLICK)), "read, and a link followed"),
    "silent": Fate((), "nothing is ever heard"),
}
"""At any domain but SES's own, by the local part before `+`; whoever is not named here gets the mail."""

_ANYBODY = Fate((DELIVERED,), "the honest default")
_NOBODY = MAILBOXES["bounce"]._replace(because="no such address at the mailbox simulator; what SES does is not known")
_NUMBERED = re.compile(r"([a-z]+)-([0-9]{1,6})")


class Memory:
    """How many mails went to an address whose fate depends on it, and when a machine last answered."""

    def __init__(self) -> None:
        """Remember nothing."""
        self._mails: dict[str, int] = {}
        self._answered: dict[str, int] = {}

    def count(self, address: str) -> int:
        """Count one mail more to *address*; return how many that makes."""
        found = self._mails[address] = self._mails.get(address, 0) + 1
        return found

    def may_answer(self, address: str, at: int) -> bool:
        """Return whether a minute has passed since the last answer; if so, this is the last one."""
        last = self._answered.get(address)
        if last is not None and at - last < MINUTE:
            return False
        self._answered[address] = at
        return True


def turns_of(address: str, at: int, memory: Memory) -> tuple[Turn, ...]:
    """Return what becomes of one mail more to *address*, accepted at *at* (ms since the epoch)."""
    address = address.lower()
    local, _, domain = address.rpartition("@")
    word = local.partition("+")[0]
    if domain == MAILBOX:
        return MAILBOXES.get(word, _NOBODY).turns
    word, number = _split(word)
    return _turns(WORDS.get(word, _ANYBODY), number, address, at, memory)


def _split(word: str) -> tuple[str, int | None]:
    """Return the word and its number; a number counts only behind a word that takes one."""
    found = _NUMBERED.fullmatch(word)
    if found is None or WORDS.get(found[1], _ANYBODY).times not in {Times.FIRST_N, Times.N_TURNS}:
        return word, None
    return found[1], int(found[2])


def _turns(fate: Fate, number: int | None, address: str, at: int, memory: Memory) -> tuple[Turn, ...]:
    match fate.times:
        case Times.FIRST_N:
            return fate.turns if number is None or memory.count(address) <= number else (DELIVERED,)
        case Times.N_TURNS:
            return fate.turns * (1 if number is None else number) + (DELIVERED,)
        case Times.ONCE_A_MINUTE:
            return fate.turns if memory.may_answer(address, at) else (DELIVERED,)
        case Times.ALWAYS:
            return fate.turns
