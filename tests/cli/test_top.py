"""`ses-streams top`: what workers say becomes one sight that fits the terminal; who does not answer is down."""

from __future__ import annotations

import asyncio
import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from fcntl import ioctl
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from aiohttp import web
from rich.console import Console

from streams.cli.top_asking import DOWN, Said, ask, checked_urls, session
from streams.cli.top_cells import seconds
from streams.cli.top_pages import grown, spread
from streams.cli.top_sight import Sight, sight
from streams.cli.top_view import Screen
from streams.demo.gauges import Page, read_page
from streams.demo.worker import Worker
from streams.observe.exposition import Exposition
from streams.observe.metrics import Metrics
from streams.observe.progress import Phase, Position, Progress
from streams.web.overview import Counts, reputation
from tests.builders import NOON, event, send
from tests.cli.conftest import Run, World

A, B, C = "http://a:8080", "http://b:8080", "http://c:8080"
AT = "2026-11-28T18:30:00Z"


def page(*counts: tuple[tuple[str, ...], int], lag: dict[tuple[str, int], int] | None = None, left: int = 0) -> Page:
    """Return the page of a worker that has counted so much, as it serves it."""
    metrics = Metrics()
    metrics.apply(Counter(dict(counts)))
    positions = {place: Position(0, waiting) for place, waiting in (lag or {}).items()}
    metrics.watch(lambda: Progress(phase=Phase.RUNNING, positions=positions, recovery_remaining=left))
    return read_page(Exposition(metrics).page()[0].decode())


def said(url: str, at: float, found: Page | None, state: str = "running", *reasons: str) -> Said:
    """Return what a worker said."""
    well = state == "running"
    return Said(url=url, at=at, state=state, ready=well, live=well, reasons=reasons, page=found)


def down(url: str, at: float = 0.0) -> Said:
    return said(url, at, None, DOWN, "nobody listens there")


def sends(count: int, stream: str = "receipts") -> tuple[tuple[str, ...], int]:
    return ("ses_sends_total", stream, "API"), count


def outcomes(kind: str, count: int, stream: str = "receipts") -> tuple[tuple[str, ...], int]:
    return ("ses_outcomes_total", stream, kind, "gmail.com"), count


def test_one_look_has_totals_and_no_rates() -> None:
    seen = sight(AT, [said(A, 1.0, page(sends(7), outcomes("DELIVERED", 5)))])
    assert (seen.sends.total, seen.sends.per_second, seen.seconds) == (7, None, None)
    assert {kind: count.total for kind, count in seen.outcomes.items()} == {"DELIVERED": 5}
    assert (seen.age, seen.hops) == (None, ())


def test_two_looks_have_rates_each_worker_by_its_own_time() -> None:
    before = [said(A, 1.0, page(sends(10))), said(B, 1.0, page(sends(100)))]
    now = [said(A, 3.0, page(sends(30), outcomes("DELIVERED", 8))), said(B, 5.0, page(sends(180)))]
    seen = sight(AT, now, before)
    assert (seen.sends.total, seen.sends.per_second) == (210, 10 + 20)
    assert seen.outcomes["DELIVERED"].per_second == 4
    assert seen.seconds == 4


def test_a_worker_that_was_not_there_or_began_anew_is_no_burst() -> None:
    before = [down(A), said(B, 1.0, page(sends(1000)))]
    now = [said(A, 2.0, page(sends(5000))), said(B, 2.0, page(sends(3)))]
    seen = sight(AT, now, before)
    assert (seen.sends.total, seen.sends.per_second) == (5003, 3)


def test_a_worker_that_is_down_is_named_and_the_others_are_counted() -> None:
    seen = sight(AT, [down(A), said(B, 1.0, page(sends(3)))], [said(A, 0.0, page(sends(9))), said(B, 0.0, page())])
    assert [(one.url, one.state, one.reasons) for one in seen.workers] == [
        (A, DOWN, ("nobody listens there",)),
        (B, "running", ()),
    ]
    assert (seen.sends.total, seen.sends.per_second) == (3, 3)


def test_ratios_of_workers_weigh_by_their_sends_and_all_streams_come_first() -> None:
    one = page(sends(300), outcomes("HARD_BOUNCED", 30), sends(100, "offers"))
    two = page(sends(100), outcomes("COMPLAINED", 1))
    seen = sight(AT, [said(A, 1.0, one), said(B, 1.0, two)])
    assert [(each.stream, each.sends) for each in seen.ratios] == [(None, 500), ("receipts", 400), ("offers", 100)]
    assert [each.bounce for each in seen.ratios] == pytest.approx([0.06, 0.075, 0.0])
    assert [each.complaint for each in seen.ratios] == pytest.approx([0.002, 0.0025, 0.0])


