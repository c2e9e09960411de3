"""`ses-streams kit check`, on the embedded broker: a topic that is spoiled in every way, and one that is not."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # re-exported, and not marked so

from streams.cli.kit_findings import RULES
from streams.simulator.ids import message_id
from streams.topics import topic_name
from tests.builders import CODEC, event, send
from tests.cli.conftest import Run, World

NOW = 1_700_000_000_000  # long past, so that where keys lie is the same at every run
IDS = [message_id(3, number, NOW) for number in range(60)]
Post = tuple[str | bytes | None, bytes | None]


def good(one: str, **fields: Any) -> bytes:
    return CODEC.encode("mail.Send", send(one, sent_at=NOW, **fields))


def publish(world: World, role: str, posts: Sequence[Post], **words: Any) -> None:
    """Publish as another team would, by murmur2 unless *words* say otherwise."""
    settings = {"bootstrap.servers": world.settings.brokers, "partitioner": "murmur2_random"}
    producer = Producer(
        settings | {name.replace("_", "."): value for name, value in words.items() if name != "headers"}
    )
    for key, value in posts:
        producer.produce(
            topic_name(world.settings.topic_prefix, role), key=key, value=value, headers=words.get("headers")
        )
    assert producer.flush(30) == 0


def found(out: str) -> dict[str, dict[str, Any]]:
    return {one["finding"]: one for one in map(json.loads, out.splitlines())}


def test_a_topic_as_it_should_be_is_clean(world: World, run: Run) -> None:
    publish(world, "sends", [(one, good(one)) for one in IDS])
    publish(
        world,
        "feedback",
        [(one, CODEC.encode("mail.Feedback", event("DELIVERY", one, occurred_at=NOW))) for one in IDS],
    )
    for topic in ("sends", "feedback", topic_name(world.settings.topic_prefix, "sends")):
        ran = run("kit", "check", "--topic", topic)
        assert (ran.code, ran.out) == (0, "")
        assert "60 of 60 records read, nothing is wrong" in ran.err


def test_a_topic_that_is_spoiled_in_every_way_is_told_all_of_it(world: World, run: Run) -> None:
    a = good(IDS[0])
    publish(world, "sends", [(one, good(one)) for one in IDS], partitioner="consistent_random")
    publish(world, "sends", [(IDS[0], a)], headers=[("traceparent", b"00")])
    publish(
        world,
        "sends",
        [
            (IDS[0], None),
            (IDS[0], b'{"message_id": "ann@example.com"}'),
            (IDS[0], b"\0\0\0\0\7" + a[5:]),
            (IDS[0], CODEC.encode("mail.Feedback", event("DELIVERY", IDS[0]))),
            (IDS[0], a[:-3]),
            (IDS[0], good("")),
            (IDS[0], _timed(NOW * 1_000)),
            (IDS[0], _timed(NOW // 1_000)),
            (IDS[0], _timed(time.time_ns() // 1_000_000 + 86_400_000)),
            ("m-17.ann@mail.example.net", good("m-17.ann@mail.example.net")),
            (IDS[0], good(IDS[0], recipients=[])),
            (IDS[0], good(IDS[0], recipients=[f"p{number}@example.com" for number in range(51)])),
            (None, a),
            ("order-1", a),
            (f"<{IDS[0]}@email.amazonses.com>", good(f"<{IDS[0]}@email.amazonses.com>")),
            (IDS[0], good(IDS[0], recipients=["Ann <Ann@Example.com>"])),
            *[(IDS[0], good(IDS[0], stream=f"campaign-{number}")) for number in range(51)],
        ],
    )
    ran = run("kit", "check", "--topic", "sends", "--json")
    assert ran.code == 1
    said = found(ran.out)
    of_the_topic = {"COMPACTED", "CREATE_TIME", "UNCOMPRESSED"}
    assert set(said) == {rule.name for rule in RULES} - of_the_topic
    assert said["WRONG_PARTITION"]["detail"].startswith(("it looks like CRC32", "most look like CRC32"))
    assert "@" not in ran.out.replace("@...amazonses.com", "")
    for one in said.values():
        place = one["first"]
        assert place is None or (place["partition"] in {0, 1} and place["offset"] >= 0)


def test_people_read_what_is_wrong_with_its_fix(world: World, run: Run) -> None:
    publish(world, "sends", [(IDS[0], b"{}"), (IDS[0], b"{}"), (IDS[1], good(IDS[1]))])
    ran = run("kit", "check", "--topic", "sends")
    assert ran.code == 1
    assert ran.out.startswith("lost   NO_MAGIC: 2 records whose value does not begin with a zero byte")
    assert "\n       fix: put Confluent's five bytes" in ran.out
    assert "3 of 3 records read, 1 thing wrong" in ran.err


def test_the_last_so_many_of_each_partition_are_read_or_all_of_them(world: World, run: Run) -> None:
    for one in IDS[:30]:  # a batch each: the embedded broker gives whole batches, and lists the end by them
        publish(world, "sends", [(one, good(one))])
    assert "4 of 30 records read, nothing is wrong" in run("kit", "check", "--topic", "sends", "--last", "2").err
    assert "30 of 30 records read" in run("kit", "check", "--topic", "sends", "--last", "2", "--from-beginning").err


def test_notes_leave_the_exit_code_alone(world: World, run: Run) -> None:
    publish(world, "sends", [(IDS[0], good(IDS[0]))], headers=[("a", b"b")])
    ran = run("kit", "check", "--topic", "sends", "--json")
    assert (ran.code, list(found(ran.out))) == (0, ["HEADERS"])


def test_a_topic_that_somebody_else_made_is_told_so(world: World, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SES_STREAMS_TOPIC_PREFIX", "made-by-chance.")
    config = {"cleanup.policy": "compact", "message.timestamp.type": "CreateTime"}
    admin = AdminClient({"bootstrap.servers": world.settings.brokers})
    for made in admin.create_topics([NewTopic("made-by-chance.sends", num_partitions=1, config=config)]).values():
        made.result(30)
    ran = run("kit", "check", "--topic", "sends", "--json")
    assert (ran.code, list(found(ran.out))) == (1, ["COMPACTED", "CREATE_TIME"])


def test_a_topic_that_nobody_else_writes_to_is_no_word_for_it(run: Run) -> None:
    ran = run("kit", "check", "--topic", "outcomes")
    assert ran.code == 2
    assert "send-requests, sends, feedback" in ran.err


def test_a_topic_that_is_not_there_is_the_worlds_failure(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SES_STREAMS_TOPIC_PREFIX", "nowhere.")
    ran = run("kit", "check", "--topic", "sends")
    assert (ran.code, ran.out) == (3, "")
    assert "no topic nowhere.sends: ses-streams topics create" in ran.err


def test_brokers_that_do_not_answer_are_the_worlds_failure(
    no_broker: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functools import partial

    from streams.emit.admin import existing_topics

    monkeypatch.setattr("streams.cli.kit_reading.existing_topics", partial(existing_topics, timeout_s=1.0))
    ran = run("kit", "check", "--topic", "sends")
    assert ran.code == 3
    assert no_broker in ran.err


def _timed(at: int) -> bytes:
    return CODEC.encode("mail.Send", send(IDS[0], sent_at=at))
