"""The pipeline: for whoever runs the workers. Are they there, who lags, how late are answers, where does time go?"""

from __future__ import annotations

from deploy.grafana import surroundings
from deploy.grafana.board import Board, Row, Stack
from deploy.grafana.look import AMOUNT, BAD, COUNT, GOOD, PER_S, RECORDS_PER_S, SECONDS, SHARE, WARN, Query, Step
from deploy.grafana.panels import Bars, Heat, Lines, Number, States
from deploy.grafana.promql import RECENT, in_range, now, of, per_second, quantile, share
from deploy.grafana.surroundings import MUST_BE_NONE

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
BOARD = Board(
    name="pipeline",
    title="SES: the pipeline",
    about="Are the workers at work, which partition lags, how late are answers, and where does the time go.",
    variables=(),
    rows=(WORKERS, LAGGING, LATENESS, TIME, ASTRAY, surroundings.INTAKE, surroundings.NEEDS),
)
