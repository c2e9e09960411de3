"""Columns are packed, measured and looked up alike, compiled and not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams import columns

keys = st.lists(st.binary(max_size=300))
rows = st.dictionaries(st.binary(max_size=2), st.none() | st.binary(max_size=300))


@given(keys)
def test_keys_are_packed_alike(some: list[bytes]) -> None:
    assert columns.pack(some) == columns.pack_plainly(some)


@given(rows, rows, st.lists(st.binary(max_size=2)))
def test_what_is_at_hand_is_found_alike(
    newer: dict[bytes, bytes | None], older: dict[bytes, bytes | None], asked: list[bytes]
) -> None:
    values, places, missing = columns.at_hand(newer, older, asked)
    assert (values, places, missing) == columns.at_hand_plainly(newer, older, asked)
    assert values == [{**older, **newer}.get(key) for key in asked]
    assert missing == [key for key in asked if key not in {**older, **newer}]


@given(rows)
def test_rows_are_measured_alike(some: dict[bytes, bytes | None]) -> None:
    assert columns.size_of(some) == columns.size_plainly(some) == sum(len(value or b"") for value in some.values())
