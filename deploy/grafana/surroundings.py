"""Around the workers: do events come in by the intake, and what does a worker need of its machine?"""

from __future__ import annotations

from deploy.grafana.board import Row
from deploy.grafana.look import AMOUNT, BAD, BYTES, COUNT, GOOD, RECORDS_PER_S, SECONDS, SHARE, WARN, Query, Step
from deploy.grafana.panels import Lines, Number
from deploy.grafana.promql import RECENT, in_range, now, of, per_second, quantile

MUST_BE_NONE = (Step(None, GOOD), Step(1, BAD))

INTAKE = Row(
    "Do events come in?",
    Lines(
        "What came to the intake",
        "landed is in Kafka. failed: SNS and SQS try again, look at the intake's log. Silence while mail goes out: "
        "the subscription or the queue is gone.",
        Query(per_second("ses_intake_items_total", "road", "result") + " > 0", "{{road}}: {{result}}"),
        nothing="no intake, or nothing came",
        unit=RECORDS_PER_S,
        width=8,
        alerts=("SesIntakeSilent",),
    ),
    Lines(
        "How old events are when they come in",
        "95 of 100. Minutes: SES or SNS is late, or a queue was left alone.",
        Query(quantile(0.95, "ses_intake_age_seconds", "road"), "{{road}}"),
        nothing="no intake, or nothing came",
        unit=SECONDS,
        width=8,
    ),
    Lines(
        "What SQS holds",
        "The oldest message's wait. It grows: more intakes, or more SES_STREAMS_INTAKE__SQS__POLLERS.",
        Query(f"max({of('ses_sqs_wait_seconds')})", "longest wait"),
        unit=SECONDS,
        width=8,
        alerts=("SesQueueBehind",),
    ),
    Number(
        "In hand from SQS",
        "Received and not deleted yet. It stays high: Kafka does not acknowledge.",
        Query(now("ses_sqs_in_hand")),
        unit=AMOUNT,
        width=6,
    ),
    Number(
        "Given to brokers, not acknowledged",
        "At its limit the intake answers `busy`, and SNS tries again later.",
        Query(now("ses_intake_waiting_bytes")),
        unit=BYTES,
        width=6,
    ),
    Number(
        "Subscriptions to confirm",
        "SNS sends nothing until somebody confirms: docs/intake.md says how.",
        Query(now("ses_intake_pending_subscriptions")),
        unit=AMOUNT,
        steps=MUST_BE_NONE,
        width=6,
        alerts=("SesSubscriptionPending",),
    ),
    Number(
        "SQS messages that slipped away, calls that failed",
        "Visibility ran out while we had them, so that they come twice; docs/intake.md.",
        Query(in_range("ses_sqs_expired_total"), "expired"),
        more=(Query(in_range("ses_sqs_failed_calls_total"), "failed calls"),),
        unit=AMOUNT,
        steps=(Step(None, GOOD), Step(1, WARN)),
        width=6,
        at_once=True,
    ),
)
NEEDS = Row(
    "What does a worker need?",
    Lines(
        "Processor, by worker",
        "1 is all of one core, and one worker uses no more: then add a worker.",
        Query(f'rate(process_cpu_seconds_total{{job=~"$job"}}[{RECENT}])', "{{instance}}"),
        unit=SHARE,
        width=8,
    ),
    Lines(
        "Memory, by worker",
        "Below a gibibyte and flat, even over ten million open sends. A slope is a fault: tell us.",
        Query('process_resident_memory_bytes{job=~"$job"}', "{{instance}}"),
        unit=BYTES,
        width=8,
    ),
    Lines(
        "Room on the disk of the tables, by worker",
        "A full disk stops a worker, and loses nothing. Below a tenth: make room, or give it more.",
        Query(f"{of('ses_disk_free_bytes')} / {of('ses_disk_size_bytes')}", "{{instance}}"),
        unit=SHARE,
        steps=(Step(None, BAD), Step(0.1, WARN), Step(0.2, GOOD)),
        alerts=("SesDiskFull",),
        width=8,
    ),
    Lines(
        "Open files, by worker",
        "RocksDB holds some hundreds. Near the limit of the process: raise it.",
        Query('process_open_fds{job=~"$job"}', "{{instance}}"),
        unit=COUNT,
    ),
    Lines(
        "Series on each worker's page, and how many there can be",
        "Labels are closed lists, so that there is a bound. Near it: name fewer streams.",
        Query(of("ses_series"), "{{instance}}"),
        more=(Query(f"max({of('ses_series_limit')})", "at most"),),
        unit=AMOUNT,
    ),
)
