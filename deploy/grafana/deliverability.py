"""Deliverability: for whoever answers for the mail. Does it flow, would SES stop us, who bounces, and why?"""

from __future__ import annotations

from deploy.grafana.board import Board, Row
from deploy.grafana.panels import (
    AMOUNT,
    BAD,
    COUNT,
    GOOD,
    MAILS_PER_S,
    SECONDS,
    SHARE,
    WARN,
    Bars,
    Column,
    Lines,
    Number,
    Query,
    Step,
    Table,
)
from deploy.grafana.promql import RANGE, if_it_goes_on, in_range, now, per_second, quantile, rated, share, until
from streams.observe.catalogue import LINES

ENDED = "DELIVERED|HARD_BOUNCED|SOFT_BOUNCED"
ENOUGH_SENDS, ENOUGH_ENDS = 200, 20
"""Below these a ratio says more about chance than about a stream or a provider."""
FORECAST_DAYS = 30
"""A line that is further away than this by its trend is not worth a number."""


def _lines(kind: str) -> tuple[Step, ...]:
    """Return SES's two lines as steps."""
    return Step(None, GOOD), Step(LINES[kind, "review"], WARN), Step(LINES[kind, "pause"], BAD)


BOUNCE, COMPLAINT = _lines("bounce"), _lines("complaint")
BOUNCED, COMPLAINED = rated("ses_bounce_ratio", "stream"), rated("ses_complaint_ratio", "stream")
RATABLE = f"({now('ses_ratio_sends', 'stream')} >= {ENOUGH_SENDS})"
OF_PROVIDER, REAL = ("ses_outcomes_total", "provider"), "!amazon_simulator"
ENDS = in_range(*OF_PROVIDER, kind=ENDED, provider=REAL)
_SOON = FORECAST_DAYS * 86_400


def _review(line: float, ratio: str) -> str:
    """Return the seconds until a ratio meets SES's line of review, where that is soon."""
    return f"({until(line, ratio)}) < {_SOON}"


def _of_provider(kind: str) -> str:
    """Return which share of a provider's mails ended as *kind*, where they are enough to say so."""
    return f"{in_range(*OF_PROVIDER, kind=kind, provider=REAL)} / ({ENDS} > {ENOUGH_ENDS})"


