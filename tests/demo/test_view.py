"""What is shown: a page that fits the terminal, a line where there is none, an ending that says what is lost."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace

import orjson
import pytest
from rich.console import Console, RenderableType

from streams.demo.audit import Fault, Thing, Verdict
from streams.demo.ending import FAULTS_SHOWN, Speed, closing, summary
from streams.demo.scene import Scene
from streams.demo.screen import Lines, Terminal, screen_on
from streams.demo.view import line, page

SCENE = Scene(
    doing="the day goes on",
    elapsed=83.4,
    part=0.61,
    messages=20_000,
    seed=7,
    sends=12_034,
    events=15_310,
    due=14_100,
    outcomes=14_021,
    kinds=Counter(DELIVERED=11_700, OPENED=1_201, HARD_BOUNCED=230, COMPLAINED=11),
    suppressed=Counter(HARD_BOUNCE=190, MANUAL=2),
    latest=({"recipient": "ann.example.1@bigmail.example", "reason": "HARD_BOUNCE"},),
    letters=12,
    duplicates=212,
    unmatched=40,
    lag=79,
    bounces=0.06,
    complaints=0.006,
    kills=1,
    kills_planned=3,
    worker="worker process 4711",
    address="http://127.0.0.1:4712/",
)
GOOD = Verdict(due=Counter(dict.fromkeys(Thing, 5)), found=Counter(dict.fromkeys(Thing, 5)), lost=(), wrong=())
SPEED = Speed(measured="as told", events=100, seconds=2.0, cpu_us=8.4, rss_bytes=5 << 20, steps={"decode": 2.34})


def text(what: RenderableType, width: int = 100) -> str:
    """Return what is printed, without colours."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(what)
    out = console.file
    assert isinstance(out, io.StringIO)
    return out.getvalue()


def test_the_page_says_what_there_is() -> None:
    shown = text(page(SCENE))
    for words in (
        "12,034",
        "15,310",
        "14,021",
        "hard bounced",
        "6.00%",
        "0.60%",
        "manual",
        "01:23",
        "killed 1 of 3",
        "127.0.0.1:4712",
    ):
        assert words in shown
    assert "ann.example.1@bigmail.example" in shown


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (100, 40), (200, 60)])
def test_the_page_fits_the_terminal(width: int, height: int) -> None:
    shown = text(page(replace(SCENE, latest=SCENE.latest * 6), height), width).splitlines()
    assert len(shown) < height
    assert max(map(len, shown)) <= width


def test_a_page_of_nothing_can_be_shown() -> None:
    assert "the worker starts" in text(page(Scene(doing="the worker starts")))


def test_a_line_says_it_in_short() -> None:
    said = line(SCENE)
    assert "\n" not in said
    assert "outcomes 14,021/14,100" in said
    assert "lag 79" in said


def test_lines_are_printed_when_something_else_is_done_and_now_and_then() -> None:
    out = io.StringIO()
    screen = screen_on(Console(file=out, width=200))
    assert isinstance(screen, Lines)
    with screen:
        for elapsed, doing in ((0, "a"), (1, "a"), (2, "b"), (3, "b"), (7, "b")):
            screen.show(replace(SCENE, elapsed=float(elapsed), doing=doing))
        screen.say("that was it")
    assert out.getvalue().splitlines()[0].endswith(SCENE.address)
    assert [one[:5] for one in out.getvalue().splitlines()] == ["the w", "00:00", "00:02", "00:07", "that "]


def test_a_terminal_gets_the_page() -> None:
    out = io.StringIO()
    screen = screen_on(Console(file=out, width=100, height=40, force_terminal=True))
    assert isinstance(screen, Terminal)
    with screen:
        screen.show(SCENE)
        screen.say("that was it")
    assert "14,021" in out.getvalue()
    assert "that was it" in out.getvalue()


def test_the_ending_of_a_good_show() -> None:
    assert "lost: 0, wrong: 0" in text(closing(SCENE, GOOD, SPEED, 3))


def test_the_ending_of_a_bad_show_names_what_is_lost_and_what_is_wrong() -> None:
    lost = tuple(Fault(thing=Thing.OUTCOME, what=f"number {n} never came out") for n in range(FAULTS_SHOWN + 3))
    wrong = (Fault(thing=Thing.SUPPRESSION, what="somebody is suppressed"),)
    shown = text(closing(SCENE, replace(GOOD, lost=lost, wrong=wrong), SPEED, 0))
    assert f"lost: {len(lost)}, wrong: 1" in shown
    assert "number 0 never came out" in shown
    assert "and 4 more" in shown


def test_the_summary_is_json_with_every_figure() -> None:
    wrong = (Fault(thing=Thing.SUPPRESSION, what="somebody is suppressed"),)
    said = orjson.loads(orjson.dumps(summary(SCENE, replace(GOOD, wrong=wrong), SPEED, 3)))
    assert (said["sends"], said["feedback"], said["duplicates"], said["unmatched"]) == (12_034, 15_310, 212, 40)
    assert (said["dead_letters"], said["lost"], said["wrong"], said["elapsed_s"]) == (12, 0, 1, 83.4)
    assert said["outcomes"]["DELIVERED"] == 11_700
    assert said["suppressions"] == {"HARD_BOUNCE": 190, "MANUAL": 2}
    assert (said["events_per_s"], said["measured"]) == (50, "as told")
    assert said["worker"] == {
        "events": 100,
        "seconds": 2.0,
        "events_per_s": 50,
        "cpu_us_per_event": 8.4,
        "rss_mib": 5,
        "steps_us_per_event": {"decode": 2.34},
    }
    assert said["faults"] == ["suppressions: somebody is suppressed"]
