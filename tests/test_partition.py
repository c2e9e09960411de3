"""Every producer of a topic must put a key on the same partition: ours, Java's and librdkafka's."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import murmur2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams import partition
from streams.partition import partitions, split, strays
from tests.conftest import Need


@pytest.fixture(params=["compiled", "numpy"], autouse=True)
def _way(request: pytest.FixtureRequest, need: Need, monkeypatch: pytest.MonkeyPatch) -> None:
    need(partition.kernel is not None, "the compiled short way is not built: `make setup` says why")
    if request.param == "numpy":
        monkeypatch.setattr(partition, "kernel", None)


alike = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(st.lists(st.binary(max_size=80)), st.integers(1, 97))
@alike
def test_a_column_of_keys_is_hashed_as_java_hashes_each(keys: list[bytes], count: int) -> None:
    assert partitions(keys, count) == [(murmur2(key) & 0x7FFFFFFF) % count for key in keys]


@given(st.lists(st.integers(0, 2_000), min_size=1, max_size=5))
@alike
def test_long_keys_are_hashed_alike(lengths: list[int]) -> None:
    keys = [(bytes(range(256)) * 8)[:length] for length in lengths]
    assert partitions(keys, 24) == [(murmur2(key) & 0x7FFFFFFF) % 24 for key in keys]


def test_java_agrees() -> None:
    keys = [b"21", b"foobar", b"a-little-bit-long-string"]  # vectors of Kafka's own UtilsTest
    hashes = [-973932308, -790332482, -985981536]
    assert partitions(keys, 24) == [(hashed & 0x7FFFFFFF) % 24 for hashed in hashes]


@given(st.lists(st.binary(max_size=40)), st.integers(1, 9))
@alike
def test_strays_are_those_on_another_partition(keys: list[bytes], count: int) -> None:
    for mine in range(count):
        assert strays(keys, mine, count) == [place for place, of in enumerate(partitions(keys, count)) if of != mine]


@given(st.lists(st.binary(max_size=40)), st.integers(1, 9))
@alike
def test_columns_are_split_by_partition_and_keep_their_order(keys: list[bytes], count: int) -> None:
    values: list[bytes | None] = [None if number % 3 == 0 else b"%d" % number for number in range(len(keys))]
    found = split(keys, values, count)
    assert [place for place, _, _ in found] == sorted(set(partitions(keys, count)))
    rows = list(zip(keys, values, partitions(keys, count), strict=True))
    for place, some, of_them in found:
        assert list(zip(some, of_them, strict=True)) == [(key, value) for key, value, of in rows if of == place]
