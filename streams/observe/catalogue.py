"""The one catalogue of metrics: name, kind, labels and a sentence; docs/metrics.md is made from it.

Names follow Prometheus's rules: base units, `_total` for what only grows. Every label takes its values from a closed
list (words.py), because a label that anybody can fill (an address, a domain, a diagnostic text) ends in a leak or in
a million series. A metric that is not here cannot be counted: `Metrics` refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a metric does over time."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; *buckets* are upper bounds in seconds."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()


DAYS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400, 43200, 86400, 259200, 604800)
"""Mail takes seconds, or days."""
AGES = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43200, 259200)
"""A record waits milliseconds, or, behind a lag or an outage, days."""
MOMENTS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""A chunk takes milliseconds."""

_COUNTER, _GAUGE, _HISTOGRAM = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM
_ROWS = (
    # What became of the mail
    Metric("ses_sends_total", _COUNTER, ("stream", "via"), "Mails that SES accepted."),
    Metric("ses_outcomes_total", _COUNTER, ("stream", "kind", "provider"), "Outcomes, one a recipient of a mail."),
    Metric("ses_bounces_total", _COUNTER, ("type", "subtype"), "Bounces in SES's own words, one a recipient."),
    Metric("ses_complaints_total", _COUNTER, ("type",), "Complaints in SES's own words, one a possible complainer."),
    Metric("ses_auto_replies_total", _COUNTER, (), "Bounces that are a machine's answer, and no bounce."),
    Metric(
        "ses_delivery_latency_seconds",
        _HISTOGRAM,
        ("provider",),
        "Time from the send to the provider's acceptance.",
        DAYS,
    ),
    Metric("ses_unanswered_sends_total", _COUNTER, ("stream",), "Mails of which SES said nothing in the time set."),
    Metric("ses_unmatched_feedback_total", _COUNTER, (), "Events whose send did not come in the time set."),
    Metric("ses_mail_reports_total", _COUNTER, ("stream", "kind"), "Outcomes known by mail only; SES rates none."),
    Metric("ses_parked_feedback_total", _COUNTER, (), "Events that came before their send and had to wait for it."),
    Metric("ses_suppressions", _GAUGE, ("reason",), "Recipients not to be written to, on this worker's partitions."),
    # Intake
    Metric("ses_intake_items_total", _COUNTER, ("road", "result"), "Items that came to the intake: posts, messages."),
    Metric("ses_intake_refused_total", _COUNTER, ("road", "reason"), "Items that were turned away, and why."),
    Metric("ses_intake_records_total", _COUNTER, ("road", "topic"), "Records that the intake wrote to Kafka."),
    Metric("ses_intake_age_seconds", _HISTOGRAM, ("road",), "Time from an event to its arrival at the intake.", DAYS),
    Metric("ses_intake_waiting_bytes", _GAUGE, (), "What the intake gave to brokers and they did not acknowledge."),
    Metric("ses_intake_pending_subscriptions", _GAUGE, (), "SNS subscriptions that an operator must confirm."),
    Metric("ses_sqs_in_hand", _GAUGE, (), "Messages of SQS queues that are received and not deleted yet."),
    Metric("ses_sqs_wait_seconds", _GAUGE, (), "How long the oldest message received last had been in its SQS queue."),
    Metric("ses_sqs_expired_total", _COUNTER, (), "SQS messages that others could get while we still had them."),
    Metric("ses_sqs_failed_calls_total", _COUNTER, ("why",), "Calls to SQS that went amiss; they are tried again."),
    # Dispatch
    Metric("ses_send_requests_total", _COUNTER, ("stream", "result"), "What dispatch did with a request's attempt."),
    Metric("ses_suppressed_sends_total", _COUNTER, ("reason",), "Recipients not sent to, by why they are suppressed."),
    Metric("ses_refusals_total", _COUNTER, ("action",), "Calls that SES refused, by what follows."),
    Metric("ses_doubts_total", _COUNTER, ("result",), "Mails of which it was not known whether SES had them."),
    Metric("ses_send_rate", _GAUGE, (), "Recipients a second that this worker hands to SES at most."),
    Metric(
        "ses_quota_remaining",
        _GAUGE,
        (),
        "Recipients left of this worker's part of SES's 24-hour quota; -1 without a limit.",
    ),
    Metric(
        "ses_quota_limit", _GAUGE, (), "This worker's part of SES's 24-hour quota, in recipients; -1 without a limit."
    ),
    Metric("ses_calls_in_flight", _GAUGE, (), "Calls to SES that are under way."),
    Metric(
        "ses_dispatch_paused",
        _GAUGE,
        ("stream",),
        "Whether a stream sends nothing now (1), by the breaker or an operator.",
    ),
    # Retries and loops
    Metric(
        "ses_retries_total", _COUNTER, ("because", "result"), "Retries, by what led to them and what became of them."
    ),
    Metric("ses_retries_pending", _GAUGE, (), "Retries that are planned, on this worker's partitions."),
    Metric("ses_loops", _GAUGE, (), "Recipients flagged for a loop, on this worker's partitions."),
    # Reputation
    Metric("ses_listed_bounces_total", _COUNTER, ("stream",), "Bounces for which SES sent nothing: on our own list."),
    Metric("ses_bounce_ratio", _GAUGE, ("stream",), "Hard bounces among the last sends, as SES counts them, roughly."),
    Metric("ses_complaint_ratio", _GAUGE, ("stream",), "Complaints among the last sends, roughly as SES counts them."),
    Metric("ses_ratio_sends", _GAUGE, ("stream",), "Sends on which both ratios rest; few sends make a poor ratio."),
    Metric("ses_reputation_line_ratio", _GAUGE, ("kind", "line"), "Ratio at which SES reviews or pauses an account."),
    # The pipeline
    Metric("ses_records_total", _COUNTER, ("topic",), "Records that hops have worked off."),
    Metric("ses_duplicates_total", _COUNTER, ("stage",), "Records that said again what was known."),
    Metric("ses_rekeyed_total", _COUNTER, ("topic",), "Records published again, since they lay on a wrong partition."),
    Metric("ses_dead_letters_total", _COUNTER, ("stage", "reason"), "Records that could not be used."),
    Metric("ses_event_age_seconds", _HISTOGRAM, (), "Time from a record's arrival to its work being durable.", AGES),
    Metric("ses_chunk_seconds", _HISTOGRAM, ("hop",), "Time that a hop takes for one chunk, all steps.", MOMENTS),
    Metric(
        "ses_chunk_timestamp_seconds",
        _GAUGE,
        ("edge",),
        "When this worker began its first chunk and finished its last, since the epoch; 0 before there was one.",
    ),
    Metric(
        "ses_step_seconds_total",
        _COUNTER,
        ("hop", "step"),
        "Time that a hop has spent in one step of its work; wait is for the brokers.",
    ),
    Metric("ses_lost_records_total", _COUNTER, ("topic",), "Records that were deleted before they were read."),
    Metric("ses_consumer_lag", _GAUGE, ("topic", "partition"), "Records of a partition that wait to be acknowledged."),
    Metric("ses_last_commit_timestamp_seconds", _GAUGE, (), "When work was last acknowledged to the brokers."),
    Metric("ses_recovery_remaining", _GAUGE, (), "Changelog records still to be read before work begins."),
    Metric("ses_disk_free_bytes", _GAUGE, (), "Room left on the disk that the tables are on."),
    Metric("ses_disk_size_bytes", _GAUGE, (), "Size of the disk that the tables are on."),
    # ses-streams itself
    Metric("ses_state", _GAUGE, ("state",), "What this process is at: 1 for one state, 0 for all others."),
    Metric("ses_dropped_labels_total", _COUNTER, ("label",), "Values that count as `other`, being in no closed list."),
    Metric("ses_series", _GAUGE, (), "Series on this page, process_* left out."),
    Metric(
        "ses_series_limit",
        _GAUGE,
        (),
        "Series that these labels and streams can come to at most; partitions as they are.",
    ),
    Metric("ses_build_info", Kind.INFO, ("version", "part"), "Always 1; the labels say which version runs, as what."),
)
METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _ROWS}

LINES: Mapping[tuple[str, ...], float] = {
    ("bounce", "review"): 0.05,
    ("bounce", "pause"): 0.10,
    ("complaint", "review"): 0.001,
    ("complaint", "pause"): 0.005,
}
"""SES developer guide, reputation-dashboard-bounce-rate and -complaint-rate."""
