"""Every producer of a topic must put a key on the same partition: ours, Java's and librdkafka's."""

from __future__ import annotations

from aiokafka.partitioner import murmur2
from hypothesis import given
from hypothesis import strategies as st

from streams.partition import partitions


@given(st.lists(st.binary(max_size=80)), st.integers(1, 97))
def test_a_column_of_keys_is_hashed_as_java_hashes_each(keys: list[bytes], count: int) -> None:
    assert partitions(keys, count) == [(murmur2(key) & 0x7FFFFFFF) % count for key in keys]


@given(st.lists(st.integers(0, 2_000), min_size=1, max_size=5))
def test_long_keys_are_hashed_alike(lengths: list[int]) -> None:
    keys = [(bytes(range(256)) * 8)[:length] for length in lengths]
    assert partitions(keys, 24) == [(murmur2(key) & 0x7FFFFFFF) % 24 for key in keys]


def test_java_agrees() -> None:
    keys = [b"21", b"foobar", b"a-little-bit-long-string"]  # vectors of Kafka's own UtilsTest
    hashes = [-973932308, -790332482, -985981536]
    assert partitions(keys, 24) == [(hashed & 0x7FFFFFFF) % 24 for hashed in hashes]
