"""How SES says no: each error with its HTTP status, its SMTP code and SES's words.

Sources: SESv2 API reference, SendEmail and Common Errors (the statuses are those of botocore's service model); SES
developer guide, "Amazon SES SMTP response codes" and "Amazon SES sending quota errors". When to say no is decided
elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from streams.errors import SesStreamsError


class Refusal(NamedTuple):
    """One way to say no; *words* are SES's, and may end in what a mail adds to them."""

    code: str
    http: int
    smtp: int
    words: str

    @property
    def reply(self) -> str:
        """The line that SMTP answers."""
        return f"{self.smtp} {_SMTP_HEADS.get(self.code, '')}{self.words}".replace("\r", " ").replace("\n", " ")

    def saying(self, words: str) -> Refusal:
        """Return the same refusal in other words."""
        return self._replace(words=words)


class No(SesStreamsError):
    """A request that SES would refuse."""

    def __init__(self, refusal: Refusal) -> None:
        """Keep how it is refused; the words of this error hold no more than SES's name for it."""
        super().__init__(refusal.code)
        self.refusal = refusal


_SMTP_HEADS = {
    "TooManyRequestsException": "Throttling failure: ",
    "LimitExceededException": "Throttling failure: ",
    "MessageRejected": "Message rejected: ",
    "SendingPausedException": "Message rejected: ",
    "AccountSuspendedException": "Message rejected: ",
    "MailFromDomainNotVerifiedException": "Message rejected: ",
    "NotFoundException": "Transaction failed: ",
    "BadRequestException": "Transaction failed: ",
}

TOO_FAST = Refusal("TooManyRequestsException", 429, 454, "Maximum sending rate exceeded.")
TOO_MANY = Refusal("LimitExceededException", 400, 454, "Daily message quota exceeded.")
REJECTED = Refusal("MessageRejected", 400, 554, "Message rejected by the simulator.")
SUSPENDED = Refusal("AccountSuspendedException", 400, 554, "Sending suspended for this account.")
PAUSED = Refusal("SendingPausedException", 400, 554, "Sending paused for this account.")
MAIL_FROM = Refusal("MailFromDomainNotVerifiedException", 400, 554, "Custom MAIL FROM domain is not verified.")
NOT_FOUND = Refusal("NotFoundException", 404, 554, "Configuration set does not exist.")
BAD = Refusal("BadRequestException", 400, 554, "The request is not valid.")
INVALID = Refusal("BadRequestException", 400, 553, "Invalid email address.")
TOO_LONG = Refusal("BadRequestException", 400, 552, "Message is too long.")
BROKEN = Refusal("InternalServiceErrorException", 500, 451, "Temporary service failure.")
NO_TOKEN = Refusal("InvalidNextTokenException", 400, 554, "The token is not valid.")
EXISTS = Refusal("AlreadyExistsException", 400, 554, "It exists already.")

REFUSALS: Mapping[str, Refusal] = {
    row.code: row for row in (TOO_FAST, TOO_MANY, REJECTED, SUSPENDED, PAUSED, MAIL_FROM, NOT_FOUND, BAD, BROKEN)
}
"""Every error of a send, by SES's name for it."""
