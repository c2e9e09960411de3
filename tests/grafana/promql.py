"""What a query asks for, read by a real parser: its series, their labels, and the functions that look back.

Grafana's variables are no PromQL. Those for times become times that nobody writes, and are known by them again; those
for labels stand within quotes, where any text may.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import promql_parser as promql

from streams.observe.catalogue import METRICS
from tests.grafana.reading import with_values

TIMES = {"$__rate_interval": 1001, "$__range": 1003, "$__interval": 1007}
NUMBERS = {"$__range_s": 1003, "$__interval_ms": 1007000}
OF_PROMETHEUS = frozenset({"job", "instance"})
"""Labels that Prometheus itself gives to what it scrapes."""
FOREIGN = frozenset({"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"})
"""What Prometheus's client adds, and no catalogue of ours has."""
OVER_SERIES = frozenset({"topk", "bottomk"})
"""Aggregations that leave the labels as they are."""


@dataclass(frozen=True, slots=True)
class Found:
    """One series in a query, or, without a name, a sub-query.

    matched: label to value.
    grouped: labels that aggregations around it keep.
    function: what is called on it, and how far back that looks, as Grafana says it; `:` for a sub-query.
    """

    series: str
    matched: Mapping[str, str] = field(default_factory=dict)
    grouped: frozenset[str] = frozenset()
    function: str = ""
    span: str = ""


def parsed(expr: str) -> Any:
    """Return a query as a tree.

    Raises:
        ValueError: it is no PromQL.

    """
    times = {name[1:]: f"{seconds}s" for name, seconds in TIMES.items()}
    numbers = {name[1:]: str(number) for name, number in NUMBERS.items()}
    return promql.parse(with_values(expr, times | numbers))


def found_in(expr: str) -> list[Found]:
    """Return every series and sub-query of a query; ValueError where it is no PromQL."""
    return list(_walk(parsed(expr), frozenset(), ""))


def labels_left(expr: str) -> frozenset[str]:
    """Return the labels that a query's answer has."""
    return _left(parsed(expr))


def family(series: str) -> str:
    """Return the name that the catalogue has for a series; the series' own where it has none."""
    for part in ("_bucket", "_count", "_sum"):
        if series.removesuffix(part) in METRICS:
            return series.removesuffix(part)
    return series


def labels_of(series: str) -> frozenset[str] | None:
    """Return the labels that a series has, None where nobody counts it."""
    if series in FOREIGN:
        return OF_PROMETHEUS
    if family(series) not in METRICS:
        return None
    return OF_PROMETHEUS | set(METRICS[family(series)].labels) | ({"le"} if series.endswith("_bucket") else set())


def _walk(tree: Any, grouped: frozenset[str], function: str) -> Iterator[Found]:
    match tree:
        case promql.VectorSelector():
            yield _found(tree, grouped, function)
        case promql.MatrixSelector():
            yield _found(tree.vector_selector, grouped, function, _span(tree.range))
        case promql.SubqueryExpr():
            yield Found("", function=function, span=f"{_span(tree.range)}:")
            yield from _walk(tree.expr, grouped, "")
        case promql.Call():
            for argument in tree.args:
                yield from _walk(argument, grouped, tree.func.name)
        case promql.AggregateExpr():
            yield from _walk(tree.expr, grouped | set(tree.modifier.labels if tree.modifier else ()), "")
        case promql.BinaryExpr():
            yield from _walk(tree.lhs, grouped, function)
            yield from _walk(tree.rhs, grouped, function)
        case promql.ParenExpr() | promql.UnaryExpr():
            yield from _walk(tree.expr, grouped, function)
        case _:
            return


def _found(selector: Any, grouped: frozenset[str], function: str, span: str = "") -> Found:
    matched = {matcher.name: matcher.value for matcher in selector.matchers.matchers}
    return Found(str(selector.name), matched, grouped, function, span)


def _span(time: timedelta | None) -> str:
    """Return the variable that stands for a time, or the time itself."""
    if time is None:
        return ""
    names = {seconds: name for name, seconds in TIMES.items()}
    return names.get(round(time.total_seconds()), f"{time.total_seconds():.0f}s")


def _left(tree: Any) -> frozenset[str]:
    match tree:
        case promql.VectorSelector():
            return labels_of(str(tree.name)) or frozenset()
        case promql.MatrixSelector():
            return _left(tree.vector_selector)
        case promql.AggregateExpr():
            if str(tree.op) in OVER_SERIES:
                return _left(tree.expr)
            return frozenset(tree.modifier.labels if tree.modifier else ())
        case promql.Call():
            return frozenset().union(*map(_left, tree.args)) - (
                {"le"} if tree.func.name == "histogram_quantile" else set()
            )
        case promql.BinaryExpr():
            return _left(tree.lhs) | _left(tree.rhs)
        case promql.SubqueryExpr() | promql.ParenExpr() | promql.UnaryExpr():
            return _left(tree.expr)
        case _:
            return frozenset()
