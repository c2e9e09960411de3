"""Suppression and retries: whom we do not write to, what that held back, and whether asking again helps."""

from __future__ import annotations

from deploy.grafana.board import Board, Row, Stack
from deploy.grafana.look import AMOUNT, BAD, GOOD, MAILS_PER_S, PER_S, SHARE, WARN, Query, Step
from deploy.grafana.panels import Bars, Lines, Number, States
from deploy.grafana.promql import RANGE, in_range, now, of, per_second, share

LISTED = Row(
    "Whom do we no longer write to?",
    Stack(
        Number(
            "Recipients on the list",
            "`ses-streams suppressions list` shows them; `suppressions release ADDRESS` takes one off, and says who "
            "did.",
            Query(now("ses_suppressions")),
            unit=AMOUNT,
        ),
        Number(
            "More than before",
            "In the time shown. A jump: a bad import, or a provider that blocks all of our mail as if nobody lived "
            "there.",
            Query(f"sum(delta({of('ses_suppressions')}[{RANGE}]))"),
            unit=AMOUNT,
            at_once=True,
        ),
    ),
    Bars(
        "Why they are on it",
        "SES_LIST: SES has them on its own list, `suppressions sync-ses` compares the two. SUSPECTED_COMPLAINT ends by "
        "itself after 30 days.",
        Query(now("ses_suppressions", "reason") + " > 0", "{{reason}}"),
        unit=AMOUNT,
    ),
    Lines(
        "The list over time, by reason",
        "It grows slowly. Steps come of imports and of providers that change their mind.",
        Query(now("ses_suppressions", "reason") + " > 0", "{{reason}}"),
        unit=AMOUNT,
        stacked=True,
        width=12,
    ),
)
HELD_BACK = Row(
    "What did the list hold back?",
    Number(
        "Requests held back",
        "Of all in the time shown. Above a tenth: the service that asks should read ses.suppressions first.",
        Query(
            share(
                in_range("ses_send_requests_total", result="suppressed|looping"),
                in_range("ses_send_requests_total", result="!again|in_doubt"),
            )
        ),
        unit=SHARE,
        steps=(Step(None, GOOD), Step(0.1, WARN)),
        height=8,
        at_once=True,
    ),
    Bars(
        "Recipients not written to, by reason",
        "Who asks for mail to these addresses keeps an old list.",
        Query(in_range("ses_suppressed_sends_total", "reason") + " > 0", "{{reason}}"),
        nothing="nobody",
        unit=AMOUNT,
        width=8,
    ),
    Lines(
        "Requests that were held back, by stream",
        "A stream that stands out sends to a list that nobody cleans.",
        Query(per_second("ses_send_requests_total", "stream", result="suppressed"), "{{stream}}"),
        unit=MAILS_PER_S,
    ),
)
REQUESTS = Row(
    "Do requests become mail?",
    Lines(
        "What became of requests",
        "sent is what should be there. paused: *Which stream is paused?*; again: SES asks for patience; failed: SES "
        "refused for good, docs/refusals.md says why.",
        Query(per_second("ses_send_requests_total", "result") + " > 0", "{{result}}"),
        unit=MAILS_PER_S,
        stacked=True,
    ),
    States(
        "Which stream is paused?",
        "Red: it sends nothing. `ses-streams pauses list` says by whom; `pauses clear STREAM` lets it go on.",
        Query(f"max by (stream) ({of('ses_dispatch_paused')})", "{{stream}}"),
        steps=(Step(None, GOOD), Step(1, BAD)),
        called={0: "sends", 1: "paused"},
        alerts=("SesDispatchPaused",),
    ),
    Stack(
        Number(
            "Left of SES's 24-hour quota",
            "At 0 requests wait until SES's window makes room: ask AWS for more, or send less. Empty: without limit.",
            Query(share(now("ses_quota_remaining"), now("ses_quota_limit"))),
            nothing="no limit",
            unit=SHARE,
            steps=(Step(None, BAD), Step(0.1, WARN), Step(0.25, GOOD)),
            alerts=("SesQuotaNearlyUsed",),
        ),
        Number(
            "Mails in doubt",
            "The call broke off, so that nobody knows whether SES has them. They wait for SES's word before another "
            "try.",
            Query(in_range("ses_doubts_total", result="doubted")),
            unit=AMOUNT,
            steps=(Step(None, GOOD), Step(1, WARN)),
            at_once=True,
        ),
    ),
    Lines(
        "What SES allows, and what it gets",
        "At the limit requests queue. SES throttles: the limit goes down by itself, and up again.",
        Query(now("ses_send_rate"), "allowed"),
        more=(Query(per_second("ses_sends_total", via="API|SMTP"), "sent"),),
        unit=MAILS_PER_S,
        width=10,
    ),
    Lines(
        "Calls that SES refused, by what follows",
        "end: this mail is never sent; again: later; slow: we slow down; stop: SES takes nothing, act at once.",
        Query(per_second("ses_refusals_total", "action"), "{{action}}"),
        unit=PER_S,
        width=10,
        alerts=("SesTakesNothing",),
    ),
)
RETRIES = Row(
    "Does asking again help?",
    Stack(
        Number(
            "Retries that wait",
            "Planned for later. They pile up where a provider is down, or where nothing is sent at all.",
            Query(now("ses_retries_pending")),
            unit=AMOUNT,
            alerts=("SesRetriesPileUp",),
        ),
        Number(
            "Given up",
            "Of the retries that went out: the last of their kind, which failed too. Above a half they do not pay: is "
            "the list old?",
            Query(
                share(in_range("ses_retries_total", result="exhausted"), in_range("ses_retries_total", result="due"))
            ),
            unit=SHARE,
            steps=(Step(None, GOOD), Step(0.5, WARN)),
            at_once=True,
        ),
    ),
    Bars(
        "What led to them",
        "General and Undetermined are the provider's moods; refused is SES's: see the calls that it refused.",
        Query(in_range("ses_retries_total", "because", result="scheduled"), "{{because}}"),
        unit=AMOUNT,
    ),
    Lines(
        "What becomes of them",
        "cancelled: the reason is gone (delivered meanwhile, or now on the list), and that is well.",
        Query(per_second("ses_retries_total", "result"), "{{result}}"),
        unit=PER_S,
        width=12,
    ),
)
BOARD = Board(
    name="suppression",
    title="SES: suppression and retries",
    about="Whom we do not write to, what that held back, whether requests become mail, and whether asking again helps.",
    variables=("stream",),
    rows=(LISTED, HELD_BACK, REQUESTS, RETRIES),
)
