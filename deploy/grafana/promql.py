"""Queries, made from the catalogue of metrics: a name or a label that is not in it cannot be asked for.

The dashboard's variables choose the job everywhere, and stream, provider and worker (instance) where a metric has
them. Text goes in and comes out; nothing here knows Grafana's panels.
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.observe.catalogue import METRICS

RECENT = "$__rate_interval"
"""Grafana's own span for rates: never shorter than four scrapes."""
RANGE, RANGE_S = "$__range", "$__range_s"
"""All that the time picker shows, as a span and in seconds."""
CHOSEN = ("stream", "provider")
"""Labels that have a variable of the same name."""
_PARTS = ("_bucket", "_count", "_sum")


def of(metric: str, /, **wanted: str) -> str:
    """Return the series of *metric* that the variables choose.

    Args:
        metric: its name in the catalogue, a histogram's with `_bucket`, `_count` or `_sum`.
        wanted: values by label; `a|b` is either, a leading `!` is all but these, of those that were chosen.

    Raises:
        KeyError: the catalogue has no such metric, or the metric no such label.

    """
    labels = METRICS[_family(metric)].labels
    if strange := set(wanted) - set(labels):
        raise KeyError(f"{metric} has no label {', '.join(sorted(strange))}")
    asked = {label for label, value in wanted.items() if not value.startswith("!")}
    chosen = ["job", *(label for label in labels if label in CHOSEN and label not in asked)]
    matchers = [f'{label}=~"${label}"' for label in chosen] + [_matcher(*pair) for pair in wanted.items()]
    return f"{metric}{{{', '.join(matchers)}}}"


def per_second(metric: str, /, *by: str, **wanted: str) -> str:
    """Return how fast a counter grows, summed over all but *by*."""
    return f"{_sum(by)}(rate({of(metric, **wanted)}[{RECENT}]))"


def in_range(metric: str, /, *by: str, **wanted: str) -> str:
    """Return by how much a counter grew in all that the time picker shows, summed over all but *by*."""
    return f"{_sum(by)}(increase({of(metric, **wanted)}[{RANGE}]))"


def now(metric: str, /, *by: str, **wanted: str) -> str:
    """Return a gauge, summed over all but *by*."""
    return f"{_sum(by)}({of(metric, **wanted)})"


def quantile(part: float, metric: str, /, *by: str, span: str = RECENT, **wanted: str) -> str:
    """Return the value below which *part* of a histogram's observations are."""
    return f"histogram_quantile({part}, {_sum(('le', *by))}(rate({of(f'{metric}_bucket', **wanted)}[{span}])))"


def share(part: str, whole: str) -> str:
    """Return *part* of *whole*, and nothing where there is no whole: no number is better than a made-up one."""
    return f"{part} / ({whole} > 0)"


def rated(ratio: str, *by: str) -> str:
    """Return a gauge of a ratio over all workers, each weighted by the sends that it rests on."""
    sends = of("ses_ratio_sends")
    return f"{_sum(by)}({of(ratio)} * {sends}) / ({_sum(by)}({sends}) > 0)"


def if_it_goes_on(expression: str) -> str:
    """Return where *expression* would be after as much time again as is shown, by its slope; never below 0."""
    return f"clamp_min(predict_linear({_past(expression)}, {RANGE_S}), 0) and {_known(expression)}"


def until(line: float, expression: str) -> str:
    """Return the seconds until *expression* reaches *line* from below, by its slope; nothing where it does not rise."""
    return f"({line} - ({expression}) > 0) / (deriv({_past(expression)}) > 0) and {_known(expression)}"


def _past(expression: str) -> str:
    """Return *expression* over all that the time picker shows."""
    return f"({expression})[{RANGE}:$__interval]"


def _known(expression: str) -> str:
    """Return what is there where *expression* was there for half of the time: ten minutes tell nothing of a day."""
    return f"(count_over_time({_past(expression)}) * $__interval_ms >= 500 * {RANGE_S})"


def _sum(by: Sequence[str]) -> str:
    return f"sum by ({', '.join(by)}) " if by else "sum"


def _family(metric: str) -> str:
    """Return the name that the catalogue has for a series' name."""
    for part in _PARTS:
        if metric not in METRICS and metric.endswith(part):
            return metric.removesuffix(part)
    return metric


def _matcher(label: str, value: str) -> str:
    """Return one matcher."""
    negated, many = value.startswith("!"), "|" in value
    operator = {(False, False): "=", (False, True): "=~", (True, False): "!=", (True, True): "!~"}[negated, many]
    return f'{label}{operator}"{value.removeprefix("!")}"'
