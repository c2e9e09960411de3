"""What is said of the closed loop: on the page while it runs, on the last page, and in the summary."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import orjson
import pytest

from streams.demo.ending import closing, summary
from streams.demo.loop.ending import Looped
from streams.demo.loop.judgement import LoopVerdict
from streams.demo.loop.tales import End
from streams.demo.scene import LoopScene
from streams.demo.view import line, page
from tests.builders import NOON
from tests.demo.test_view import GOOD, SCENE, SPEED, text

LOOP = LoopScene(
    planned=2_000,
    asked=1_204,
    mails=1_311,
    waiting=27,
    loops=4,
    due=1_255,
    ends=Counter(delivered=1_102, bounced=31, failed=53),
)
VERDICT = LoopVerdict(
    due=12, ends=Counter({End.DELIVERED: 11, End.WAITING: 1}), sent=14, retries=2, held=1, loops=3, earliest_due=NOON
)
LOOPED = Looped(verdict=VERDICT, planned=10, requests=10, repeats=1)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 36), (100, 40), (200, 60)])
def test_the_page_has_room_for_the_loop(width: int, height: int) -> None:
    shown = text(page(replace(SCENE, loop=LOOP, latest=SCENE.latest * 6), height), width)
    assert len(shown.splitlines()) < height
    assert max(map(len, shown.splitlines())) <= width
    for words in ("1,204", "1,311", "27 retries wait", "1,186 of 1,255 at their end"):
        assert words in shown


def test_a_tall_page_says_how_requests_have_ended() -> None:
    shown = text(page(replace(SCENE, loop=LOOP), 40))
    assert "delivered 1,102 bounced  31" in shown
    assert "4 loops flagged" in shown


def test_the_line_says_how_far_the_loop_is() -> None:
    assert "requests 1,204/2,000, ended 1,186" in line(replace(SCENE, loop=LOOP))


def test_the_summary_has_the_loop_s_figures() -> None:
    said = orjson.loads(orjson.dumps(summary(SCENE, GOOD, SPEED, 0, LOOPED)))
    assert (said["lost"], said["wrong"], said["sent_twice"], said["faults"]) == (0, 0, 0, [])
    loop = said["closed_loop"]
    assert loop["ends"] == {"delivered": 11, "waiting": 1} | dict.fromkeys(
        ["bounced", "complained", "rejected", "failed", "suppressed", "looping", "expired"], 0
    )
    assert (loop["requests"], loop["sent"], loop["retries"], loop["held"], loop["loops_flagged"]) == (10, 14, 2, 1, 3)
    assert (loop["doubts"], loop["sent_twice"], loop["in_doubt_bound"]) == (0, 0, 0)
    assert loop["next_due_at"].endswith("Z")


def test_without_a_loop_the_summary_says_so() -> None:
    said = summary(SCENE, GOOD, SPEED, 0)
    assert (said["closed_loop"], said["sent_twice"]) == (None, 0)


def test_what_is_lost_or_wrong_in_the_loop_counts_with_the_day_s() -> None:
    looped = replace(LOOPED, verdict=replace(VERDICT, lost=("one has no end",), wrong=("one is wrong",)))
    said = summary(SCENE, GOOD, SPEED, 0, looped)
    assert (said["lost"], said["wrong"]) == (1, 1)
    assert said["faults"] == ["requests: one has no end", "requests: one is wrong"]
    shown = text(closing(SCENE, GOOD, SPEED, 0, looped))
    assert "lost: 1, wrong: 1, sent twice: 0" in shown
    assert "one has no end" in shown


def test_requests_that_were_never_handed_in_are_lost() -> None:
    assert replace(LOOPED, requests=7).lost == ("3 requests were never handed in",)


def test_mails_sent_twice_are_wrong_beyond_their_bound_only() -> None:
    twice = replace(LOOPED, verdict=replace(VERDICT, sent_twice=5))
    assert twice.wrong == ("5 mails were sent twice; at most 0 may be",)
    killed = replace(twice, in_doubt_bound=32, doubts=9)
    assert killed.wrong == ()
    shown = text(closing(SCENE, GOOD, SPEED, 0, killed), 160)
    assert "sent twice: 5, and 32 may be" in shown
