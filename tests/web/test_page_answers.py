"""The pages that answer: all that an answer says is on its page, escaped, and leads on with no address in a URL."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from streams.answers.evidence import Evidence, EvidenceKind, Ground, Lift, Loop, RetryWaits, WaitsFor
from streams.answers.model import Trace, Verdict, Why
from streams.answers.said import Rule
from streams.answers.steps import Ahead, Concluded, Furthest, Search, Step, StepKind
from streams.mail.outcome import OutcomeKind
from streams.mail.suppression import SuppressionReason
from streams.web.headline import Level
from streams.web.page_answers import look_of
from tests.web.overviews import AT
from tests.web.pages import ANN, TOKEN, Site, named_site, valid

ID = "010201890a0b0c0d-11111111-2222-3333-4444-555555555555-000000"
RULE = Rule(name="hard-bounce", says="A hard bounce is for good.", section="rules.md#whom")
EVIL = "<script>alert(1)</script>"


def why(**said: Any) -> Why:
    """Return an answer about somebody who bounced."""
    given: dict[str, Any] = {
        "recipient": ANN,
        "written": "Ann@Example.com",
        "asked_at": AT,
        "known": True,
        "verdict": Verdict.NO,
        "answer": "No: the mailbox does not exist.",
        "reason": SuppressionReason.HARD_BOUNCE,
        "scope": "*",
        "since": AT,
        "by": "ses-streams",
        "grounds": [
            Ground(
                reason=SuppressionReason.HARD_BOUNCE,
                holds=True,
                said=True,
                scope="*",
                since=AT,
                until=None,
                by="ses-streams",
                because=RULE,
                undone_by="a release",
            ),
            Ground(
                reason=SuppressionReason.UNSUBSCRIBED,
                holds=False,
                said=False,
                scope="digest",
                since=AT,
                until=AT,
                by="ses-streams",
                because=RULE,
                undone_by="a release of that stream",
            ),
        ],
        "evidence": [
            Evidence(at=AT, kind=EvidenceKind.HARD_BOUNCE, counts=True, because=RULE, message_id=ID, status="5.1.1"),
            Evidence(at=AT, kind=EvidenceKind.DELIVERY, counts=False, because=RULE, stream="receipts", by="olga"),
        ],
        "loop": Loop(
            local_address="shop@example.org", replies=3, window_seconds=3600, since=AT, until=AT, because=RULE
        ),
        "holding": True,
        "probe_at": AT,
        "retries": [
            RetryWaits(
                request_id="request-7",
                attempt=2,
                due_at=AT + timedelta(hours=2),
                waits_for=WaitsFor.TIME,
                because="SOFT_BOUNCED General",
                rule=RULE,
                message_id=ID,
                stream="receipts",
            )
        ],
        "lift": [
            Lift(does="Release them, if the mailbox is back.", command=f"ses-streams suppressions release {ANN}"),
            Lift(does="Take them off SES's own list.", command=None),
        ],
        "delivered_at": AT,
        "heard_at": AT,
    }
    return Why(**{**given, **said})


def trace(**said: Any) -> Trace:
    """Return the life of a mail that bounced."""
    given: dict[str, Any] = {
        "message_id": ID,
        "asked_at": AT,
        "known": True,
        "answer": "It bounced for good.",
        "request_id": "request-7",
        "attempt": 1,
        "stream": "receipts",
        "from_address": "shop@example.org",
        "recipients": (ANN,),
        "via": "API",
        "sent_at": AT,
        "matched": True,
        "steps": [
            Step(at=AT, kind=StepKind.SENT, says="SES took it.", because=RULE),
            Step(
                at=AT + timedelta(seconds=2),
                kind=StepKind.SES_SAID,
                says="SES said: Bounce.",
                because=RULE,
                concluded=(
                    Concluded(
                        recipient=ANN,
                        kind=OutcomeKind.HARD_BOUNCED,
                        reason="Permanent/General",
                        certain=True,
                        status="5.1.1",
                        matched=True,
                        outcome_id="o-1",
                        furthest=True,
                        because=RULE,
                        follows=("nobody writes to them again",),
                    ),
                ),
            ),
        ],
        "furthest": [Furthest(recipient=ANN, kind=OutcomeKind.HARD_BOUNCED, at=AT)],
        "search": Search(heard=2, found=2, complete=True, says="All 2 facts were found."),
        "ahead": [Ahead(at=AT + timedelta(days=14), says="It is forgotten.", because=RULE)],
        "others": ("another-id",),
    }
    return Trace(**{**given, **said})


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with named_site().served() as served:
        served.answers.whys[ANN] = why()
        served.answers.traces[ID] = trace()
        yield served


async def answer(site: Site, asked: str) -> str:
    """Return the page that answers, having seen that it is whole."""
    status, page = await site.post("/search", {"q": asked, "token": TOKEN})
    assert status == 200
    return valid(page)


async def test_why_says_whether_why_since_when_on_what_evidence_and_how_to_lift_it(site: Site) -> None:
    page = await answer(site, "Ann <ANN@Example.COM>")
    assert site.answers.asked == [ANN]
    for said in (
        "No: the mailbox does not exist.",
        "hard bounce",
        "every stream",
        "for good",
        "Ann@Example.com",
        "A hard bounce is for good.",
        "does not hold now",
        "5.1.1",
        "counts",
        "does not count",
        "by olga",
        "3 auto-replies to shop@example.org",
        "request-7",
        "waits for time",
        f"<span>suppressions</span> <span>release</span> <span>{ANN}</span></code>",
        "Take them off SES&#39;s own list.",
        "Undone by: a release of that stream",
    ):
        assert said in page, said


async def test_why_of_somebody_unknown_says_so_and_no_more(site: Site) -> None:
    site.answers.whys[ANN] = Why(
        recipient=ANN, asked_at=AT, known=False, verdict=Verdict.YES, answer="Yes, as far as is known."
    )
    page = await answer(site, ANN)
    assert "Yes, as far as is known." in page
    assert "<h2" not in page


async def test_a_person_suppressed_for_some_streams_is_shown_with_their_names(site: Site) -> None:
    site.answers.whys[ANN] = why(verdict=Verdict.SOME_STREAMS, scope="digest", streams=("digest", "newsletter"))
    assert "digest, newsletter" in await answer(site, ANN)


async def test_trace_is_a_timeline_with_the_rule_of_each_step(site: Site) -> None:
    page = await answer(site, f"<{ID}@eu-west-1.amazonses.com>")
    assert site.answers.asked == [ID]
    for said in (
        "It bounced for good.",
        "receipts",
        "SES said: Bounce.",
        "A hard bounce is for good.",
        "hard bounced",
        "status 5.1.1",
        "nobody writes to them again",
        "All 2 facts were found.",
        "It is forgotten.",
    ):
        assert said in page, said
    assert page.index("SES took it.") < page.index("SES said: Bounce.")


def furthest(kind: OutcomeKind) -> Furthest:
    """Return how far a mail got."""
    return Furthest(recipient=ANN, kind=kind, at=AT)


@pytest.mark.parametrize(
    ("ends", "look"),
    [
        ((OutcomeKind.DELIVERED, OutcomeKind.OPENED), Level.GOOD),
        ((OutcomeKind.DELIVERED, OutcomeKind.HARD_BOUNCED), Level.BAD),
        ((OutcomeKind.DELIVERED, OutcomeKind.DELAYED), Level.QUIET),
        ((), Level.QUIET),
    ],
)
def test_a_mail_looks_as_the_worst_of_what_became_of_it(ends: tuple[OutcomeKind, ...], look: Level) -> None:
    assert look_of(trace(furthest=[furthest(kind) for kind in ends])) is look


async def test_trace_of_an_unknown_mail_says_so(site: Site) -> None:
    site.answers.traces["gone"] = Trace(
        message_id="gone",
        asked_at=AT,
        known=False,
        answer="Nothing is known of it.",
        search=Search(heard=0, found=0, complete=True, says="Nothing was found."),
    )
    page = await answer(site, "gone")
    assert "Nothing is known of it." in page
    assert "If a person is meant, write the whole address." in page
    assert "<h2" not in page


async def test_one_answer_leads_to_the_next_by_a_link_that_names_nobody(site: Site) -> None:
    page = await answer(site, ANN)
    assert f'href="{site.url(ID)}">{ID}<' in page
    page = await answer(site, ID)
    assert f'href="{site.url(ANN)}">{ANN}<' in page
    assert f'href="{site.url("another-id")}">another-id<' in page
    assert not any("@" in url or "ann" in url for url in re.findall(r'href="([^"]*)"', page))
    assert all('method="post"' in form for form in re.findall(r"<form[^>]*>", page))


async def test_what_others_wrote_in_an_answer_is_shown_and_never_run(site: Site) -> None:
    site.answers.whys[ANN] = why(answer=EVIL, written=EVIL, by=EVIL, streams=(EVIL,), scope=EVIL)
    site.answers.traces[ID] = trace(answer=EVIL, request_id=EVIL, stream=EVIL, recipients=(EVIL,), others=(EVIL,))
    for asked in (ANN, ID):
        page = await answer(site, asked)
        assert "alert(1)" in page
        assert "<script" not in page
