"""How much of a throttled SES's rate dispatch uses, and what it does while it must wait.

A broker in memory, one worker, the simulator as an SES that allows so many recipients a second, and more requests than
it takes in a minute. The rate reached is counted on SES's side: mails accepted over the time from the first to the
last. A busy loop would show as processor time: the worker's is given for each mail and for each second.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import described
from streams.demo.loop.requests import OUR_DOMAIN
from streams.demo.loop.ses import SimulatedSes
from streams.demo.worker import Worker
from streams.emit.admin import ensure_topics
from streams.emit.publish import Publisher
from streams.engine.broker import EmbeddedBroker
from streams.schemas.codec import load_codec
from streams.settings import Security
from streams.topics import plan

PREFIX, GROUP, PARTITIONS = "ses.", "ses-streams-bench", 4
RESULTS = Path(__file__).parent / "results" / "throttle.ndjson"
QUIET_S = 15.0
"""With nothing new for this long, and nothing missing, it is over; ten times this, whatever is missing."""


def main(words: list[str]) -> int:
    """Run it, print the figures, and add them to the history."""
    parser = argparse.ArgumentParser(prog="make bench ARGS='throttle", description=__doc__)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=5.0, help="recipients a second that SES allows")
    said = parser.parse_args(words)
    figures = _measured(said.requests, said.rate)
    line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), **described(), **figures})
    print(line)
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as history:
        history.write(line + "\n")
    return 0 if figures["lost"] == figures["sent_twice"] == 0 else 1


def _measured(requests: int, rate: float) -> dict[str, Any]:
    """Set up the stage, hand in the requests, wait, and return the figures."""
    with (
        tempfile.TemporaryDirectory(prefix="ses-streams-bench-") as home,
        EmbeddedBroker(Path(home) / "broker.log", 4 << 30) as broker,
    ):
        topics = plan(prefix=PREFIX, partitions=PARTITIONS, replication=1, group=GROUP)
        ensure_topics(broker.address, Security(), topics)
        ses = SimulatedSes(broker.address, PREFIX, Path(home), rate=rate)
        worker = Worker(_variables(broker.address, ses.url), Path(home))
        try:
            ses.start()
            _await(ses.ready)
            worker.start()
            _await(worker.ready)
            before = _cpu(worker)
            _hand_in(broker.address, requests)
            _wait(ses, worker, requests)
            return _figures(ses, requests, rate, _cpu(worker) - before, _refused(worker))
        finally:
            worker.stop()
            ses.stop()


def _variables(brokers: str, url: str) -> dict[str, str]:
    said = {
        "BROKERS": brokers,
        "GROUP": GROUP,
        "PARTITIONS": PARTITIONS,
        "REPLICATION": 1,
        "PRODUCER__IDEMPOTENT": "false",
        "DISPATCH__ENABLED": "true",
        "DISPATCH__ENDPOINT_URL": url,
        "ENGINE__SESSION_TIMEOUT_MS": 6000,
    }
    return {f"SES_STREAMS_{name}": str(value) for name, value in said.items()}


def _await(ready: Any) -> None:
    while not ready():
        time.sleep(0.1)


def _hand_in(brokers: str, requests: int) -> None:
    codec = load_codec()
    with Publisher(brokers, idempotent=False) as publisher:
        for number in range(requests):
            record: dict[str, Any] = {
                "request_id": f"bench-{number}",
                "requested_at": int(time.time() * 1000),
                "stream": "bench",
                "from_address": f"bench@{OUR_DOMAIN}",
                "to": [f"somebody+{number}@example.org"],
                "content": ("mail.Simple", {"subject": "A mail", "text": "With a line", "html": None}),
            }
            publisher.publish(
                f"{PREFIX}send-requests", record["request_id"].encode(), codec.encode("mail.SendRequest", record)
            )


def _wait(ses: SimulatedSes, worker: Worker, requests: int) -> None:
    """Wait until SES has had nothing new for a while."""
    seen, since = -1, time.monotonic()
    while True:
        worker.check()
        ses.check()
        count = ses.accepted_count() or 0
        if count != seen:
            seen, since = count, time.monotonic()
        still = time.monotonic() - since
        if still > (QUIET_S if count >= requests else 10 * QUIET_S):
            return
        print(f"\r{count} of {requests}", end="", file=sys.stderr, flush=True)
        time.sleep(0.5)


def _cpu(worker: Worker) -> float:
    worker.page()
    return worker.cpu_seconds


def _refused(worker: Worker) -> int:
    page = worker.page()
    return 0 if page is None else int(page.total("ses_refusals_total"))


def _figures(ses: SimulatedSes, requests: int, rate: float, cpu_s: float, refused: int) -> dict[str, Any]:
    accepted = ses.accepted()
    ids = [mail.request_id for mail in accepted]
    seconds = (max(mail.at for mail in accepted) - min(mail.at for mail in accepted)) / 1000
    reached = (len(accepted) - 1) / seconds
    return {
        "benchmark": "throttle",
        "requests": requests,
        "allowed_per_s": rate,
        "reached_per_s": round(reached, 3),
        "ratio": round(reached / rate, 4),
        "seconds": round(seconds, 1),
        "refused_as_too_fast": refused,
        "lost": requests - len(set(ids)),
        "sent_twice": len(ids) - len(set(ids)),
        "cpu_s": round(cpu_s, 2),
        "cpu_ms_a_mail": round(1000 * cpu_s / len(accepted), 2),
        "cpu_share": round(cpu_s / (seconds + QUIET_S), 4),
    }
