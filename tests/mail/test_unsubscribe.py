"""Tokens for leaving: what goes in comes out, by the right key and unchanged only; nothing else opens, or raises."""

from __future__ import annotations

from base64 import b32decode, b32encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.mail.address import normal_address
from streams.mail.unsubscribe import LONGEST_TOKEN, TOKEN, Leave, make_token, read_token
from streams.settings.keys import SealingKey

NEW, OLD, OTHER = (SealingKey.of(letter * 32) for letter in "nox")
ADA = Leave("ada@example.com", "newsletter", "order-7")

text = st.text(st.characters(codec="utf-8"))
addresses = st.builds("{}@{}".format, text.filter(bool), st.sampled_from(["example.com", "bücher.example", "x"]))
leaves = st.builds(
    Leave,
    addresses.map(normal_address),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=16),
    st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=32),
)


def token_of(leave: Leave = ADA, key: SealingKey = NEW) -> str:
    token = make_token(leave, key)
    assert token is not None
    return token


@given(leaves)
def test_what_a_token_was_made_of_comes_out_of_it(leave: Leave) -> None:
    who, stream, request = leave
    token = make_token(leave, NEW)
    if token is None:
        assert len(who.encode()) > 320 or "@" not in who
    else:
        assert TOKEN.fullmatch(token)
        assert read_token(token, [NEW]) == Leave(normal_address(who), stream, request)


@given(leaves, st.data())
def test_whatever_case_a_token_comes_back_in_it_is_the_same(leave: Leave, data: st.DataObject) -> None:
    token = make_token(leave, NEW) or token_of()
    ups = data.draw(st.lists(st.booleans(), min_size=len(token), max_size=len(token)))
    mixed = "".join(letter.upper() if up else letter for letter, up in zip(token, ups, strict=True))
    assert read_token(mixed, [NEW]) == read_token(token, [NEW]) is not None


@given(st.data())
def test_one_changed_letter_and_it_is_no_token(data: st.DataObject) -> None:
    token = token_of()
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz234567").filter(lambda one: one != token[at]))
    assert read_token(token[:at] + letter + token[at + 1 :], [NEW, OLD]) is None


@pytest.mark.parametrize("at", range(3 + 16 + 6 + len("ada@example.comnewsletterorder-7")))
def test_no_bit_of_a_token_can_be_changed(at: int) -> None:
    token = token_of().upper()
    packed = bytearray(b32decode(token + "=" * (-len(token) % 8)))
    for bit in range(8):
        packed[at] ^= 1 << bit
        assert read_token(b32encode(packed).decode().rstrip("=").lower(), [NEW]) is None
        packed[at] ^= 1 << bit


@given(st.integers(0, 200), st.text("abcdefghijklmnopqrstuvwxyz234567", max_size=8))
def test_a_token_cut_short_or_made_longer_is_none(length: int, more: str) -> None:
    token = token_of()
    changed = token[:length] + more
    assert changed == token or read_token(changed, [NEW]) is None


def test_the_spare_bits_of_the_last_letter_spell_no_second_token() -> None:
    token = token_of(Leave("ada@example.com", "news", None))
    assert len(token) % 8, "this token ends in spare bits"
    spelt = {token[:-1] + last for last in "abcdefghijklmnopqrstuvwxyz234567"}
    assert [one for one in spelt if read_token(one, [NEW]) is not None] == [token]


def test_another_key_opens_nothing() -> None:
    assert read_token(token_of(), [OTHER]) is None
    assert read_token(token_of(), []) is None


@given(leaves)
def test_a_key_of_the_same_name_opens_nothing_either(leave: Leave) -> None:
    namesake = SealingKey(NEW.id, OTHER._siv)
    assert read_token(make_token(leave, NEW) or token_of(), [namesake]) is None
    assert read_token(token_of(), [namesake, NEW]) == ADA


def test_after_a_new_key_the_old_one_still_lets_people_leave() -> None:
    assert read_token(token_of(key=OLD), [NEW, OLD]) == ADA
    assert read_token(token_of(key=OLD), [NEW]) is None
    assert token_of(key=OLD) != token_of(key=NEW)


def test_a_token_shows_neither_address_nor_stream_nor_request() -> None:
    token = token_of().upper()
    packed = b32decode(token + "=" * (-len(token) % 8))
    assert not any(word in packed for word in (b"ada", b"example", b"newsletter", b"order"))


def test_the_same_leave_has_the_same_token_and_another_one_another() -> None:
    assert token_of() == token_of(Leave("Ada <ADA@Example.com>", "newsletter", "order-7"))
    assert len({token_of(), token_of(ADA._replace(stream="news")), token_of(ADA._replace(request_id=None))}) == 3


def test_parts_do_not_run_into_each_other() -> None:
    assert token_of(Leave("a@b.c", "xy", "z")) != token_of(Leave("a@b.c", "x", "yz"))


def test_a_key_shows_none_of_its_secret() -> None:
    assert repr(NEW) == f"SealingKey(id={NEW.id!r})"


@pytest.mark.parametrize(
    ("leave", "made"),
    [
        (Leave("no-address", "news", None), False),
        (Leave("", "news", None), False),
        (Leave("ada@example.com", "", None), False),
        (Leave("ada@example.com", "s" * 64, "r" * 128), True),
        (Leave("ada@example.com", "s" * 65, None), False),
        (Leave("ada@example.com", "ü" * 33, None), False),
        (Leave("a" * 308 + "@example.com", "s" * 64, "r" * 128), True),
        (Leave("a" * 309 + "@example.com", "news", None), False),
    ],
)
def test_what_is_too_long_or_nobody_gets_no_token(leave: Leave, made: bool) -> None:
    token = make_token(leave, NEW)
    assert (token is not None) is made
    assert token is None or (len(token) <= LONGEST_TOKEN and read_token(token, [NEW]) == leave)


def test_a_request_id_that_is_too_long_is_left_out() -> None:
    assert read_token(token_of(ADA._replace(request_id="r" * 129)), [NEW]) == ADA._replace(request_id=None)


@given(st.text() | st.text("abcdefghijklmnopqrstuvwxyzABCDEFG234567=+/", min_size=38, max_size=1100))
def test_any_other_text_is_no_token_and_no_error(written: str) -> None:
    assert read_token(written, [NEW, OLD]) is None
