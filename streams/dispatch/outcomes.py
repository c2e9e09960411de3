"""What dispatch says: a Send for each mail that SES has, an Outcome for each recipient who does not get one."""

from __future__ import annotations

from typing import Any

from streams.decide.verdict import outcome_digest
from streams.dispatch.gate import End
from streams.dispatch.reading import Mail
from streams.emit.outcome import OutcomeWriter
from streams.mail.address import normal_address
from streams.mail.letter import Letter
from streams.mail.outcome import OutcomeKind
from streams.mail.records import OutcomeRecord
from streams.mail.settlement import SettlementKind
from streams.pipeline import Effects
from streams.schemas.codec import Codec

RESULTS = {
    OutcomeKind.FAILED: "failed",
    OutcomeKind.SUPPRESSED: "suppressed",
    OutcomeKind.LOOPING: "looping",
    OutcomeKind.EXPIRED: "expired",
}
"""How ses_send_requests_total names an end."""


class Outcomes:
    """Writes the records of dispatch."""

    def __init__(self, codec: Codec, via: str) -> None:
        """Prepare the writers; *via* is the road's name, a symbol of mail.SendVia."""
        self._codec = codec
        self._via = via
        self._writer = OutcomeWriter(codec)

    def sent(self, effects: Effects, letter: Letter, message_id: str, at: int, *, heard: bool) -> None:
        """Say that SES has a mail, since *at* (ms); where SES said so to us (*heard*), also to ourselves.

        Outputs are durable before the state. Should we die between the two, hop 1 knows the Send and settles nothing;
        so what we heard settles it when we read it back.
        """
        send = self._send(letter, message_id, at)
        if heard:
            settled = {name: send[name] for name in ("request_id", "attempt", "message_id", "recipients")}
            value = self._codec.encode("mail.Settlement", {**settled, "kind": SettlementKind.ACCEPTED, "at": at})
            effects.emit("settlements", letter.request_id.encode(), value)
        effects.emit("sends", message_id.encode(), self._codec.encode("mail.Send", send))

    def ended(self, effects: Effects, mail: Mail, attempt: int, end: End, now: int) -> None:
        """Say that a recipient does not get a mail, and count it."""
        record = self._writer.write(_outcome(mail, attempt, end, now), None, None)
        effects.emit("outcomes", end.recipient.encode(), record)
        effects.counts["ses_send_requests_total", mail.stream, RESULTS[end.kind]] += 1
        effects.counts["ses_outcomes_total", mail.stream, end.kind, end.recipient.rpartition("@")[2]] += 1
        if end.kind is OutcomeKind.SUPPRESSED:
            effects.counts["ses_suppressed_sends_total", end.reason] += 1

    def _send(self, letter: Letter, message_id: str, at: int) -> dict[str, Any]:
        """Return the mail.Send of a letter."""
        return {
            "sent_at": at,
            "message_id": message_id,
            "stream": letter.stream,
            "attempt": letter.attempt,
            "request_id": letter.request_id,
            "recipients": list(dict.fromkeys(map(normal_address, letter.recipients))),
            "from_address": normal_address(letter.from_address),
            "configuration_set": letter.configuration_set,
            "in_reply_to": letter.in_reply_to,
            "via": self._via,
            "tags": dict(letter.tags),
        }


def _outcome(mail: Mail, attempt: int, end: End, now: int) -> OutcomeRecord:
    """Return an outcome's own fields; its id is the same however often it is said."""
    return {
        "kind": end.kind,
        "occurred_at": now,
        "certain": True,
        "matched": False,
        "recipient": end.recipient,
        "outcome_id": outcome_digest(end.kind, f"{mail.request_id}/{attempt}", end.recipient).hex(),
        "message_id": None,
        "reason": end.reason,
        "status": None,
        "stream": mail.stream,
        "request_id": mail.request_id,
        "attempt": attempt,
        "latency_ms": None,
        "written": None,
    }
