"""A stream falls into its items wherever the reads end, and what is broken costs itself alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.intake import split
from streams.intake.split import Piece, Splitter
from streams.mail.deadletter import DeadReason

VALUES = st.dictionaries(
    st.text(max_size=5), st.text(max_size=30) | st.integers() | st.lists(st.text(max_size=3)), max_size=4
)
WRITERS: tuple[Callable[[object], str], ...] = (
    json.dumps,
    lambda value: json.dumps(value, ensure_ascii=False),
    lambda value: json.dumps(value, indent=2),
    lambda value: json.dumps(value, indent="\t", ensure_ascii=False).replace("\n", "\r\n"),
)
BAD = ("oops", '{"a": "b', '{"a" 1}', "}", "12")
BETWEEN = st.sampled_from(["", "\n", "\r\n", "\n\n", " ", ",\n", "\n]\n[\n", "\x1e"])


def pieces(data: bytes, at_a_time: int = 1 << 20, keep: int = 1000) -> list[Piece]:
    """Split *data*, read so many bytes at a time."""
    stream = BytesIO(data)
    return list(Splitter(lambda size: stream.read(min(size, at_a_time)), keep=keep))


@given(
    parts=st.lists(st.tuples(VALUES, st.sampled_from(WRITERS), BETWEEN), max_size=6),
    at_a_time=st.integers(1, 40) | st.just(1 << 20),
)
@settings(deadline=None)
def test_values_come_out_as_they_went_in_however_they_are_written_and_read(
    parts: list[tuple[dict[str, object], Callable[[object], str], str]], at_a_time: int
) -> None:
    data = "".join(write(value) + between for value, write, between in parts).encode("utf-8", "replace")
    found = pieces(data, at_a_time)
    assert [piece.value for piece in found] == [value for value, _, _ in parts]
    for piece in found:
        assert piece.why is None
        assert piece.size == len(piece.data)


@given(lines=st.lists(VALUES.map(json.dumps) | st.sampled_from(BAD)))
@settings(deadline=None)
def test_a_bad_line_costs_that_line_and_each_says_its_number(lines: list[str]) -> None:
    found = pieces("\n".join(lines).encode())
    assert {piece.line: piece.data for piece in found} == {
        number: line.encode() for number, line in enumerate(lines, 1) if line
    }
    bad = {number for number, line in enumerate(lines, 1) if line in BAD}
    assert {piece.line for piece in found if piece.why is not None} == bad


def test_a_line_that_breaks_off_before_a_value_does_not_take_the_next_ones_along() -> None:
    found = pieces(b'{"a": \n{"b":1}\n{"c":2}\n')
    assert [(piece.line, piece.value) for piece in found] == [(1, None), (2, {"b": 1}), (3, {"c": 2})]


@pytest.mark.parametrize("at_a_time", [*range(1, 50), 1 << 20])
def test_a_document_cut_in_the_middle_is_one_piece_and_the_next_one_goes_on(
    at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(split, "WINDOW", 4)
    document = json.dumps({"a": [1, 2], "b": {"c": "d"}}, indent=2)
    cut = document[: document.index('"d"')]
    broken, good = pieces((cut + "\n" + document).encode(), at_a_time)
    assert broken.why is not None
    assert broken.data == cut.encode()
    assert good.value == json.loads(document)
    assert good.line == cut.count("\n") + 2


@pytest.mark.parametrize("at_a_time", [*range(1, 50), 1 << 20])
def test_a_bad_object_among_glued_ones_costs_itself_alone(at_a_time: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split, "WINDOW", 4)
    found = pieces(b'{"a":1}{"b":oops}{"c":3}', at_a_time)
    assert [(piece.data, piece.why is None) for piece in found] == [
        (b'{"a":1}', True),
        (b'{"b":oops}', False),
        (b'{"c":3}', True),
    ]


@pytest.mark.parametrize("glued", [True, False])
def test_an_item_larger_than_a_read_is_whole(glued: bool) -> None:
    large = json.dumps({"text": "x" * (3 * split.CHUNK)}).encode()
    found = pieces(large + (b"" if glued else b"\n") + b'{"after":1}')
    assert [piece.size for piece in found] == [len(large), len(b'{"after":1}')]


def test_a_value_without_an_end_keeps_only_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split, "LARGEST_ITEM", split.WINDOW * 4)
    endless = b'{"text": "' + b"x" * (split.WINDOW * 20)
    first, second = pieces(endless + b'\n{"after":1}', at_a_time=5000, keep=100)
    assert first.why is not None
    assert first.why.reason == DeadReason.TOO_LARGE
    assert (first.data, first.size) == (endless[:101], len(endless))
    assert (second.value, second.line) == ({"after": 1}, 2)


def test_bytes_that_are_not_utf8_come_out_as_they_are() -> None:
    first, second = pieces(b'{"a":"\xff\xfe"}\n{"b":"\xc3\xbc"}')
    assert first.why is not None
    assert first.data == b'{"a":"\xff\xfe"}'
    assert second.value == {"b": "\u00fc"}


def test_what_is_no_json_keeps_the_bracket_before_it() -> None:
    (piece,) = pieces(b"[2026-02-03] INFO started\n")
    assert piece.data == b"[2026-02-03] INFO started"


def test_a_number_or_a_nesting_beyond_measure_is_set_aside() -> None:
    deep = b'{"a":' * 5000 + b"1" + b"}" * 5000
    first, second, third = pieces(deep + b"\n" + b'{"a":' + b"9" * 5000 + b'}\n{"b":1}', keep=10**6)
    assert first.why is not None
    assert first.data == deep
    assert second.line == 2
    assert third.value == {"b": 1}
