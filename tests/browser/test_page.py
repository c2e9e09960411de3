"""The status page of a running demo in a real browser: live, whole without JavaScript, by keyboard, light and dark."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from streams.web.page_parts import PARTS
from tests.browser.conftest import Demo

pytestmark = pytest.mark.xdist_group("the demo in a browser")  # it takes half a minute: let one process have it
LATEST_STOP = 60
LIVE_MS = 15_000
"""Long enough for a few beats on a machine that is busy."""


def entered(page: Page, demo: Demo, asked: str) -> None:
    """Ask something, and give the token with it."""
    page.get_by_label("What became of a mail").fill(asked)
    page.get_by_label("Token").fill(demo.token)
    page.get_by_role("button", name="Look it up").click()


def test_every_section_is_there_and_has_something_to_show(page: Page) -> None:
    for part in PARTS:
        expect(page.locator(f"#{part} h2")).to_be_visible()
    expect(page.locator("#providers")).to_contain_text(re.compile(r"gmx bounces most: [\d.]+\s% of"))
    expect(page.locator("#recent tbody tr")).not_to_have_count(0)
    expect(page.locator("#lag")).to_contain_text("No partition lags")
    expect(page.locator("#reputation tbody tr").first).to_contain_text("whole account")
    expect(page.locator("#headline .card")).to_have_count(2)


def test_the_page_is_live(page: Page) -> None:
    expect(page.locator("#live span")).to_have_text("live", timeout=LIVE_MS)
    line = page.locator("#flow polyline").first
    before = line.get_attribute("points") or ""
    expect(line).not_to_have_attribute("points", before, timeout=LIVE_MS)


def test_whoever_reads_can_hold_it_still(page: Page) -> None:
    expect(page.locator("#live span")).to_have_text("live", timeout=LIVE_MS)
    page.get_by_role("button", name="Hold still").click()
    expect(page.locator("#live span")).to_have_text("held")
    expect(page.get_by_role("button", name="Hold still")).to_have_attribute("aria-pressed", "true")


def test_the_page_is_whole_without_javascript(chromium: Browser, demo: Demo) -> None:
    with_it = chromium.new_context(base_url=demo.url, java_script_enabled=False)
    page = with_it.new_page()
    page.goto("/")
    for part in PARTS:
        expect(page.locator(f"#{part} h2")).to_be_visible()
    expect(page.locator("#flow svg polyline").first).to_be_attached()
    expect(page.locator("#live")).to_be_hidden()
    page.get_by_role("link", name="Look again").click()
    entered(page, demo, "nobody@example.com")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert "nobody" not in page.url
    with_it.close()


def test_nobody_is_named_before_the_token_and_everybody_after_it(page: Page, demo: Demo) -> None:
    shown = page.locator("#recent tbody")
    expect(shown).not_to_contain_text("@")
    entered(page, demo, "")
    expect(shown).to_contain_text("@")
    page.get_by_role("button", name="Hide addresses again").click()
    expect(shown).not_to_contain_text("@")


def test_why_somebody_is_suppressed_is_two_clicks_away_and_the_mail_behind_it_three(page: Page, demo: Demo) -> None:
    entered(page, demo, "")
    person = page.locator("#recent tbody tr", has_text="hard bounce").get_by_role("link").first
    address = person.inner_text()
    person.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(address)
    expect(page.locator(".card")).to_contain_text("No: ")
    expect(page.locator("ol.timeline li").first).to_contain_text("hard bounce")
    expect(page.locator(".lift code").first).to_contain_text(f"ses-streams suppressions release {address} --why")
    assert page.url.startswith(f"{demo.url}answers/")
    assert address.partition("@")[0] not in page.url
    assert Axe().run(page).violations_count == 0
    page.locator("ol.timeline").get_by_role("link").first.click()
    expect(page.locator("ol.timeline li")).not_to_have_count(0)
    expect(page.locator("#furthest + dl")).to_contain_text("hard bounced")
    assert Axe().run(page).violations_count == 0
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text(address)


def test_an_address_can_be_asked_for_by_keyboard_alone(page: Page, demo: Demo) -> None:
    page.get_by_label("What became of a mail").focus()
    page.keyboard.type("Nobody@Example.com")
    page.keyboard.press("Tab")
    page.keyboard.type(demo.token)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("nobody@example.com")
    expect(page.locator(".card")).to_contain_text("nothing was ever heard of them")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility_by_axe(context: BrowserContext, page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_dark_is_dark_and_light_is_light(page: Page) -> None:
    def ground() -> list[int]:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return [int(part) for part in re.findall(r"\d+", colour)[:3]]

    page.emulate_media(color_scheme="light")
    assert min(ground()) > 200
    page.emulate_media(color_scheme="dark")
    assert max(ground()) < 60


def test_one_gets_everywhere_by_keyboard_and_sees_where_one_is(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    wanted = {"q", "token", "Look it up", "Ratios by stream", "Outcomes by provider", "Hold still"}
    reached = set()
    for _ in range(LATEST_STOP):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        name, outlined = page.evaluate(
            """() => {
                const at = document.activeElement;
                const name = at.id || at.getAttribute("aria-label") || at.textContent.trim();
                return [name, getComputedStyle(at).outlineStyle !== "none"];
            }"""
        )
        assert outlined, name
        reached.add(name)
    assert wanted <= reached


def test_a_narrow_window_scrolls_in_its_tables_only(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
