"""The pipeline: for whoever runs the workers. Are they there, who lags, how late are answers, where does time go?"""

from __future__ import annotations

from deploy.grafana.board import Board, Row, Stack
from deploy.grafana.panels import (
    AMOUNT,
    BAD,
    BYTES,
    COUNT,
    GOOD,
    PER_S,
    RECORDS_PER_S,
    SECONDS,
    SHARE,
    WARN,
    Bars,
    Heat,
    Lines,
    Number,
    Query,
    States,
    Step,
)
from deploy.grafana.promql import RECENT, in_range, now, of, per_second, quantile, share

MUST_BE_NONE = (Step(None, GOOD), Step(1, BAD))
LATE = (Step(None, GOOD), Step(60, WARN), Step(300, BAD))
LAG, LAG_BY_WORKER = now("ses_consumer_lag"), f"sum by (instance) ({of('ses_consumer_lag')})"
COMMIT = f"max by (instance) ({of('ses_last_commit_timestamp_seconds')} > 0)"
UNCOMMITTED = f"clamp_min(time() - {COMMIT}, 0) and ({LAG_BY_WORKER} > 0)"


def _at(state: str) -> str:
    """Return for each worker whether it is at one of these states."""
    return f"sum by (instance) ({of('ses_state', state=state)})"