def test_lag_is_a_line_a_partition_the_worst_first_with_whose_it_is() -> None:
    one = page(lag={("ses.sends", 0): 7, ("ses.sends", 1): 900}, left=12)
    two = page(lag={("ses.feedback", 0): 80})
    seen = sight(AT, [said(A, 1.0, one), said(B, 1.0, two)])
    assert [(each.topic, each.partition, each.lag, each.worker) for each in seen.lag] == [
        ("ses.sends", 1, 900, A),
        ("ses.feedback", 0, 80, B),
        ("ses.sends", 0, 7, A),
    ]
    assert [(one.lag, one.recovery_remaining) for one in seen.workers] == [(907, 12), (80, 0)]


def test_times_are_of_what_was_done_between_the_looks() -> None:
    metrics = Metrics()
    metrics.chunk("by_message", 9_000.0, {"decode": 9.0})
    before = read_page(Exposition(metrics).page()[0].decode())
    for _ in range(19):
        metrics.chunk("by_message", 4.0, {"decode": 0.001, "wait": 0.003})
    metrics.chunk("by_message", 40.0, {"wait": 0.04})
    metrics.ages([2_000] * 10)
    seen = sight(AT, [said(A, 3.0, read_page(Exposition(metrics).page()[0].decode()))], [said(A, 1.0, before)])
    (hop,) = seen.hops
    assert (hop.hop, hop.chunks_per_second) == ("by_message", 10)
    assert 0.0025 < hop.seconds.half_s <= 0.005
    assert hop.seconds.most_s == pytest.approx(0.005)
    assert list(hop.steps) == ["wait", "decode"]
    assert hop.steps["wait"] == pytest.approx(0.0485)
    assert seen.age is not None
    assert 1 < seen.age.half_s <= 2


def test_a_histogram_spreads_as_prometheus_has_it() -> None:
    rows = {(0.1, 10), (1.0, 90), (float("inf"), 100)}
    made = Page({"x_bucket": {frozenset({("le", str(bound))}): float(count) for bound, count in rows}})
    found = spread(made, "x")
    assert found is not None
    assert found.half_s == pytest.approx(0.1 + 0.9 * 40 / 80)
    assert found.most_s == pytest.approx(1.0)  # beyond the last bound nothing is known
    assert spread(grown(made, made), "x") is None


def test_what_waits_is_the_sum_over_workers() -> None:
    metrics = Metrics()
    metrics.set("ses_retries_pending", {(): 3})
    metrics.set("ses_loops", {(): 1})
    metrics.set("ses_suppressions", {("HARD_BOUNCE",): 5, ("COMPLAINT",): 2})
    metrics.set("ses_dispatch_paused", {("offers",): 1, ("receipts",): 0})
    one = read_page(Exposition(metrics).page()[0].decode())
    seen = sight(AT, [said(A, 1.0, one), said(B, 1.0, one)]).waiting
    assert (seen.retries, seen.loops, seen.suppressions, seen.paused) == (6, 2, 14, ("offers",))


def _busy() -> Sight:
    """Return a sight with something in every corner."""
    metrics = Metrics()
    before = Exposition(metrics).page()[0].decode()
    kinds = {"DELIVERED": 9_000, "HARD_BOUNCED": 700, "SOFT_BOUNCED": 210, "COMPLAINED": 12, "OPENED": 4_000}
    counts = dict(
        [sends(10_000), sends(500, "newsletter-with-a-long-name"), *(outcomes(*one) for one in kinds.items())]
    )
    counts["ses_dead_letters_total", "BY_MESSAGE", "NOT_AVRO"] = 3
    counts["ses_records_total", "sends"] = 10_500
    metrics.apply(Counter(counts))
    metrics.chunk("by_message", 4.0, {"decode": 0.001, "wait": 0.003})
    metrics.ages([200, 300])
    metrics.set("ses_dispatch_paused", {("offers",): 1})
    lag = {("ses.feedback", number): Position(0, 10**number) for number in range(7)}
    metrics.watch(lambda: Progress(phase=Phase.RUNNING, positions=lag))
    after = Exposition(metrics).page()[0].decode()
    now = [
        said(A, 2.0, read_page(after)),
        said(B, 2.0, page(left=1_234), "recovering", "recovering: 1234 changelog records to read"),
        down(C),
    ]
    return sight(AT, now, [said(A, 0.0, read_page(before))])