FLOW = Row(
    "Does mail flow?",
    Number(
        "SES accepts",
        "Mails that SES took. At 0 while requests come in: see *Do requests become mail?* on the board of suppression.",
        Query(per_second("ses_sends_total")),
        unit=MAILS_PER_S,
    ),
    Number(
        "Delivered",
        "Of all mails that ended, delivered or bounced, in the time shown. Below 95 %: *Which provider bounces?*",
        Query(share(in_range("ses_outcomes_total", kind="DELIVERED"), in_range("ses_outcomes_total", kind=ENDED))),
        unit=SHARE,
        steps=(Step(None, BAD), Step(0.9, WARN), Step(0.95, GOOD)),
        at_once=True,
    ),
    Number(
        "Half is delivered within",
        "From SES's taking it to the provider's. Minutes are normal at some providers: see *Who makes us wait?*",
        Query(quantile(0.5, "ses_delivery_latency_seconds", span=RANGE)),
        unit=SECONDS,
        at_once=True,
    ),
    Number(
        "95 of 100 within",
        "Hours mean that a provider defers our mail: see *Who makes us wait?*",
        Query(quantile(0.95, "ses_delivery_latency_seconds", span=RANGE)),
        unit=SECONDS,
        at_once=True,
    ),
    Number(
        "Streams that are paused",
        "Stopped by the breaker, or by somebody. `ses-streams pauses list` says which, by whom and why.",
        Query(f"{now('ses_dispatch_paused')} or vector(0)"),
        unit=COUNT,
        steps=(Step(None, GOOD), Step(1, BAD)),
        alerts=("SesDispatchPaused",),
    ),
    Number(
        "Mails without an answer",
        "SES said nothing of them for three days. More than a few: is a configuration set without its event "
        "destination, or is the intake down?",
        Query(in_range("ses_unanswered_sends_total")),
        unit=COUNT,
        steps=(Step(None, GOOD), Step(1, WARN)),
        at_once=True,
        alerts=("SesSendsUnanswered",),
    ),
    Lines(
        "Mails that SES accepts, by stream",
        "A stream that stops: is it paused, or does its service ask for nothing?",
        Query(per_second("ses_sends_total", "stream"), "{{stream}}"),
        unit=MAILS_PER_S,
    ),
    Lines(
        "What becomes of them",
        "One outcome a recipient. Red that grows: *Would SES review us?*; yellow: a provider defers; blue: machines.",
        Query(per_second("ses_outcomes_total", "kind") + " > 0", "{{kind}}"),
        unit=MAILS_PER_S,
        stacked=True,
    ),
)
REVIEW = Row(
    "Would SES review us, or pause us?",
    Number(
        "Bounces, all streams",
        "Hard bounces among the last sends, roughly as SES counts for the account. SES reviews at 5 %, pauses at 10 %.",
        Query(rated("ses_bounce_ratio")),
        unit=SHARE,
        steps=BOUNCE,
        alerts=("SesBouncesNearReview", "SesBouncesNearPause"),
    ),
    Number(
        "Bounces, if it goes on",
        "Where it would be after as much time again as is shown, by its slope. Above the line: act now.",
        Query(if_it_goes_on(rated("ses_bounce_ratio"))),
        unit=SHARE,
        steps=BOUNCE,
        at_once=True,
    ),
    Number(
        "Complaints, all streams",
        "SES reviews at 0.1 %, pauses at 0.5 %, and counts only mail to providers that report complaints: its number "
        "is higher than ours.",
        Query(rated("ses_complaint_ratio")),
        unit=SHARE,
        steps=COMPLAINT,
        alerts=("SesComplaintsNearReview", "SesComplaintsNearPause"),
    ),
    Number(
        "Complaints, if it goes on",
        "Where it would be after as much time again as is shown, by its slope. Above the line: act now.",
        Query(if_it_goes_on(rated("ses_complaint_ratio"))),
        unit=SHARE,
        steps=COMPLAINT,
        at_once=True,
    ),
    Number(
        "Sends that this rests on",
        "At most 10,000 a stream and worker. Below 1,000 a single bounce moves the ratio: wait before you act.",
        Query(now("ses_ratio_sends")),
        unit=AMOUNT,
        steps=(Step(None, WARN), Step(1000, GOOD)),
        width=8,
    ),
    Table(
        "Stream by stream",
        "The stream at the top is the one to stop first: `ses-streams pauses set STREAM`. *Review in* is empty "
        "where the ratio does not rise.",
        by="stream",
        height=9,
        columns=(
            Column("Bounces", BOUNCED, SHARE, BOUNCE),
            Column("Bounces, if it goes on", if_it_goes_on(BOUNCED), SHARE, BOUNCE),
            Column("Review for bounces in", _review(LINES["bounce", "review"], BOUNCED), SECONDS),
            Column("Complaints", COMPLAINED, SHARE, COMPLAINT),
            Column("Complaints, if it goes on", if_it_goes_on(COMPLAINED), SHARE, COMPLAINT),
            Column("Review for complaints in", _review(LINES["complaint", "review"], COMPLAINED), SECONDS),
            Column("Sends", now("ses_ratio_sends", "stream"), AMOUNT),
        ),
        alerts=("SesBouncesWillMeetReview", "SesComplaintsWillMeetReview"),
    ),
    Lines(
        "Bounce ratio against SES's lines",
        "At 8 % a stream's dispatch pauses itself, before SES pauses the account at 10 %. Streams with few sends are "
        "left out: one bounce would move them.",
        Query(f"{BOUNCED} and {RATABLE}", "{{stream}}"),
        unit=SHARE,
        steps=BOUNCE,
        least_top=0.11,
    ),
    Lines(
        "Complaint ratio against SES's lines",
        "At 0.4 % a stream's dispatch pauses itself. People who complain want an unsubscribe link that they can find.",
        Query(f"{COMPLAINED} and {RATABLE}", "{{stream}}"),
        unit=SHARE,
        steps=COMPLAINT,
        least_top=0.0055,
    ),
)
PROVIDER = Row(
    "Which provider bounces?",
    Table(
        "Provider by provider",
        "In the time shown, of mails that ended. One red row: that provider blocks us, look at *Why does it bounce?* "
        "Red everywhere: the list of recipients is old.",
        by="provider",
        columns=(
            Column("Hard bounces", _of_provider("HARD_BOUNCED"), SHARE, BOUNCE),
            Column("Soft bounces", _of_provider("SOFT_BOUNCED"), SHARE, (Step(None, GOOD), Step(0.05, WARN))),
            Column("Complaints", _of_provider("COMPLAINED"), SHARE, COMPLAINT),
            Column("Delivered", _of_provider("DELIVERED"), SHARE, (Step(None, BAD), Step(0.9, WARN), Step(0.95, GOOD))),
            Column("95 of 100 within", quantile(0.95, "ses_delivery_latency_seconds", "provider", span=RANGE), SECONDS),
            Column("Mails that ended", f"{ENDS} > 0", AMOUNT),
        ),
        height=9,
        alerts=("SesProviderRefuses",),
    ),
    Lines(
        "Hard bounces by provider",
        "One that leaves the others behind has changed its mind about us; ask its postmaster page.",
        Query(
            share(
                per_second(*OF_PROVIDER, kind="HARD_BOUNCED", provider=REAL),
                per_second(*OF_PROVIDER, kind=ENDED, provider=REAL),
            ),
            "{{provider}}",
        ),
        unit=SHARE,
        steps=BOUNCE,
        least_top=0.11,
    ),
    Lines(
        "Who makes us wait?",
        "Time to delivery of 95 of 100 mails. A provider that rises alone defers our mail: send to it more slowly.",
        Query(quantile(0.95, "ses_delivery_latency_seconds", "provider"), "{{provider}}"),
        unit=SECONDS,
    ),
)
WHY = Row(
    "Why does it bounce?",
    Bars(
        "Bounces in SES's words",
        "Permanent/Suppressed and OnAccountSuppressionList: SES's own list, nothing was sent. MailboxFull passes. "
        "docs/rules.md says what each leads to.",
        Query(in_range("ses_bounces_total", "type", "subtype") + " > 0", "{{type}}/{{subtype}}"),
        unit=AMOUNT,
        width=12,
        height=9,
    ),
    Bars(
        "Complaints in SES's words",
        "abuse: a person pressed the button. auth-failure: our domain's DKIM, SPF or DMARC is broken, mend it first.",
        Query(in_range("ses_complaints_total", "type"), "{{type}}"),
        unit=AMOUNT,
        width=6,
        height=9,
    ),
    Bars(
        "Bounces that SES does not count",
        "On the list already, so that SES sent nothing; or known by a mail only. They are not in the ratios above.",
        Query(in_range("ses_listed_bounces_total"), "on our own list"),
        more=(
            Query(in_range("ses_mail_reports_total"), "known by mail only"),
            Query(in_range("ses_auto_replies_total"), "a machine's answer"),
        ),
        unit=AMOUNT,
        width=6,
        height=9,
    ),
)
MISSING = Row(
    "Is an answer missing?",
    Lines(
        "Events whose send never came",
        "Somebody sends and publishes no Send, or under another message id. They count for suppression all the same.",
        Query(per_second("ses_unmatched_feedback_total"), "never came"),
        more=(Query(per_second("ses_parked_feedback_total"), "came late"),),
        unit=MAILS_PER_S,
        alerts=("SesFeedbackUnmatched",),
    ),
    Lines(
        "Sends of which SES said nothing, by stream",
        "Has the stream's configuration set an event destination? Does the intake run?",
        Query(per_second("ses_unanswered_sends_total", "stream"), "{{stream}}"),
        unit=MAILS_PER_S,
        alerts=("SesSendsUnanswered",),
    ),
)
BOARD = Board(
    name="deliverability",
    title="SES: deliverability",
    about="Does mail flow, would SES review the account, which provider bounces, and why.",
    variables=("stream", "provider"),
    since="now-24h",
    rows=(FLOW, REVIEW, PROVIDER, WHY, MISSING),
)
