"""The loop that one writes by hand: confluent-kafka, fastavro and a dictionary. Nothing of it outlives the process.

It reads in batches (`consume` of confluent-kafka's API reference), and commits offsets by hand after what was produced
is acknowledged: at least once. Sends are kept as the bytes that came, and decoded when an event needs them.
"""

from __future__ import annotations

import time
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from benchmarks.join.peers.records import Wires, outcomes_of, suppressions_of
from benchmarks.join.peers.task import CONSUMER, PRODUCER, Progress, Task, say, told

BATCH = 2_000
WAIT_S = 0.1
COMMIT_S = 5.0
"""As often as librdkafka commits by itself."""
FLUSH_S = 120.0


class Loop:
    """One consumer, one producer, and the sends by message id."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._progress = Progress(task)
        self._wires = Wires(task.schemas)
        self._sends: dict[bytes, bytes] = {}
        self._gated: list[TopicPartition] = []
        self._consumer = consumer(task)
        self._producer = Producer(
            {"bootstrap.servers": task.brokers, "queue.buffering.max.messages": 1_000_000, **PRODUCER}
        )

    def run(self) -> None:
        """Read everything, commit now and then, and at the end."""
        self._consumer.subscribe([self._task.sends, self._task.feedback], on_assign=self._assigned)
        committed = time.monotonic()
        while not self._progress.complete:
            for message in self._consumer.consume(BATCH, WAIT_S):
                self._take(message)
            self._producer.poll(0)
            if self._gated and self._progress.open:
                self._consumer.resume(self._gated)
                self._gated = []
            if time.monotonic() - committed > COMMIT_S:
                self._commit()
                committed = time.monotonic()
        self._commit()
        say(self._task, "done")
        self._consumer.close()

    def _assigned(self, reader: Consumer, partitions: list[TopicPartition]) -> None:
        """Take all partitions, but none of feedback before all sends are read."""
        reader.assign(partitions)
        if not self._progress.open:
            self._gated = [one for one in partitions if one.topic == self._task.feedback]
            reader.pause(self._gated)

    def _take(self, message: Any) -> None:
        if message.error() is not None:
            raise KafkaException(message.error())
        if message.topic() == self._task.sends:
            self._progress.sends_read()
            self._sends[message.key()] = message.value()
        else:
            self._progress.feedbacks_read()
            self._join(message.key(), self._wires.feedback.decode(message.value()))

    def _join(self, key: bytes, event: dict[str, Any]) -> None:
        kept = self._sends.get(key)
        send = None if kept is None else self._wires.send.decode(kept)
        for outcome in outcomes_of(event, send):
            self._progress.kinds[outcome["kind"]] += 1
            self._produce(self._task.outcomes, outcome["recipient"], self._wires.outcome.encode(outcome))
        for suppression in suppressions_of(event):
            self._produce(
                self._task.suppressions, suppression["recipient"], self._wires.suppression.encode(suppression)
            )

    def _produce(self, topic: str, key: str, value: bytes) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key)
            except BufferError:
                self._producer.poll(WAIT_S)
            else:
                return

    def _commit(self) -> None:
        """Commit what was read, once all that came of it is acknowledged."""
        if self._producer.flush(FLUSH_S):
            raise TimeoutError("the brokers did not take the outcomes")
        try:
            self._consumer.commit(asynchronous=False)
        except KafkaException as exc:
            if exc.args[0].code() != KafkaError._NO_OFFSET:  # noqa: SLF001 - documented; nothing new was read
                raise


def consumer(task: Task) -> Consumer:
    """Return a consumer that begins at the beginning, and commits when it is told to."""
    return Consumer(
        {
            "bootstrap.servers": task.brokers,
            "group.id": task.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            **CONSUMER,
        }
    )


if __name__ == "__main__":
    Loop(told()).run()
