"""What hop 1 tells dispatch: that SES accepted a request's mail after all, and that a machine answered one.

A mail bears its request's id as a tag, so SES's own events can settle what a crash or a time-out left in doubt. Said
only where no real Send is known and where a machine answered: next to nothing in a day's traffic. Repeats do no harm,
since a settlement says what is so, and adds up to nothing.
"""

from __future__ import annotations

from streams.emit.outcome import OutcomeWriter
from streams.hops.reading import Reading, SaidFeedback
from streams.mail.outcome import OutcomeKind
from streams.mail.records import OutcomeRecord
from streams.mail.settlement import SettlementKind, SettlementRecord
from streams.pipeline import Batch, Effects


class Settlements:
    """Gathers what one chunk settles, and writes it at its end."""

    def __init__(self, reading: Reading) -> None:
        """Begin with none."""
        self._reading = reading
        self._said: dict[tuple[str, SettlementKind, str | None, str], SettlementRecord] = {}

    def accepted(self, said: SaidFeedback) -> None:
        """Note that SES has the mail that an event is about, if the mail's tags name a request."""
        mail = self._reading.mail(said)
        if mail["request_id"] is None:
            return
        self._note(
            {
                "request_id": mail["request_id"],
                "kind": SettlementKind.ACCEPTED,
                "at": mail["sent_at"],
                "attempt": mail["attempt"],
                "recipient": "",
                "message_id": mail["message_id"],
                "recipients": mail["recipients"],
            }
        )

    def answered(self, outcome: OutcomeRecord) -> None:
        """Note that a machine answered, if an outcome says so of a request that is known."""
        if outcome["kind"] != OutcomeKind.AUTO_REPLIED or outcome["request_id"] is None:
            return
        self._note(
            {
                "request_id": outcome["request_id"],
                "kind": SettlementKind.AUTO_REPLIED,
                "at": outcome["occurred_at"],
                "attempt": outcome["attempt"],
                "recipient": outcome["recipient"],
                "message_id": outcome["message_id"],
                "recipients": [],
            }
        )

    def write(self, effects: Effects, writer: OutcomeWriter) -> None:
        """Write all of it to the effects, in the order in which it was noted."""
        if not self._said:
            return
        batch = effects.outputs.setdefault("settlements", Batch())
        for record in self._said.values():
            batch.add(record["request_id"].encode(), writer.settlement(record))

    def _note(self, record: SettlementRecord) -> None:
        """Note one settlement: the first of its kind for a message and a recipient in this chunk is enough."""
        about = (record["request_id"], record["kind"], record["message_id"], record["recipient"])
        self._said.setdefault(about, record)
