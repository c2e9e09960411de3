"""What would become of a dead letter today: the records to write back, or why it stays where it is.

A letter of a hop goes back to its topic as it came. It is read first as the hop would read it, so that an operator
hears before, and not by another letter, that nothing has changed. A letter of intake never was a record: it goes
through intake again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, NamedTuple

from streams.cli.deadletters_choice import Found
from streams.dispatch.reading import Reading as DispatchReading
from streams.emit.records import feedback_record, scrub
from streams.errors import SchemaUnknown, Unusable
from streams.hops.instruction_reading import InstructionReading
from streams.hops.outcome_reading import OutcomeReading
from streams.hops.reading import Reading
from streams.intake.envelope import Torn, open_envelopes
from streams.intake.letters import read_letter
from streams.intake.post import Named, address
from streams.intake.split import Splitter
from streams.mail.deadletter import DeadReason, Stage
from streams.schemas.codec import Codec
from streams.schemas.plain import from_plain
from streams.settings import Settings
from streams.topics import topic_name

RECORDS = ("mail.Send", "mail.Feedback")
"""Records that intake takes as lines of a file; see `ingest`."""
FITS = "a worker could use it today"
NO_VALUE = "it has no value: there is nothing to write back"
FOREIGN = "it comes from a topic that no worker of these settings reads"
CUT = "only its beginning was kept: read the file again (ses-streams ingest)"
NO_EVENT = "it holds no event of SES"
NOBODY_TELLS = "whether a worker could use it today nobody can tell: the registry does not answer"


class Copy(NamedTuple):
    """A record to write back, and the topic it goes to."""

    topic: str
    key: bytes | None
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What would become of a letter: *words* and *detail* say it; *copies* go back, none where there is no way.

    *fits* is False where a worker could not use it today either: written back, it comes again as a letter.
    """

    words: str
    detail: str = ""
    copies: tuple[Copy, ...] = ()
    fits: bool = True

    @property
    def told(self) -> str:
        """Return all that is to be said."""
        return f"{self.words}: {self.detail}" if self.detail else self.words


class Today:
    """Tells what would become of letters, with the schemas and rules of today."""

    def __init__(self, settings: Settings, codec: Codec) -> None:
        """Prepare a reader for each topic that a worker reads."""
        self._codec = codec
        self._prefix = settings.topic_prefix
        joined, outcomes, sent = Reading(codec), OutcomeReading(codec), DispatchReading(codec)
        readers: Mapping[str, Callable[[bytes], Any]] = {
            "sends": joined.send,
            "feedback": joined.feedback,
            "outcomes": outcomes.read,
            "instructions": InstructionReading(codec).read,
            "send-requests": sent.request,
            "retries": sent.retry,
            "settlements": sent.settlement,
        }
        self._readers = {topic_name(settings.topic_prefix, role): read for role, read in readers.items()}

    @property
    def topics(self) -> frozenset[str]:
        """Return the topics to which letters can go back."""
        return frozenset(self._readers)

    def fate(self, letter: Found) -> Fate:
        """Return what would become of one letter.

        Raises:
            SchemaUnknown: its schema's id is one that only a registry can tell, which does not answer.

        """
        record = letter.record
        if record["value"] is None:
            return Fate(words=NO_VALUE)
        if record["stage"] == Stage.INTAKE:
            return self._through_intake(record)
        read = self._readers.get(record["topic"])
        if read is None:
            return Fate(words=FOREIGN)
        back = (Copy(record["topic"], record["key"], record["value"]),)
        try:
            read(record["value"])
        except Unusable as why:
            return _not_today(why, back)
        return Fate(words=FITS, copies=back)

    def told(self, letter: Found) -> Fate:
        """Return what would become of one letter, also where nobody can tell."""
        try:
            return self.fate(letter)
        except SchemaUnknown:
            return Fate(words=NOBODY_TELLS)

    def _through_intake(self, record: Mapping[str, Any]) -> Fate:
        if record["reason"] == DeadReason.TOO_LARGE:
            return Fate(words=CUT)
        try:
            posts = [address(named, self._codec) for named in _read_again(record["value"])]
        except Unusable as why:
            return _not_today(why)
        copies = tuple(Copy(topic_name(self._prefix, role), key, value) for role, key, value in posts)
        return Fate(words=FITS if copies else NO_EVENT, copies=copies)


def _not_today(why: Unusable, copies: tuple[Copy, ...] = ()) -> Fate:
    words = f"it could not be used today either ({why.reason})"
    return Fate(words=words, detail=scrub(why.detail), copies=copies, fits=False)


def _read_again(item: bytes) -> list[Named]:
    """Return what intake makes of an item's bytes; raises Unusable."""
    found: list[Named] = []
    for piece in Splitter(BytesIO(item).read, keep=len(item)):
        if piece.why is not None:
            raise piece.why
        name = next((name for name in RECORDS if isinstance(piece.value, dict) and name in piece.value), None)
        if name is not None:
            found.append(Named(name, from_plain(name, piece.value[name])))
            continue
        for part in open_envelopes(piece.data, piece.value):
            if isinstance(part, Torn):
                raise part.why
            feedback = read_letter(part)
            if feedback is not None:
                found.append(Named("mail.Feedback", feedback_record(feedback)))
    return found
