"""What values say is what a process reads: the rendered environment goes through the loader of streams/settings."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings

from streams.errors import BadSettings
from streams.settings import Settings, known, load_settings
from tests.chart.environment import OF_A_SECRET, POD_NAME, environment
from tests.chart.rendering import (
    NAMESPACE,
    Object,
    Pod,
    changed_chart,
    ci_values,
    render,
)
from tests.chart.strategies import expected, some_values

pytestmark = pytest.mark.chart
PARTS = ("worker", "intake", "topics", "schemas", "test")


@given(some_values())
@settings(max_examples=60)
def test_every_process_of_the_chart_reads_what_values_say(values: dict[str, Any]) -> None:
    made = render(values)
    read = {part: _read(pod) for part in PARTS if (pod := made.of_part(part)) is not None}
    assert {"worker", "test"} <= set(read)
    for part, found in read.items():
        want = expected(made.values["settings"], _ours(part, found))
        differ = {
            each.name: (_at(found, each.path), _at(want, each.path))
            for each in known()
            if not each.secret and each.path[0] != "security" and _at(found, each.path) != _at(want, each.path)
        }
        assert differ == {}, part
        said = values["settings"].get("security", {})
        assert found.security.protocol == said.get("protocol", "PLAINTEXT")
        assert found.security.sasl_mechanism == said.get("sasl_mechanism")
        tls = values["kafkaTls"]
        assert (found.security.ssl_cafile is not None) is bool(tls["ca"]["secret"])
        assert (found.security.ssl_certfile is not None) is bool(tls["client"]["secret"])


@pytest.mark.parametrize(
    "text", ["$", "$$", "$(POD_NAME)", "$$(POD_NAME)", "a$b", "$(", "1e6", "null", "#x", 'a"b', "größe"]
)
def test_text_stays_what_it_is(text: str) -> None:
    pod = render({"settings": {"brokers": "kafka:9092", "metrics": {"streams": [text]}}}).of_part("worker")
    assert pod is not None
    assert _read(pod).metrics.streams == (text,)


def test_a_million_stays_a_million() -> None:
    values = {
        "settings": {"brokers": "kafka:9092", "dispatch": {"rate": 1_000_000, "breaker": {"min_sends": 10_000_000}}}
    }
    pod = render(values).of_part("worker")
    assert pod is not None
    found = _read(pod).dispatch
    assert (found.rate, found.breaker.min_sends) == (1_000_000, 10_000_000)


def test_a_number_as_helm_would_write_it_is_seen(tmp_path: Path) -> None:
    chart = changed_chart(
        tmp_path,
        "templates/_settings.tpl",
        "{{- else }}{{ toJson . | toJson }}",
        "{{- else }}{{ toString . | toJson }}",
    )
    values = {"settings": {"brokers": "kafka:9092", "dispatch": {"breaker": {"min_sends": 10_000_000}}}}
    pod = render(values, chart).of_part("worker")
    assert pod is not None
    with pytest.raises(BadSettings, match=r"min_sends|MIN_SENDS"):
        _read(pod)


def test_secrets_come_whole_and_worker_and_intake_read_the_same_ones() -> None:
    made = render(ci_values("production"))
    for part in ("worker", "intake"):
        pod = made.of_part(part)
        assert pod is not None
        found = _read(pod)
        for secret in (
            found.web.token,
            found.unsubscribe.key,
            found.security.sasl_password,
            found.schema_registry.password,
        ):
            assert secret is not None
            assert secret.get_secret_value() == OF_A_SECRET


def test_a_word_that_comes_from_a_secret_is_not_said_beside_it() -> None:
    values = ci_values("observing") | {"secrets": {"brokers": {"name": "kafka", "key": "bootstrap"}}}
    pod = render(values).of_part("worker")
    assert pod is not None
    named = [one for one in pod.containers[0]["env"] if one["name"] == "SES_STREAMS_BROKERS"]
    assert named == [
        {"name": "SES_STREAMS_BROKERS", "valueFrom": {"secretKeyRef": {"name": "kafka", "key": "bootstrap"}}}
    ]


def test_people_may_ask_for_the_page_by_every_name_that_leads_to_it() -> None:
    pod = render(ci_values("hpa")).of_part("worker")
    assert pod is not None
    hosts = _read(pod).web.hosts
    assert {"post.example.com", f"post.{NAMESPACE}.svc", f"post.{NAMESPACE}.svc.cluster.local"} <= set(hosts)


def _read(pod: Pod) -> Settings:
    """Load what the pod's first own container would load; files of Secrets are where they are mounted."""
    container = pod.spec["containers"][0]
    with TemporaryDirectory() as root:
        variables = environment(container)
        for name in [name for name in variables if name.startswith("SES_STREAMS_SECURITY__SSL_")]:
            assert _mounted(container, variables[name]), f"{variables[name]} is on no volume"
            file = Path(root) / variables[name].lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
            variables[name] = str(file)
        return load_settings(environ={name: value for name, value in variables.items() if name.startswith("SES_")})


def _mounted(container: Object, path: str) -> bool:
    return any(path.startswith(f"{mount['mountPath']}/") for mount in container["volumeMounts"])


def _ours(part: str, found: Settings) -> dict[str, object]:
    """Return what the chart says itself to one part; what cannot be known from here is taken from what was *found*."""
    ours: dict[str, object] = {"web.host": "0.0.0.0", "unsubscribe": found.unsubscribe}  # noqa: S104 - a container listens everywhere
    ours |= {"schema_registry.password": found.schema_registry.password, "dispatch.smtp": found.dispatch.smtp}
    if part == "worker":
        ours |= {"data_dir": Path("/data"), "engine.instance_id": POD_NAME}
        ours |= {"web.advertise": found.web.advertise, "web.hosts": found.web.hosts}
        assert str(found.web.advertise).startswith(f"http://{POD_NAME}.")
        assert str(found.web.advertise).endswith(f".{NAMESPACE}.svc.cluster.local:{found.web.port}")
    if part == "intake":
        ours["intake.sns.host"] = "0.0.0.0"  # noqa: S104 - as above
    return ours


def _at(node: Any, path: tuple[str, ...]) -> Any:
    for word in path:
        node = getattr(node, word)
    return node
