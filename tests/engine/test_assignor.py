"""Shares are even, whoever comes and goes, with standbys and without; what is even stays where it is."""

from __future__ import annotations

from collections import Counter

import pytest
from faust.assignor import partition_assignor
from faust.assignor.client_assignment import CopartitionedAssignment
from faust.assignor.copartitioned_assignor import CopartitionedAssignor
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.assignor import EvenShares

TOPICS = {"sends", "lives"}
Shares = dict[str, tuple[set[int], set[int]]]
"""Worker to the partitions that it works on and those that it stands by for."""


def shared(before: Shares, partitions: int, standbys: int, by: type[CopartitionedAssignor] = EvenShares) -> Shares:
    members = {
        name: CopartitionedAssignment(actives=set(actives), standbys=set(others), topics=TOPICS)
        for name, (actives, others) in before.items()
    }
    after = by(TOPICS, members, partitions, standbys).get_assignment()
    return {name: (one.actives, one.standbys) for name, one in after.items()}


def nobody(count: int) -> Shares:
    return {f"pod-{number}": (set[int](), set[int]()) for number in range(count)}


@st.composite
def groups(draw: st.DrawFn) -> tuple[Shares, int, int]:
    """Return a group after anything: partitions lost, with two workers, or more of them than there are."""
    partitions = draw(st.integers(1, 24))
    some = st.sets(st.integers(0, partitions - 1))
    workers = draw(st.integers(1, 9))
    before = {f"pod-{number}": (draw(some), draw(some)) for number in range(workers)}
    return (
        {name: (actives, others - actives) for name, (actives, others) in before.items()},
        partitions,
        draw(st.integers(0, 2)),
    )


@given(groups())
def test_each_partition_has_a_worker_and_its_standbys_and_shares_are_even(group: tuple[Shares, int, int]) -> None:
    before, partitions, standbys = group
    after = shared(before, partitions, standbys)
    assert Counter(one for actives, _ in after.values() for one in actives) == Counter(range(partitions))
    copies = min(standbys, len(after) - 1)
    every = Counter(dict.fromkeys(range(partitions), copies))
    assert Counter(one for _, others in after.values() for one in others) == +every
    assert all(not actives & others for actives, others in after.values())
    sizes = [len(actives) for actives, _ in after.values()]
    assert max(sizes) - min(sizes) <= 1


@given(groups())
def test_what_is_even_stays_where_it_is(group: tuple[Shares, int, int]) -> None:
    before, partitions, standbys = group
    even = shared(before, partitions, standbys)
    again = shared(even, partitions, standbys)
    assert {name: actives for name, (actives, _) in again.items()} == {name: a for name, (a, _) in even.items()}


@pytest.mark.parametrize("standbys", [0, 1, 2])
@pytest.mark.parametrize("partitions", [4, 12, 24])
def test_a_worker_that_is_added_gets_its_share_and_no_more_than_that_moves(partitions: int, standbys: int) -> None:
    now = shared(nobody(1), partitions, standbys)
    for number in range(1, min(partitions, 12)):
        after = shared(now | {f"pod-{number}": (set(), set())}, partitions, standbys)
        assert len(after[f"pod-{number}"][0]) >= partitions // (number + 1)
        moved = sum(len(actives - after[name][0]) for name, (actives, _) in now.items())
        assert moved == len(after[f"pod-{number}"][0])
        now = after


def test_whoever_stands_by_takes_over() -> None:
    before = shared(nobody(3), 12, 1)
    left = before.pop("pod-2")[0]
    after = shared(before, 12, 1)
    taken_by_those_who_know = sum(one in before[name][1] for name, (got, _) in after.items() for one in got & left)
    assert taken_by_those_who_know >= len(left) // 2


def test_faust_uses_it() -> None:
    assert vars(partition_assignor)["CopartitionedAssignor"] is EvenShares


def test_faust_alone_gives_a_third_worker_nothing() -> None:
    two = {"pod-0": ({0, 1}, {2, 3}), "pod-1": ({2, 3}, {0, 1}), "pod-2": (set[int](), set[int]())}
    assert shared(two, 4, 1, by=CopartitionedAssignor)["pod-2"][0] == set()
    assert len(shared(two, 4, 1)["pod-2"][0]) == 1
