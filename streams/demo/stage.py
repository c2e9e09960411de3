"""What the show needs around it: a broker in memory, topics, one worker process, and a place for its data.

All of it is made afresh in a temporary directory and gone when the show is over, however it ends.
"""

from __future__ import annotations

import socket
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from streams.demo.worker import Worker
from streams.emit.admin import ensure_topics
from streams.emit.publish import Publisher
from streams.engine.broker import EmbeddedBroker
from streams.errors import WorldFailed
from streams.settings import Security
from streams.topics import plan

PREFIX = "ses."
GROUP = "ses-streams-demo"
SESSION_TIMEOUT_MS = 6_000
"""The embedded broker lets a group begin after half of this; a killed worker's successor waits for all of it."""
INSTANCE_ID = "demo"
"""Static membership, for a worker that is to be killed: its successor takes its place in half the time."""
COMMIT_INTERVAL_MS = 500
BROKER_MEMORY = 4 << 30
"""Address space of the broker, which never frees what it holds; beyond it the broker dies, and the machine does not."""


class Stage:
    """Use it in a ``with``: inside, `broker` and topics are there, and `worker` can be started.

    Args:
        partitions: of every topic.
        park_minutes: how long the worker lets feedback wait for its send.
        deaths: the worker is to be killed and started again.

    """

    def __init__(self, *, partitions: int, park_minutes: float, deaths: bool) -> None:
        """Lay out the parts; nothing runs yet."""
        self._partitions = partitions
        self._deaths = deaths
        self._park_minutes = park_minutes
        self._open = ExitStack()
        self.brokers = ""

    def __enter__(self) -> Self:
        """Start the broker and make the topics; what was started is stopped again where that fails."""
        with ExitStack() as rising:
            self.home = Path(rising.enter_context(tempfile.TemporaryDirectory(prefix="ses-streams-demo-")))
            broker = EmbeddedBroker(self.home / "broker.log", BROKER_MEMORY)
            rising.enter_context(broker)
            self.brokers = broker.address
            topics = plan(prefix=PREFIX, partitions=self._partitions, replication=1, group=GROUP)
            ensure_topics(self.brokers, Security(), topics)
            self.worker = Worker(self._variables(), self.home)
            rising.callback(self.worker.stop)
            self._open = rising.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Stop the worker, then the broker, then clear up."""
        self._open.__exit__(kind, exc, tb)

    def publisher(self) -> Publisher:
        """Return a publisher; not idempotent, since the embedded broker gives out no producer ids."""
        return Publisher(self.brokers, idempotent=False)

    def explained(self, error: WorldFailed) -> WorldFailed:
        """Return *error*, or, where the broker is gone, why all else fails too."""
        host, _, port = self.brokers.partition(":")
        try:
            socket.create_connection((host, int(port)), timeout=1.0).close()
        except OSError:
            gib = BROKER_MEMORY >> 30
            return WorldFailed(f"the embedded broker died; it keeps all in memory, at most {gib} GiB: try fewer mails")
        return error

    def _variables(self) -> dict[str, str]:
        """Return the worker's settings."""
        said = {
            "BROKERS": self.brokers,
            "TOPIC_PREFIX": PREFIX,
            "GROUP": GROUP,
            "PARTITIONS": self._partitions,
            "REPLICATION": 1,
            "PRODUCER__IDEMPOTENT": "false",
            "ENGINE__SESSION_TIMEOUT_MS": SESSION_TIMEOUT_MS,
            "ENGINE__COMMIT_INTERVAL_MS": COMMIT_INTERVAL_MS,
            "JOIN__PARK_MINUTES": self._park_minutes,
            "ENGINE__INSTANCE_ID": INSTANCE_ID if self._deaths else "",
            "DISPATCH__ENABLED": "false",
            "WEB__HOST": "127.0.0.1",
        }
        return {f"SES_STREAMS_{name}": str(value) for name, value in said.items()}
