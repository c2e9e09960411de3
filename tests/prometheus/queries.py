"""What a query names, held against what there is: metrics, labels and words of the catalogue, and recorded series.

Names are found by their shape (`ses_...`, `level:ses_...:operation`), which is enough to notice a renamed metric;
whether a query is well formed is promtool's to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from streams.observe.catalogue import METRICS, Kind
from streams.observe.words import CLOSED

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy/prometheus"
FROM_THE_SCRAPE = {"namespace", "job", "instance", "pod", "le"}
"""Labels that Prometheus itself puts on, and a histogram's bound."""
_RECORDED = r"[a-z_]+:ses_[a-z0-9_]+:[a-z0-9_]+"
_NAMES = re.compile(rf"(?<![\w:])({_RECORDED}|ses_[a-z0-9_]+)(?:\{{([^{{}}]*)\}})?")
_MATCHER = re.compile(r"(\w+)\s*(=~|!~|!=|=)\s*\"([^\"]*)\"")
_SUFFIX = re.compile(r"_(bucket|sum|count)$")
_VARIABLE = re.compile(r"\$")


def groups(name: str) -> list[dict[str, Any]]:
    """Return the rule groups of one of our files."""
    found: list[dict[str, Any]] = yaml.safe_load((RULES / name).read_text("utf-8"))["groups"]
    return found


def rules(name: str) -> list[dict[str, Any]]:
    """Return the rules of one of our files, in their order."""
    return [rule for group in groups(name) for rule in group["rules"]]


def recorded() -> dict[str, str]:
    """Return each recorded series and its expression."""
    return {rule["record"]: rule["expr"] for rule in rules("recording.yml")}


def named(query: str) -> set[str]:
    """Return the metrics and recorded series that a query names, histograms without their suffix."""
    return {_metric(name) for name, _ in _NAMES.findall(query)}


def unknown(query: str) -> list[str]:
    """Return what a query names that is not there: a metric, a recorded series, a label, a label's word."""
    return [word for name, matchers in _NAMES.findall(query) for word in _unknown(_metric(name), matchers)]


def _metric(name: str) -> str:
    """Return the catalogue's name of a series."""
    bare = _SUFFIX.sub("", name)
    return bare if bare in METRICS and METRICS[bare].kind is Kind.HISTOGRAM else name


def _unknown(name: str, matchers: str) -> Iterator[str]:
    if ":" in name:
        if name not in recorded():
            yield name
        return
    if name not in METRICS:
        yield name
        return
    for label, operator, value in _MATCHER.findall(matchers):
        if label in FROM_THE_SCRAPE:
            continue
        words = CLOSED.get(f"{name}.{label}", CLOSED.get(label))
        if label not in METRICS[name].labels:
            yield f"{name}{{{label}}}"
        elif words is not None and name != "ses_consumer_lag" and not _VARIABLE.search(value):
            said = value.split("|") if "~" in operator else [value]
            yield from (f'{name}{{{label}="{word}"}}' for word in said if word not in words)
