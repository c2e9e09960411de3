"""The floor under every Python program: both topics are consumed and decoded whole, and nothing comes of it.

BENCH_DECODE=0 leaves out the decoding too.
"""

from __future__ import annotations

from confluent_kafka import KafkaException

from benchmarks.join.peers.plain import BATCH, WAIT_S, consumer
from benchmarks.join.peers.records import Wires
from benchmarks.join.peers.task import Progress, say, switch, told


def run() -> None:
    """Read everything, and commit once."""
    task = told()
    decoding = switch("DECODE", "1") != "0"
    wires = Wires(task.schemas)
    progress = Progress(task)
    reader = consumer(task)
    reader.subscribe([task.sends, task.feedback])
    while not progress.complete:
        for message in reader.consume(BATCH, WAIT_S):
            error = message.error()
            if error is not None:
                raise KafkaException(error)
            is_send = message.topic() == task.sends
            (progress.sends_read if is_send else progress.feedbacks_read)()
            if decoding:
                (wires.send if is_send else wires.feedback).decode(message.value() or b"")
    reader.commit(asynchronous=False)
    say(task, "done")
    reader.close()


if __name__ == "__main__":
    run()
