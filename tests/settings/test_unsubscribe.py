"""The settings for leaving: whole or not at all, and no key that can be guessed."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from streams.settings.keys import SealingKey
from streams.settings.unsubscribe import Unsubscribe, keys_of

KEY, OLD = "k" * 32, "o" * 40
URL = "https://mail.example.com/unsubscribe"


def test_without_a_word_nobody_can_leave_and_nothing_is_refused() -> None:
    assert keys_of(Unsubscribe()) == ()


def test_the_new_key_goes_first_and_old_ones_still_open() -> None:
    keys = keys_of(Unsubscribe.model_validate({"url": URL, "key": KEY, "old_keys": f"{OLD}, {'p' * 33}"}))
    assert [key.id for key in keys] == [SealingKey.of(one).id for one in (KEY, OLD, "p" * 33)]
    assert KEY not in repr(keys)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"url": URL}, "need a key"),
        ({"address": "unsubscribe@example.com"}, "need a key"),
        ({"key": "short"}, "32 characters"),
        ({"key": " , "}, "32 characters"),
        ({"key": f"{KEY},{OLD}"}, "without a comma"),
        ({"key": KEY, "old_keys": f"{OLD},short"}, "32 characters"),
        ({"key": KEY, "streams": "newsletter"}, "a url or an address"),
        ({"key": KEY, "url": URL, "streams": "n" * 65}, "64 bytes"),
        ({"key": KEY, "url": "http://mail.example.com/unsubscribe"}, "pattern"),
        ({"key": KEY, "url": "https://me:secret@mail.example.com/"}, "pattern"),
        ({"key": KEY, "address": "unsubscribe+x@example.com"}, "pattern"),
        ({"key": KEY, "address": "Leave <unsubscribe@example.com>"}, "pattern"),
    ],
)
def test_half_of_it_or_a_weak_key_is_refused(words: dict[str, str], why: str) -> None:
    with pytest.raises(ValidationError, match=why) as caught:
        Unsubscribe.model_validate(words)
    assert KEY not in str(caught.value)