def drawn(what: Sight, width: int, height: int | None = None) -> str:
    """Return what is drawn on a terminal of a size, without colours."""
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    options = console.options if height is None else console.options.update_dimensions(width, height)
    lines = console.render_lines(Screen(what), options, pad=False)
    return "\n".join("".join(piece.text for piece in line) for line in lines)


@pytest.mark.parametrize("width", [40, 60, 80, 99, 100, 120, 200])
def test_the_page_fits_a_terminal_of_any_width(width: int) -> None:
    shown = drawn(_busy(), width)
    assert max(map(len, shown.splitlines())) <= width
    for words in ("1 of 3 workers", "● running", "● recovering", "● down", "bounces", "complaints", "dead letters"):
        assert words in shown


def test_the_page_says_what_there_is() -> None:
    shown = drawn(_busy(), 120)
    for words in (
        "recovering: 1234 changelog records to read",
        "nobody listens there",
        "all ",
        "6.67%",  # 700 of 10,500
        "hard bounced",
        "5,250/s",
        "ses.feedback [6] 1,000,000",
        "1,000,000",
        "recovery: 1,234 changelog records to read",
        "not avro",
        "paused streams: offers",
        "by message",
        "wait 75%, decode 25%",
    ):
        assert words in shown
    assert shown.index("[6]") < shown.index("[5]")


def test_a_ratio_of_few_sends_stands_last_and_in_grey() -> None:
    few = page(sends(50, "few"), outcomes("HARD_BOUNCED", 40, "few"), sends(5_000, "many"))
    console = Console(file=io.StringIO(), width=120, color_system="truecolor", force_terminal=True)
    lines = console.render_lines(Screen(sight(AT, [said(A, 1.0, few)])), pad=False)
    order, colours = list[str](), dict[str, set[str]]()
    for line in lines:
        words = "".join(piece.text for piece in line[: len(line) // 2]).split()
        name = next((word for word in words if word in ("many", "few")), "")
        order += [name] if name else []
        drawn_in = {piece.style.color.name for piece in line if "━" in piece.text and piece.style and piece.style.color}
        colours.setdefault(name, set()).update(drawn_in)
    assert order == ["many", "few"]
    assert colours["few"] == {"bright_black"}


def test_a_small_terminal_shows_the_most_important_first() -> None:
    tall, low = drawn(_busy(), 80, 60).splitlines(), drawn(_busy(), 80, 24).splitlines()
    assert len(low) < len(tall)
    assert "bounces" in "\n".join(low[:24])


def test_nothing_at_all_can_be_drawn() -> None:
    shown = drawn(sight(AT, [down(A)]), 80)
    for words in ("0 of 1 worker ready", "nothing was sent yet", "nothing waits to be", "nothing was worked off"):
        assert words in shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0004, "0.4 ms"), (0.034, "34 ms"), (1.5, "1.5 s"), (90, "90 s"), (600, "10 min"), (9_000, "2 h")],
)
def test_times_are_short(value: float, shown: str) -> None:
    assert seconds(value) == shown


def test_addresses_of_workers_are_made_alike() -> None:
    assert checked_urls(["127.0.0.1:8080", "http://127.0.0.1:8080/", "https://x/y/"]) == (
        "http://127.0.0.1:8080",
        "https://x/y",
    )
    for wrong in ("", "ftp://x", "http://", "http://me:word@x", "http://x?y", "http://x:port"):
        with pytest.raises(ValueError, match=r"^.*$"):
            checked_urls([wrong])


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Twin:
    """A worker's web server by hand, in a thread: it says what it is told to say."""

    def __init__(self) -> None:
        self.health: Any = {"state": "running", "live": True, "ready": True, "reasons": []}
        self.page = Exposition(Metrics()).page()[0]
        self.overview: Any = None
        self.status = 200
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.url = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)

    async def _start(self) -> str:
        self._over = asyncio.Event()
        app = web.Application()
        app.router.add_get("/health/ready", self._health)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/api/v1/overview", self._overview)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _health(self, _: web.Request) -> web.StreamResponse:
        if self.health is None:
            await self._over.wait()
        return web.json_response(self.health, status=200 if self.status == 200 else 503)

    async def _overview(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(self.overview, status=200 if self.overview else 404)

    async def _metrics(self, _: web.Request) -> web.StreamResponse:
        return web.Response(body=self.page, status=self.status)

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)


