"""What the show needs around it: a broker in memory, topics, a simulated SES, one worker, and a place for its data.

All of it is made afresh in a temporary directory and gone when the show is over, however it ends.
"""

from __future__ import annotations

import socket
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from streams.demo.loop.ses import SimulatedSes
from streams.demo.plan import (
    CALL_TIMEOUT_MS,
    FIRST_RETRY_MS,
    FULL_MINUTES,
    MAX_IN_FLIGHT,
    RETRY_FACTOR,
    Plan,
)
from streams.demo.worker import Worker
from streams.emit.admin import ensure_topics
from streams.emit.publish import Publisher
from streams.engine.broker import EmbeddedBroker
from streams.errors import WorldFailed
from streams.settings import Security
from streams.topics import plan as topics_of

PREFIX = "ses."
GROUP = "ses-streams-demo"
SESSION_TIMEOUT_MS = 6_000
"""The embedded broker lets a group begin after half of this; a killed worker's successor waits for all of it."""
INSTANCE_ID = "demo"
"""Static membership, for a worker that is to be killed: its successor takes its place in half the time."""
COMMIT_INTERVAL_MS = 500
AWS = {
    "AWS_ACCESS_KEY_ID": "demo",
    "AWS_SECRET_ACCESS_KEY": "the-simulator-takes-any",
    "AWS_EC2_METADATA_DISABLED": "true",  # no instance is asked for better ones
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}
"""Credentials that open nothing, and nobody's own profile."""
BROKER_MEMORY = 4 << 30
"""Address space of the broker, which never frees what it holds; beyond it the broker dies, and the machine does not."""


class Stage:
    """Use it in a ``with``: inside, broker and topics are there, and `worker` can be started.

    Where the plan has requests there is a simulator too, which has been started and may not be ready yet.
    """

    def __init__(self, plan: Plan) -> None:
        """Lay out the parts; nothing runs yet."""
        self._plan = plan
        self._open = ExitStack()
        self.brokers = ""
        self.ses: SimulatedSes | None = None

    def __enter__(self) -> Self:
        """Start the broker and make the topics; what was started is stopped again where that fails."""
        with ExitStack() as rising:
            self.home = Path(rising.enter_context(tempfile.TemporaryDirectory(prefix="ses-streams-demo-")))
            broker = EmbeddedBroker(self.home / "broker.log", BROKER_MEMORY)
            rising.enter_context(broker)
            self.brokers = broker.address
            topics = topics_of(prefix=PREFIX, partitions=self._plan.partitions, replication=1, group=GROUP)
            ensure_topics(self.brokers, Security(), topics)
            if self._plan.requests:
                self.ses = SimulatedSes(self.brokers, PREFIX, self.home)
                rising.callback(self.ses.stop)
                self.ses.start()
            self.worker = Worker(self._variables(), self.home)
            rising.callback(self.worker.stop)
            self._open = rising.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Stop the worker, then the simulator, then the broker, then clear up."""
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
        """Return the worker's settings, and where it sends through a simulator, what an AWS client wants to know."""
        said = {
            "BROKERS": self.brokers,
            "TOPIC_PREFIX": PREFIX,
            "GROUP": GROUP,
            "PARTITIONS": self._plan.partitions,
            "REPLICATION": 1,
            "PRODUCER__IDEMPOTENT": "false",
            "ENGINE__SESSION_TIMEOUT_MS": SESSION_TIMEOUT_MS,
            "ENGINE__COMMIT_INTERVAL_MS": COMMIT_INTERVAL_MS,
            "JOIN__PARK_MINUTES": self._plan.park_s / 60,
            "ENGINE__INSTANCE_ID": INSTANCE_ID if self._plan.kills else "",
            "WEB__HOST": "127.0.0.1",
            "DISPATCH__ENABLED": "false",
            **self._dispatch(),
        }
        variables = {f"SES_STREAMS_{name}": str(value) for name, value in said.items()}
        return variables if self.ses is None else variables | AWS

    def _dispatch(self) -> dict[str, object]:
        """Return how the worker sends: retries within seconds, not hours."""
        if self.ses is None:
            return {}
        return {
            "DISPATCH__ENABLED": "true",
            "DISPATCH__ENDPOINT_URL": self.ses.url,
            "DISPATCH__REGION": "us-east-1",
            "DISPATCH__MAX_IN_FLIGHT": MAX_IN_FLIGHT,
            "DISPATCH__CALL_TIMEOUT_MS": CALL_TIMEOUT_MS,
            "DISPATCH__DOUBT_MINUTES": self._plan.doubt_minutes,
            "RETRY__FIRST_MINUTES": FIRST_RETRY_MS / 60_000,
            "RETRY__FACTOR": RETRY_FACTOR,
            "RETRY__MAILBOX_FULL_MINUTES": FULL_MINUTES,
            "RETRY__SILENCE_MINUTES": self._plan.silence_minutes,
        }
