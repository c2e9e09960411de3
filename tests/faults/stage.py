"""The stage of a fault test: topics and workers on a broker that somebody else breaks, traffic, and the verdict.

    with Stage(home, seed, broker=cluster) as stage:
        worker = stage.worker("one")
        worker.wait_until_ready()
        with stage.traffic(mails=5000, rate=300):
            worker.kill()
            worker.start()
        stage.end("a worker is killed")      # settles, judges, writes the result down, and fails if anything is lost

Topics are made and workers run by the product's own commands; what is judged, the checker judges.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from tests.faults.checker import KINDS, KINDS_OF_REQUESTS, Terms, judge
from tests.faults.evidence import Evidence
from tests.faults.generator import Pace, Traffic
from tests.faults.ledger import Ledger
from tests.faults.plots import Teller
from tests.faults.process import Page, Worker, by_label
from tests.faults.requests import Asker
from tests.faults.results import write_result
from tests.faults.ses import AWS, Ses
from tests.faults.tables import Changelogs, judge_tables, read_tables
from tests.faults.topics import Reader
from tests.faults.verdict import Finding, Verdict, What
from tests.faults.wire import Wire

ROOT = Path(__file__).resolve().parents[2]
ROLES = (
    "send-requests",
    "sends",
    "feedback",
    "outcomes",
    "suppressions",
    "retries",
    "loops",
    "waiting",
    "instructions",
    "dead-letters",
    "settlements",
    "pauses",
)
INPUTS = ("sends", "feedback", "outcomes", "instructions")
INPUTS_OF_DISPATCH = ("send-requests", "settlements", "retries")
INPUTS_OF_TWINS = ("sends", "feedback")
TABLES = ("lives", "standings")
PATIENCE_S = 120.0
POLL_S = 0.5
READING_S = 60.0
TWINS = {"vanilla": ("-m", "tests.faults.vanilla")}
DONE_BY_TWINS = frozenset({"outcomes", "dead letters"})
NOT_FOR_TWINS = ("odd_key",)
"""Stories that are left out for a twin: it joins where records lie, as its users must see to it that they do."""
OURS = ("-m", "streams", "worker")


class Broker(Protocol):
    """Whatever runs a broker and says where."""

    @property
    def address(self) -> str:
        """Return ``host:port,...``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How a stage is set.

    park: seconds that feedback waits for its Send. retry: seconds from a soft bounce to its retry. kind: the broker's,
    for the table. twin: another program in place of our worker. dispatch: traffic is requests, which our worker sends
    through the simulator (`stage.ses`); then doubt is how long (seconds) a mail in doubt waits for SES's word.
    """

    partitions: int = 4
    replication: int = 1
    park: float = 20
    retry: float = 3
    session_timeout_ms: int = 6_000
    commit_interval_ms: int = 500
    idempotent: bool = True
    kind: str = "kafka"
    twin: str | None = None
    dispatch: bool = False
    doubt: float = 20


class Stage:
    """Use it in a ``with``: topics are there inside, and all workers are gone after it."""

    def __init__(self, home: Path, seed: int, broker: Broker, setting: Setting | None = None) -> None:
        """Note it all; nothing is made yet."""
        self.home, self.seed, self.broker = home, seed, broker
        self.setting = Setting() if setting is None else setting
        self.group = f"faults-{seed}"
        self.prefix = f"faults-{seed}."
        self.topics = {role: self.prefix + role for role in ROLES}
        self._tables = (*TABLES, "requests") if self.setting.dispatch else TABLES
        self.changelogs = {f"{self.group}-{name}-changelog": name for name in self._tables}
        kinds = KINDS if self.setting.twin is None else DONE_BY_TWINS
        if self.setting.dispatch:
            kinds = KINDS_OF_REQUESTS
        self.terms = Terms(park=int(self.setting.park * 1000), kinds=kinds)
        self.workers: dict[str, Worker] = {}
        self._began = time.monotonic()
        home.mkdir(parents=True, exist_ok=True)
        wire = Wire()
        self.ledger = Ledger(home / "ledger.sqlite")
        self.evidence = Evidence(wire, {name: role for role, name in self.topics.items()})
        without = () if self.setting.twin is None else NOT_FOR_TWINS
        now = int(time.time() * 1000)
        self._teller = Asker(seed, wire, now) if self.setting.dispatch else Teller(seed, wire, now, without)
        self.ses = Ses(self._variables_of_ses(), home)
        self._runs = 0
        self._reader: Reader | None = None

    def __enter__(self) -> Self:
        """Make the topics."""
        self._command("topics", "create")
        if self.setting.dispatch:
            self.ses.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Kill what is left of the workers."""
        for worker in self.workers.values():
            worker.kill()
        self.ses.stop()
        if self._reader is not None:
            self._reader.close()
        self.ledger.close()

    def worker(self, name: str = "one", *, start: bool = True, **settings: object) -> Worker:
        """Return the worker of this name, started; it keeps its disk and its log by its name.

        *settings* by the names of SES_STREAMS_*: ``engine__instance_id="one"``. They hold for its first call.
        """
        if name not in self.workers:
            words = OURS if self.setting.twin is None else TWINS[self.setting.twin]
            variables = self._variables() | {_name(key): str(value) for key, value in settings.items()}
            self.workers[name] = Worker(name, words, variables, self.home / "workers" / name)
        if start:
            self.workers[name].start()
        return self.workers[name]

    @contextmanager
    def traffic(self, mails: int | None = None, rate: float = 300, *, patience: float = 180) -> Iterator[Traffic]:
        """Publish stories, *rate* a second; the end waits until what has begun is acknowledged, and all of *mails* is.

        *patience*: seconds that the end waits for the last acknowledgements.
        """
        self._runs += 1
        traffic = Traffic(
            brokers=self.broker.address,
            topics=self.topics,
            teller=self._teller,
            ledger=self.ledger,
            pace=Pace(mails=mails, rate=rate),
            idempotent=self.setting.idempotent,
            seed=self.seed + self._runs,
            patience=patience,
        )
        with traffic:
            yield traffic
            if mails is not None:
                traffic.wait()

    def settle(self, timeout: float = PATIENCE_S) -> bool:
        """Wait until nothing waits and nothing is missing; return whether it came to that."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            if self._settled():
                return True
            if self.workers and not any(worker.alive for worker in self.workers.values()):
                return self._settled()
            time.sleep(POLL_S)
        return False

    def verdict(self) -> Verdict:
        """Stop the workers, read everything to its end, and judge."""
        page = self._page()
        codes = [worker.stop() for worker in self.workers.values() if worker.alive]
        self._read_on()
        verdict = judge(self.ledger, self.evidence, self.terms)
        self._judge_lag(verdict)
        if self.setting.twin is None:
            self._judge_tables(verdict, at_end=bool(codes) and not any(codes))
            self._judge_counters(verdict, page)
        else:
            verdict.skipped |= dict.fromkeys(("I3", "I4", "I5", "I6"), "a twin does none of it")
        return verdict

    def report(self, fault: str, verdict: Verdict) -> None:
        """Write the result down, and print it."""
        said = {
            "fault": fault,
            "broker": self.setting.kind,
            "twin": self.setting.twin or "",
            "seed": self.seed,
            **{word: verdict.total(word) for word in ("sent", "seen", "lost", "duplicated", "wrong", "late")},
            "seconds": round(time.monotonic() - self._began, 1),
            "invariants": verdict.invariants,
            "clean": verdict.clean,
        }
        write_result(said)
        words = f"\n{fault} (broker {self.setting.kind}, seed {self.seed}, {said['seconds']} s)\n{verdict.words()}\n"
        sys.stdout.write(words)

    def end(self, fault: str, timeout: float = PATIENCE_S) -> Verdict:
        """Settle, judge, report, and fail where anything is lost or wrong."""
        settled = self.settle(timeout)
        verdict = self.verdict()
        self.report(fault, verdict)
        assert verdict.clean, f"FAULTS_SEED={self.seed}, settled: {settled}\n{verdict.words()}\n{self.last_words()}"
        return verdict

    def last_words(self) -> str:
        """Return how each worker ended, and the end of its log."""
        return "\n".join(f"{w.name}, exit codes {w.codes}:\n{w.last_words()}" for w in self.workers.values())

    def lag(self) -> dict[tuple[str, int], int]:
        """Return how many records of each input partition are not acknowledged by the workers, where any are."""
        self._read_on()
        reader = self._reading()
        roles: tuple[str, ...] = INPUTS if self.setting.twin is None else INPUTS_OF_TWINS
        roles += INPUTS_OF_DISPATCH if self.setting.dispatch else ()
        committed = reader.committed(self.topics[role] for role in roles)
        ends = {tp: max(reader.ends.get(tp, 0), reader.high(*tp)) for tp in committed}
        return {tp: end - committed[tp] for tp, end in ends.items() if end != committed[tp]}

    def _settled(self) -> bool:
        try:
            return not self.lag() and not judge(self.ledger, self.evidence, self.terms).lost
        except TimeoutError:
            return False

    def _reading(self) -> Reader:
        if self._reader is None:
            names = list(self.topics.values())
            self._reader = Reader(self.broker.address, self.group, names, self.setting.partitions)
        return self._reader

    def _read_on(self) -> None:
        for record in self._reading().read_on(READING_S):
            self.evidence.take(record)
        if self.setting.dispatch:
            self.evidence.handed = self.ses.handed()

    def _judge_lag(self, verdict: Verdict) -> None:
        for (topic, partition), lag in self.lag().items():
            verdict.find(Finding("lag", What.WRONG, "I7", f"{topic}/{partition}", f"{lag} records wait"))

    def _judge_tables(self, verdict: Verdict, *, at_end: bool) -> None:
        changelogs = Changelogs(self.changelogs)
        reader = Reader(self.broker.address, f"{self.group}-check", list(self.changelogs), self.setting.partitions)
        for record in reader.read_on(READING_S):
            changelogs.take(record)
        reader.close()
        for worker in self.workers.values():
            tables = read_tables(worker.name, worker.data / self.group, self._tables)
            judge_tables(tables, changelogs, verdict)
        if at_end:
            changelogs.judge_ends(verdict)

    def _page(self) -> Page | None:
        """Return the metrics of the one worker that lived throughout; None where there is none."""
        workers = list(self.workers.values())
        if len(workers) != 1 or workers[0].lives != 1 or not workers[0].alive:
            return None
        return workers[0].page()

    def _judge_counters(self, verdict: Verdict, page: Page | None) -> None:
        if self.setting.dispatch:
            verdict.skipped["I5"] = "counters are not compared where our own worker sends"
            return
        if page is None:
            verdict.skipped["I5"] = "no worker lived throughout"
            return
        if verdict.total("duplicated"):
            verdict.skipped["I5"] = "records were worked on twice"
            return
        due = {
            "kind": Counter(one.kind for one in self.ledger.outcomes().values()),
            "reason": Counter(one.reason for one in self.ledger.suppressions().values() if one.reason),
        }
        said = {
            "kind": by_label(page, "ses_outcomes_total", "kind"),
            "reason": by_label(page, "ses_suppressions", "reason"),
        }
        sends, letters = len(self.ledger.sends()) + self.ledger.stand_ins(), len(self.ledger.letters())
        pairs = [
            ("ses_outcomes_total", said["kind"], due["kind"]),
            ("ses_suppressions", said["reason"], due["reason"]),
            ("ses_sends_total", by_label(page, "ses_sends_total", "").total(), sends),
            ("ses_dead_letters_total", by_label(page, "ses_dead_letters_total", "").total(), letters),
        ]
        for name, counted, wanted in pairs:
            if counted != wanted:
                verdict.find(Finding("counters", What.WRONG, "I5", name, f"{counted}, not {wanted}"))

    def _command(self, *words: str) -> None:
        """Run one of the product's commands."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SES_STREAMS_")} | self._variables()
        done = subprocess.run(
            [sys.executable, "-m", "streams", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")

    def _variables(self) -> dict[str, str]:
        setting = self.setting
        said: dict[str, Any] = {
            "brokers": self.broker.address,
            "topic_prefix": self.prefix,
            "group": self.group,
            "partitions": setting.partitions,
            "replication": setting.replication,
            "producer__idempotent": str(setting.idempotent).lower(),
            "engine__session_timeout_ms": setting.session_timeout_ms,
            "engine__commit_interval_ms": setting.commit_interval_ms,
            "join__park_minutes": setting.park / 60,
            "retry__first_minutes": setting.retry / 60,
            "web__host": "127.0.0.1",
            "dispatch__enabled": "false",
        }
        if setting.dispatch:
            said |= {
                "dispatch__enabled": "true",
                "dispatch__endpoint_url": self.ses.url,
                "dispatch__region": "us-east-1",
                "dispatch__call_timeout_ms": 2_000,
                "dispatch__doubt_minutes": setting.doubt / 60,
                "dispatch__breaker__min_sends": 10_000_000,  # so much of this mail bounces that it would pause itself
                "retry__silence_minutes": 0.5,
            }
        return {_name(key): str(value) for key, value in said.items()} | (AWS if setting.dispatch else {})

    def _variables_of_ses(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("SES_STREAMS_", "AWS_"))}
        said = {
            "brokers": self.broker.address,
            "topic_prefix": self.prefix,
            "producer__idempotent": str(self.setting.idempotent).lower(),
        }
        return kept | {_name(key): value for key, value in said.items()}


def _name(setting: str) -> str:
    return f"SES_STREAMS_{setting.upper()}"
