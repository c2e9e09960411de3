"""The stage of a fault test of the intake: Apache Kafka, moto, the relay, intakes as processes, traffic, the verdict.

Topics are made and intakes run by the product's own commands; somebody else breaks the world.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.faults.process import Worker
from tests.faults.results import write_result
from tests.faults.scrape import Scraper
from tests.faults.setting import environment, named
from tests.faults.topics import Reader
from tests.faults.verdict import Finding, Verdict, What
from tests.faults.wire import Wire
from tests.inlets.faults.aws import HIDDEN_S, REGION, Aws
from tests.inlets.faults.checker import Checker
from tests.inlets.faults.events import Teller
from tests.inlets.faults.ledger import Ledger
from tests.inlets.faults.relay import Policy, Relay
from tests.inlets.faults.traffic import ROADS, Traffic
from tests.inlets.launch import Intake
from tests.inlets.signing import Signer
from tests.kafka.cluster import Cluster

PARTITIONS = 4
PATIENCE_S = 120.0
POLL_S = 0.5
READING_S = 60.0
COUNTS = ("sent", "seen", "lost", "duplicated", "wrong", "late")
BROKERS_S = 4
"""How long an intake gives the brokers; its own default is beyond the patience of tests."""
LAUNCH = "tests.inlets.launch"
HASTY = "tests.inlets.faults.hasty"
"""A broken twin."""


class Stage:
    """Use it in a ``with``: topics, queues and the relay are there inside, and all intakes are gone after it."""

    def __init__(self, home: Path, seed: int, kafka: Cluster, policy: Policy | None = None) -> None:
        """Note it all; nothing runs yet."""
        home.mkdir(parents=True, exist_ok=True)
        self.home, self.seed, self.kafka = home, seed, kafka
        self.intakes: dict[str, Worker] = {}
        self.ledger = Ledger()
        self._hooks: dict[str, str] = {}
        self._signer = Signer()
        self._aws = Aws(home)
        self._teller = Teller(seed, time.time_ns() // 1_000_000)
        forge = Teller(seed + 1, time.time_ns() // 1_000_000).forged
        self.relay = Relay(self._signer, self._targets, forge, seed, policy or Policy())
        self._checker = Checker(self.ledger, Wire())
        self._topics = {role: f"faults-{seed}.{role}" for role in ("feedback", "dead-letters")}
        self._arns: dict[str, str] = {}
        self._scraper = Scraper(self.intakes)
        self._began = time.monotonic()
        self._reader: Reader | None = None
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        """Make topics and queues, and start what stands between them and us."""
        with self._ends:
            self._aws.start()
            self._ends.callback(self._aws.stop)
            self.relay.start()
            self._ends.callback(self.relay.stop)
            self._subscribe()
            self._command("topics", "create")
            self._scraper.start()
            self._ends = self._ends.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """End everything; AssertionError where an address was seen in a log or an answer."""
        with self._ends:
            for intake in self.intakes.values():
                intake.kill()
            if self._reader is not None:
                self._reader.close()
        self._scraper.stop(strict=kind is None)

    def intake(self, name: str = "one", launcher: str = LAUNCH) -> Worker:
        """Return the intake of this name, started; it keeps its ports, and its log by its name."""
        if name not in self.intakes:
            made = Intake(self.home / name, self.kafka.brokers, self._signer, launcher, **self._settings())
            self.intakes[name], self._hooks[name] = made.process, made.sns_url
        self.intakes[name].start()
        return self.intakes[name]

    def keep_alive(self) -> None:
        """Start those that have ended, until all are ready: whatever runs them does so too, while brokers are away."""
        until = time.monotonic() + PATIENCE_S
        while not all(intake.ready() for intake in self.intakes.values()):
            assert time.monotonic() < until, self.last_words()
            for intake in self.intakes.values():
                intake.start()
            time.sleep(POLL_S)

    @contextmanager
    def traffic(self, rate: float = 40) -> Iterator[None]:
        """Publish, *rate* a second, till the end."""
        sns = self._aws.client("sns")
        with Traffic(sns=sns, topics=self._arns, teller=self._teller, ledger=self.ledger, rate=rate, seed=self.seed):
            yield

    def settle(self, timeout: float = PATIENCE_S) -> bool:
        """Wait until every post is answered for good and every queue is empty; return whether it came to that.

        Then all must have landed: nothing else is waited for.
        """
        until = time.monotonic() + timeout
        while self.relay.waiting or any(self._aws.left().values()):
            if time.monotonic() > until or not any(intake.alive for intake in self.intakes.values()):
                return False
            time.sleep(POLL_S)
        return True

    def verdict(self) -> Verdict:
        """Kill the intakes, which have nothing left to say, read everything, and judge."""
        for intake in self.intakes.values():
            intake.kill()
        self._read_on()
        verdict = self._checker.judge(self._aws.left())
        for message_id in self.relay.counts.refused:
            verdict.find(Finding("posts", What.WRONG, "I2", message_id, "answered for good, and not well"))
        for message_id in self.relay.counts.given_up:
            verdict.find(Finding("posts", What.WRONG, "I2", message_id, "posted too often"))
        return verdict

    def report(self, fault: str, verdict: Verdict) -> None:
        """Write the result down, and print it."""
        counts = self.relay.counts
        said = {
            "fault": f"intake: {fault}",
            "broker": "kafka",
            "twin": "",
            "seed": self.seed,
            **{word: verdict.total(word) for word in COUNTS},
            "seconds": round(time.monotonic() - self._began, 1),
            "invariants": verdict.invariants,
            "clean": verdict.clean,
            "scrapes": self._scraper.said,
            "answers": dict(counts.answers),
            "forgeries": dict(counts.forgeries),
            "posted_again": counts.repeats,
            "records": self._checker.records,
        }
        write_result(said)
        words = f"{said['fault']} (seed {self.seed}, {said['seconds']} s): {counts.messages} messages by SNS posts"
        words += f", {counts.repeats} posted again; answers {said['answers']}, to forgeries {said['forgeries']}"
        sys.stdout.write(f"\n{words}; {self._checker.records} records of feedback\n{verdict.words()}\n")

    def end(self, fault: str, timeout: float = PATIENCE_S) -> Verdict:
        """Settle, judge, report, and fail where anything is lost or wrong, or nothing happened."""
        settled = self.settle(timeout)
        verdict = self.verdict()
        self.report(fault, verdict)
        assert settled, f"FAULTS_SEED={self.seed}: something waits still\n{verdict.words()}\n{self.last_words()}"
        assert verdict.clean, f"FAULTS_SEED={self.seed}\n{verdict.words()}\n{self.last_words()}"
        assert verdict.total("sent"), "nobody published anything"
        return verdict

    def last_words(self) -> str:
        """Return how each intake ended, and the end of its log."""
        return "\n".join(f"{w.name}, exit codes {w.codes}:\n{w.last_words()}" for w in self.intakes.values())

    def _targets(self) -> list[str]:
        return list(self._hooks.values())

    def _subscribe(self) -> None:
        """Make topics and queues; each topic leads where ROADS says."""
        self._arns = {name: self._aws.topic(f"mail-{name}") for name in ROADS}
        queues = {road: self._aws.queue(road.replace(" ", "-")) for road in ("sqs wrapped", "sqs raw")}
        for name, (roads, _) in ROADS.items():
            for road in roads:
                if road == "sns":
                    self._aws.post(self._arns[name], self.relay.url)
                else:
                    self._aws.send(self._arns[name], queues[road], raw=road == "sqs raw")

    def _read_on(self) -> None:
        if self._reader is None:
            names = list(self._topics.values())
            self._reader = Reader(self.kafka.brokers, f"faults-{self.seed}", names, PARTITIONS)
        for record in self._reader.read_on(READING_S):
            if record.topic == self._topics["feedback"]:
                self._checker.feedback(record)
            else:
                self._checker.letter(record)

    def _command(self, *words: str) -> None:
        """Run one of the product's commands."""
        asked = [sys.executable, "-m", "streams", *words]
        said = named({"brokers": self.kafka.brokers, **self._settings()})
        done = subprocess.run(asked, env=environment() | said, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")

    def _settings(self) -> dict[str, str]:
        """Return how intakes, and the command that makes their topics, are set."""
        said: dict[str, object] = {
            "topic_prefix": f"faults-{self.seed}.",
            "group": f"faults-{self.seed}",
            "partitions": PARTITIONS,
            "replication": min(len(self.kafka.nodes), 3),
            "web__host": "127.0.0.1",
            "intake__patience_seconds": BROKERS_S,
            "intake__sns__topics": ",".join(self._arns[name] for name, (roads, _) in ROADS.items() if "sns" in roads),
            "intake__sqs__queues": ",".join(self._aws.queues.values()),
            "intake__sqs__region": REGION,
            "intake__sqs__visibility_seconds": HIDDEN_S,
            "intake__sqs__wait_seconds": 1,
            "intake__sqs__pollers": 2,
        }
        return {name.upper(): str(value) for name, value in said.items()}