@pytest.fixture
def twin() -> Iterator[Twin]:
    made = Twin()
    yield made
    made.end()


async def _ask(url: str) -> Said:
    async with session() as asked:
        return await ask(asked, url)


async def test_a_worker_is_asked_for_its_health_and_its_numbers(twin: Twin) -> None:
    twin.health = {"state": "stuck", "live": True, "ready": False, "reasons": ["ses.sends[0]: no progress for 130 s"]}
    found = await _ask(twin.url)
    assert (found.state, found.ready, found.live, found.reasons) == (
        "stuck",
        False,
        True,
        ("ses.sends[0]: no progress for 130 s",),
    )
    assert found.page is not None
    assert found.page.total("ses_build_info") == 1


async def test_what_a_worker_foresees_stands_beside_its_ratio(twin: Twin) -> None:
    rising = Counts(sends=1_000, bounces=100), 1_800.0
    still = Counts(sends=1_000, bounces=0, complaints=0), 1_800.0
    passed = Counts(sends=5_000, bounces=0, complaints=50)
    account = reputation("*", Counts(sends=5_000), 20_000, *rising)
    streams = [
        reputation("offers", passed, 10_000, *still),
        reputation("receipts", Counts(sends=2_000), 10_000, *rising),
    ]
    twin.overview = {"account": account.model_dump(), "streams": [one.model_dump() for one in streams]}
    twin.page = b'ses_ratio_sends{stream="offers"} 5000\nses_ratio_sends{stream="receipts"} 5000\n'
    seen = sight(AT, [await _ask(twin.url), said(B, 1.0, None)])
    found = {one.stream: (one.bounce_review_in_hours, one.complaint_review_in_hours) for one in seen.ratios}
    assert found == {None: (2.5, None), "offers": (None, 0.0), "receipts": (1.0, None)}
    shown = drawn(seen, 120)
    assert [shown.count(words) for words in ("5% in 2 h", "5% in 60 min", "5% 10%", "0.1% 0.5%")] == [1, 1, 1, 3]


async def test_an_overview_of_another_shape_takes_nothing_from_the_rest(twin: Twin) -> None:
    twin.overview = {"account": {"stream": "*"}, "streams": []}
    found = await _ask(twin.url)
    assert (found.state, found.foreseen) == ("running", {})


