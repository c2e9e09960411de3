"""Which kind of bounce a bounce is: SES's own class and the DSN's status side by side, decided by one table.

SES names a class by type and sub-type; the receiving server names one by its enhanced status code (RFC 3463). They
differ often enough (a mailbox that does not exist, labelled Transient) that one place must decide, and say why.
Nothing here raises: the last row answers for everything that SES may say tomorrow.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from streams.mail.records import FeedbackRecord, RecipientRecord

ANY = ""
NO_DSN = "no DSN"
BAD_ADDRESS = "bad address"

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
BAD_ADDRESS_CODES = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})
"""RFC 3463 3.2 and RFC 7505: no such mailbox, bad host part, bad syntax, mailbox moved, null MX."""


class BounceClass(StrEnum):
    """What a bounce means for the recipient."""

    HARD = "HARD"
    SES_LIST = "SES_LIST"
    UNSUBSCRIBED = "UNSUBSCRIBED"
    SOFT = "SOFT"
    AUTO_REPLY = "AUTO_REPLY"


class Row(NamedTuple):
    """One row: a type, a sub-type and what the DSN says, each exact or ANY; the first row that fits decides."""

    bounce_type: str
    subtype: str
    dsn: str
    means: BounceClass
    why: str


BOUNCE_CLASSES = (
    Row("permanent", "suppressed", ANY, BounceClass.SES_LIST, "on SES's global list: SES did not ask the mailbox"),
    Row("permanent", "onaccountsuppressionlist", ANY, BounceClass.SES_LIST, "on the account's list: SES did not send"),
    Row("permanent", "ontenantsuppressionlist", ANY, BounceClass.SES_LIST, "on the tenant's list: SES did not send"),
    Row("permanent", "emailvalidationsuppressed", ANY, BounceClass.SES_LIST, "SES's address validation: did not send"),
    Row("permanent", "unsubscribedrecipient", ANY, BounceClass.UNSUBSCRIBED, "left the contact list: SES did not send"),
    Row("permanent", "mailreport", BAD_ADDRESS, BounceClass.HARD, "a report by mail; servers know their mailboxes"),
    Row("permanent", "mailreport", ANY, BounceClass.SOFT, "by mail, of the mail perhaps (5.7.1, 5.3.4)"),
    Row("permanent", ANY, ANY, BounceClass.HARD, "SES gave up for good; AWS says to remove the address"),
    Row("transient", ANY, NO_DSN, BounceClass.AUTO_REPLY, "a machine answered: an out-of-office reply carries no DSN"),
    Row("undetermined", ANY, NO_DSN, BounceClass.AUTO_REPLY, "the same, from a provider that says too little"),
    Row("transient", ANY, BAD_ADDRESS, BounceClass.HARD, "the receiving server knows its own mailboxes"),
    Row("undetermined", ANY, BAD_ADDRESS, BounceClass.HARD, "the receiving server knows its own mailboxes"),
    Row("transient", ANY, ANY, BounceClass.SOFT, "full, busy, or no such domain (5.4.4): it may pass"),
    Row(ANY, ANY, ANY, BounceClass.SOFT, "the honest default: nobody is suppressed on a word that we do not know"),
)


def classify(bounce_type: str | None, subtype: str | None, status: str | None, *, no_dsn: bool) -> BounceClass:
    """Return what a bounce means for one recipient; *no_dsn* is `lacks_dsn` of the whole event."""
    return decided_by(bounce_type, subtype, status, no_dsn=no_dsn).means


def decided_by(bounce_type: str | None, subtype: str | None, status: str | None, *, no_dsn: bool) -> Row:
    """Return the row that decides what a bounce means, with its reason."""
    return _row((bounce_type or "").lower(), (subtype or "").lower(), _dsn_says(status, no_dsn=no_dsn))


@lru_cache(maxsize=4096)
def _row(bounce_type: str, subtype: str, dsn: str) -> Row:
    """Return the first row that fits; few combinations exist, so each is looked up once."""
    for row in BOUNCE_CLASSES:
        if row.bounce_type in (ANY, bounce_type) and row.subtype in (ANY, subtype) and row.dsn in (ANY, dsn):
            return row
    return BOUNCE_CLASSES[-1]


def _dsn_says(status: str | None, *, no_dsn: bool) -> str:
    """Return the DSN's side of the table."""
    if no_dsn:
        return NO_DSN
    return BAD_ADDRESS if status in BAD_ADDRESS_CODES else ANY


def lacks_dsn(feedback: FeedbackRecord) -> bool:
    """Tell whether an event has the shape of an auto-reply: nobody named, or no trace of a delivery report.

    Seen in every captured auto-reply and in no captured failure. DSN fields are optional, so a silent real soft
    bounce looks the same; taking it for an auto-reply is the safe error, because it sends nothing again.
    """
    recipients = feedback["recipients"]
    if not recipients:
        return True
    if feedback["reporting_mta"]:
        return False
    return not any(r["action"] or r["status"] or r["diagnostic"] for r in recipients)


def status_of(recipient: RecipientRecord) -> str | None:
    """Return the enhanced status code: the DSN's field, or else the first one in its diagnostic text."""
    if recipient["status"]:
        return recipient["status"].strip()
    found = _STATUS.search(recipient["diagnostic"] or "")
    return None if found is None else found.group(1)