WORKERS = Row(
    "Is every worker there, and at work?",
    Number(
        "Workers and intakes",
        "Less than you started: look at their logs, the last CRITICAL line says what and where. Two versions for long: "
        "a roll-out got stuck.",
        Query(f"count by (part, version) ({of('ses_build_info')})", "{{part}} {{version}}"),
        unit=COUNT,
        alerts=("SesNoWorker", "SesDown", "SesRestarts"),
    ),
    Number(
        "Records worked off",
        "By all workers and hops. At 0 with lag: no progress, the worker says so on /health/ready.",
        Query(per_second("ses_records_total")),
        unit=RECORDS_PER_S,
    ),
    Number(
        "Records that wait",
        "Lag of all partitions. It may rise in a burst; it must fall again. See *Which partition lags?*",
        Query(LAG),
        unit=AMOUNT,
        alerts=("SesLagging",),
    ),
    Number(
        "Caught up in",
        "At the pace of now. Longer than the burst that caused it: add workers, up to one a partition.",
        Query(share(LAG, per_second("ses_records_total"))),
        unit=SECONDS,
        steps=LATE,
    ),
    Number(
        "Last commit ago",
        "Of the worker that is furthest behind, among those that have work. Above a minute it is stuck: brokers, disk, "
        "or one record.",
        Query(f"max({UNCOMMITTED}) or vector(0)"),
        unit=SECONDS,
        steps=LATE,
        alerts=("SesCommitOld",),
    ),
    Number(
        "Still to recover",
        "Changelog records to read before work begins; about 300,000 a second. It happens after a lost disk or a move.",
        Query(now("ses_recovery_remaining")),
        unit=AMOUNT,
        steps=(Step(None, GOOD), Step(1, WARN)),
        alerts=("SesRecoverySlow",),
    ),
    States(
        "What each of them is at",
        "Green works. Yellow starts, recovers or stops: a minute or two. Red is stuck, and ends itself after a while.",
        Query(f"{_at('starting|recovering|stopping')} + 2 * {_at('stuck')}", "{{instance}}"),
        steps=(Step(None, GOOD), Step(1, "yellow"), Step(2, BAD)),
        called={0: "works", 1: "comes or goes", 2: "stuck"},
        alerts=("SesNoProgress",),
        width=8,
    ),
    Lines(
        "Records worked off, by topic",
        "Sends and feedback go through hop 1, outcomes through hop 2: the lines belong together.",
        Query(per_second("ses_records_total", "topic") + " > 0", "{{topic}}"),
        unit=RECORDS_PER_S,
        width=8,
    ),
    Lines(
        "Last commit ago, by worker",
        "While work waits. A saw-tooth below a second or two is health; a slope is a worker that stands.",
        Query(UNCOMMITTED, "{{instance}}"),
        unit=SECONDS,
        steps=LATE,
        width=8,
    ),
)
LAGGING = Row(
    "Which partition lags?",
    Bars(
        "The ten that lag most",
        "One alone: a hot key (one recipient, one role address). All of one worker: that worker. All: too few workers.",
        Query(f"topk(10, {now('ses_consumer_lag', 'topic', 'partition')})", "{{topic}} {{partition}}"),
        unit=AMOUNT,
        width=8,
    ),
    Lines(
        "Lag by topic",
        "Outcomes lag behind feedback: hop 2 is slower. Send requests lag: SES's rate is the limit, or a pause.",
        Query(now("ses_consumer_lag", "topic"), "{{topic}}"),
        unit=AMOUNT,
        width=8,
    ),
    Lines(
        "Lag by worker",
        "One worker above the rest has more partitions, a slower disk, or is recovering.",
        Query(LAG_BY_WORKER, "{{instance}}"),
        unit=AMOUNT,
        width=8,
    ),
)
LATENESS = Row(
    "How late are the answers?",
    Lines(
        "From a record's arrival to its work being durable",
        "Milliseconds at rest. Seconds with lag: see above. Seconds without: see *Where does the time go?*",
        Query(quantile(0.5, "ses_event_age_seconds"), "half of them"),
        more=(
            Query(quantile(0.95, "ses_event_age_seconds"), "95 of 100"),
            Query(quantile(0.99, "ses_event_age_seconds"), "99 of 100"),
        ),
        unit=SECONDS,
    ),
    Heat(
        "How old records are when they are done",
        "Two clouds: some partitions are late while others are not.",
        Query(f"sum by (le) (increase({of('ses_event_age_seconds_bucket')}[{RECENT}]))", "{{le}}"),
        unit=SECONDS,
    ),
)
TIME = Row(
    "Where does the time go?",
    Lines(
        "Chunks: 99 of 100 are done within",
        "A chunk is what one fetch brought from one partition. Slow and large is well, slow and small is not.",
        Query(quantile(0.99, "ses_chunk_seconds", "hop"), "{{hop}}"),
        unit=SECONDS,
        width=6,
    ),
    Lines(
        "Steps of work, as a share of one core",
        "decode and encode are Avro, state is RocksDB, decide are the rules. Near 100 % in all: add a worker.",
        Query(per_second("ses_step_seconds_total", "step", step="!wait"), "{{step}}"),
        unit=SHARE,
        width=6,
        stacked=True,
    ),
    Lines(
        "Chunks that wait for brokers",
        "How many at a time. It rises alone: the brokers' disks or the network are slow, not we.",
        Query(per_second("ses_step_seconds_total", "hop", step="wait"), "{{hop}}"),
        unit=COUNT,
        width=6,
    ),
    Lines(
        "Chunks a second",
        "Few large chunks are efficient, and come by themselves under load.",
        Query(per_second("ses_chunk_seconds_count", "hop"), "{{hop}}"),
        unit=PER_S,
        width=6,
    ),
)
ASTRAY = Row(
    "Is anything lost, repeated, or on the wrong partition?",
    Stack(
        Number(
            "Lost before they were read",
            "Deleted by retention while nobody read. They are gone: lengthen the topic's retention, find out who "
            "slept.",
            Query(in_range("ses_lost_records_total")),
            unit=AMOUNT,
            steps=MUST_BE_NONE,
            at_once=True,
            alerts=("SesRecordsLost",),
        ),
        Number(
            "On a wrong partition",
            "Published again under their key: a producer on librdkafka needs partitioner=murmur2_random.",
            Query(in_range("ses_rekeyed_total")),
            unit=AMOUNT,
            steps=(Step(None, GOOD), Step(1, WARN)),
            at_once=True,
        ),
    ),
    Lines(
        "Said again",
        "SES and Kafka may say things twice: this is what was recognised and dropped. Much of it: two intakes read one "
        "queue.",
        Query(per_second("ses_duplicates_total", "stage") + " > 0", "{{stage}}"),
        unit=RECORDS_PER_S,
        width=10,
    ),
    Lines(
        "On a wrong partition, by topic",
        "Until it stops each such record costs a second round.",
        Query(per_second("ses_rekeyed_total", "topic") + " > 0", "{{topic}}"),
        nothing="every record lay where it belongs",
        unit=RECORDS_PER_S,
        width=10,
    ),
)
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
BOARD = Board(
    name="pipeline",
    title="SES: the pipeline",
    about="Are the workers at work, which partition lags, how late are answers, and where does the time go.",
    variables=(),
    rows=(WORKERS, LAGGING, LATENESS, TIME, ASTRAY, INTAKE, NEEDS),
)
