"""From an instruction's bytes to an operator's word in normal form; a word that nobody knows is unusable."""

from __future__ import annotations

from typing import Any, NamedTuple

from streams.decide.instruction import ACTIONS, REASONS, Action
from streams.errors import Unusable
from streams.mail.address import normal_address
from streams.mail.deadletter import DeadReason
from streams.mail.records import InstructionRecord
from streams.mail.suppression import EVERY_STREAM
from streams.mail.time import is_time
from streams.schemas.codec import Codec


class Word(NamedTuple):
    """One instruction, and the table's key."""

    key: bytes
    instruction: InstructionRecord


class InstructionReading:
    """Reads what operators decided."""

    def __init__(self, codec: Codec) -> None:
        """Keep the codec."""
        self._codec = codec

    def read(self, value: bytes | None) -> Word:
        """Return the instruction in *value*.

        Raises:
            Unusable: it cannot be read, or names no recipient, no known action, no known reason or no time.

        """
        if value is None:
            raise Unusable(DeadReason.NO_VALUE, "mail.Instruction: a null value says nothing here")
        record: Any = self._codec.decode("mail.Instruction", value)
        instruction = _checked(record)
        return Word(instruction["recipient"].encode(), instruction)


def _checked(record: InstructionRecord) -> InstructionRecord:
    """Return the instruction with its recipient in normal form, kept as it was written where that differs."""
    if record["action"] not in ACTIONS:
        raise Unusable(DeadReason.WRONG_TYPE, "mail.Instruction: an action that is not known here")
    if record["action"] == Action.SUPPRESS and record["reason"] not in REASONS:
        raise Unusable(DeadReason.WRONG_TYPE, "mail.Instruction: a reason that is not known here")
    if not all(is_time(at) for at in (record["at"], record["until"]) if at is not None):
        raise Unusable(DeadReason.BAD_TIME, "mail.Instruction: a time outside the years 1970 to 9999")
    written = record["recipient"]
    record["recipient"] = normal_address(written)
    if not record["recipient"]:
        raise Unusable(DeadReason.WRONG_TYPE, "mail.Instruction: no recipient")
    if record["recipient"] != written and record["written"] is None:
        record["written"] = written
    record["scope"] = record["scope"] or EVERY_STREAM
    return record
