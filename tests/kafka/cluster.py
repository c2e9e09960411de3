"""Apache Kafka on this machine: one node or several (KRaft), each with its own data directory, on loopback.

    with Cluster(directory, nodes=3) as kafka:
        kafka.brokers            # "127.0.0.1:40001,127.0.0.1:40002,127.0.0.1:40003"
        kafka.nodes[0].kill()    # stop, kill, pause, go_on, start: of one node
        kafka.nodes[0].start()
        kafka.wait()             # until all living nodes answer, and know of each other

A node keeps its ports and its data over restarts. Topics are never made by accident.
"""

from __future__ import annotations

import socket
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.kafka.node import Jvm, Node
from tests.kafka.secured import SCRAM_WORDS, Door

START_TIMEOUT_S = 60.0
POLL_S = 0.1
COPIES = 3
"""Of the broker's own topics, where there are as many nodes."""
QUICK = Jvm()


class Cluster:
    """Nodes that make one cluster; use it in a ``with``.

    Args:
        home: a directory for all that it writes; what is there from before is taken up again.
        nodes: how many; with three, one may be down.
        config: settings of Kafka, by their names, over ours.
        secured: have another door, with TLS and passwords (`door`); of one node only.
        jvm: what each node's Java is told.
        ports: the brokers', where they matter.

    """

    def __init__(  # noqa: PLR0913 - one test or another needs each, by its name
        self,
        home: Path,
        nodes: int = 1,
        config: Mapping[str, str] | None = None,
        *,
        secured: bool = False,
        jvm: Jvm = QUICK,
        ports: tuple[int, ...] = (),
    ) -> None:
        """Choose ports; nothing runs yet."""
        free = free_ports(2 * nodes + 1)
        self.door = Door(home / "door", free.pop()) if secured else None
        self._ports = list(ports) or free[:nodes]
        controllers = free[nodes : 2 * nodes]
        self._voters = ",".join(f"{number}@127.0.0.1:{port}" for number, port in enumerate(controllers, 1))
        self.nodes = [
            Node(number, home / f"node-{number}", self._properties(mine, own, nodes, config or {}), jvm)
            for number, (mine, own) in enumerate(zip(self._ports, controllers, strict=True), 1)
        ]

    @property
    def brokers(self) -> str:
        """Return ``host:port,host:port``, as clients want it."""
        return ",".join(f"127.0.0.1:{port}" for port in self._ports)

    @property
    def address(self) -> str:
        """Return the same; the embedded broker calls it so."""
        return self.brokers

    def start(self) -> Self:
        """Start all nodes and wait until they answer."""
        cluster_id = urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")  # never begins with a dash
        for node in self.nodes:
            node.format(cluster_id, *(SCRAM_WORDS if self.door is not None else ()))
        for node in self.nodes:
            node.start()
        self.wait()
        return self

    def wait(self) -> None:
        """Wait until all living nodes answer and know of each other.

        Raises:
            RuntimeError: one has died, or they take too long; its last words are in the error.
        """
        until = time.monotonic() + START_TIMEOUT_S
        alive = [node for node in self.nodes if node.is_alive()]
        while self.members() < len(alive):
            dead = [node for node in alive if not node.is_alive()]
            if dead or time.monotonic() > until:
                words = (dead or alive)[0].last_words()
                raise RuntimeError(f"Apache Kafka does not answer at {self.brokers}:\n{words}")
            time.sleep(POLL_S)

    def members(self) -> int:
        """Return how many nodes are up, as one of them says; 0 where none answers."""
        admin = AdminClient({"bootstrap.servers": self.brokers, "log_level": 0, "socket.timeout.ms": 2000})
        try:
            return len(admin.list_topics(timeout=2).brokers)
        except KafkaException:
            return 0

    def stop(self) -> None:
        """Stop all nodes; one that will not is killed."""
        for node in self.nodes:
            node.kill()  # whoever wants an orderly end stops the nodes; a test that is over does not

    def __enter__(self) -> Self:
        """Start; what was started ends where that fails."""
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Stop, whatever happened."""
        self.stop()

    def _properties(self, port: int, controller: int, nodes: int, config: Mapping[str, str]) -> dict[str, str]:
        door = {} if self.door is None else self.door.properties()
        another = "" if self.door is None else f",SECURED://127.0.0.1:{self.door.port}"
        copies = str(min(nodes, COPIES))
        quorum = "2" if nodes >= COPIES else "1"
        return {
            "process.roles": "broker,controller",
            "controller.quorum.voters": self._voters,
            "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{another}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}{another}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURED:SASL_SSL",
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": "4",  # 50 by default, of which a small machine makes heavy weather
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": quorum,
            "transaction.state.log.num.partitions": "4",
            "share.coordinator.state.topic.replication.factor": copies,
            "group.initial.rebalance.delay.ms": "0",  # 3 s by default: for fleets that start at once
            "group.min.session.timeout.ms": "500",
            "unclean.leader.election.enable": "false",
            "broker.heartbeat.interval.ms": "500",  # 2 s by default
            "broker.session.timeout.ms": "3000",  # 9 s by default: so long a killed node waits until it may come back
            **door,
            **config,
        }


def free_ports(count: int) -> list[int]:
    """Return ports of this machine that nobody listens on now, all different."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
