"""``make kafka``: Apache Kafka on loopback until Ctrl-C, for trying things out; ``--jars`` only gets its jars."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from tests.kafka.cluster import Cluster
from tests.kafka.jars import HOME, NoKafka, jars

FIRST_PORT = 9092


def main() -> int:
    """Return the exit code: 0 after Ctrl-C, 3 where Kafka cannot be had."""
    asked = _asked()
    try:
        libs = jars()
    except NoKafka as exc:
        print(exc, file=sys.stderr)
        return 3
    if asked.jars:
        print(f"Apache Kafka's jars are in {libs}")
        return 0
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    ports = tuple(range(asked.port, asked.port + asked.nodes))
    with Cluster(asked.home, asked.nodes, ports=ports) as kafka:
        print(f"Apache Kafka answers at {kafka.brokers}; its data and logs are in {asked.home}. Ctrl-C ends it.")
        over.wait()
        for node in kafka.nodes:
            node.stop()
    return 0


def _asked() -> argparse.Namespace:
    words = argparse.ArgumentParser(prog="make kafka", description=__doc__)
    words.add_argument("--nodes", type=int, default=1, help="how many nodes; with three, one may be down")
    words.add_argument("--port", type=int, default=FIRST_PORT, help="of the first node; the others follow it")
    words.add_argument("--home", type=Path, default=HOME / "data", help="where it keeps its data, between runs too")
    words.add_argument("--jars", action="store_true", help="only get the jars")
    return words.parse_args()


if __name__ == "__main__":
    sys.exit(main())
