"""The stored form of a request: what is packed comes back, and the numbers for words never change their meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import WorldFailed
from streams.mail.request import Phase, Request, Try, Waits
from streams.state import requests
from streams.state.requests import pack_request, unpack_request

times = st.integers(-(1 << 62), 1 << 62)
texts = st.text(max_size=40)

tries = st.builds(
    Try,
    attempt=st.integers(1, (1 << 31) - 1),
    to=texts,
    phase=st.sampled_from(Phase),
    due=times,
    called_at=times,
    refused=st.integers(0, 60_000),
    waits=st.sampled_from(Waits),
    since=times,
    message_ids=st.lists(texts, max_size=3).map(tuple),
    left_out=st.lists(texts, max_size=3).map(tuple),
    retried=st.booleans(),
    doubted=st.booleans(),
)
requests_of_all_shapes = st.builds(
    Request, times, times, st.binary(max_size=200), st.lists(tries, max_size=4).map(tuple), st.frozensets(texts)
)


@given(requests_of_all_shapes)
def test_a_request_comes_back_as_it_was(request: Request) -> None:
    assert unpack_request(pack_request(request)) == request


def test_equal_requests_are_equal_bytes() -> None:
    one = Request(1, 2, b"", answered=frozenset(["ann@example.com", "bob@example.org", "cid@example.net"]))
    other = one._replace(answered=frozenset(sorted(one.answered, reverse=True)))
    assert pack_request(one) == pack_request(other)


def test_a_form_of_another_version_stops_the_worker() -> None:
    value = bytes([requests.VERSION + 1]) + pack_request(Request(1, 2, b""))[1:]
    with pytest.raises(WorldFailed, match="form 2"):
        unpack_request(value)


def test_stored_numbers_keep_their_meaning() -> None:
    assert requests.VERSION == 1
    assert [phase.value for phase in requests.PHASES] == ["WAITING", "CALLING", "DOUBTFUL", "SENT", "ENDED"]
    assert [waits.value for waits in requests.WAITS] == ["NOTHING", "HOLD", "PAUSE"]
