"""The whole worker on the embedded broker: what it must not lose, whatever ends it."""

from __future__ import annotations

import json
import random
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from streams.engine.app import ChunkApp
from streams.engine.broker import EmbeddedBroker
from streams.engine.config import EngineConfig
from streams.engine.progress import State
from tests.engine.conftest import PARTITIONS, Bench
from tests.engine.toy import Ledgerer

RECORDS = 3_000


def amounts(count: int, seed: int = 1) -> list[tuple[bytes, bytes]]:
    chance = random.Random(seed)
    return [(b"key-%d" % chance.randrange(200), b"%d" % chance.randrange(100)) for _ in range(count)]


def sums(*fed: list[tuple[bytes, bytes]]) -> dict[bytes, int]:
    totals: dict[bytes, int] = {}
    for key, value in (pair for pairs in fed for pair in pairs):
        totals[key] = totals.get(key, 0) + int(value)
    return totals


def read_sums(state: dict[bytes, bytes]) -> dict[bytes, int]:
    return {key: json.loads(value)["sum"] for key, value in state.items()}


def places(bench: Bench) -> set[bytes]:
    """Return every record that is fed, as the toy names its outputs."""
    found = set()
    for (topic, partition), end in bench.ends().items():
        found |= {f"{topic.rpartition('.')[2]}/{partition}/{offset}".encode() for offset in range(end)}
    return found


def test_every_record_is_answered_and_the_offsets_are_committed_at_the_end(bench: Bench) -> None:
    fed = amounts(RECORDS), amounts(RECORDS, seed=2)
    bench.feed("a", fed[0])
    bench.feed("b", fed[1])
    worker = bench.start(commit_interval=60_000)
    bench.wait_for(lambda: len(bench.outputs()) == 2 * RECORDS, worker)
    assert sum(bench.committed().values()) == 0  # so the commit below is the one of stopping
    assert bench.stop(worker) == 0
    assert bench.committed() == bench.ends()
    assert bench.outputs() == places(bench)
    assert read_sums(bench.folded_changelog()) == read_sums(bench.stored()) == sums(*fed)


def test_a_restarted_worker_goes_on_where_it_was(bench: Bench) -> None:
    first, second = amounts(RECORDS), amounts(RECORDS, seed=2)
    bench.feed("a", first)
    worker = bench.start()
    bench.wait_until_committed(RECORDS, worker)
    assert bench.stop(worker) == 0
    bench.feed("a", second)
    worker = bench.start()
    bench.wait_until_committed(2 * RECORDS, worker)
    assert bench.stop(worker) == 0
    assert len(bench.read(bench.topics["out"])) == 2 * RECORDS  # nothing twice, for nothing was cut short
    assert read_sums(bench.stored()) == sums(first, second)


def test_state_is_rebuilt_from_its_changelog_when_the_disk_is_lost(bench: Bench) -> None:
    fed = amounts(RECORDS)
    bench.feed("a", fed)
    worker = bench.start()
    bench.wait_until_committed(RECORDS, worker)
    assert bench.stop(worker) == 0
    shutil.rmtree(bench.data_dir)
    bench.feed("b", [(b"key-0", b"1000")])
    worker = bench.start()
    bench.wait_until_committed(RECORDS + 1, worker)
    assert bench.stop(worker) == 0
    expected = sums(fed, [(b"key-0", b"1000")])
    assert read_sums(bench.stored()) == read_sums(bench.folded_changelog()) == expected


def test_a_worker_killed_at_any_step_loses_nothing(make_bench: Callable[[], Bench]) -> None:
    fed = amounts(RECORDS), amounts(RECORDS, seed=2)
    steps = [("published", 2), ("logged", 3), ("worked", 5), ("committed", 1), ("recovering", 1)]
    benches = [make_bench() for _ in steps]  # side by side: a killed member keeps its group waiting
    doomed = []
    for bench, (step, times) in zip(benches, steps, strict=True):
        bench.feed("a", fed[0])
        bench.feed("b", fed[1])
        doomed.append(bench.start(die=(step, times)))
    assert [worker.wait(60) for worker in doomed] == [-9] * len(steps)
    successors = [bench.start() for bench in benches]
    for bench, worker in zip(benches, successors, strict=True):
        bench.wait_until_running(worker)
        bench.wait_until_committed(2 * RECORDS, worker)
        assert bench.stop(worker) == 0
        assert bench.outputs() == places(bench)
        assert read_sums(bench.stored()) == read_sums(bench.folded_changelog()) == sums(*fed)


