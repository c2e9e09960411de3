"""The page: whole, safe, and silent about people, whatever names stand in it."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.inlets.unsubscribe.page import ASK, DONE, HEADERS, LATER, UNASKED, UNKNOWN, Said, masked, render
from streams.mail.unsubscribe import Leave

PAGES = [ASK, DONE, LATER, UNASKED, UNKNOWN]
ADA = Leave("ada@example.org", "newsletter", None)


class Tags(HTMLParser):
    """What a browser would see: tags, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.attributes: dict[str, str | None] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("said", PAGES)
def test_a_page_is_whole_without_script_picture_or_anything_from_elsewhere(said: Said) -> None:
    page = render(said, ADA)
    assert not {"script", "img", "link", "iframe", "a"} & set(Tags(page).tags)
    assert "{" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    assert not re.search(r"https?:|url\(|@import", page)
    assert '<html lang="en">' in page


def test_only_the_pages_with_a_button_post_and_they_post_what_providers_post() -> None:
    assert ["form" in Tags(render(said, ADA)).tags for said in PAGES] == [True, False, True, True, False]
    seen = Tags(render(ASK, ADA))
    assert (seen.attributes["name"], seen.attributes["value"], seen.attributes["method"]) == (
        "List-Unsubscribe",
        "One-Click",
        "post",
    )
    assert "action" not in seen.attributes, "it posts to where it came from, token and all"


@pytest.mark.parametrize("said", PAGES)
def test_the_one_style_is_the_one_that_the_policy_lets_in(said: Said) -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", render(said, ADA), re.DOTALL)
    assert (
        f"style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'"
        in (HEADERS["Content-Security-Policy"])
    )
    assert "style=" not in render(said, ADA)


@given(st.text(min_size=1), st.text(min_size=1), st.sampled_from([ASK, DONE, LATER, UNASKED]))
def test_no_name_breaks_out_of_the_page(stream: str, local: str, said: Said) -> None:
    plain, page = Tags(render(said, ADA)), Tags(render(said, Leave(f"{local}@example.org", stream, None)))
    assert page.tags == plain.tags


def test_braces_in_a_name_stay_what_they_are() -> None:
    assert "{who} {0} &lt;b&gt;" in render(ASK, Leave("ada@example.org", "{who} {0} <b>", None))


@pytest.mark.parametrize(
    ("address", "shown"),
    [("ada@example.org", "a…@example.org"), ("a@example.org", "…@example.org"), ("ö@x@example.org", "ö…@example.org")],
)
def test_an_address_is_shown_in_part(address: str, shown: str) -> None:
    assert masked(address) == shown


@pytest.mark.parametrize("said", PAGES)
def test_no_page_shows_a_whole_address(said: Said) -> None:
    assert "ada@" not in render(said, ADA)
