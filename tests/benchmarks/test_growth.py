"""What the benchmark of growth rests on: honest mails by number, slopes with their error, sizes from batch headers."""

from __future__ import annotations

import struct
from pathlib import Path
from random import Random

import pytest

from benchmarks.growth_table import table
from benchmarks.growth_traffic import AWAY, Traffic
from benchmarks.growth_watch import slope_of
from benchmarks.segments import Packed, packed
from streams.hops.reading import Reading
from streams.schemas.codec import load_codec
from streams.state.lives import only_send

OPENED, NOW = 5_000, 1_795_000_000_000


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    return Traffic(load_codec(), OPENED, NOW)


@pytest.fixture(scope="module")
def reading() -> Reading:
    return Reading(load_codec())


def test_a_life_is_an_open_send_under_its_own_message_id(traffic: Traffic, reading: Reading) -> None:
    lives = list(traffic.lives())
    sends = [only_send(value) for _, value in lives]
    assert len({key for key, _ in lives}) == len({send for send in sends if send is not None}) == OPENED
    assert [reading.send(send).key for send in sends[:50]] == [key for key, _ in lives[:50]]


def test_every_mail_is_sent_once_and_heard_of_1_2_times(traffic: Traffic, reading: Reading) -> None:
    rows = list(traffic.mails(0, 10_000))
    sends = [reading.send(value).key for role, _, value in rows if role == "sends"]
    events = [reading.feedback(value) for role, _, value in rows if role == "feedback"]
    assert sends == [traffic.key(OPENED + step) for step in range(10_000)]
    assert len(events) == pytest.approx(12_000, rel=0.01)
    assert len({event.feedback["feedback_id"] for event in events}) == len(events), "no event is another one's repeat"


def test_half_of_the_events_are_about_sends_from_before_and_none_about_one_that_is_not_sent_yet(
    traffic: Traffic,
) -> None:
    old, begun, about_old = {key for key, _ in traffic.lives()}, set[bytes](), 0
    rows = list(traffic.mails(AWAY, 4_000))
    began = {traffic.key(OPENED + step) for step in range(AWAY)}
    for role, key, _ in rows:
        if role == "sends":
            begun.add(key)
        else:
            assert key in old or key in begun or key in began
            about_old += key in old
    assert about_old == pytest.approx(2_400, rel=0.01)


def test_the_same_number_makes_the_same_mail(traffic: Traffic) -> None:
    assert list(traffic.mails(7, 100)) == list(Traffic(load_codec(), OPENED, NOW).mails(7, 100))


def test_a_straight_line_has_its_slope_and_no_error() -> None:
    slope = slope_of([(second, 100 + second / 20) for second in range(600)])
    assert slope.a_minute == pytest.approx(3)
    assert slope.error == pytest.approx(0, abs=1e-9)
    assert not slope.is_flat


def test_noise_around_a_level_is_flat_and_noise_around_a_rise_is_not() -> None:
    chance = Random(7)
    noise = [chance.gauss(0, 5) for _ in range(600)]
    assert slope_of([(second, 100 + noise[second]) for second in range(600)]).is_flat
    assert not slope_of([(second, 100 + second / 20 + noise[second]) for second in range(600)]).is_flat


def test_too_few_samples_claim_nothing() -> None:
    assert slope_of([(0, 1), (1, 2)]).is_flat


def test_batches_are_counted_from_their_headers_and_from_an_offset_on(tmp_path: Path) -> None:
    directory = tmp_path / "topic-0"
    directory.mkdir()
    first, second = _batch(0, 3, 100), _batch(3, 2, 50)
    (directory / f"{0:020d}.log").write_bytes(first + second)
    (directory / f"{5:020d}.log").write_bytes(_batch(5, 9, 70) + bytes(100))
    everything = packed(tmp_path, "topic", {0: 0})
    assert everything == Packed(records=14, batches=3, size=3 * 61 + 220)
    assert packed(tmp_path, "topic", {0: 3}) == Packed(records=11, batches=2, size=2 * 61 + 120)
    assert packed(tmp_path, "topic", {0: 5}) == Packed(records=9, batches=1, size=61 + 70)


def _batch(base: int, records: int, size: int) -> bytes:
    """Return a batch as Kafka's message format has it (version 2), with *size* bytes of records."""
    head = struct.pack(">iBIhiqqqhii", 0, 2, 0, 0, records - 1, 0, 0, -1, -1, -1, records)
    return struct.pack(">qi", base, len(head) + size) + head + bytes(size)


def test_the_table_tells_of_what_was_measured_and_of_nothing_else() -> None:
    recovery = {
        "ready_s": 3.0,
        "records_per_s": 250_000,
        "quiet_after_s": 4.0,
        "quiet_cpu_s": 1.0,
        "peak_mb": 300,
        "memory_mb": 290.0,
        "disk_mb": 100.0,
    }
    steady = {
        "rate": 4_000,
        "cpu_share": 0.5,
        "cpu_us_an_event": 125.0,
        "memory_mb": {"middle": 500.0, "peak": 510},
        "slope_mb_a_minute": 0.2,
        "slope_error": 0.3,
        "flat": True,
        "disk_mb": {"before": 100.0, "after": 120.0},
    }
    figures = {"open": 1_000_000, "partitions": 4, "recovery": recovery, "log_mb": 70.0}
    assert "250,000 records/s" in table(figures)
    assert "a minute" not in table(figures)
    assert "0.2 MB a minute, error 0.3: flat" in table({**figures, "steady": steady})
    assert "it rises" in table({**figures, "steady": {**steady, "flat": False}})
