"""docs/rules.md says what the code does: every row of the tables stands there, in the code's own words."""

from __future__ import annotations

from pathlib import Path

from streams.decide.bounce import BAD_ADDRESS_CODES, BOUNCE_CLASSES
from streams.decide.instruction import Action
from streams.decide.lifecycle import RANKS
from streams.decide.loops import KEEP_REPLIES
from streams.decide.retry import ENDS, MAILBOX_FULL, MAX_SPENT, MAX_WAITS, PASSING, due_at
from streams.dispatch.gate import MOST_RECIPIENTS
from streams.dispatch.leaving import MOST_BYTES
from streams.mail.outcome import OutcomeKind
from streams.mail.policy import DAY, HOUR, MINUTE, BreakerPolicy, LoopPolicy, RetryPolicy

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "rules.md").read_text()


def test_every_row_of_the_bounce_table_stands_on_the_page_in_its_order() -> None:
    table = PAGE[PAGE.index("## The bounce table") : PAGE.index("## How far")]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert [row.rsplit("|", 2)[1].strip() for row in rows] == [row.why for row in BOUNCE_CLASSES]


def test_the_codes_of_a_bad_address_stand_on_the_page() -> None:
    assert all(code in PAGE for code in BAD_ADDRESS_CODES)


def test_every_outcome_that_has_a_rank_stands_on_the_page() -> None:
    assert all(kind in PAGE for kind in RANKS)


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the first table under a heading, without its head."""
    lines = PAGE[PAGE.index(f"## {heading}\n") :].splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("|---"))
    table = lines[start + 1 : next(n for n, line in enumerate(lines) if n > start and not line.startswith("|"))]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_every_bounce_that_is_sent_again_stands_on_the_page_with_its_times_and_its_reason() -> None:
    steady = RetryPolicy(jitter=0)
    said = {cells[0].partition("`")[2].rstrip("`"): cells[1:] for cells in rows("What is sent again")}
    assert [word for word in said if word] == [row.subtype for row in PASSING]
    for row in PASSING:
        hours = [due_at("r", n, 0, row.subtype, steady) // HOUR for n in range(1, steady.most + 1)]
        assert said[row.subtype] == [", ".join(f"{h} h" for h in hours), row.because]
    assert MAILBOX_FULL in said


def test_the_spread_and_the_silence_on_the_page_are_the_policys() -> None:
    policy = RetryPolicy()
    assert f"spread by {policy.jitter:.0%}".replace("%", " %") in PAGE
    assert f"There are {policy.most} retries at most" in PAGE
    assert f"no word for {policy.silence // HOUR} h" in PAGE


def test_the_bounds_on_the_page_are_the_codes() -> None:
    said = " ".join(PAGE.split())
    assert f"{MAX_WAITS} retries that wait" in said
    assert f"the last {MAX_SPENT} requests and messages" in said
    assert f"the last {KEEP_REPLIES} auto-replies" in said


def test_every_end_of_an_attempt_is_among_the_probes_answers() -> None:
    answers = " ".join(cells[0] for cells in rows("One asks, the others wait"))
    assert all(kind in answers for kind in {*ENDS, OutcomeKind.DELIVERED})


def test_every_window_of_a_loop_stands_on_the_page() -> None:
    names = {10 * MINUTE: "10 minutes", HOUR: "1 hour", DAY: "24 hours"}
    policy = LoopPolicy()
    assert rows("Two machines that answer each other")[:-1] == [[str(n), names[span]] for n, span in policy.windows]
    assert f"A flag lasts {policy.flag // HOUR} hours" in PAGE
    assert f"{policy.longest // DAY} days. A pair that was quiet for {policy.longest // DAY + 1} days" in PAGE


def test_every_instruction_stands_on_the_page() -> None:
    assert [cells[0] for cells in rows("What an operator decides")] == list(Action)


def test_the_lines_of_the_breaker_on_the_page_are_the_policys() -> None:
    policy = BreakerPolicy()
    words = f"At {policy.bounce_ratio:.0%} hard bounces or {policy.complaint_ratio:.1%} complaints".replace("%", " %")
    assert words in PAGE
    assert f"with {policy.min_sends:,} sends or more" in PAGE
    assert f"the last {policy.window // HOUR} hours" in PAGE


def test_the_limits_of_a_mail_on_the_page_are_dispatchs() -> None:
    assert f"more than {MOST_RECIPIENTS} recipients, more than {MOST_BYTES >> 20} MB" in PAGE
