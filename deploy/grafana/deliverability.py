"""Deliverability: for whoever answers for the mail. Does it flow, would SES stop us, who bounces, and why?"""

from __future__ import annotations

from deploy.grafana import reputation
from deploy.grafana.board import Board, Row
from deploy.grafana.look import AMOUNT, BAD, COUNT, GOOD, MAILS_PER_S, SECONDS, SHARE, WARN, Query, Step
from deploy.grafana.panels import Bars, Lines, Number
from deploy.grafana.promql import RANGE, in_range, now, per_second, quantile, share
from deploy.grafana.reputation import ENDED

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
    rows=(FLOW, reputation.REVIEW, reputation.PROVIDER, WHY, MISSING),
)
