"""The stage of a fault test: topics and workers on a broker that somebody else breaks, traffic, and the verdict.

README.md shows how it is used. Topics are made and workers run by the product's own commands; what is judged, the
checker judges.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from tests.faults.checker import Terms, judge
from tests.faults.counters import judge_counters
from tests.faults.evidence import Evidence
from tests.faults.generator import Pace, Traffic
from tests.faults.ledger import Ledger
from tests.faults.process import Page, Worker
from tests.faults.requests import Asker
from tests.faults.results import write_result
from tests.faults.scrape import Scraper
from tests.faults.ses import Ses
from tests.faults.setting import ROLES, Setting, environment, named
from tests.faults.tables import Changelogs, judge_tables, read_tables
from tests.faults.teller import Teller
from tests.faults.topics import Reader
from tests.faults.verdict import Finding, Verdict, What
from tests.faults.wire import Wire

__all__ = ["ROOT", "Setting", "Stage"]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120.0
POLL_S = 0.5
READING_S = 60.0


class Broker(Protocol):
    """Whatever runs a broker and says where."""

    @property
    def address(self) -> str:
        """Return ``host:port,...``."""


class Stage:
    """Use it in a ``with``: topics are there inside, and all workers are gone after it."""

    def __init__(self, home: Path, seed: int, broker: Broker, setting: Setting | None = None) -> None:
        """Note it all; nothing is made yet."""
        self.home, self.seed, self.broker = home, seed, broker
        self.setting = Setting() if setting is None else setting
        self.group = f"faults-{seed}"
        self.prefix = f"faults-{seed}."
        self.topics = {role: self.prefix + role for role in ROLES}
        self.changelogs = {f"{self.group}-{name}-changelog": name for name in self.setting.tables}
        self.terms = Terms(park=int(self.setting.park * 1000), kinds=self.setting.kinds)
        self.workers: dict[str, Worker] = {}
        self.scraper = Scraper({} if self.setting.twin else self.workers)
        self.notes: dict[str, object] = {}  # what a test wants in its result besides
        self._began = time.monotonic()
        home.mkdir(parents=True, exist_ok=True)
        wire = Wire()
        self.ledger = Ledger(home / "ledger.sqlite")
        self.evidence = Evidence(wire, {name: role for role, name in self.topics.items()})
        now, untold = int(time.time() * 1000), self.setting.untold
        self._teller = Asker(seed, wire, now) if self.setting.dispatch else Teller(seed, wire, now, untold)
        ours = {
            "brokers": broker.address,
            "topic_prefix": self.prefix,
            "producer__idempotent": "false",
        }  # outlives a cluster
        self.ses = Ses(environment() | named(ours), home, self.setting.account)
        self._runs = 0
        self._reader: Reader | None = None

    def __enter__(self) -> Self:
        """Make the topics."""
        self._command("topics", "create")
        self.scraper.start()
        if self.setting.dispatch:
            self.ses.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Kill what is left of the workers; AssertionError where an address was seen in a log or an answer."""
        for worker in self.workers.values():
            worker.kill()
        self.ses.stop()
        if self._reader is not None:
            self._reader.close()
        self.ledger.close()
        self.scraper.stop(strict=kind is None)

    def worker(self, name: str = "one", *, start: bool = True, **settings: object) -> Worker:
        """Return the worker of this name, started; it keeps its disk and its log by its name.

        *settings* by the names of SES_STREAMS_*: ``engine__instance_id="one"``. They hold for its first call.
        """
        if name not in self.workers:
            variables = self._variables() | named(settings)
            self.workers[name] = Worker(name, self.setting.words, variables, self.home / "workers" / name)
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
            judge_counters(self.ledger, page, verdict)
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
            "scrapes": self.scraper.said,
            **self.notes,
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
        committed = reader.committed(self.topics[role] for role in self.setting.inputs)
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
            tables = read_tables(worker.name, worker.data / self.group, self.setting.tables)
            judge_tables(tables, changelogs, verdict)
        if at_end:
            changelogs.judge_ends(verdict)

    def _page(self) -> Page | None:
        """Return the metrics of the one worker that lived throughout; None where there is none."""
        workers = list(self.workers.values())
        if len(workers) != 1 or workers[0].lives != 1 or not workers[0].alive:
            return None
        return workers[0].page()

    def _command(self, *words: str) -> None:
        """Run one of the product's commands."""
        done = subprocess.run(
            [sys.executable, "-m", "streams", *words],
            env=environment() | self._variables(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")

    def _variables(self) -> dict[str, str]:
        return self.setting.variables(self.broker.address, self.prefix, self.group, self.ses.url)
