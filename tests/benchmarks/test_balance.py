"""The simulation of the partition balance: its parts are right where the answer is known, and a seed repeats it."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.balance import (
    EVENTS,
    OUTCOMES,
    WHOLE_HASH,
    crowd,
    fallen,
    headroom,
    message_ids,
    most_of_one_key,
    of_workers,
    peak_factor,
    simulated,
    table,
    uniformity,
)
from benchmarks.balance_plot import plot
from streams.partition import partitions


def test_the_busiest_of_equal_hours_has_no_more_than_the_mean() -> None:
    assert peak_factor([3, 3, 3]) == 1
    assert peak_factor([1, 1, 4]) == 2


@pytest.mark.parametrize("exponent", [0.5, 0.8, 1.0])
def test_the_shares_of_a_crowd_are_zipfs_and_add_up_to_one(exponent: float) -> None:
    people = crowd(10_000, exponent, 100)
    exact = np.arange(1, 10_001, dtype=float) ** -exponent
    exact /= exact.sum()
    assert people.head == pytest.approx(exact[:100], rel=1e-4)
    assert people.rest == pytest.approx(exact[100:].sum(), rel=1e-4)
    assert people.rest_squares == pytest.approx((exact[100:] ** 2).sum(), rel=1e-3)


def test_a_hot_mailbox_gets_its_share_and_the_crowd_the_rest() -> None:
    people = crowd(10_000, 0.5, 100, hot=0.2)
    assert people.head[-1] == 0.2
    assert people.head.sum() + people.rest == pytest.approx(1)


def test_all_that_is_sent_falls_somewhere_and_the_hot_one_on_its_own_partition() -> None:
    people = crowd(1_000_000, 0.5, 10, hot=0.5)
    hashes = [*range(10), 13]
    loads = fallen(people, hashes, 8, np.random.default_rng(1))
    assert loads.mean() == pytest.approx(1)
    assert loads.argmax() == 13 % 8
    assert loads.max() == pytest.approx(0.5 * 8 + 0.5, rel=0.05)


def test_the_rest_of_the_crowd_spreads_as_when_it_is_thrown_one_by_one() -> None:
    people, chance = crowd(20_000, 0.8, 1), np.random.default_rng(3)
    shares = np.arange(1, 20_001, dtype=float) ** -0.8
    shares /= shares.sum()
    thrown = [
        np.bincount(chance.integers(0, 16, 19_999), weights=shares[1:], minlength=16).std() * 16 for _ in range(300)
    ]
    drawn = [fallen(people, [0], 16, chance)[1:].std() for _ in range(300)]
    assert np.mean(drawn) == pytest.approx(np.mean(thrown), rel=0.1)


def test_a_worker_has_the_mean_of_its_partitions() -> None:
    assert of_workers(np.array([1.0, 3.0, 2.0, 2.0]), 2).tolist() == [2.0, 2.0]


def test_one_key_may_have_what_its_worker_has_left() -> None:
    mails, count = 1_000.0, 40
    others = mails * (EVENTS + OUTCOMES) / 10
    assert most_of_one_key(others, mails, count) == 0
    assert most_of_one_key(others / 2, mails, count) == 0
    assert most_of_one_key(others + mails * OUTCOMES / 4, mails, count) == pytest.approx(0.25)
    assert most_of_one_key(100 * others, mails, count) == 1


def test_headroom_is_for_the_uneven_and_for_catching_up() -> None:
    assert headroom(1.2, 10, 30) == pytest.approx(1.6)


def test_ids_in_sess_shape_fall_as_dice_do_and_a_counter_in_one_place_would_not() -> None:
    hashes = partitions(message_ids(50_000, np.random.default_rng(5)), WHOLE_HASH)
    assert 0.6 < uniformity(hashes, 48) < 1.5
    assert uniformity([2 * number for number in range(50_000)], 48) > 100


def test_a_full_hash_tells_the_partition_that_the_product_would_choose() -> None:
    ids = message_ids(1_000, np.random.default_rng(6))
    assert [found % 48 for found in partitions(ids, WHOLE_HASH)] == partitions(ids, 48)


def test_a_seed_repeats_the_whole_simulation_and_its_picture_shows_every_scenario() -> None:
    once, again = (simulated(2, 7, head=2_000, ids=5_000) for _ in range(2))
    assert once == again
    assert once != simulated(2, 8, head=2_000, ids=5_000)
    picture = plot(once["rows"])
    assert picture.count("<polyline") == len({row["keys"] for row in once["rows"]}) == 5
    assert len(table(once)) == len(once["rows"]) + 2
