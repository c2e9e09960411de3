"""Auto-replies, loops, and what could not be used: machines that answer us, and records that nobody can read."""

from __future__ import annotations

from deploy.grafana.board import Board, Row, Stack
from deploy.grafana.look import AMOUNT, BAD, GOOD, MAILS_PER_S, RECORDS_PER_S, SHARE, WARN, Query, Step
from deploy.grafana.panels import Bars, Lines, Number
from deploy.grafana.promql import in_range, now, per_second, share

STOP_SHARE = 0.05
"""Of a window of 1,000 records or more: then a worker stops, since the fault is ours."""
LETTERS = share(per_second("ses_dead_letters_total"), per_second("ses_records_total"))

MACHINES = Row(
    "Do machines answer us?",
    Stack(
        Number(
            "Auto-replies",
            "In the time shown: out-of-office notes and the like. They count as no bounce, and never cause a mail.",
            Query(in_range("ses_outcomes_total", kind="AUTO_REPLIED")),
            unit=AMOUNT,
            at_once=True,
        ),
        Number(
            "Of a hundred mails",
            "A few is normal, more in holidays. Many: a stream writes to role addresses, or its Reply-To is a robot's.",
            Query(
                share(
                    in_range("ses_outcomes_total", kind="AUTO_REPLIED"),
                    in_range("ses_sends_total"),
                )
            ),
            unit=SHARE,
            steps=(Step(None, GOOD), Step(0.05, WARN)),
            at_once=True,
        ),
    ),
    Lines(
        "Auto-replies by stream",
        "A stream that stands out: does it mark its mails with Auto-Submitted, so that machines keep still?",
        Query(per_second("ses_outcomes_total", "stream", kind="AUTO_REPLIED"), "{{stream}}"),
        unit=MAILS_PER_S,
        width=12,
    ),
    Bars(
        "Auto-replies by provider",
        "Who answers most. `other` are firms with a domain of their own.",
        Query(in_range("ses_outcomes_total", "provider", kind="AUTO_REPLIED") + " > 0", "{{provider}}"),
        unit=AMOUNT,
    ),
)
LOOPS = Row(
    "Does one of them go in circles with us?",
    Stack(
        Number(
            "Recipients in a loop",
            "Flagged now. `ses-streams loops list` shows them with their evidence; `loops clear ADDRESS` ends a flag.",
            Query(now("ses_loops")),
            unit=AMOUNT,
            steps=(Step(None, GOOD), Step(1, WARN), Step(100, BAD)),
            alerts=("SesLoops",),
        ),
        Number(
            "Answers not sent",
            "Requests that would have answered a machine once more, in the time shown. Each is a mail that a loop did "
            "not get.",
            Query(in_range("ses_send_requests_total", result="looping")),
            unit=AMOUNT,
            at_once=True,
        ),
    ),
    Lines(
        "Recipients in a loop, over time",
        "Flags last a day and double with each relapse. A steep rise: one of our services answers answers.",
        Query(now("ses_loops"), "flagged"),
        unit=AMOUNT,
        width=10,
    ),
    Lines(
        "Answers not sent, by stream",
        "That stream's service answers mail by machine: it should look for Auto-Submitted itself.",
        Query(per_second("ses_send_requests_total", "stream", result="looping"), "{{stream}}"),
        unit=MAILS_PER_S,
        width=10,
    ),
)
UNUSABLE = Row(
    "What could not be used?",
    Stack(
        Number(
            "Dead letters",
            "In the time shown. `ses-streams dead-letters list` shows them, `dead-letters replay` sends them round "
            "again.",
            Query(in_range("ses_dead_letters_total")),
            unit=AMOUNT,
            steps=(Step(None, GOOD), Step(1, WARN)),
            at_once=True,
            alerts=("SesDeadLetters",),
        ),
        Number(
            "Of all records",
            "At 5 % of a thousand or more a worker stops, because then the fault is ours, or a whole producer's.",
            Query(LETTERS),
            unit=SHARE,
            steps=(Step(None, GOOD), Step(STOP_SHARE / 5, WARN), Step(STOP_SHARE, BAD)),
        ),
    ),
    Bars(
        "Why",
        "NOT_AVRO and UNKNOWN_SCHEMA: a producer without our schemas, give it the kit. NOT_AN_EVENT: see SNS.",
        Query(in_range("ses_dead_letters_total", "stage", "reason") + " > 0", "{{stage}}: {{reason}}"),
        nothing="every record could be used",
        unit=AMOUNT,
        width=10,
    ),
    Lines(
        "Dead letters by stage",
        "INTAKE: events from outside. BY_MESSAGE, BY_RECIPIENT: records of a producer, or ours. DISPATCH: requests.",
        Query(per_second("ses_dead_letters_total", "stage") + " > 0", "{{stage}}"),
        unit=RECORDS_PER_S,
        width=10,
    ),
    Bars(
        "Turned away at the door",
        "signature, header_mismatch, replayed: somebody tries. certificate_unreachable, busy: the intake needs help. "
        "docs/intake.md has them all.",
        Query(in_range("ses_intake_refused_total", "road", "reason") + " > 0", "{{road}}: {{reason}}"),
        nothing="nothing was turned away",
        height=6,
        unit=AMOUNT,
        width=12,
        alerts=("SesIntakeRefuses",),
    ),
    Lines(
        "Label values without a word of their own",
        "They count as `other`: a new word of SES's, or a stream beyond SES_STREAMS_METRICS__STREAMS.",
        Query(per_second("ses_dropped_labels_total", "label") + " > 0", "{{label}}"),
        nothing="every value has its word",
        height=6,
        unit=RECORDS_PER_S,
        alerts=("SesStreamsNameless",),
    ),
)
BOARD = Board(
    name="loops",
    title="SES: auto-replies, loops, dead letters",
    about="Machines that answer us, loops that were cut, and records that could not be used.",
    variables=("stream", "provider"),
    rows=(MACHINES, LOOPS, UNUSABLE),
)
