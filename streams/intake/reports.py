"""A received mail that is a report about a mail of ours, to what it says: delivery reports (DSN) and complaints (ARF).

DSNs as RFC 3464 has them, and two older shapes in plain text (plainreports.py); complaints as RFC 5965 has them. The
mail of ours is found by what the report returns of it: its Message-ID, its envelope's sender (SES puts the id into
both), the envelope id, and last the report's own In-Reply-To. Without an id of SES's it is no report about us.

Anybody can write one. Here it is only read: which words count stands in decide/mailreport.py, and hop 1 lets it out
only where it fits what we sent. Nothing of the returned mail is kept, and no text that a person wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from streams.decide.bounce import BAD_ADDRESS_CODES
from streams.decide.mailreport import ACTIONS, FEEDBACK_TYPES, MAIL_REPORT, told
from streams.intake.answered import address_in, ses_ids
from streams.intake.bodies import MAX_MAIL_BYTES, Part, parts_of
from streams.intake.fields import mta_name, word
from streams.intake.mime import Headers, head_of, mail_time
from streams.intake.plainreports import Plain, read_plain
from streams.mail.address import LONGEST, normal_address
from streams.mail.feedback import Feedback, FeedbackKind, FeedbackRecipient
from streams.mail.identity import derived_id

MAX_RECIPIENTS = 64
"""SES takes 50 a mail; a report that names more is none of ours, or none."""

_REPORT = "multipart/report"
_DSN = re.compile(r"message/(?:global-)?delivery-status")
_ARF = "message/feedback-report"
_RETURNED = re.compile(r"message/(?:rfc822|global)|text/rfc822-headers|message/global-headers")
_BETWEEN = re.compile(rb"\r?\n[ \t]*\r?\n")
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_MOST_DIAGNOSTIC = 1_000  # characters; a server may answer in as many lines as it likes
_MOST_WORD = 255
_NO_TIME = 0
_BY_STATUS = {"2": "delivered", "4": "delayed", "5": "failed"}
_TYPES = {"5": "Permanent", "4": "Transient"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a report says, and of which mail of ours; *facts* are fields of mail.Feedback, *said* tells two apart."""

    kind: FeedbackKind
    message_id: str
    recipients: tuple[FeedbackRecipient, ...]
    facts: dict[str, str | int | None]
    said: tuple[str, ...] = ()

    def feedback(self, *, occurred_at: int, headers: Headers, raw: str) -> Feedback:
        """Return it as an event.

        Its id is made of what it says, not of the mail that says so: the same report by SNS and from S3 is one, and
        whoever sends a thousand has said as much as with one.
        """
        return Feedback(
            kind=self.kind,
            occurred_at=occurred_at,
            feedback_id=derived_id(self.message_id, self.kind, _NO_TIME, MAIL_REPORT, *self.said),
            message_id=self.message_id,
            recipients=self.recipients,
            headers=headers,
            raw=raw,
            **self.facts,  # type: ignore[arg-type]  # each under the name and with the type of its field
        )


def read_report(mail: bytes, head: Headers) -> Report | None:
    """Return the report about a mail of ours that a mail with that *head* is; None for any other mail."""
    kind = next(iter(head.get("content-type", ())), "").lower()
    if not kind.startswith("multipart/"):
        plain = read_plain(mail, head)
        return None if plain is None else _of_plain(plain, head)
    if _REPORT not in kind and _REPORT.encode() not in mail[:MAX_MAIL_BYTES].lower():
        return None
    parts = parts_of(mail, head)
    inside = [part for part in parts if part.within == _REPORT]
    status = next((part for part in inside if _DSN.fullmatch(part.kind)), None)
    complaint = next((part for part in inside if part.kind == _ARF), None)
    returned = next((head_of(part.body) for part in inside if _RETURNED.fullmatch(part.kind)), {})
    if status is not None:
        return _of_dsn(status, returned, head)
    return None if complaint is None else _of_arf(complaint, returned, head)


def _of_dsn(status: Part, returned: Headers, head: Headers) -> Report | None:
    """Return what a delivery report says."""
    blocks = [head_of(block) for block in _BETWEEN.split(status.body.strip(), MAX_RECIPIENTS)[: MAX_RECIPIENTS + 1]]
    first = blocks[0] if blocks else {}
    message_id = _id(returned, first, head)
    people = [block for block in blocks if "final-recipient" in block or "original-recipient" in block]
    said = [(action, who) for block in people if (who := _recipient(block, action := _action(block))) is not None]
    return _delivery(message_id, said, {"reporting_mta": _cut(mta_name(_one(first, "reporting-mta")))})


def _delivery(
    message_id: str | None, said: Sequence[tuple[str, FeedbackRecipient]], facts: dict[str, str | int | None]
) -> Report | None:
    """Return a bounce of those whose mail was given up; else a delay of those for whom it is still tried."""
    if message_id is None:
        return None
    for kind in (FeedbackKind.BOUNCE, FeedbackKind.DELIVERY_DELAY):
        people = tuple({who.address: who for action, who in said if told(ACTIONS, action) is kind}.values())
        if not people:
            continue
        if kind is FeedbackKind.DELIVERY_DELAY:
            return Report(
                kind=kind, message_id=message_id, recipients=people, facts={**facts, "delay_type": MAIL_REPORT}
            )
        means = _bounce_type(people)
        bad = "bad address" if any(who.status in BAD_ADDRESS_CODES for who in people) else ""
        facts = {**facts, "bounce_type": means, "bounce_subtype": MAIL_REPORT}
        return Report(kind=kind, message_id=message_id, recipients=people, facts=facts, said=(means, bad))
    return None


