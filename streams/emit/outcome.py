"""What hop 1 says, as bytes. An outcome: its own few fields, then the Send and the Feedback as they came.

An Avro record's bytes are its fields' bytes one after another, so what arrived is embedded without being decoded.
That holds only for bytes of our own schema version; `own` makes others so, once.
"""

from __future__ import annotations

from collections.abc import Callable

from streams.mail.records import OutcomeRecord
from streams.mail.settlement import SettlementRecord
from streams.schemas.codec import Codec

HEADER = 5
"""Bytes of the Confluent wire format before the body: a zero and the schema id."""

_ABSENT, _SOME = (b"\x00",), b"\x02"
"""Avro's branch numbers of the union ["null", record], as zigzag varints; nothing follows a null."""


class OutcomeWriter:
    """Writes mail.Outcome records, and the mail.Settlement records that follow from a few of them."""

    def __init__(self, codec: Codec) -> None:
        """Prepare the writer of an outcome's own fields."""
        self._codec = codec
        self._fields: Callable[[OutcomeRecord], bytes] = codec.prefix_writer("mail.Outcome", "written")

    def write(self, outcome: OutcomeRecord, send: bytes | None, feedback: bytes | None) -> bytes:
        """Return the record; *send* and *feedback* are whole wire values of our own schema version."""
        parts = (
            self._fields(outcome),
            *(_ABSENT if send is None else (_SOME, send[HEADER:])),
            *(_ABSENT if feedback is None else (_SOME, feedback[HEADER:])),
        )
        return b"".join(parts)

    def settlement(self, record: SettlementRecord) -> bytes:
        """Return a settlement."""
        return self._codec.encode("mail.Settlement", record)

    def own(self, name: str, value: bytes) -> bytes:
        """Return *value* in our own version of schema *name*; Unusable where it cannot be read."""
        return value if self._codec.is_ours(name, value) else self._codec.encode(name, self._codec.decode(name, value))
