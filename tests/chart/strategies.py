"""Values that anybody could write for the chart, as Hypothesis draws them: within the schema, any mix of switches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from streams.settings import Settings, known
from tests.chart.values_schema import THE_CHART_SAYS, settings_tree

Values = dict[str, Any]
_SUITS: Mapping[str, st.SearchStrategy[Any]] = {
    # what a pattern or a check of several words asks for, by hand
    "intake.sns.topics": st.sampled_from(
        [[], ["arn:aws:sns:eu-west-1:123456789012:a", "arn:aws:sns:eu-west-1:123456789012:b"]]
    ),
    "intake.sns.signature_versions": st.sampled_from([["1"], ["2"], ["1", "2"]]),
    "intake.sqs.queues": st.sampled_from([[], ["https://sqs.eu-west-1.amazonaws.com/123456789012/q"]]),
    "intake.objects.buckets": st.lists(st.sampled_from(["mail-in", "mail.batches"]), unique=True),
    "web.hosts": st.lists(st.sampled_from(["a.example.com", "b.example.com"]), unique=True),
    "metrics.streams": st.lists(
        st.sampled_from(["receipts", "news letter", "größe", "$(POD_NAME)", "$$", 'a"b', "#x"])
    ),
    "brokers": st.sampled_from(["kafka:9092", "a.example.com:9093,b.example.com:9094", "[2001:db8::1]:9092"]),
    "topic_prefix": st.sampled_from(["", "ses.", "mail_2-", "1.", "0x1F", "null", "1e3"]),
    "group": st.sampled_from(["ses-streams", "1234", "true", "1e6", "0123", "~no~".strip("~")]),
}
_TOGETHER = ("security.", "unsubscribe.", "dispatch.smtp.", "join.", "producer.idempotent", "intake.patience_seconds")
"""Settings that lean on each other; they come whole, from the choices below."""
_WHOLE: list[Values] = [
    {},
    {"join": {"park_minutes": 0.5, "unanswered_days": 2, "forget_days": 2}},
    {"unsubscribe": {"url": "https://mail.example.com/unsubscribe", "streams": ["newsletter"]}},
    {"security": {"protocol": "SSL"}},
    {"security": {"protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-256"}},
    {"security": {"protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN"}},
    {"dispatch": {"smtp": {"host": "smtp.example.com", "port": 465, "tls": "tls"}}},
]
_LOGIN = {"sasl_username": {"name": "kafka", "key": "user"}, "sasl_password": {"name": "kafka", "key": "password"}}


@st.composite
def some_values(draw: st.DrawFn) -> Values:
    """Draw values that the chart must take."""
    said = draw(some_settings())
    partitions = said["partitions"]
    secrets = draw(_secrets(said))
    most = draw(st.integers(1, partitions))
    listens = bool(_at(said, "intake.sns.topics") or _at(said, "intake.sqs.queues") or _at(said, "unsubscribe.url"))
    switch = st.booleans()
    return {
        "settings": said,
        "secrets": secrets,
        "worker": {
            "replicas": draw(st.integers(0, partitions)),
            "autoscaling": {
                "by": draw(st.sampled_from(["none", "keda", "hpa"])),
                "min": draw(st.integers(1, most)),
                "max": most,
            },
            "pod": draw(_pod()),
        },
        "pod": draw(_pod()),
        "intake": {
            "enabled": listens and draw(switch),
            "autoscaling": {"enabled": draw(switch)},
            "ingress": draw(_way("hosts")),
            "route": draw(_way("hosts", "parentRefs")),
        },
        "page": {"ingress": draw(_way("hosts")), "route": draw(_way("hosts", "parentRefs"))},
        "jobs": {"topics": draw(st.sampled_from(["hook", "init", "off"])), "schemas": draw(switch)},
        "monitoring": {
            "scrape": {"by": draw(st.sampled_from(["none", "PodMonitor", "ServiceMonitor"]))},
            "rules": {"enabled": draw(switch)},
            "dashboards": {"enabled": draw(switch)},
        },
        "networkPolicy": {"enabled": draw(switch)},
        "serviceAccount": {"create": draw(switch), "name": draw(st.sampled_from(["", "mail"]))},
        "kafkaTls": {
            "ca": {"secret": draw(st.sampled_from(["", "ca"]))},
            "client": {"secret": draw(st.sampled_from(["", "tls"]))},
        },
        "test": {"from": draw(st.sampled_from(["", "a@example.com"]))},
        "fullnameOverride": draw(st.sampled_from(["", "x", "a-name-that-is-far-too-long-for-what-kubernetes-takes"])),
    }


@st.composite
def some_settings(draw: st.DrawFn) -> Values:
    """Draw settings: any few of the words, with any values that fit, and one of those that go together."""
    said = draw(st.sampled_from(_WHOLE))
    tree = settings_tree()
    names = [each.name for each in known() if not each.secret and each.name not in THE_CHART_SAYS]
    free = [name for name in names if not name.startswith(_TOGETHER)]
    chosen = draw(st.lists(st.sampled_from(free), max_size=12, unique=True))
    found: Values = {"brokers": "kafka:9092", "partitions": draw(st.integers(1, 10_000))}
    for word, group in said.items():
        found[word] = {inner: dict(value) if isinstance(value, dict) else value for inner, value in group.items()}
    for name in chosen:
        value = draw(_SUITS[name] if name in _SUITS else _fitting(_at_schema(tree, name)))
        _put(found, name, value)
    if _port(found, "web.port", 8080) == _port(found, "intake.sns.port", 8081):
        _put(found, "intake.sns.port", 8082 if _port(found, "web.port", 8080) != 8082 else 8083)
    return found


def expected(said: Values, ours: Mapping[str, object]) -> Settings:
    """Return the settings that a process must read where values say *said* and the chart *ours*."""
    whole: Values = {}
    for source in (_flat(said), ours):
        for name, value in source.items():
            # empty is not set; a login comes from a Secret, and its certificates are where no file is by now
            if value not in ("", []) and not name.startswith("security."):
                _put(whole, name, value)
    return Settings.model_validate(whole)


def _flat(node: Values, path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word, inner in node.items():
        found |= _flat(inner, f"{path}{word}.") if isinstance(inner, dict) else {f"{path}{word}": inner}
    return found


def _fitting(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Return what draws values of one leaf of the schema."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "integer":
            return st.integers(schema["minimum"], schema["maximum"])
        case "number":
            least, most = schema.get("minimum", schema.get("exclusiveMinimum")), schema["maximum"]
            return st.floats(least, most, exclude_min="exclusiveMinimum" in schema, allow_subnormal=False)
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), max_size=3)
        case _:
            return st.from_regex(
                schema.get("pattern", r"^[ -~]{1,20}$"),
                fullmatch=True,
                alphabet=st.characters(min_codepoint=32, max_codepoint=126),
            )


@st.composite
def _secrets(draw: st.DrawFn, said: Values) -> Values:
    found: Values = {}
    if _at(said, "security.protocol") in ("SASL_SSL", "SASL_PLAINTEXT"):
        found["security"] = dict(_LOGIN)
    if _at(said, "unsubscribe.url"):
        found["unsubscribe"] = {"key": {"name": "keys", "key": "unsubscribe"}}
    if _at(said, "dispatch.smtp.host"):
        found["dispatch"] = {"smtp": {word: {"name": "smtp", "key": word} for word in ("username", "password")}}
    for group, word in (("web", "token"), ("log", "key"), ("schema_registry", "password")):
        if draw(st.booleans()):
            found[group] = {word: {"name": "keys", "key": word}}
    return found


def _pod() -> st.SearchStrategy[Values]:
    return st.fixed_dictionaries(
        {},
        optional={
            "labels": st.sampled_from([{}, {"team": "mail"}, {"app.kubernetes.io/name": "not-ours"}]),
            "annotations": st.sampled_from([{}, {"a.example.com/b": "true"}]),
            "runAsUser": st.sampled_from([1, 1000, 1_000_820_000, None]),
            "fsGroup": st.sampled_from([1000, None]),
            "nodeSelector": st.sampled_from([{}, {"disk": "fast"}]),
            "priorityClassName": st.sampled_from(["", "important"]),
            "extraEnv": st.sampled_from([[], [{"name": "TZ", "value": "UTC"}]]),
            "extraVolumes": st.just([{"name": "more", "emptyDir": {}}]),
        },
    )


def _way(*needed: str) -> st.SearchStrategy[Values]:
    some: Values = {"hosts": ["in.example.com"], "parentRefs": [{"name": "gateway"}]}
    return st.sampled_from([{"enabled": False}, {"enabled": True} | {word: some[word] for word in needed}])


def _at(node: Any, name: str) -> Any:
    for word in name.split("."):
        node = node.get(word, {}) if isinstance(node, dict) else {}
    return node or None


def _port(said: Values, name: str, default: int) -> int:
    found: int = _at(said, name) or default
    return found


def _at_schema(tree: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    for word in name.split("."):
        tree = tree["properties"][word]
    return tree


def _put(tree: Values, name: str, value: object) -> None:
    *above, last = name.split(".")
    for word in above:
        tree = tree.setdefault(word, {})
    tree[last] = value
