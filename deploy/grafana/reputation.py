"""Our name with SES and with providers: the two rows of deliverability that decide whether we may go on sending."""

from __future__ import annotations

from deploy.grafana.board import Row
from deploy.grafana.look import AMOUNT, BAD, GOOD, SECONDS, SHARE, WARN, Query, Step
from deploy.grafana.panels import Lines, Number
from deploy.grafana.promql import RANGE, if_it_goes_on, in_range, now, per_second, quantile, rated, share, until
from deploy.grafana.tables import Column, Table
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
