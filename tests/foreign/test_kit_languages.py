"""The kit's producers in Python, Java, Go and Node: the same bytes and partitions, each by its own libraries."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streams.cli.kit_golden import golden_text
from streams.cli.kit_judging import HOUR, Judge
from streams.cli.kit_reading import judged
from streams.emit.admin import ensure_topics
from streams.emit.topic import Topic
from streams.schemas.codec import load_codec
from streams.settings import Security, Settings
from streams.topics import plan
from tests.builders import NOON
from tests.conftest import Need
from tests.foreign.kit import OTHERS, PYTHON, Language, NotHere, ready, run, why_not
from tests.kafka.cluster import Cluster

KNOWN = json.loads(golden_text())
LEAST = {one["schema"]: one for one in KNOWN["values"] if one["example"] == "least"}
PARTITIONS = 12
EVERY = [PYTHON, *(pytest.param(one, marks=pytest.mark.kafka) for one in OTHERS)]
Spoil = Callable[[Any], Any]
SPOILED: list[tuple[str, Spoil, str]] = [
    ("hex", lambda text: f"{text[:-2]}7f", "other bytes"),
    ("partitions", lambda found: {count: (at + 1) % int(count) for count, at in found.items()}, "partition"),
]


@pytest.fixture
def producer(need: Need, request: pytest.FixtureRequest) -> Language:
    """Give a language whose producer is ready to run."""
    language: Language = request.param
    missing = why_not(language)
    need(not missing, f"no {language.name} for the kit: {missing}")
    return language


@pytest.mark.parametrize("producer", EVERY, ids=lambda one: one.name, indirect=True)
def test_a_language_makes_the_golden_bytes_and_partitions(producer: Language) -> None:
    ended = run(producer, "verify")
    values, keys = len(KNOWN["values"]), len(KNOWN["values"]) + len(KNOWN["partitioner"])
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"{producer.name}: {values} values, {keys} keys, 0 wrong\n"


@pytest.mark.parametrize("producer", EVERY, ids=lambda one: one.name, indirect=True)
def test_a_language_says_so_where_bytes_or_partitions_are_others(producer: Language, tmp_path: Path) -> None:
    kit = tmp_path / "kit"  # of its own: another test may be reading the ready one
    shutil.copytree(ready(producer).parent, kit)
    for word, spoil, said in SPOILED:
        known = json.loads(golden_text())
        known["values"][0][word] = spoil(known["values"][0][word])
        (kit / "golden.json").write_text(json.dumps(known))
        ended = run(producer, "verify", kit=kit)
        assert ended.returncode != 0, said
        assert said in ended.stderr


@pytest.mark.kafka
@pytest.mark.parametrize("producer", [PYTHON, *OTHERS], ids=lambda one: one.name, indirect=True)
def test_what_a_language_publishes_lies_right_and_the_check_finds_nothing(producer: Language, kafka: Cluster) -> None:
    settings = Settings(brokers=kafka.brokers, topic_prefix=f"kit-{uuid.uuid4().hex[:8]}.", replication=1)
    prefix = settings.topic_prefix
    ensure_topics(
        kafka.brokers, Security(), plan(prefix=prefix, partitions=PARTITIONS, replication=1, group=prefix[:-1])
    )
    ended = run(producer, "publish", kafka.brokers, prefix)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for role, name in (("sends", "mail.Send"), ("feedback", "mail.Feedback")):
        with Topic(settings, role) as topic:
            (lies,) = topic.to_the_end()
        golden = LEAST[name]
        assert (lies.value or b"").hex() == golden["hex"]
        assert ((lies.key or b"").decode(), lies.partition) == (golden["key"], golden["partitions"][str(PARTITIONS)])
        judge, held = judged(settings, role, 10, lambda schema, count: Judge(load_codec(), schema, count, NOON + HOUR))
        assert (judge.found(), judge.records, held) == ([], 1, 1)


@pytest.mark.parametrize("language", [PYTHON, *OTHERS], ids=lambda one: one.name)
def test_a_language_that_is_not_here_is_said_to_be_missing(
    language: Language, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tests.foreign.kit.HOME", tmp_path)
    with pytest.raises(NotHere, match="apt-get install"):
        ready(language._replace(tool="no-such-program"))
    if language.get:
        with pytest.raises(NotHere, match="false failed"):
            ready(language._replace(tool="false", get=["false"]))