async def test_what_would_command_a_terminal_does_not(twin: Twin) -> None:
    hostile = "a\x1b[2Jb"
    twin.health = {"state": hostile, "ready": True, "live": True, "reasons": [hostile]}
    twin.page = f'ses_ratio_sends{{stream="{hostile}"}} 5\n'.encode()
    shown = drawn(sight(AT, [await _ask(twin.url)]), 160)
    assert shown.count("a\N{REPLACEMENT CHARACTER}[2Jb") == 3
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("health", "answer", "why"),
    [
        (["no"], (b"", 200), "what answers there is no worker of ses-streams"),
        ({"state": "running"}, (b"", 200), "what answers there is no worker of ses-streams"),
        ({"state": "x", "ready": True, "live": True, "reasons": []}, (b"", 404), "answered 404"),
        ({"state": "x", "ready": True, "live": True, "reasons": []}, (b"x\n" * (9 << 20), 200), "what answers there"),
        (None, (b"", 200), "no answer in time"),
    ],
    ids=["no object", "half an object", "no metrics", "no end", "no answer"],
)
async def test_what_is_no_worker_is_down_with_the_reason(
    health: Any, answer: tuple[bytes, int], why: str, twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    if health is None:
        monkeypatch.setattr("streams.cli.top_asking._PATIENCE_S", 0.3)
    twin.health, (twin.page, twin.status) = health, answer
    found = await _ask(twin.url)
    assert (found.state, found.page) == (DOWN, None)
    assert found.reasons[0].startswith(why)


def test_once_says_all_as_one_object_and_by_its_code_who_is_well(twin: Twin, run: Run) -> None:
    well = run("top", "--once", "--every", "0.1", "--json", "--url", twin.url)
    assert (well.code, well.err) == (0, "")
    (line,) = well.out.splitlines()
    assert json.loads(line)["sends"] == {"total": 0.0, "per_second": 0.0}
    some = run("top", "--once", "--every", "0.1", "--json", "--url", twin.url, "--url", "127.0.0.1:9")
    assert some.code == 1
    assert some.err == "http://127.0.0.1:9: down: nobody listens there\n"
    none = run("top", "--once", "--every", "0.1", "--url", "127.0.0.1:9")
    assert none.code == 3
    assert "● down" in none.out


def test_into_a_pipe_it_prints_once(twin: Twin, run: Run) -> None:
    ran = run("top", "--every", "0.1", "--url", twin.url)
    assert ran.code == 0
    assert ran.out.count("1 of 1 worker ready") == 1


def test_wrong_words_are_refused(run: Run) -> None:
    ran = run("top", "--url", "ftp://x")
    assert ran.code == 2
    assert "wants the address of a worker" in ran.err


class Screened:
    """The command on a terminal of its own, of a size that can be changed."""

    def __init__(self, *words: str) -> None:
        self._ours, theirs = pty.openpty()
        self.resize(100, 40, theirs)
        environment = {**os.environ, "TERM": "xterm-256color"}
        environment.pop("NO_COLOR", None)
        for size in ("COLUMNS", "LINES"):
            environment.pop(size, None)
        line = [sys.executable, "-m", "streams", "top", "--every", "0.1", *words]
        self.process = subprocess.Popen(
            line, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        )
        os.close(theirs)
        self.said = ""

    def resize(self, columns: int, rows: int, where: int | None = None) -> None:
        size = struct.pack("HHHH", rows, columns, 0, 0)
        ioctl(self._ours if where is None else where, termios.TIOCSWINSZ, size)

    def until(self, pattern: str) -> str:
        """Return what is said from now on, up to what matches."""
        self.said, end = "", monotonic() + 60
        while not re.search(pattern, self.said):
            assert monotonic() < end, self.said[-2000:]
            if select.select([self._ours], [], [], 0.1)[0]:
                self.said += os.read(self._ours, 1 << 16).decode(errors="replace")
        return self.said

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)


@pytest.fixture
def screen(twin: Twin) -> Iterator[Screened]:
    made = Screened("--url", twin.url)
    yield made
    made.end()


def test_on_a_terminal_it_goes_on_through_a_dead_worker_and_a_new_size_until_ctrl_c(
    screen: Screened, twin: Twin
) -> None:
    screen.until("1 of 1 worker ready")
    screen.resize(50, 20)
    screen.until("1 of 1 worker")
    twin.health = {"state": "stuck", "live": True, "ready": False, "reasons": ["nothing moves"]}
    screen.until("nothing moves")
    twin.status = 500
    screen.until("answered 500")
    screen.process.send_signal(signal.SIGINT)
    assert screen.process.wait(20) == 0


def test_a_real_worker_is_seen_at_work(world: World, run: Run, tmp_path: Path) -> None:
    settings = world.settings
    said = {
        "BROKERS": settings.brokers,
        "TOPIC_PREFIX": settings.topic_prefix,
        "GROUP": f"{settings.topic_prefix}group",
        "PARTITIONS": "2",
        "REPLICATION": "1",
        "PRODUCER__IDEMPOTENT": "false",
        "ENGINE__SESSION_TIMEOUT_MS": "6000",
    }
    worker = Worker({f"SES_STREAMS_{name}": value for name, value in said.items()}, tmp_path)
    worker.start()
    try:
        while not worker.ready():
            worker.check()
            sleep(0.1)
        for number in range(20):
            name = f"m-{number}"
            world.say("sends", "mail.Send", name, send(name, sent_at=NOON))
            world.say("feedback", "mail.Feedback", name, event("DELIVERY", name))
        seen: dict[str, Any] = {"outcomes": {}}
        while seen["outcomes"].get("DELIVERED", {}).get("total", 0) < 20:
            worker.check()
            ran = run("top", "--once", "--every", "0.2", "--json", "--url", f"http://127.0.0.1:{worker.port}")
            assert ran.code == 0, ran.err
            seen = json.loads(ran.out)
    finally:
        worker.stop()
    assert seen["sends"]["total"] == 20
    assert {one["topic"] for one in seen["lag"]} >= {f"{settings.topic_prefix}{role}" for role in ("sends", "feedback")}
    assert [one["state"] for one in seen["workers"]] == ["running"]
    gone = run("top", "--once", "--every", "0.1", "--url", f"http://127.0.0.1:{worker.port}")
    assert gone.code == 3
