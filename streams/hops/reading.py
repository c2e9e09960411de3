"""From a record's bytes to the facts that hop 1 asks the rules about: no more of it decoded than is needed.

Upstream services publish sends and feedback too, so the normal forms of ids and addresses are made sure of here;
for records of our own intake that is one cheap look. What cannot be read raises Unusable.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from streams.decide.verdict import Verdict, outcome_digest, verdicts
from streams.errors import Unusable
from streams.mail.address import normal_address, normal_message_id
from streams.mail.deadletter import DeadReason
from streams.mail.feedback import FeedbackKind
from streams.mail.identity import derived_id
from streams.mail.records import FeedbackRecord, RecipientRecord, SendRecord, SentRecord
from streams.mail.tagging import ATTEMPT_TAG, REQUEST_TAG, STREAM_TAG, text_of
from streams.mail.time import is_time
from streams.schemas.codec import Codec
from streams.state.lives import MARK

_ATTEMPT = re.compile(r"[1-9][0-9]{0,8}")  # what fits Avro's int


class SaidSend(NamedTuple):
    """A Send: the table's key, the record in our own schema version, and its hot part."""

    key: bytes
    record: bytes
    send: SendRecord


class SaidFeedback(NamedTuple):
    """One SES event: the table's key, the record in our own schema version, and its hot part."""

    key: bytes
    record: bytes
    feedback: FeedbackRecord


class Judged(NamedTuple):
    """A verdict with its outcome's id and the mark by which a life remembers it."""

    verdict: Verdict
    outcome_id: str
    mark: bytes


class SaidMail(SentRecord):
    """What an SES event says of the mail that it is about: by the mail's tags, its time and its destinations.

    stream: empty where no tag names one. sent_at: ms; the event's own time where the mail has none. recipients: in
    normal form, empty where SES does not say.
    """

    recipients: list[str]


class Reading:
    """Reads the records of hop 1."""

    def __init__(self, codec: Codec) -> None:
        """Prepare a reader for each depth to which a record is read."""
        self._codec = codec
        # rest: what is embedded in an outcome as it came must be whole, or the outcome could not be read
        self._send = codec.prefix_reader("mail.Send", "via", rest=True)
        self._sent = codec.prefix_reader("mail.Send", "request_id")
        self._feedback = codec.prefix_reader("mail.Feedback", "reporting_mta", rest=True)
        self._wide = codec.prefix_reader("mail.Feedback", "tags")
        self._widest = codec.prefix_reader("mail.Feedback", "headers")

    def send(self, value: bytes | None) -> SaidSend:
        """Return a Send."""
        record = self._own("mail.Send", value)
        send: Any = self._send(record)
        _check_time("mail.Send.sent_at", send["sent_at"])
        message_id = _message_id(send)
        return SaidSend(message_id.encode(), record, send)

    def sent(self, record: bytes) -> SentRecord:
        """Return what an outcome says of its Send; *record* is stored, so it has been read before."""
        found: SentRecord = self._sent(record)  # type: ignore[assignment]  # the schema makes it so
        return found

    def sent_to(self, record: bytes) -> list[str]:
        """Return a stored Send's recipients in normal form."""
        return [normal_address(address) for address in self.send(record).send["recipients"]]

    def feedback(self, value: bytes | None) -> SaidFeedback:
        """Return an SES event."""
        record = self._own("mail.Feedback", value)
        feedback: Any = self._feedback(record)
        _check_time("mail.Feedback.occurred_at", feedback["occurred_at"])
        message_id = _message_id(feedback)
        if not feedback["feedback_id"]:
            feedback["feedback_id"] = derived_id(message_id, feedback["kind"], feedback["occurred_at"])
        for recipient in feedback["recipients"]:
            _normalise(recipient)
        return SaidFeedback(message_id.encode(), record, feedback)

    def judge(self, said: SaidFeedback, sent_to: list[str] | None = None) -> list[Judged]:
        """Return what an event says about each recipient; the mail's destinations stand in where SES names nobody."""
        feedback = said.feedback
        others = () if feedback["recipients"] else sent_to or self._destination(said)
        kind, feedback_id = feedback["kind"], feedback["feedback_id"]
        judged = []
        for verdict in verdicts(feedback, others):
            digest = outcome_digest(kind, feedback_id, verdict.recipient)
            judged.append(Judged(verdict, digest.hex(), digest[:MARK]))
        return judged

    def mail(self, said: SaidFeedback) -> SaidMail:
        """Return what an event says of its mail; read only where no Send is known."""
        return _mail(said, self._wide(said.record))

    def stand_in(self, said: SaidFeedback) -> bytes:
        """Return the mail.Send record that SES's own SEND event is good for."""
        wide = self._widest(said.record)
        mail = _mail(said, wide)
        return self._codec.encode(
            "mail.Send",
            {
                **mail,
                "from_address": wide["source"] or "",
                "configuration_set": _first(wide["tags"], "ses:configuration-set"),
                "in_reply_to": _first(wide["headers"], "in-reply-to"),
                "via": "UPSTREAM",
            },
        )

    def _destination(self, said: SaidFeedback) -> list[str]:
        """Return the mail's destinations in normal form; read only where an event names nobody."""
        if said.feedback["kind"] in (FeedbackKind.SEND, FeedbackKind.UNKNOWN):
            return []
        return [normal_address(a) for a in self._wide(said.record)["destination"]]

    def _own(self, name: str, value: bytes | None) -> bytes:
        """Return *value* in our own version of the schema, so that its bytes may be embedded."""
        if value is None:
            raise Unusable(DeadReason.NO_VALUE, f"{name}: a null value says nothing here")
        return self._codec.own(name, value)


