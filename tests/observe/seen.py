"""Metrics to look at: some that have seen something of everything, and some that have seen far too much."""

from __future__ import annotations

from collections import Counter
from itertools import product

from streams.mail.deadletter import DeadReason, Stage
from streams.mail.suppression import SuppressionReason
from streams.observe.catalogue import METRICS, Kind, Metric
from streams.observe.labels import FIRST_STREAMS
from streams.observe.metrics import Metrics
from streams.observe.progress import Phase, Position, Progress
from streams.observe.provider import DOMAINS
from streams.observe.series import NOT_BEFORE, foreseen
from streams.observe.words import CLOSED

HOP_KEYS = (
    ("ses_sends_total", "receipts", "API"),
    ("ses_outcomes_total", "receipts", "HARD_BOUNCED", "gmail.com"),
    ("ses_bounces_total", "Permanent", "General"),
    ("ses_complaints_total", "abuse"),
    ("ses_auto_replies_total",),
    ("ses_unmatched_feedback_total",),
    ("ses_mail_reports_total", "receipts", "HARD_BOUNCED"),
    ("ses_duplicates_total", "feedback"),
    ("ses_dead_letters_total", Stage.BY_MESSAGE, DeadReason.NOT_AVRO),
    ("ses_records_total", "sends"),
    ("ses_suppressions", SuppressionReason.HARD_BOUNCE),
    ("ses_unanswered_sends_total", "receipts"),
    ("ses_parked_feedback_total",),
    ("ses_listed_bounces_total", "receipts"),
    ("ses_send_requests_total", "receipts", "sent"),
    ("ses_suppressed_sends_total", SuppressionReason.COMPLAINT),
    ("ses_refusals_total", "slow"),
    ("ses_doubts_total", "settled"),
    ("ses_dispatch_paused", "receipts"),
    ("ses_retries_total", "MailboxFull", "scheduled"),
    ("ses_retries_pending",),
    ("ses_loops",),
)


def full() -> Metrics:
    """Return metrics that have seen something of everything."""
    metrics = Metrics()
    metrics.apply(Counter(dict.fromkeys(HOP_KEYS, 3)), {"gmail.com": [900, 61_000], "firm.example": [1]})
    metrics.chunk("by_message", 12.5, {"decode": 0.004, "decide": 0.001})
    metrics.ages([250])
    metrics.watch(
        lambda: Progress(
            phase=Phase.RUNNING,
            positions={("ses.sends", 0): Position(10, 5)},
            recovery_remaining=7,
            committed_at=1_700_000_000_500,
        )
    )
    metrics.look_up(lambda: {name: {(): 8.0} for name in NOT_BEFORE - {"ses_last_commit_timestamp_seconds"}})
    return metrics


def flooded() -> Metrics:
    """Return metrics that have seen more words of everything than any list has."""
    metrics = Metrics()
    for metric in METRICS.values():
        if metric.kind is Kind.COUNTER and metric.name != "ses_dropped_labels_total":
            metrics.apply(dict.fromkeys(product([metric.name], *(_every(metric, label) for label in metric.labels)), 1))
    for latency in DOMAINS:
        metrics.apply({}, {latency: [10]})
    for word in ("by_message", "by_recipient", "by_request", "by_chance", ""):
        metrics.chunk(word, 1.0, {})
    for word in (*CLOSED["road"], "a footpath", ""):
        metrics.arrivals(word, [10])
    return metrics


def _every(metric: Metric, label: str) -> list[str]:
    """Return every word of a label, more that are in no list, and none."""
    if label == "stream":
        return [*(f"stream {number}" for number in range(FIRST_STREAMS + 9)), ""]
    if label == "provider":
        return ["gmail.com", "gmx.de", "firm.example"]
    return [*foreseen(metric, label), "a word from elsewhere", ""]
