"""A form that asks to leave is known in either kind, whoever wrote it; nothing else is, and nothing is an error."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.inlets.unsubscribe.form import is_one_click

LINE = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=b"
FIELD = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (LINE, b"List-Unsubscribe=One-Click"),
        (f"{LINE}; charset=utf-8", b"List-Unsubscribe=One-Click\r\n"),
        (LINE.upper(), b"list-unsubscribe=one-click&other=1"),
        (LINE, b"a=1&List-Unsubscribe=One%2DClick"),
        ("", b"List-Unsubscribe=One-Click"),
        ("text/plain", b"List-Unsubscribe=One-Click"),
        (PARTS, FIELD),
        (PARTS.replace("multipart", "MultiPart"), FIELD),
        ('multipart/form-data; boundary="b"', FIELD.replace(b"\r\n", b"\n")),
        (PARTS, b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' + FIELD),
    ],
)
def test_what_asks_to_leave_is_known(kind: str, body: bytes) -> None:
    assert is_one_click(kind, body)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (LINE, b""),
        (LINE, b"List-Unsubscribe"),
        (LINE, b"List-Unsubscribe=No"),
        (LINE, b"One-Click=List-Unsubscribe"),
        (LINE, b"x" * 5_000),
        (LINE, b"&".join([b"a=1"] * 40) + b"&List-Unsubscribe=One-Click"),
        (LINE, FIELD),
        (PARTS, b"List-Unsubscribe=One-Click"),
        ("multipart/form-data", FIELD),
        (PARTS, FIELD.replace(b"One-Click", b"No")),
        (PARTS, FIELD.replace(b"List-Unsubscribe", b"Other")),
        (PARTS, b"--b\r\n\r\nOne-Click\r\n--b--\r\n"),
    ],
)
def test_anything_else_asks_for_nothing(kind: str, body: bytes) -> None:
    assert not is_one_click(kind, body)


@given(
    st.sampled_from([LINE, PARTS, "multipart/form-data; boundary", ""]) | st.text(),
    st.binary()
    | st.lists(st.sampled_from([b"--b", b"\r\n", b"\r\n\r\n", b":", FIELD[:40], b"=", b"\xff"])).map(b"".join),
)
@example("multipart/form-data; boundary=\u2028", b"--\xff\r\n")
@example('multipart/form-data; boundary=""', FIELD)
def test_no_bytes_are_an_error(kind: str, body: bytes) -> None:
    assert is_one_click(kind, body) is False
