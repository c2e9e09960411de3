"""Workers that share partitions, on Apache Kafka: who keeps what, who is disturbed, and who may not write."""

from __future__ import annotations

import subprocess
import time

import pytest
from faust.assignor.client_assignment import CopartitionedAssignment
from faust.assignor.copartitioned_assignor import CopartitionedAssignor

from tests.engine.conftest import Bench
from tests.engine.test_worker import amounts, places, read_sums, sums
from tests.kafka.cluster import Cluster

RECORDS = 2_000
SHARED = "up to date"
LONG = 20_000
PARTS = 8
MORE = 2
"""Partitions that Faust may move beyond what a newcomer needs."""
Assignment = dict[str, set[int]]


@pytest.fixture
def shared(kafka: Cluster, tmp_path_factory: pytest.TempPathFactory) -> object:
    """Yield a bench on Apache Kafka only."""
    bench = Bench(kafka, tmp_path_factory.mktemp("members"))
    bench.create_topics()
    yield bench
    bench.close()


def member(bench: Bench, name: str, **asked: object) -> subprocess.Popen[bytes]:
    return bench.start(data_dir=str(bench.data_dir / name), **asked)


def shares(bench: Bench, worker: subprocess.Popen[bytes]) -> int:
    """Return how often a worker was given its share."""
    return bench.log(worker).count(SHARED)


def wait_for_share(bench: Bench, worker: subprocess.Popen[bytes], times: int) -> None:
    bench.wait_for(lambda: shares(bench, worker) >= times, worker)


def assigned(before: Assignment, members: str) -> Assignment:
    """Return what Faust's assignor gives to each of *members*, who have what they had *before*."""
    had = {
        name: CopartitionedAssignment(actives=set(before.get(name, ())), standbys=set(), topics={"t"})
        for name in members
    }
    given = CopartitionedAssignor(topics={"t"}, cluster_asgn=had, num_partitions=PARTS, replicas=0).get_assignment()
    return {name: set(given[name].actives) for name in members}


def test_faust_leaves_partitions_where_they_are_when_a_member_goes_and_moves_few_when_one_comes() -> None:
    now: Assignment = {}
    for members in ("a", "ab", "abc", "ac", "a", "ab"):
        before, now = now, assigned(now, members)
        assert sorted(partition for share in now.values() for partition in share) == list(range(PARTS))
        assert max(map(len, now.values())) <= -(-PARTS // len(members))
        if len(before) > len(members):
            assert all(before[name] <= now[name] for name in members)
        elif before:
            newcomers = set(members) - set(before)
            needed = sum(len(now[name]) for name in newcomers)
            assert sum(len(now[name] - before.get(name, set())) for name in members) <= needed + MORE


@pytest.mark.kafka
@pytest.mark.parametrize("kindly", [True, False])
def test_a_named_worker_that_is_back_within_its_session_disturbs_nobody(shared: Bench, kindly: bool) -> None:
    bench, fed = shared, (amounts(RECORDS), amounts(RECORDS, seed=2))
    first = member(bench, "first", instance_id="first", session_timeout=LONG)
    wait_for_share(bench, first, 1)
    second = member(bench, "second", instance_id="second", session_timeout=LONG)
    wait_for_share(bench, second, 1)
    wait_for_share(bench, first, 2)
    bench.feed("a", fed[0])
    bench.wait_until_committed(RECORDS, first)
    before = shares(bench, first)
    if kindly:
        assert bench.stop(second) == 0
    else:
        second.kill()
        second.wait()
    bench.feed("a", fed[1])
    again = member(bench, "second", instance_id="second", session_timeout=LONG)
    bench.wait_until_committed(2 * RECORDS, again)
    assert shares(bench, first) == before
    assert bench.stop(first) == bench.stop(again) == 0
    assert bench.outputs() == places(bench)
    assert read_sums(bench.folded_changelog()) == sums(*fed)


@pytest.mark.kafka
def test_two_workers_of_one_name_do_not_oust_each_other_for_ever(shared: Bench) -> None:
    bench, fed = shared, amounts(RECORDS)
    first = member(bench, "first", instance_id="same", session_timeout=LONG)
    wait_for_share(bench, first, 1)
    second = member(bench, "second", instance_id="same", session_timeout=LONG)
    assert first.wait(60) == 1
    assert "another worker has taken this one's place in the group" in bench.log(first)
    assert "SES_STREAMS_ENGINE__INSTANCE_ID" in bench.log(first)
    bench.feed("a", fed)
    bench.wait_until_committed(RECORDS, second)
    assert bench.stop(second) == 0
    assert bench.outputs() == places(bench)


@pytest.mark.kafka
def test_a_nameless_worker_that_leaves_gives_its_share_to_the_others_at_once(shared: Bench) -> None:
    bench, fed = shared, (amounts(RECORDS), amounts(RECORDS, seed=2))
    first = member(bench, "first", session_timeout=LONG)
    second = member(bench, "second", session_timeout=LONG)
    for worker in (first, second):
        wait_for_share(bench, worker, 1)
    bench.feed("a", fed[0])
    bench.wait_until_committed(RECORDS, first)
    began = time.monotonic()
    assert bench.stop(second) == 0
    bench.feed("a", fed[1])
    bench.wait_until_committed(2 * RECORDS, first)
    assert time.monotonic() - began < LONG / 1000  # it left, and was not waited for
    assert bench.stop(first) == 0
    assert bench.outputs() == places(bench)


@pytest.mark.kafka
def test_workers_that_are_added_and_removed_under_load_lose_nothing(shared: Bench) -> None:
    bench, fed = shared, []
    keeper = member(bench, "keeper")
    for turn in range(4):
        other = member(bench, f"other-{turn % 2}", chunk_records=100)
        for part in range(3):
            fed.append(amounts(500, seed=10 * turn + part))
            bench.feed("ab"[part % 2], fed[-1])
            time.sleep(0.3)
        if turn % 2:
            other.kill()
            other.wait()
        else:
            assert bench.stop(other) in {0, -15}
    bench.wait_until_committed(sum(map(len, fed)), keeper)
    assert bench.stop(keeper) == 0
    assert bench.outputs() == places(bench)
    assert read_sums(bench.folded_changelog()) == sums(*fed)
    assert not [log for log in map(bench.log, bench.workers) if "were not fetched" in log]