def test_another_worker_takes_over_what_a_killed_one_left(bench: Bench) -> None:
    fed = amounts(RECORDS), amounts(RECORDS, seed=2)
    bench.feed("a", fed[0])
    first = bench.start(data_dir=str(bench.data_dir / "first"))
    bench.wait_until_committed(RECORDS, first)
    second = bench.start(data_dir=str(bench.data_dir / "second"))
    bench.wait_until_running(second)
    bench.wait_for(lambda: bench.log(first).count("up to date") == 2, first)  # it was given its share again
    bench.feed("b", fed[1])
    first.kill()
    bench.wait_until_committed(2 * RECORDS, second)
    assert bench.stop(second) == 0
    assert bench.outputs() == places(bench)
    assert read_sums(bench.folded_changelog()) == sums(*fed)
    bench.data_dir = bench.data_dir / "second"
    assert read_sums(bench.stored()) == sums(*fed)


def test_a_worker_that_was_frozen_while_another_took_over_writes_nothing_more(bench: Bench) -> None:
    fed = amounts(RECORDS)
    bench.feed("a", fed)
    frozen = bench.start(data_dir=str(bench.data_dir / "first"), freeze=bench.changelog, chunk_records=200)
    stat = Path(f"/proc/{frozen.pid}/stat")
    bench.wait_for(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", frozen)
    heir = bench.start(data_dir=str(bench.data_dir / "second"))
    bench.wait_until_committed(RECORDS, heir)
    written = len(bench.read(bench.changelog))
    frozen.send_signal(signal.SIGCONT)
    bench.wait_for(lambda: bench.log(frozen).count("up to date") == 2, frozen)  # as a new member
    assert len(bench.read(bench.changelog)) == written
    assert bench.stop(frozen) == bench.stop(heir) == 0
    assert bench.outputs() == places(bench)
    assert read_sums(bench.folded_changelog()) == sums(fed)


def test_a_changelog_that_was_made_anew_is_noticed_and_state_follows_it(bench: Bench) -> None:
    bench.feed("a", amounts(RECORDS))
    worker = bench.start()
    bench.wait_until_committed(RECORDS, worker)
    assert bench.stop(worker) == 0
    assert bench.stored()
    bench.delete_topics(bench.changelog)
    bench.create_topics(bench.changelog)
    worker = bench.start()
    bench.wait_until_running(worker)
    assert bench.stop(worker) == 0
    assert "is not the changelog that local state came from" in bench.log(worker)
    assert bench.stored() == bench.folded_changelog() == {}


def test_damaged_state_is_rebuilt_and_never_taken_for_empty(bench: Bench) -> None:
    fed = amounts(RECORDS)
    bench.feed("a", fed)
    worker = bench.start()
    bench.wait_until_committed(RECORDS, worker)
    assert bench.stop(worker) == 0
    for manifest in bench.data_dir.rglob("MANIFEST-*"):
        manifest.write_bytes(b"not what RocksDB wrote")
    worker = bench.start()
    bench.wait_until_running(worker)
    assert bench.stop(worker) == 0
    assert "is wiped and rebuilt" in bench.log(worker)
    assert read_sums(bench.stored()) == sums(fed)


def test_a_key_is_woken_once_when_its_time_has_come_even_after_a_restart(bench: Bench) -> None:
    before = int(time.time() * 1000)
    bench.feed("a", [(b"soon", b"300"), (b"later", b"5000")])
    worker = bench.start(hop="alarm")
    bench.wait_for(lambda: len(bench.outputs()) == 1, worker)
    bench.wait_until_committed(2, worker)
    assert bench.stop(worker) == 0
    worker = bench.start(hop="alarm")
    bench.wait_for(lambda: len(bench.outputs()) == 2, worker)
    assert bench.stop(worker) == 0
    rung = dict(bench.read(bench.topics["out"]))
    assert len(bench.read(bench.topics["out"])) == 2
    for key, wait in ((b"soon", 300), (b"later", 5000)):
        due, at = map(int, (rung[key] or b"").split(b"/"))
        assert before + wait <= due <= at


def test_a_key_is_woken_although_its_timer_was_lost_with_the_disk(bench: Bench) -> None:
    bench.feed("a", [(b"later", b"3500")])
    worker = bench.start(hop="alarm")
    bench.wait_until_committed(1, worker)
    assert bench.stop(worker) == 0
    shutil.rmtree(bench.data_dir)
    worker = bench.start(hop="alarm")
    bench.wait_for(lambda: len(bench.outputs()) == 1, worker)
    assert bench.stop(worker) == 0


def test_a_worker_says_which_topics_are_missing_and_how_to_make_them(bench: Bench) -> None:
    bench.delete_topics(bench.changelog)
    worker = bench.start()
    assert worker.wait(40) == 1
    assert (
        f"{bench.changelog} is missing. Run: ses-streams topics create, unless SES_STREAMS_TOPIC_PREFIX"
        in bench.log(worker)
    )


def test_nothing_is_committed_past_a_record_that_the_hop_could_not_bear(bench: Bench) -> None:
    bench.feed("a", amounts(RECORDS))
    worker = bench.start(hop_args={"fail_at": "a/0/700"})
    assert worker.wait(40) == 1
    assert bench.committed()[(bench.topics["a"], 0)] <= 700
    said = bench.log(worker)
    assert f"{bench.topics['a']}/0 offsets " in said
    assert "RuntimeError" in said
    assert "key-" not in said


def test_a_worker_whose_broker_died_says_so_and_ends(tmp_path: Path) -> None:
    with EmbeddedBroker() as mortal:
        bench = Bench(mortal, tmp_path)
        bench.create_topics()
        worker = bench.start(request_timeout=2_000, rebalance_timeout=2_000, stop_timeout=2_000)
        bench.wait_until_running(worker)
        mortal.stop()
        assert worker.wait(40) == 1
        assert "the brokers have not answered for 4 s" in bench.log(worker)


class Told:
    """A witness that writes down what it is told: a tuple for work done, a dict for a count."""

    def __init__(self, told: list[object]) -> None:
        self.told = told

    def done(self, *told: object) -> None:
        self.told.append(told)

    def counted(self, _hop: str, partition: int, counts: Counter[tuple[str, ...]] | None) -> None:
        self.told.append({partition: counts})


def in_process(bench: Bench, told: list[object]) -> ChunkApp:
    """Return an engine that runs in this process, and tells what it does."""
    config = EngineConfig(
        brokers=(bench.broker.address,),
        group=bench.group,
        data_dir=bench.data_dir,
        partitions=PARTITIONS,
        session_timeout=2_000,
        heartbeat_interval=400,
        commit_interval=100,
        idempotent=bench.idempotent,
        freeze=False,
    )
    engine = ChunkApp(config, bench.topics)
    engine.add_hop(Ledgerer(), ["a", "b"], ["out"], "sums", Told(told))
    return engine


def test_what_a_table_holds_is_counted_when_a_worker_starts_again(bench: Bench) -> None:
    bench.feed("a", amounts(RECORDS))
    worker = bench.start()
    bench.wait_until_committed(RECORDS, worker)
    assert bench.stop(worker) == 0
    told: list[object] = []
    engine = in_process(bench, told)
    running = threading.Thread(target=engine.run)
    running.start()
    bench.wait_for(lambda: sum(isinstance(each, dict) for each in told) >= PARTITIONS)
    engine.request_stop()
    running.join(20)
    counted: Counter[tuple[str, ...]] = Counter()
    for each in told:
        if isinstance(each, dict):
            counted.update(next(iter(each.values())) or {})
    assert counted == {("sums",): len(bench.stored())}


def test_a_stop_that_fails_ends_the_process_all_the_same(bench: Bench) -> None:
    worker = bench.start(broken_rest=True)
    bench.wait_until_running(worker)
    assert bench.stop(worker) == 1
    assert "stop: AttributeError" in bench.log(worker)


def test_the_engine_tells_how_it_goes_and_stops_its_services_last(bench: Bench) -> None:
    bench.feed("a", amounts(RECORDS))
    told: list[object] = []
    engine = in_process(bench, told)

    async def start() -> None:
        told.append(engine.progress().state)

    async def stop() -> None:
        told.append(engine.progress().state)

    engine.add_service(start, stop)
    running = threading.Thread(target=lambda: told.append(engine.run()))
    running.start()
    bench.wait_for(lambda: engine.progress().committed_at is not None)
    bench.wait_for(lambda: engine.progress().lag == 0)
    progress = engine.progress()
    assert (progress.state, progress.lag, progress.failure) == (State.RUNNING, 0, None)
    assert {(each.role, each.partition) for each in progress.partitions} == {
        (role, partition) for role in ("a", "b") for partition in range(PARTITIONS)
    }
    assert sum(each.next_offset or 0 for each in progress.partitions) == RECORDS
    assert progress.moved_at >= (progress.committed_at or 0) - 5_000
    engine.request_stop()
    running.join(20)
    assert (told[0], told[-2], told[-1]) == (State.STARTING, State.STOPPING, 0)
    names, places, effects, timings = zip(*[each for each in told if isinstance(each, tuple)], strict=True)
    assert set(names) == {"ledgerer"}
    assert set(places) == set(range(PARTITIONS))
    counts = [each for each in told if isinstance(each, dict)]
    assert [next(iter(each.values())) for each in counts] == [Counter()] * PARTITIONS + [None] * PARTITIONS
    assert {next(iter(each)) for each in counts} == set(range(PARTITIONS))
    assert sum(len(each.outputs["out"].keys) for each in effects) == RECORDS
    assert sum(each.records for each in timings) == RECORDS
