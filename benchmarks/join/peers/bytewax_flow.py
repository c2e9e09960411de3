"""The join in Bytewax: its Kafka connectors, and `stateful_flat_map` on what was merged and keyed by message id.

As its API reference has it (bytewax.connectors.kafka, bytewax.operators, bytewax.recovery). Of a mail more than one
event may come, and each is an outcome, so a send is kept rather than joined once. There is no changelog: state and
offsets are snapshots in SQLite files on this machine's disk, one every 10 s, its default. A source of its own holds
feedback back until all sends are read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from benchmarks.join.peers.records import Record, Wire, Wires, outcomes_of, suppressions_of
from benchmarks.join.peers.task import CONSUMER, PRODUCER, Progress, Task, say, told


class GatedSource(KafkaSource):
    """A source that gives nothing before all sends are read."""

    progress: Progress

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> Any:
        """Return a partition whose batches wait for the gate."""
        part = super().build_part(step_id, for_part, resume_state)
        batch = part.next_batch
        part.next_batch = lambda: batch() if self.progress.open else []
        return part


def flow(task: Task, progress: Progress) -> Dataflow:
    """Return the dataflow; it ends at the end of both topics."""
    wires = Wires(task.schemas)
    gated = GatedSource([task.brokers], [task.feedback], tail=False, add_config=CONSUMER)
    gated.progress = progress
    kept = KafkaSource([task.brokers], [task.sends], tail=False, add_config=CONSUMER)

    def take(message: Any) -> tuple[str, tuple[bool, bytes]]:
        is_send = message.topic == task.sends
        (progress.sends_read if is_send else progress.feedbacks_read)()
        return message.key.decode(), (is_send, message.value)

    def join(send: bytes | None, item: tuple[bool, bytes]) -> tuple[bytes | None, list[tuple[Record, bytes | None]]]:
        is_send, value = item
        return (value, []) if is_send else (send, [(wires.feedback.decode(value), send)])

    def tell(pair: tuple[str, tuple[Record, bytes | None]]) -> list[KafkaSinkMessage[bytes, bytes]]:
        event, send = pair[1]
        found = list(outcomes_of(event, None if send is None else wires.send.decode(send)))
        progress.kinds.update(one["kind"] for one in found)
        return [_message(wires.outcome, one) for one in found]

    whole = Dataflow("join")
    read = op.merge("read", op.input("sends", whole, kept), op.input("feedback", whole, gated))
    joined = op.stateful_flat_map("join", op.map("key", read, take), join)
    told_of = op.flat_map("tell", joined, tell)
    stopped = op.flat_map(
        "stop", joined, lambda pair: [_message(wires.suppression, s) for s in suppressions_of(pair[1][0])]
    )
    op.output("outcomes", told_of, KafkaSink([task.brokers], task.outcomes, add_config=PRODUCER))
    op.output("suppressions", stopped, KafkaSink([task.brokers], task.suppressions, add_config=PRODUCER))
    return whole


def _message(wire: Wire, record: Record) -> KafkaSinkMessage[bytes, bytes]:
    return KafkaSinkMessage(key=record["recipient"].encode(), value=wire.encode(record))


def run() -> None:
    """Run until everything is read, acknowledged, and in a last snapshot."""
    task = told()
    progress = Progress(task)
    snapshots = Path(task.home) / "snapshots"
    snapshots.mkdir()
    init_db_dir(snapshots, 1)
    cli_main(flow(task, progress), recovery_config=RecoveryConfig(str(snapshots)))
    if not progress.complete:
        raise SystemExit(1)
    say(task, "done")


if __name__ == "__main__":
    run()
