"""Why somebody gets no mail: the answer is what hop 2 says, and everything that was heard is explained."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.answers.evidence import WaitsFor
from streams.answers.model import Verdict, Why
from streams.answers.rules import ROWS, Rules, span
from streams.answers.why import why
from streams.hops.by_recipient import ByRecipient
from streams.schemas.plain import to_plain
from streams.state.standings import unpack_standing
from tests.builders import CODEC, DAY, HOUR, MINUTE, NOON, POLICY, Bench, instruction, of, outcome, reply, soft

ANN = "ann@example.com"
ROOT = Path(__file__).resolve().parents[2]

kinds = st.sampled_from(
    [
        ("HARD_BOUNCED", "Permanent/General"),
        ("HARD_BOUNCED", "Permanent/OnAccountSuppressionList"),
        ("COMPLAINED", "abuse"),
        ("COMPLAINED", "auth-failure"),
        ("NOT_SPAM", "not-spam"),
        ("DELIVERED", ""),
        ("SOFT_BOUNCED", "Transient/General"),
        ("SOFT_BOUNCED", "Transient/General"),
        ("SOFT_BOUNCED", "Transient/MailboxFull"),
        ("UNSUBSCRIBED", ""),
        ("AUTO_REPLIED", ""),
    ]
)
times = st.one_of(st.integers(0, 40 * DAY // HOUR).map(lambda n: NOON + n * HOUR), st.integers(NOON, NOON + HOUR))
streams = st.sampled_from(["receipts", "newsletter", ""])


@st.composite
def heard(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw one thing that is heard of Ann: an outcome, an auto-reply with its Send, or an operator's word."""
    at, number = draw(times), draw(st.integers(0, 5))
    what = draw(st.sampled_from(["outcome", "outcome", "outcome", "soft", "reply", "instruction"]))
    if what == "instruction":
        action = draw(st.sampled_from(["SUPPRESS", "SUPPRESS", "RELEASE", "CLEAR_LOOP", "CANCEL_RETRY"]))
        scope = draw(st.sampled_from(["*", "newsletter"]))
        until = draw(st.none() | st.integers(1, 60).map(lambda days: at + days * DAY)) if action == "SUPPRESS" else None
        request_id = draw(st.sampled_from([None, "r-1"])) if action == "CANCEL_RETRY" else None
        record = instruction(action, at, scope=scope, until=until, request_id=request_id)
        return "instructions", CODEC.encode("mail.Instruction", record)
    if what == "reply":
        answering = draw(st.sampled_from([None, None, "<a@example.com>"]))
        said = reply(f"m-{number}", NOON + draw(st.integers(0, 3 * DAY // MINUTE)) * MINUTE, in_reply_to=answering)
        return "outcomes", CODEC.encode("mail.Outcome", said)
    if what == "soft":
        return "outcomes", CODEC.encode("mail.Outcome", soft(f"r-{number}", draw(st.integers(1, 4)), at))
    kind, reason = draw(kinds)
    fields: dict[str, Any] = {"reason": reason, "stream": draw(streams), "certain": draw(st.booleans())}
    return "outcomes", CODEC.encode("mail.Outcome", outcome(kind, at, f"m-{number}", **fields))


@st.composite
def rows_of_soft_bounces(draw: st.DrawFn) -> list[tuple[str, bytes]]:
    """Draw bounces that follow each other for months, for what single facts seldom make."""
    hours = draw(st.lists(st.integers(1, 40), min_size=5, max_size=30))
    said, at = [], NOON
    for number, gap in enumerate(hours):
        at += gap * HOUR
        record = outcome("SOFT_BOUNCED", at, f"m-{number // draw(st.integers(1, 2))}", reason="Transient/General")
        said.append(("outcomes", CODEC.encode("mail.Outcome", record)))
    return said


lives = st.lists(heard(), min_size=1, max_size=14) | rows_of_soft_bounces()


def told(facts: list[tuple[str, bytes]], now: int) -> Bench:
    """Tell hop 2 what was heard, and let time pass until *now*."""
    bench = Bench(ByRecipient(CODEC, POLICY))
    for topic, value in facts:
        bench.work(topic, [value], NOON + 41 * DAY)
    bench.pass_time(now)
    return bench


def asked(bench: Bench, now: int) -> Why:
    """Ask why of Ann."""
    return why("Ann <ANN@example.com>", bench.table.values.get(ANN.encode()), POLICY, now)


def last_word(bench: Bench, topic: str, name: str) -> dict[str, Any] | None:
    """Return what a reader of a compacted topic ends with, as JSON says it."""
    value = next((v for t, _, v in reversed(bench.emitted) if t == topic), None)
    return None if value is None else to_plain(name, CODEC.decode(name, value))


@settings(max_examples=120)
@given(lives, st.integers(41 * DAY, 120 * DAY))
def test_the_answer_is_what_hop_2_says(facts: list[tuple[str, bytes]], later: int) -> None:
    bench = told(facts, NOON + later)
    answer = asked(bench, NOON + later).model_dump(mode="json")
    said = last_word(bench, "suppressions", "mail.Suppression")
    assert (answer["verdict"] == "YES") == (said is None)
    if said is not None:
        assert {name: answer[name] for name in ("reason", "scope", "since", "until", "by", "streams", "written")} == {
            name: said[name] for name in ("reason", "scope", "since", "until", "by", "streams", "written")
        }
        assert (answer["verdict"] == "NO") == (said["scope"] == "*")
    flag = last_word(bench, "loops", "mail.LoopFlag")
    names = ("local_address", "replies", "window_seconds", "since", "until")
    assert (answer["loop"] and {name: answer["loop"][name] for name in names}) == (
        flag and {name: flag[name] for name in names}
    )
    waits = last_word(bench, "waiting", "mail.Waiting") or {"holding": False, "probe_at": None}
    assert (answer["holding"], answer["probe_at"]) == (waits["holding"], waits["probe_at"])


@settings(max_examples=120)
@given(lives, st.integers(41 * DAY, 120 * DAY))
def test_every_mark_order_reply_and_wait_is_explained_once(facts: list[tuple[str, bytes]], later: int) -> None:
    bench = told(facts, NOON + later)
    stored = bench.table.values.get(ANN.encode())
    answer = asked(bench, NOON + later)
    if stored is None:
        assert not answer.known
        assert answer.evidence == ()
        return
    standing = unpack_standing(stored)
    kinds = [one.kind.value for one in answer.evidence]
    assert sorted(k for k in kinds if k not in OTHERS) == sorted(mark.kind.value for mark in standing.marks)
    assert kinds.count("AUTO_REPLY") == len(standing.replies)
    assert kinds.count("ORDER") == len(standing.orders)
    assert kinds.count("RELEASE") == len(standing.releases)
    assert [wait.request_id for wait in answer.retries] == [
        wait.request_id for wait in sorted(standing.waits, key=lambda w: (w.due_at, w.request_id))
    ]
    assert list(answer.evidence) == sorted(answer.evidence, key=lambda one: one.at)


OTHERS = {"DELIVERY", "NOT_SPAM", "AUTO_REPLY", "ORDER", "RELEASE", "LOOP_CLEARED", "RETRY_CANCELLED"}


@settings(max_examples=120)
@given(lives, st.integers(41 * DAY, 120 * DAY))
def test_what_is_said_rests_on_evidence_that_counts_and_only_one_ground_is_said(
    facts: list[tuple[str, bytes]], later: int
) -> None:
    answer = asked(told(facts, NOON + later), NOON + later)
    said = [ground for ground in answer.grounds if ground.said]
    assert len(said) == (answer.verdict is not Verdict.YES)
    assert all(ground.holds and ground.reason == answer.reason for ground in said)
    assert all(one.until is None or (one.counts and one.until > answer.asked_at) for one in answer.evidence)
    if said:
        wanted = "order" if said[0].because.name.startswith("order") else said[0].because.name
        assert any(one.counts and one.because.name.startswith(wanted[:12]) for one in answer.evidence)
    if answer.loop is not None:
        until = {one.until for one in answer.evidence if one.kind == "AUTO_REPLY"}
        assert answer.loop.until in until


def of_ann(*facts: dict[str, Any] | Any, now: int = NOON + 2 * HOUR) -> Why:
    """Return the answer after outcomes and instructions, heard one by one at *now*."""
    bench = Bench(ByRecipient(CODEC, POLICY))
    for fact in facts:
        topic, name = ("instructions", "mail.Instruction") if "action" in fact else ("outcomes", "mail.Outcome")
        bench.work(topic, [CODEC.encode(name, fact)], now)
    return asked(bench, now)


def worth(answer: Why) -> list[tuple[str, bool, str]]:
    """Return what each piece of evidence is worth."""
    return [(one.kind.value, one.counts, one.because.name) for one in answer.evidence]


def test_nobody_of_whom_nothing_is_known_gets_an_honest_answer() -> None:
    answer = why("Nobody <NOBODY@example.org>", None, POLICY, NOON)
    assert (answer.recipient, answer.known, answer.verdict) == ("nobody@example.org", False, Verdict.YES)
    assert (
        answer.answer
        == "Yes, as far as is known: nothing was ever heard of them, or nothing for 90 days. Is it spelt right?"
    )


def test_a_hard_bounce_is_answered_with_its_evidence_and_the_way_out() -> None:
    answer = of_ann(
        outcome("HARD_BOUNCED", NOON, "m-7", reason="Permanent/General", status="5.1.1"), outcome("DELIVERED", NOON + 1)
    )
    assert answer.answer == "No: their mailbox bounced for good. Since 2026-09-21, for good."
    assert worth(answer) == [("HARD_BOUNCE", True, "hard-bounce"), ("DELIVERY", True, "delivery")]
    first = answer.evidence[0]
    assert (first.message_id, first.status, first.stream, first.until) == ("m-7", "5.1.1", "receipts", None)
    assert [one.command and one.command.split()[:3] for one in answer.lift] == [
        ["ses-streams", "suppressions", "release"],
        ["ses-streams", "suppressions", "sync-ses"],
    ]


def test_soft_bounces_say_which_of_them_count_and_why_the_others_do_not() -> None:
    row = [outcome("SOFT_BOUNCED", NOON + n * 20 * HOUR, f"m-{n}") for n in range(5)]
    twice = outcome("SOFT_BOUNCED", NOON + 20 * HOUR + 1, "m-1")
    in_pause = outcome("SOFT_BOUNCED", NOON + 4 * DAY, "m-9")
    answer = of_ann(*row, twice, in_pause, now=NOON + 5 * DAY)
    names = [one.because.name for one in answer.evidence]
    assert names == ["soft-bounces"] * 2 + ["soft-same-mail"] + ["soft-bounces"] * 3 + ["soft-in-pause"]
    assert answer.answer == "No: their mailbox has bounced again and again. Since 2026-09-24, until 2026-10-24."
    assert {one.until for one in answer.evidence if one.counts} == {answer.until}
    over = of_ann(*row, now=NOON + 40 * DAY)
    assert over.verdict is Verdict.YES
    assert {(one.counts, one.because.name) for one in over.evidence} == {(False, "soft-bounces-over")}
    few = of_ann(*row[:3])
    assert {(one.counts, one.because.name) for one in few.evidence} == {(True, "soft-bounces-few")}


def test_a_suspicion_ends_and_a_second_one_is_for_good() -> None:
    first = outcome("COMPLAINED", NOON, "m-1", certain=False)
    again = outcome("COMPLAINED", NOON + HOUR, "m-2", certain=False)
    assert worth(of_ann(first)) == [("SUSPICION", True, "suspicion")]
    assert worth(of_ann(first, now=NOON + 31 * DAY)) == [("SUSPICION", False, "suspicion-over")]
    assert worth(of_ann(first, again)) == [("SUSPICION", True, "suspicion-twice")] * 2


def test_who_left_a_stream_is_written_to_by_the_others_and_the_way_out_names_the_stream() -> None:
    answer = of_ann(outcome("UNSUBSCRIBED", NOON, "m-1", stream="weekly news"))
    assert answer.verdict is Verdict.SOME_STREAMS
    assert answer.answer == "Yes, but not the stream weekly news: they unsubscribed. Since 2026-09-21, for good."
    command = shlex.split(answer.lift[0].command or "")
    assert command[4:6] == ["--scope", "weekly news"]


def test_an_operators_word_is_said_with_the_name_and_a_release_settles_it() -> None:
    order = instruction("SUPPRESS", NOON, until=NOON + DAY)
    answer = of_ann(order)
    assert (answer.by, answer.reason) == ("Ines", "MANUAL")
    assert worth(answer) == [("ORDER", True, "order")]
    assert worth(of_ann(order, now=NOON + 2 * DAY)) == [("ORDER", False, "order-over")]
    released = of_ann(order, instruction("RELEASE", NOON + HOUR))
    assert released.verdict is Verdict.YES
    assert worth(released) == [("RELEASE", True, "release")]


def test_a_loop_says_which_replies_made_it() -> None:
    answer = of_ann(
        reply("m-1", NOON),
        reply("m-2", NOON + 30 * MINUTE),
        reply("m-2", NOON + 31 * MINUTE),
        reply("m-3", NOON + 36 * MINUTE),
        reply("m-4", NOON + HOUR),
    )
    assert answer.loop is not None
    assert (answer.loop.local_address, answer.loop.replies) == ("desk@example.org", 2)
    assert [one.because.name for one in answer.evidence] == [
        "loop-few",
        "loop",
        "loop-same-mail",
        "loop",
        "loop-in-flag",
    ]
    assert answer.answer == "Yes, but answers no machine of theirs."
    assert [one.command and one.command.split()[1] for one in answer.lift] == ["loops"]
    cleared = of_ann(reply("m-1", NOON), reply("m-2", NOON + 1), instruction("CLEAR_LOOP", NOON + MINUTE))
    assert cleared.loop is None
    assert [one.because.name for one in cleared.evidence] == ["loop-settled", "loop-settled", "loop-cleared"]


def test_replies_from_before_a_long_quiet_count_no_more() -> None:
    bench = Bench(ByRecipient(CODEC, POLICY))
    told_at_once = [CODEC.encode("mail.Outcome", reply(f"m-{n}", NOON + n * 40 * DAY)) for n in range(2)]
    bench.work("outcomes", list(told_at_once), NOON + 40 * DAY)
    answer = asked(bench, NOON + 40 * DAY)
    assert [one.because.name for one in answer.evidence] == ["loop-before-quiet", "loop-few"]


def test_what_waits_says_for_what() -> None:
    answer = of_ann(
        soft("r-1"), soft("r-2", at=NOON + 1), of("FAILED", "r-3", at=NOON, reason="timeout", message_id=None), now=NOON
    )
    assert {wait.request_id: wait.waits_for for wait in answer.retries} == {
        min(answer.retries[:3], key=lambda w: (w.rule.name != "retry", w.due_at)).request_id: WaitsFor.TIME,
        "r-3": WaitsFor.TIME,
        next(w.request_id for w in answer.retries if w.waits_for is WaitsFor.TURN): WaitsFor.TURN,
    }
    assert answer.holding
    assert answer.lift[-1].command is not None
    assert answer.lift[-1].command.startswith("ses-streams retries cancel --address ann@example.com")
    barred = of_ann(soft("r-1"), outcome("HARD_BOUNCED", NOON, "m-7"), now=NOON)
    assert [wait.waits_for for wait in barred.retries] == [WaitsFor.BARRED]


def test_a_command_is_quoted_for_the_shell() -> None:
    bench = Bench(ByRecipient(CODEC, POLICY))
    record = outcome("HARD_BOUNCED", NOON, recipient="o'neil;rm@example.com")
    bench.work("outcomes", [CODEC.encode("mail.Outcome", record)])
    answer = why("o'neil;rm@example.com", bench.table.values[b"o'neil;rm@example.com"], POLICY, NOON)
    assert shlex.split(answer.lift[0].command or "")[3] == "o'neil;rm@example.com"


@pytest.mark.parametrize("name", sorted(ROWS))
def test_every_rule_leads_to_a_section_of_the_page_and_is_said_by_somebody(name: str) -> None:
    page = (ROOT / "docs" / "rules.md").read_text()
    heads = (part.partition("\n")[0].lower() for part in page.split("\n## ")[1:])
    headings = {re.sub(r"[^a-z0-9 -]", "", head).replace(" ", "-") for head in heads}
    words = dict.fromkeys(re.findall(r"{(type|subtype|dsn|why|further|here)}", ROWS[name].says), "word")
    rule = Rules(POLICY)(name, **words)
    assert rule.section.partition("#")[2] in headings
    assert "{" not in rule.says
    code = [path.read_text() for path in (ROOT / "streams" / "answers").glob("*.py")]
    assert sum(text.count(f'"{name}"') for text in code) > 1, "nobody says it"


def test_lengths_of_time_are_said_as_people_say_them() -> None:
    assert [span(ms) for ms in (30 * DAY, 72 * HOUR, DAY, 2 * HOUR, 10 * MINUTE, 5_000, 1)] == [
        "30 days",
        "72 h",
        "24 h",
        "2 h",
        "10 min",
        "5 s",
        "1 ms",
    ]
