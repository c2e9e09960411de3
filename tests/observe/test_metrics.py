"""Metrics: counted as said, shown as Prometheus reads it, and never under a label that somebody else can choose."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import parser as classic_parser
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics import parser as open_parser

from streams.mail.deadletter import DeadReason, Stage
from streams.observe.catalogue import METRICS, Kind, Metric
from streams.observe.exposition import Exposition
from streams.observe.health import State
from streams.observe.labels import FIRST_STREAMS
from streams.observe.metrics import Metrics
from streams.observe.progress import Phase, Progress
from streams.observe.series import NOT_BEFORE, most
from streams.observe.words import BOUNCES, CLOSED, OPEN
from tests.observe.seen import HOP_KEYS, flooded, full

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


def _read(parser: Any, page: bytes) -> list[Family]:
    """Read a page as Prometheus's client does."""
    return list(parser.text_string_to_metric_families(page.decode()))


def _samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    page, _ = Exposition(metrics).page(OPEN_METRICS)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in _read(open_parser, page)
        for sample in family.samples
    }


def test_every_key_that_a_hop_counts_is_taken_as_it_is() -> None:
    metrics = full()
    assert metrics.values("ses_sends_total")["receipts", "API"] == 3
    assert metrics.values("ses_outcomes_total")["receipts", "HARD_BOUNCED", "gmail"] == 3
    assert metrics.values("ses_dead_letters_total")["BY_MESSAGE", "NOT_AVRO"] == 3
    assert metrics.values("ses_parked_feedback_total")[()] == 3
    metrics.look()
    assert metrics.values("ses_dropped_labels_total").keys() == {(label,) for label in CLOSED["label"]}
    assert sum(metrics.values("ses_dropped_labels_total").values()) == 0


def test_a_gauge_goes_down_again() -> None:
    metrics = Metrics()
    for change in (5, -2):
        metrics.apply(Counter({("ses_suppressions", "COMPLAINT"): change}))
    assert metrics.values("ses_suppressions")["COMPLAINT",] == 3


def test_a_gauge_counted_anew_replaces_what_was() -> None:
    metrics = full()
    metrics.set("ses_suppressions", {("COMPLAINT",): 9})
    suppressions = metrics.values("ses_suppressions")
    assert (suppressions["COMPLAINT",], suppressions["HARD_BOUNCE",]) == (9, 0)