def _message_id(record: SendRecord | FeedbackRecord) -> str:
    """Return a record's message id in normal form; it is the one thing that may be demanded."""
    message_id = record["message_id"]
    if "@" in message_id or "<" in message_id or not message_id:
        message_id = record["message_id"] = normal_message_id(message_id)
        if not message_id:
            raise Unusable(DeadReason.NO_MESSAGE_ID, "message_id is empty")
    return message_id


def _check_time(field: str, at: int) -> None:
    """Refuse a time that cannot be kept."""
    if not is_time(at):
        raise Unusable(DeadReason.BAD_TIME, f"{field} is outside the years 1970 to 9999")


def _normalise(recipient: RecipientRecord) -> None:
    """Bring a recipient's address into normal form, and keep it as it was written where that differs."""
    written = recipient["address"]
    normal = normal_address(written)
    if normal != written:
        recipient["address"] = normal
        recipient["written"] = recipient["written"] or written


def _mail(said: SaidFeedback, wide: dict[str, Any]) -> SaidMail:
    """Return what an event says of its mail; *wide* is the event, read as far as its tags."""
    tags = wide["tags"]
    request, attempt = text_of(_first(tags, REQUEST_TAG) or ""), _first(tags, ATTEMPT_TAG) or ""
    to = wide["destination"]
    if not to and said.feedback["kind"] == FeedbackKind.SEND:
        to = [recipient["address"] for recipient in said.feedback["recipients"]]
    return {
        "sent_at": wide["occurred_at"] if wide["sent_at"] is None else wide["sent_at"],
        "message_id": said.key.decode(),
        "stream": text_of(_first(tags, STREAM_TAG) or ""),
        "attempt": int(attempt) if _ATTEMPT.fullmatch(attempt) else 1,
        "request_id": request or None,  # an empty tag names none
        "recipients": [normal_address(address) for address in to],
    }


def _first(named: dict[str, list[str]], name: str) -> str | None:
    """Return the first value of a tag or a header; None where it has none, or an empty one."""
    values = named.get(name)
    return values[0].strip() or None if values else None
