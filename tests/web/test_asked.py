"""What the description says of an address is what is taken, whoever thinks of addresses."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.web.asked import ADDRESS, whom

ODD = st.text(st.sampled_from("aZ9.+\"@<>,; \t\x00\x7f\x85\xa0\u2003\u3000ßΩ\ud800\\()[]:'"), max_size=8)


@given(st.builds("{}@{}".format, ODD, ODD) | st.text(max_size=20))
@example("a b@example.com")
@example("a\u2003b@example.com")
@example('"a b"@example.com')
@example("ann@example.com\n")
@example("ann@exa\u3000mple.com")
def test_an_address_is_taken_where_the_description_says_so_and_nowhere_else(text: str) -> None:
    lengths = int(str(ADDRESS["minLength"])) <= len(text) <= int(str(ADDRESS["maxLength"]))
    described = lengths and re.fullmatch(str(ADDRESS["pattern"]), text) is not None
    assert (whom(text) is not None) is (described and _can_be_written(text))


def _can_be_written(text: str) -> bool:
    """Tell whether a text is one at all: half of a surrogate pair is none, and JSON refuses it by itself."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


@pytest.mark.parametrize("text", ["a@" + "b" * 319, "@b", "a@", "a@b"])
def test_an_address_has_a_length(text: str) -> None:
    assert (whom(text) is not None) is (text == "a@b")
