"""What the chart does not take, and that it says why."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import helm_python
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chart.made import CHART
from tests.chart.rendering import ci_values, render
from tests.chart.strategies import some_values

pytestmark = pytest.mark.chart
NOWHERE = {"settings": {"brokers": "kafka:9092"}}

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("no brokers", {"settings": {"brokers": None}}, "brokers"),
    ("a misspelt setting", {"settings": {"borkers": "kafka:9092"}}, "borkers"),
    ("a misspelt group of settings", {"settings": {"dispatsch": {"enabled": True}}}, "dispatsch"),
    ("a misspelt word of the chart", {"workers": {"replicas": 3}}, "workers"),
    ("a misspelt word of a pod", {"worker": {"pod": {"nodeSelecter": {}}}}, "nodeSelecter"),
    ("a secret in plain", {"settings": {"web": {"token": "0123456789abcdef"}}}, "token"),
    ("a secret without its key", {"secrets": {"web": {"token": {"name": "keys"}}}}, "key"),
    ("a secret's value for its name", {"secrets": {"web": {"token": "0123456789abcdef"}}}, "token"),
    ("a setting past its bounds", {"settings": {"partitions": 0}}, "partitions"),
    ("whichever port is free", {"settings": {"web": {"port": 0}}}, "port"),
    ("what YAML cannot hold", {"settings": {"metrics": {"streams": ["\x7f"]}}}, "cannot be written"),
    ("a choice that is none", {"settings": {"security": {"sasl_mechanism": "SCRAM"}}}, "sasl_mechanism"),
    ("a number as text", {"settings": {"partitions": "24"}}, "partitions"),
    ("what the chart says itself", {"settings": {"web": {"host": "127.0.0.1"}}}, "host"),
    (
        "a setting by the back door",
        {"pod": {"extraEnv": [{"name": "SES_STREAMS_BROKERS", "value": "a:1"}]}},
        "extraEnv",
    ),
    ("an image that moves", {"image": {"tag": "latest"}}, "tag"),
    ("root", {"pod": {"runAsUser": 0}}, "runAsUser"),
    (
        "more workers than partitions",
        {"worker": {"replicas": 25}},
        "worker.replicas is 25, and there are 24 partitions",
    ),
    ("more workers by scaling", {"worker": {"autoscaling": {"by": "keda", "max": 25}}}, "worker.autoscaling.max is 25"),
    ("fewest above most", {"worker": {"autoscaling": {"by": "hpa", "min": 7}}}, "worker.autoscaling.min"),
    ("scaling to nothing", {"worker": {"autoscaling": {"by": "keda", "min": 0}}}, "min"),
    ("an intake that takes in nothing", {"intake": {"enabled": True}}, "nothing to take in"),
    ("an Ingress without a name", {"page": {"ingress": {"enabled": True}}}, "hosts"),
    ("a route without a gateway", {"page": {"route": {"enabled": True, "hosts": ["a.example.com"]}}}, "parentRefs"),
    ("one port for two", {"settings": {"intake": {"sns": {"port": 8080}}}}, "are the same"),
    ("a pod killed in mid-stop", {"worker": {"terminationGracePeriodSeconds": 5}}, "terminationGracePeriodSeconds"),
    (
        "KEDA without a login",
        {
            "settings": {"security": {"protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "sasl_username": "a"}},
            "worker": {"autoscaling": {"by": "keda"}},
        },
        "KEDA must log in",
    ),
]


@pytest.mark.parametrize(("values", "words"), [pytest.param(*rest, id=name) for name, *rest in REFUSED])
def test_the_chart_refuses(values: Mapping[str, Any], words: str) -> None:
    with pytest.raises(helm_python.HelmError) as refused:
        render(_over(NOWHERE, values))
    assert words in str(refused.value)


@given(some_values(), st.data())
@settings(max_examples=40)
def test_a_word_that_does_not_exist_is_refused_wherever_it_stands(values: dict[str, Any], data: st.DataObject) -> None:
    values = deepcopy(values)  # Hypothesis draws parts of one value again for the next
    groups = list(_groups(values))
    data.draw(st.sampled_from(groups))["nosuchword"] = 1
    with pytest.raises(helm_python.HelmError, match="nosuchword"):
        render(values)


@pytest.mark.parametrize("path", sorted((CHART / "ci").glob("*-values.yaml")), ids=lambda path: path.name)
def test_helm_has_nothing_to_say_about_the_chart(path: Path) -> None:
    assert _lint(ci_values(path.name.removesuffix("-values.yaml"))) == ["icon is recommended"]


def test_helm_has_something_to_say_where_the_brokers_are_missing() -> None:
    assert "- at '/settings': missing property 'brokers'\n" in _lint({})


def _lint(values: dict[str, Any]) -> list[str]:
    found = helm_python.lint(CHART, values, strict=True)
    assert found["total_charts_linted"] == 1
    return [one["error"] for one in found["messages"]]


def _over(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return *over* merged over *under*."""
    return {
        **under,
        **{
            word: _over(under.get(word, {}), value) if isinstance(value, dict) else value
            for word, value in over.items()
        },
    }


def _groups(node: dict[str, Any], path: tuple[str, ...] = ()) -> Any:
    """Yield every group of words whose words are the chart's: what Kubernetes reads takes any."""
    yield node
    for word, inner in node.items():
        if isinstance(inner, dict) and word not in {"labels", "annotations", "nodeSelector"}:
            yield from _groups(inner, (*path, word))
