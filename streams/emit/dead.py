"""How a stage sets a record aside that it cannot use: original bytes, where it stood, why; the neighbours go on."""

from __future__ import annotations

from collections.abc import Mapping

from streams.emit.records import dead_letter_record
from streams.errors import Unusable
from streams.mail.deadletter import DeadLetter, DeadReason, Stage
from streams.pipeline import Chunk, Effects, SetAside
from streams.schemas.codec import Codec


class DeadLetters:
    """Writes the dead letters of one stage."""

    def __init__(self, codec: Codec, stage: Stage, names: Mapping[str, str]) -> None:
        """Keep what every letter of this stage has in common; *names* are the topics' names by role."""
        self._codec = codec
        self._stage = stage
        self._names = names

    def add(self, effects: Effects, chunk: Chunk, index: int, why: Unusable, now: int) -> None:
        """Set record *index* of *chunk* aside."""
        letter = DeadLetter(
            topic=self._names.get(chunk.topic, chunk.topic),
            partition=chunk.partition,
            offset=chunk.offsets[index],
            key=chunk.keys[index],
            value=chunk.values[index],
            stage=self._stage,
            reason=DeadReason(why.reason),
            detail=why.detail,
            at=now,
        )
        value = self._codec.encode("mail.DeadLetter", dead_letter_record(letter))
        effects.emit("dead-letters", chunk.keys[index] or b"", value)
        effects.counts["ses_dead_letters_total", self._stage, letter.reason] += 1
        effects.set_aside.append(SetAside(self._stage, letter.reason, letter.topic, letter.partition, letter.offset))
