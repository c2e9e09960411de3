"""What orjson refuses to write is written by the standard library, and what neither can write is said calmly."""

from __future__ import annotations

import pytest

from streams.errors import Unusable
from streams.intake.jsontext import dump, parse


@pytest.mark.parametrize("value", [{"a": [1, "ä"]}, {"a": 2**70}, {"a": [[[]]]}, {"a": -(2**64), "b": "ä"}])
def test_what_was_read_can_be_written_again(value: object) -> None:
    assert parse(dump(value)) == value


def nested(depth: int) -> object:
    """Return lists within lists."""
    value: object = []
    for _ in range(depth):
        value = [value]
    return value


def test_a_nesting_that_orjson_refuses_is_written_and_one_beyond_measure_is_unusable() -> None:
    assert dump(nested(300)) == "[" * 301 + "]" * 301
    with pytest.raises(Unusable, match="nested too deeply"):
        dump(nested(100_000))
