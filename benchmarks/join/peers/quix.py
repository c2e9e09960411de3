"""The join in Quix Streams: `join_asof`, as its API reference has it, with its RocksDB state and changelog.

It aligns both topics by the time of their records, so nothing is held back; but it does not promise that (its
consumer's buffer: not always in order), and the race says how many events had no send yet. The right side's records
are kept as the JSON of what was decoded, its default. Each event becomes its outcomes by `apply(..., expand=True)`.
Offsets are committed every 5 s, its default.
"""

from __future__ import annotations

from typing import Any

from quixstreams import Application
from quixstreams.models import Deserializer, SerializationContext, Serializer

from benchmarks.join.peers.records import Record, Wire, Wires, outcomes_of, suppressions_of
from benchmarks.join.peers.task import CONSUMER, PRODUCER, Progress, Task, say, told


class Decoder(Deserializer):
    """Decodes values as one schema has them."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._decode = wire.decode

    def __call__(self, value: bytes, ctx: SerializationContext) -> Record:  # noqa: ARG002 - its interface
        """Return the record."""
        return self._decode(value)


class Encoder(Serializer):
    """Encodes values as one schema has them."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._encode = wire.encode

    def __call__(self, value: Record, ctx: SerializationContext) -> bytes:  # noqa: ARG002 - its interface
        """Return the bytes."""
        return self._encode(value)


def application(task: Task, progress: Progress) -> Application:
    """Return an application that stops when everything is read."""

    def processed(topic: str, _partition: int, _offset: int) -> None:
        (progress.sends_read if topic == task.sends else progress.feedbacks_read)()
        if progress.complete:
            app.stop()

    app = Application(
        task.brokers,
        consumer_group=task.group,
        auto_offset_reset="earliest",
        state_dir=task.home,
        loglevel="WARNING",
        consumer_extra_config=CONSUMER,
        producer_extra_config=PRODUCER,
        on_message_processed=processed,
    )
    return app


def flow(app: Application, task: Task, progress: Progress) -> None:
    """Join feedback with sends, and write what comes of it."""
    wires = Wires(task.schemas)
    sends = app.topic(task.sends, key_deserializer="bytes", value_deserializer=Decoder(wires.send))
    feedback = app.topic(task.feedback, key_deserializer="bytes", value_deserializer=Decoder(wires.feedback))
    outcomes = app.topic(task.outcomes, key_serializer="str", value_serializer=Encoder(wires.outcome))
    suppressions = app.topic(task.suppressions, key_serializer="str", value_serializer=Encoder(wires.suppression))

    def told_of(pair: tuple[Record, Record | None]) -> list[Record]:
        found = list(outcomes_of(*pair))
        progress.kinds.update(one["kind"] for one in found)
        return found

    joined = app.dataframe(feedback).join_asof(app.dataframe(sends), how="left", on_merge=_pair)
    joined.apply(told_of, expand=True).to_topic(outcomes, key=_recipient)
    joined.apply(lambda pair: list(suppressions_of(pair[0])), expand=True).to_topic(suppressions, key=_recipient)


def _pair(event: Record, send: Record | None) -> tuple[Record, Record | None]:
    return event, send


def _recipient(record: Record) -> Any:
    return record["recipient"]


def run() -> None:
    """Run until everything is read, acknowledged and committed."""
    task = told()
    progress = Progress(task)
    app = application(task, progress)
    flow(app, task, progress)
    app.run()
    if not progress.complete:
        raise SystemExit(1)
    say(task, "done")


if __name__ == "__main__":
    run()
