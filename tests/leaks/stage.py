"""The whole product, run through a day of people: intake, worker with dispatch, simulator, commands; and two crashes.

What can be seen from outside afterwards is gathered here by place: pages, logs, answers, names of files, what Kafka
shows of our clients. Topics, tables and what a command was asked to show hold people by right; they are not gathered.
"""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from streams.demo.loop.requests import OUR_DOMAIN
from streams.demo.loop.ses import SimulatedSes
from streams.demo.stage import AWS
from streams.emit.admin import ensure_topics
from streams.emit.topic import Topic
from streams.settings import Security, Settings
from streams.topics import plan
from tests.faults.process import Worker
from tests.inlets.launch import Intake, now_ms
from tests.inlets.signing import Signer, headers_of, iso
from tests.leaks.day import records, texts
from tests.leaks.people import SHAPES, People

PREFIX, GROUP, PARTITIONS = "leaks.", "leaks", 2
PATIENCE_S = 120.0
OUTPUTS = ("outcomes", "suppressions", "retries", "loops", "settlements", "waiting", "dead-letters")
PLACES = (
    "worker: /metrics",
    "worker: /metrics (OpenMetrics)",
    "worker: log (JSON)",
    "worker: answers without a token",
    "worker: names of files",
    "intake: /metrics",
    "intake: log (text)",
    "intake: answers",
    "crash: log (text)",
    "crash: log (JSON)",
    "crash: dump of faulthandler",
    "commands: dead-letters list",
    "commands: details of dead letters",
    "commands: stderr",
    "commands: doctor",
    "kafka: clients of the group",
    "kafka: headers of what we wrote",
)


