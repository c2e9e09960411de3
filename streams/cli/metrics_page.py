"""docs/metrics.md, made from the catalogue: what is counted, under which labels, and what to ask Prometheus.

Every query here is one that people need on their first day with the product; a test holds their names to the
catalogue and to deploy/prometheus/recording.yml.
"""

from __future__ import annotations

from collections.abc import Iterable

from streams.cli.markdown import page, table

_HEAD = """Served on `/metrics`, in OpenMetrics where the scraper asks for it. Label values come from closed lists;
what is in none counts as `other`, and in `ses_dropped_labels_total`; what is missing counts as `unknown`. No label
ever holds an address. What can be foreseen is there at 0 from the start, or from when a stream is first named. The
usual `process_*` metrics are there too.
"""
QUESTIONS = (
    ("Does mail flow?", "sum by (kind) (rate(ses_outcomes_total[5m]))"),
    ("Would SES review the account for its bounces?", "account:ses_bounce:ratio"),
    ("Or for its complaints?", "account:ses_complaint:ratio"),
    ("When, if it goes on like this?", "account:ses_bounce:seconds_to_review / 3600"),
    ("Which stream is it?", "topk(5, stream:ses_bounce:ratio)"),
    ("Which provider bounces most?", "topk(5, provider:ses_bounce:ratio1d)"),
    ("Which provider defers us?", 'topk(5, sum by (provider) (rate(ses_outcomes_total{kind="SOFT_BOUNCED"}[1h])))'),
    ("Why do mails bounce, in SES's words?", "sum by (type, subtype) (increase(ses_bounces_total[1d])) > 0"),
    ("How long does delivery take?", "provider:ses_delivery_latency_seconds:p95"),
    ("How many people must we not write to?", "sum by (reason) (ses_suppressions)"),
    ("How many mails did the list spare us?", "sum by (reason) (increase(ses_suppressed_sends_total[1d]))"),
    ("Where is the lag?", "topk(5, ses_consumer_lag)"),
    ("How long to work it off?", "topic:ses_consumer_lag:seconds_to_drain"),
    ("What do hops spend their time on?", "sum by (hop, step) (rate(ses_step_seconds_total[5m]))"),
    ("From a record to its work being durable?", "job:ses_event_age_seconds:p99"),
    ("What could not be used, and why?", "sum by (stage, reason) (increase(ses_dead_letters_total[1d])) > 0"),
    ("How much of SES's quota is left?", "sum(ses_quota_remaining) / sum(ses_quota_limit > 0)"),
    ("Who is stuck, who recovers?", "ses_state == 1"),
    ("Which versions run?", "count by (version, part) (ses_build_info)"),
)
_ASK = """## What to ask Prometheus

What has colons in its name is computed by [recording.yml](../deploy/prometheus/recording.yml); alerts are in
[alerts.yml](../deploy/prometheus/alerts.yml), and [the runbook](runbook.md) says what to do about each.
"""
_SERIES = """## How many series

The table's last column is how many samples a metric can come to with {streams} streams, the most that get a name where
no allow-list is set; name yours in `SES_STREAMS_METRICS__STREAMS`, and it is far less. All together: {ten:,} a worker
with ten streams, {all:,} with {streams}, and one for each partition that it holds. `ses_series` says how many there
are now, `ses_series_limit` how many there can be. `make bench ARGS=scrape` measures what a scrape costs.
"""
_RATIOS = """## Ratios

`ses_bounce_ratio` and `ses_complaint_ratio` are over the last 10,000 sends of a stream, in blocks of 500, because SES
too rates a "representative volume" and not a span of time. They are approximations, never SES's own number: SES rates
the account and not the stream, does not say how large its volume is, and counts only complaints of providers that
report them. Hard bounces count; soft ones, auto-replies, SES's simulator and bounces for which SES sent nothing (our
own lists) do not. Each worker sees its partitions only. All workers together:

    sum by (stream) (ses_bounce_ratio * ses_ratio_sends) / sum by (stream) (ses_ratio_sends)

`stream:ses_bounce:ratio` is that where it rests on a thousand sends, and else the last week; `account:ses_bounce:ratio`
weighs the streams by what each sent in a week. By provider there is only what was answered: the bounces among a day's
answers, those for which SES sent nothing among them.

Alert on a ratio only where `ses_ratio_sends` is large enough, 1,000 or more, and against
`ses_reputation_line_ratio`: SES reviews an account at 5 % bounces or 0.1 % complaints, and may pause it at 10 % or
0.5 %.
"""


def metrics_page() -> str:
    """Return docs/metrics.md."""
    from streams.observe.catalogue import METRICS
    from streams.observe.labels import FIRST_STREAMS
    from streams.observe.series import most

    head = ("metric", "kind", "labels", "what it says", "at most")
    rows = [
        (f"`{each.name}`", each.kind, ", ".join(each.labels) or "-", each.help, f"{most(each, FIRST_STREAMS):,}")
        for each in METRICS.values()
    ]
    sums = {streams: sum(most(metric, streams) for metric in METRICS.values()) for streams in (10, FIRST_STREAMS)}
    return page(
        "Metrics",
        _HEAD,
        table(head, rows),
        _ASK,
        table(("question", "query"), [(question, f"`{query}`") for question, query in QUESTIONS]),
        "## Labels",
        table(("label", "values"), _labels()),
        _SERIES.format(streams=FIRST_STREAMS, ten=sums[10], all=sums[FIRST_STREAMS]),
        _RATIOS,
    )


def _labels() -> Iterable[tuple[str, str]]:
    """Yield each label and what it may say."""
    from streams.observe.labels import FIRST_STREAMS
    from streams.observe.words import CLOSED

    yield "`stream`", f"those of `SES_STREAMS_METRICS__STREAMS`, or the first {FIRST_STREAMS} seen"
    for label, words in CLOSED.items():
        yield f"`{label}`", ", ".join(words)
    yield "`ses_consumer_lag.topic`", "as brokers know it, with the prefix"
    yield "`partition`", "those that the worker holds"