@pytest.mark.parametrize(
    ("key", "error"),
    [(("ses_nonsense_total",), KeyError), (("ses_sends_total", "receipts"), ValueError)],
)
def test_a_key_that_the_catalogue_does_not_know_is_an_error(key: tuple[str, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        Metrics().apply(Counter({key: 1}))


def test_the_page_is_read_by_prometheus_own_parsers_in_both_formats() -> None:
    exposition = Exposition(full())
    page, content_type = exposition.page(OPEN_METRICS)
    assert content_type.startswith("application/openmetrics-text")
    names = {family.name for family in _read(open_parser, page)}
    page, content_type = exposition.page("text/plain")
    assert content_type.startswith("text/plain; version=0.0.4")
    classic = {family.name for family in _read(classic_parser, page)}
    wanted = {name.removesuffix("_total").removesuffix("_info") for name in METRICS}
    assert wanted <= names
    assert wanted <= {name.removesuffix("_info") for name in classic}


def test_every_metric_of_the_catalogue_is_shown_and_nothing_else_of_ours() -> None:
    suffix = re.compile(r"_(bucket|sum|count|created)$")
    shown = {name for name, _ in _samples(full()) if name.startswith("ses_")}
    histograms = {name for name, metric in METRICS.items() if metric.kind is Kind.HISTOGRAM}
    assert {suffix.sub("", name) if suffix.sub("", name) in histograms else name for name in shown} == set(METRICS)


def test_what_can_be_foreseen_is_shown_at_zero_before_it_happens() -> None:
    samples = _samples(Metrics(["receipts"]))
    for type_, subtypes in BOUNCES.items():
        for subtype in subtypes:
            assert samples["ses_bounces_total", (("subtype", subtype), ("type", type_))] == 0
    for stage, reason in product(Stage, DeadReason):
        assert samples["ses_dead_letters_total", (("reason", reason), ("stage", stage))] == 0
    assert samples["ses_sends_total", (("stream", "receipts"), ("via", "SMTP"))] == 0
    assert samples["ses_delivery_latency_seconds_count", (("provider", "gmail"),)] == 0


def test_the_first_outcome_at_a_provider_brings_every_kind_at_zero() -> None:
    metrics = Metrics()
    metrics.apply(Counter({("ses_outcomes_total", "receipts", "DELIVERED", "gmail.com"): 1}))
    kinds = {kind: value for (_, kind, _), value in metrics.values("ses_outcomes_total").items()}
    assert kinds == {kind: float(kind == "DELIVERED") for kind in CLOSED["kind"]}


def test_what_is_not_known_yet_is_not_shown() -> None:
    assert {name for name, _ in _samples(Metrics())} & NOT_BEFORE == set()
    assert {name for name, _ in _samples(full())} >= NOT_BEFORE


def test_a_stream_that_is_named_for_the_first_time_begins_all_its_counters() -> None:
    metrics = Metrics()
    metrics.apply(Counter({("ses_sends_total", "receipts", "API"): 1}))
    for name, labels in {
        "ses_unanswered_sends_total": ("receipts",),
        "ses_listed_bounces_total": ("receipts",),
        "ses_mail_reports_total": ("receipts", "HARD_BOUNCED"),
        "ses_send_requests_total": ("receipts", "sent"),
    }.items():
        assert metrics.values(name)[labels] == 0
    metrics.apply(Counter({("ses_unanswered_sends_total", "receipts"): 2}))
    metrics.apply(Counter({("ses_sends_total", "receipts", "SMTP"): 1}))
    assert metrics.values("ses_unanswered_sends_total")["receipts",] == 2


def test_a_stream_that_was_paused_is_shown_as_not_paused_afterwards() -> None:
    metrics = Metrics()
    metrics.apply(Counter({("ses_sends_total", "receipts", "API"): 1}))
    metrics.set("ses_dispatch_paused", {("receipts",): 1.0})
    assert metrics.values("ses_dispatch_paused")["receipts",] == 1
    metrics.set("ses_dispatch_paused", {})
    assert metrics.values("ses_dispatch_paused")["receipts",] == 0


def test_a_process_is_at_one_thing_at_a_time() -> None:
    metrics = Metrics()
    state = State.RUNNING
    metrics.look_up(lambda: {"ses_state": {(state,): 1.0}})
    for state in (State.RUNNING, State.STUCK):
        metrics.look()
        assert metrics.values("ses_state") == {(each,): float(each is state) for each in State}


@pytest.mark.parametrize("part", CLOSED["part"])
def test_the_page_says_what_runs(part: str) -> None:
    ((_, labels),) = (key for key in _samples(Metrics(part=part)) if key[0] == "ses_build_info")
    assert dict(labels)["part"] == part


SERIES_BUDGET = 20_000
"""What a worker may come to with fifty streams. A Prometheus server holds millions; a hundred workers are two."""


@pytest.mark.parametrize(("streams", "budget"), [(FIRST_STREAMS, SERIES_BUDGET), (5, 4_500)])
def test_all_metrics_together_stay_within_their_budget(streams: int, budget: int) -> None:
    assert sum(most(metric, streams) for metric in METRICS.values()) <= budget


def test_no_metric_grows_beyond_its_bound_whatever_comes() -> None:
    metrics = flooded()
    samples = Counter(re.sub(r"_(bucket|sum|count)$", "", name) for name, _ in _samples(metrics))
    for metric in METRICS.values():
        assert samples[metric.name] <= most(metric, FIRST_STREAMS), metric.name
    assert samples["ses_unanswered_sends_total"] == most(METRICS["ses_unanswered_sends_total"], FIRST_STREAMS)


def test_the_page_counts_its_own_series_and_says_how_many_there_can_be() -> None:
    for metrics in (Metrics(["receipts"]), full(), flooded()):
        samples = _samples(metrics)
        ours = sum(name.startswith("ses_") for name, _ in samples)
        assert samples["ses_series", ()] == ours
        assert ours <= samples["ses_series_limit", ()]


def test_latencies_fall_into_buckets_of_seconds() -> None:
    samples = _samples(full())

    def at_most(seconds: str) -> float:
        return samples["ses_delivery_latency_seconds_bucket", (("le", seconds), ("provider", "gmail"))]

    assert [at_most(bound) for bound in ("1.0", "60.0", "120.0", "+Inf")] == [1, 1, 2, 2]
    assert samples["ses_delivery_latency_seconds_sum", (("provider", "gmail"),)] == pytest.approx(61.9)


def test_a_value_on_a_bound_is_within_its_bucket() -> None:
    metrics = Metrics()
    metrics.apply(Counter(), {"gmail.com": [1000]})
    assert next(iter(metrics.histograms("ses_delivery_latency_seconds")["gmail",].cumulative())) == (1, 1)


def test_the_time_of_a_chunk_is_split_into_steps() -> None:
    samples = _samples(full())
    assert samples["ses_chunk_seconds_count", (("hop", "by_message"),)] == 1
    assert samples["ses_chunk_seconds_sum", (("hop", "by_message"),)] == pytest.approx(0.0125)
    assert samples["ses_step_seconds_total", (("hop", "by_message"), ("step", "decode"))] == pytest.approx(0.004)


def test_the_engines_progress_is_shown_as_it_is_now() -> None:
    samples = _samples(full())
    assert samples["ses_consumer_lag", (("partition", "0"), ("topic", "ses.sends"))] == 5
    assert samples["ses_recovery_remaining", ()] == 7
    assert samples["ses_last_commit_timestamp_seconds", ()] == 1_700_000_000.5


def test_a_partition_that_is_ours_no_longer_shows_no_lag() -> None:
    metrics = full()
    metrics.look()
    metrics.watch(lambda: Progress(phase=Phase.RUNNING))
    metrics.look()
    assert metrics.values("ses_consumer_lag") == {}


def test_without_an_allow_list_the_first_streams_seen_get_a_name_and_the_rest_share_one() -> None:
    metrics = Metrics()
    for number in range(FIRST_STREAMS + 3):
        metrics.apply(Counter({("ses_unanswered_sends_total", f"stream-{number}"): 1}))
    series = metrics.values("ses_unanswered_sends_total")
    assert len(series) == FIRST_STREAMS + 1
    assert series["other",] == 3
    metrics.look()
    assert metrics.values("ses_dropped_labels_total")["stream",] == 3


def test_with_an_allow_list_only_its_streams_get_a_name() -> None:
    metrics = Metrics(["receipts"])
    metrics.apply(Counter({("ses_unanswered_sends_total", name): 1 for name in ("receipts", "elsewhere", "")}))
    assert metrics.values("ses_unanswered_sends_total") == {("receipts",): 1, ("other",): 1, ("unknown",): 1}


def test_the_words_of_ses_count_in_any_case_and_unknown_ones_as_other() -> None:
    metrics = Metrics()
    for (type_, subtype), count in {("PERMANENT", "general"): 1, ("New", "Word"): 2}.items():
        metrics.apply(Counter({("ses_bounces_total", type_, subtype): count}))
    bounces = metrics.values("ses_bounces_total")
    assert (bounces["Permanent", "General"], bounces["other", "other"]) == (1, 2)


ANYTHING = st.text(max_size=30) | st.builds(lambda a, b: f"{a}@{b}.example", st.text("abc1", min_size=1), st.just("x"))


@given(st.sampled_from(HOP_KEYS), st.lists(ANYTHING, min_size=3, max_size=3))
def test_whatever_is_counted_no_label_holds_an_address_and_series_stay_few(
    key: tuple[str, ...], values: list[str]
) -> None:
    metrics = Metrics()
    metrics.apply(Counter({(key[0], *values[: len(key) - 1]): 1}))
    metric = METRICS[key[0]]
    for labels in metrics.values(metric.name):
        for label, value in zip(metric.labels, labels, strict=True):
            assert "@" not in value
            if label != "stream":
                closed = CLOSED.get(f"{metric.name}.{label}", CLOSED.get(label, ()))
                assert value in {*closed, "other", "unknown"}


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_a_name_follows_prometheus_rules(metric: Metric) -> None:
    assert re.fullmatch(r"ses(_[a-z]+)+", metric.name)
    assert metric.name.endswith("_total") is (metric.kind is Kind.COUNTER)
    assert metric.name.endswith("_info") is (metric.kind is Kind.INFO)
    assert not re.search(r"_(ms|milliseconds|minutes|hours|days|percent|kb|mb)(_|$)", metric.name), "base units only"
    if metric.kind is Kind.HISTOGRAM:
        assert metric.name.endswith("_seconds")
        assert list(metric.buckets) == sorted(set(metric.buckets))
    else:
        assert metric.buckets == ()
    assert metric.help[0].isupper()
    assert metric.help.endswith(".")


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_every_label_has_a_closed_list_or_a_rule(metric: Metric) -> None:
    for label in metric.labels:
        assert label in OPEN or label in CLOSED or f"{metric.name}.{label}" in CLOSED
        assert label not in {"address", "recipient", "domain", "message_id", "subject"}


def test_the_lines_of_ses_are_shown_beside_the_ratios() -> None:
    lines = {key[1]: value for key, value in _samples(Metrics()).items() if key[0] == "ses_reputation_line_ratio"}
    assert sorted(lines.values()) == [0.001, 0.005, 0.05, 0.1]
    assert not any(math.isnan(value) for value in lines.values())


def test_every_metric_of_the_catalogue_is_filled_somewhere_and_nothing_else_is() -> None:
    rooms = Path(__file__).resolve().parents[2] / "streams"
    code = [path.read_text("utf-8") for path in rooms.rglob("*.py") if path.name not in {"catalogue.py", "series.py"}]
    named = {name for text in code for name in re.findall(r'"(ses_[a-z]+(?:_[a-z]+)*)"', text)}
    assert set(METRICS) - named == set()
    assert {name for name in named - set(METRICS) if re.search(r"_(total|ratio|bytes|seconds)$", name)} == set()