class Stage:
    """Use it in a ``with``: inside all runs; `day` fills it, `seen` holds what is to be seen."""

    def __init__(self, home: Path, brokers: str) -> None:
        """Note it all; nothing runs yet."""
        self.home, self.people, self.brokers = home, People(), brokers
        self.seen: dict[str, bytes] = {}
        self._open = ExitStack()
        self._signer = Signer()

    def __enter__(self) -> Self:
        """Make topics, and start simulator, worker and intake."""
        with ExitStack() as rising:
            for group in (GROUP, "crash-text", "crash-json"):
                planned = plan(prefix=PREFIX, partitions=PARTITIONS, replication=1, group=group)
                ensure_topics(self.brokers, Security(), planned)
            self.ses = SimulatedSes(self.brokers, PREFIX, self.home)
            rising.callback(self.ses.stop)
            self.ses.start()
            self._until(self.ses.ready, "the simulator")
            self.worker = Worker("worker", ("-m", "streams", "worker"), self._variables(GROUP, "json"), self.home / "w")
            rising.callback(self.worker.kill)
            self.worker.start()
            self.intake = rising.enter_context(
                Intake(self.home / "intake", self.brokers, self._signer, **self._common("text"))
            )
            self.worker.wait_until_ready()
            self._open = rising.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        """End all of it."""
        self._open.close()

    def day(self) -> None:
        """Let the day pass, and gather what is to be seen of it; then let two workers crash on it."""
        self._put()
        self._post()
        self._until(self._is_done, "the day")
        self._look_at_web("worker", self.worker.port)
        self._look_at_web("intake", self.intake.process.port)
        self._look_at_kafka()
        self._run_commands()
        self._crash()
        self.seen["worker: names of files"] = "\n".join(map(str, sorted(self.home.rglob("*")))).encode()
        self.seen["intake: log (text)"] = self.intake.process.text().encode()

    def counts(self) -> dict[str, int]:
        """Return how many records of each of our topics there are: the day has left something in each."""
        return {role: sum(1 for _ in self._rows(role)) for role in OUTPUTS}

    # What comes in.

    def _put(self) -> None:
        producer = Producer({"bootstrap.servers": self.brokers, "partitioner": "murmur2_random"})
        for shape in SHAPES:
            for put in records(self.people.shaped(shape), lambda: f"Shop <shop@{OUR_DOMAIN}>"):
                producer.produce(PREFIX + put.role, key=put.key, value=put.value, headers=list(put.headers))
        assert producer.flush(PATIENCE_S) == 0

    def _post(self) -> None:
        said: list[bytes] = []
        for shape in SHAPES:
            people = self.people.shaped(shape)
            said += [self._notify(text, Subject=people.words("SNS Subject")) for text in texts(people)]
            said += [self._bad_post(people), self._ask_intake("GET", f"/{quote(people.at('path of the intake'))}")]
            said.append(self._ask_intake("POST", f"/sns?who={quote(people.at('query of the intake'))}", b"{}"))
            token = quote(people.at("token to leave by"), safe="")
            said += [
                self._ask_intake("GET", f"/unsubscribe/{token}"),
                self._ask_intake("POST", f"/unsubscribe/{token}"),
            ]
        self._torn(self.intake.sns_port)
        self.seen["intake: answers"] = b"\n".join(said)

    def _notify(self, text: str, **more: Any) -> bytes:
        fields = self._signer.fields(text, Timestamp=iso(now_ms()), **more)
        return self._ask_intake("POST", "/sns", self._signer.sign(fields), headers_of(fields))

    def _bad_post(self, people: People) -> bytes:
        fields = self._signer.fields(people.at("unsigned Message"), TopicArn=people.at("TopicArn"))
        headers = headers_of(fields) | {
            "x-amz-sns-topic-arn": quote(fields["TopicArn"]),
            "X-Who": quote(people.at("header")),
        }
        return self._ask_intake("POST", "/sns", json.dumps(fields).encode(), headers)

    def _ask_intake(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
        return _asked(self.intake.sns_port, method, path, body, headers)

    def _is_done(self) -> bool:
        page = self.worker.page()
        if page is None or not page.get("ses_consumer_lag"):
            return False
        return not any(page["ses_consumer_lag"].values()) and not any(page.get("ses_sends_in_flight", {}).values())

    # What is to be seen.

    def _look_at_web(self, name: str, port: int) -> None:
        self.seen[f"{name}: /metrics"] = _asked(port, "GET", "/metrics")
        if name != "worker":
            return
        open_metrics = {"Accept": "application/openmetrics-text; version=1.0.0"}
        self.seen[f"{name}: /metrics (OpenMetrics)"] = _asked(port, "GET", "/metrics", headers=open_metrics)
        paths = [
            "/",
            "/health/live",
            "/health/ready",
            "/openapi.json",
            "/api/v1/overview",
            "/api/v1/overview?scope=group",
        ]
        said = [_asked(port, "GET", path) for path in paths]
        for shape in SHAPES:
            who = self.people.shaped(shape)
            said += [
                _asked(port, method, path + quote(who.at(f"{method} {path}"), safe=""))
                for method in ("GET", "PUT", "DELETE", "POST")
                for path in ("/api/v1/recipients/", "/api/v1/messages/", "/nothing/", "/?address=", "/search?q=")
            ]
        self._torn(port)
        known = next(
            person.address for person in self.people.known.values() if person.place == "bouncedRecipients.emailAddress"
        )
        said.append(_asked(port, "GET", f"/api/v1/recipients/{quote(known, safe='')}"))
        self.seen["worker: answers without a token"] = b"\n".join(said)

    def _torn(self, port: int) -> None:
        """Ask what is no request; the answer quotes it to whoever sent it, and to nobody else."""
        with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as line:
            line.sendall(f"GET /{self.people.bare('torn request')} HTTX\r\n\r\n".encode())
            assert line.recv(1 << 16)

    def _look_at_kafka(self) -> None:
        admin = AdminClient({"bootstrap.servers": self.brokers, "log_level": 0})
        try:
            group = admin.describe_consumer_groups([GROUP])[GROUP].result(10)
            said = [f"{len(group.members)} members"]
            said += [f"{one.client_id} {one.member_id} {one.group_instance_id}" for one in group.members]
        except Exception as error:  # noqa: BLE001 - the embedded broker may not know how: then that is to be seen
            said = [repr(error)]
        self.seen["kafka: clients of the group"] = "\n".join(said).encode()
        headed = [str(row) for role in OUTPUTS for row in self._rows(role) if row.headers]
        self.seen["kafka: headers of what we wrote"] = f"{len(headed)} records with headers\n".encode()
        assert headed == []

    def _rows(self, role: str) -> Iterator[Any]:
        with Topic(Settings(brokers=self.brokers, topic_prefix=PREFIX), role) as topic:
            yield from topic.to_the_end()

    # Commands.

    def _run_commands(self) -> None:
        self.seen["commands: dead-letters list"] = b"".join(self._command("dead-letters", "list", "--limit", "0"))
        listed, _ = self._command("dead-letters", "list", "--limit", "0", "--json")
        letters = [json.loads(line)["mail.DeadLetter"] for line in listed.splitlines()]
        details = [{name: letter[name] for name in ("topic", "stage", "reason", "detail")} for letter in letters]
        self.seen["commands: details of dead letters"] = json.dumps(details, indent=1).encode()
        self.seen["commands: doctor"] = b"".join((*self._command("doctor"), *self._command("doctor", "--json")))
        self.seen["commands: stderr"] = b"".join(self._stderr())

    def _stderr(self) -> Iterator[bytes]:
        """Yield what commands say of what they cannot use; and all that they say where they show no people."""
        events, listed = self.home / "events.json", self.home / "list.csv"
        with events.open("w") as lines, listed.open("w") as rows:
            rows.write("address,reason,at\n")
            for shape in SHAPES:
                people = self.people.shaped(shape)
                lines.writelines(f"{text}\n" for text in texts(people))
                rows.write(f"{people.at('list')},NO REASON\nnot {people.at('list no address')}\n")
                rows.write(f"{people.at('list time')},,soon\n")
        yield from self._command("ingest", str(events))
        yield self._command("suppressions", "import", str(listed), "--dry-run")[1]
        people = self.people.shaped("quoted")
        yield self._command("suppressions", "add", f"no {people.at('no address')}", "--why", "asked")[1]
        yield self._command("why", f"no {people.at('why')}")[1]
        yield self._command("trace", people.at("trace"))[1]
        yield from self._command("kit", "check", "--topic", "sends")
        yield from self._command("topics", "check")

    def _command(self, *words: str) -> tuple[bytes, bytes]:
        """Run a command; return what it says on stdout and on stderr."""
        done = subprocess.run(
            [sys.executable, "-m", "streams", *words],
            env=self.worker._environment | {"SES_STREAMS_DATA_DIR": str(self.home / "data")},
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
        return done.stdout, done.stderr

    # Crashes.

    def _crash(self) -> None:
        for form, called in (("text", "text"), ("json", "JSON")):
            name = f"crash-{form}"
            one = Worker(name, ("-m", "tests.leaks.failing"), self._variables(name, form), self.home / name)
            one.start()
            assert one.wait(PATIENCE_S) is not None, one.last_words()
            self.seen[f"crash: log ({called})"] = one.text().encode()
        before = len(self.worker.text())
        self.worker.signal(signal.SIGABRT)
        # faulthandler reads the frames of threads that run on, and may fall over one of them: that is a crash too.
        died = self.worker.wait(PATIENCE_S)
        assert died in {-signal.SIGABRT, -signal.SIGSEGV}, f"{died}:\n{self.worker.last_words(60)}"
        self.seen["worker: log (JSON)"] = self.worker.text().encode()
        self.seen["crash: dump of faulthandler"] = self.worker.text()[before:].encode()

    # Settings.

    def _common(self, form: str) -> dict[str, str]:
        return {
            "BROKERS": self.brokers,
            "TOPIC_PREFIX": PREFIX,
            "PARTITIONS": str(PARTITIONS),
            "REPLICATION": "1",
            "PRODUCER__IDEMPOTENT": "false",
            "DEAD_LETTERS__MAX_SHARE": "1",
            "LOG__LEVEL": "debug",
            "LOG__FORMAT": form,
            "WEB__TOKEN": "a token of the day that nobody knows or guesses",
            "UNSUBSCRIBE__KEY": "a key of thirty-two characters or of more",
            "UNSUBSCRIBE__URL": "https://mail.example.com/unsubscribe",
            "INTAKE__OBJECTS__BUCKETS": "mail-we-receive",
            "INTAKE__OBJECTS__ENDPOINT_URL": f"http://127.0.0.1:{self.ses.port}",  # which knows nothing of S3
            "INTAKE__OBJECTS__REGION": "eu-west-1",
        }

    def _variables(self, group: str, form: str) -> dict[str, str]:
        said = self._common(form) | {
            "GROUP": group,
            "DISPATCH__ENABLED": "true" if group == GROUP else "false",
            "DISPATCH__ENDPOINT_URL": self.ses.url,
            "DISPATCH__REGION": "us-east-1",
            "DISPATCH__DOUBT_MINUTES": "0.05",
            "UNSUBSCRIBE__STREAMS": "receipts",
            "JOIN__PARK_MINUTES": "0.02",
            "ENGINE__SESSION_TIMEOUT_MS": "6000",
        }
        own = {"PYTHONFAULTHANDLER": "1", "PYTHONASYNCIODEBUG": "1" if group == GROUP else ""}
        return {f"SES_STREAMS_{name}": value for name, value in said.items()} | AWS | own

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + PATIENCE_S
        calm = 0
        while calm < 3:  # what was only between two steps does not hold three times
            calm = calm + 1 if holds() else 0
            assert time.monotonic() < until, f"{what} does not come to its end"
            time.sleep(0.3)


def _asked(port: int, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """Return an answer, its head too."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        asked.request(method, path, body, dict(headers or {}))
        answer = asked.getresponse()
        return f"{answer.status} {answer.reason}\n{answer.headers}".encode() + answer.read()
    finally:
        asked.close()