def _bounce_type(people: Iterable[FeedbackRecipient]) -> str:
    """Return SES's word for the class of all statuses: for good only where none says anything else."""
    types = {_TYPES.get((who.status or "")[:1], "Undetermined") for who in people}
    return types.pop() if len(types) == 1 else "Transient"


def _of_arf(complaint: Part, returned: Headers, head: Headers) -> Report | None:
    """Return what a complaint says; where it names nobody (many providers strike that out), hop 1 asks the Send."""
    fields = head_of(complaint.body)
    feedback_type = _one(fields, "feedback-type").strip().lower()
    message_id = _id(returned, fields, head)
    if message_id is None or told(FEEDBACK_TYPES, feedback_type) is None:
        return None
    people = (_person(value) for value in fields.get("original-rcpt-to", ())[:MAX_RECIPIENTS])
    return Report(
        kind=FeedbackKind.COMPLAINT,
        message_id=message_id,
        recipients=tuple({who.address: who for who in people if who is not None}.values()),
        facts={
            "complaint_type": feedback_type,
            "complaint_subtype": MAIL_REPORT,
            "user_agent": _cut(word(_one(fields, "user-agent"))),
            "arrived_at": mail_time(_one(fields, "arrival-date") or _one(fields, "received-date")),
        },
    )


def _of_plain(plain: Plain, head: Headers) -> Report | None:
    """Return what a report in plain text says: that it was given up, and by the server's own words why."""
    people = [(_person(address), text) for address, text in plain.people[:MAX_RECIPIENTS]]
    said = [("failed", _with(who, "failed", None, text)) for who, text in people if who is not None]
    return _delivery(_id(plain.returned, {}, head), said, {})


def _recipient(block: Headers, action: str) -> FeedbackRecipient | None:
    """Return one recipient of a delivery report: as we wrote it, else as the last server had it."""
    written = [_one(block, name).partition(";")[2] or _one(block, name) for name in _NAMES]
    who = next((found for value in written if (found := _person(value)) is not None), None)
    status = _STATUS.search(_one(block, "status"))
    return None if who is None else _with(who, action, status, _one(block, "diagnostic-code"))


_NAMES = ("original-recipient", "final-recipient")


def _with(who: FeedbackRecipient, action: str, status: re.Match[str] | None, diagnostic: str) -> FeedbackRecipient:
    """Return a recipient with what was said of it.

    Exim and others give 5.0.0 whatever happened; where the diagnostic has a closer code of the same class, that counts.
    """
    closer = next((found for found in _STATUS.finditer(diagnostic) if status is None or found[1] == status[1]), None)
    if closer is not None and (status is None or (status[2], status[3]) == ("0", "0")):
        status = closer
    return FeedbackRecipient(
        address=who.address,
        status=None if status is None else status[0],
        action=action,
        diagnostic=diagnostic[:_MOST_DIAGNOSTIC].strip() or None,
        written=who.written,
    )


def _action(block: Headers) -> str:
    """Return a recipient's Action, in lower case; where there is none, what the status says."""
    written = _one(block, "action").lower().split()
    status = _STATUS.search(_one(block, "status"))
    return written[0] if written else _BY_STATUS.get("" if status is None else status[1], "")


def _person(value: str) -> FeedbackRecipient | None:
    """Return whom an address field names; None where it holds no address that a mail could have gone to."""
    written = address_in(value)
    if written is None or len(written) > LONGEST:
        return None
    address = normal_address(written)
    return FeedbackRecipient(address=address, written=None if address == written else written)


def _id(returned: Headers, fields: Headers, head: Headers) -> str | None:
    """Return the SES message id of the mail of ours; None where none is named."""
    return next(_ids(returned, fields, head), None)


def _ids(returned: Headers, fields: Headers, head: Headers) -> Iterator[str]:
    """Yield every id of SES's that names the mail, the surest first.

    An envelope's sender is `ID@REGION.amazonses.com`, or `ID@` a domain of the user's own (custom MAIL FROM).
    """
    places = (
        (returned, ("message-id", "x-ses-message-id"), False),
        (fields, ("original-envelope-id", "original-mail-from", "x-original-message-id"), True),
        (returned, ("return-path",), True),
        (head, ("in-reply-to", "references", "x-original-message-id"), False),
    )
    for block, names, bare in places:
        for value in (value for name in names for value in block.get(name, ())):
            yield from ses_ids(value.strip(" <>").partition("@")[0]) if bare else ses_ids(value)


def _one(block: Headers, name: str) -> str:
    """Return the first value of a field; empty text where there is none."""
    return next(iter(block.get(name, ())), "")


def _cut(value: str | None) -> str | None:
    return None if value is None else value[:_MOST_WORD]
