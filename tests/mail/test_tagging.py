"""A request's id goes out as a tag and comes back as it was."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.mail.tagging import LONGEST, tag_of, text_of


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_whatever_a_request_is_called_comes_back(text: str) -> None:
    tag = tag_of(text)
    assert tag is not None
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,256}", tag)
    assert text_of(tag) == text


def test_an_id_that_ses_allows_stays_readable() -> None:
    assert tag_of("order-4711_a") == "order-4711_a"


def test_an_id_that_looks_packed_is_packed() -> None:
    assert tag_of("b64_abc") not in (None, "b64_abc")


@pytest.mark.parametrize("text", ["", "ü" * 100, "x" * (LONGEST + 1)])
def test_what_does_not_fit_has_no_tag(text: str) -> None:
    assert tag_of(text) is None


def test_a_tag_of_another_maker_stays_as_it_is() -> None:
    assert text_of("b64_%%") == "b64_%%"
    assert text_of("b64_a") == "b64_a"
    assert text_of("plain") == "plain"
