"""deploy/compose.yaml names only what is there: files, services, settings, commands; and opens nothing to others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from streams.cli import app
from streams.settings import load_settings
from tests.chart.made import ROOT

HOME = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((HOME / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("ses-streams:")]


def _mounts() -> Iterator[tuple[str, str]]:
    """Yield what is mounted, and where."""
    for service in SERVICES.values():
        for one in service.get("volumes", []):
            source, target, *_ = one.split(":")
            yield source, target


def test_every_file_that_is_mounted_is_there() -> None:
    files = [source for source, _ in _mounts() if source.startswith(".")]
    assert len(files) >= 5
    assert [source for source in files if not (HOME / source).exists()] == []
    assert {source for source, _ in _mounts() if not source.startswith(".")} == set(COMPOSE["volumes"])


def test_the_image_is_built_by_what_is_there() -> None:
    for name in OURS:
        build = SERVICES[name]["build"]
        assert (HOME / build["context"]).resolve() == ROOT
        assert (ROOT / build["dockerfile"]).is_file()


def test_whoever_waits_waits_for_somebody() -> None:
    for service in SERVICES.values():
        assert set(service.get("depends_on", [])) <= set(SERVICES)


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_has_settings_and_a_command_that_exist(name: str) -> None:
    said = {word: value for word, value in SERVICES[name]["environment"].items() if word.startswith("SES_")}
    settings = load_settings(environ=said)
    assert settings.brokers.partition(":")[0] in SERVICES
    assert str(settings.dispatch.endpoint_url).partition("://")[2].partition(":")[0] in SERVICES
    assert SERVICES[name]["command"][0] in vars(get_command(app))["commands"]


def test_every_image_is_of_one_version() -> None:
    assert [one["image"] for one in SERVICES.values() if not re.search(r":v?\d+\.\d+\.\d+$", one["image"])] == []


def test_no_port_is_open_to_other_machines() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_prometheus_reads_the_rules_and_asks_the_workers() -> None:
    config = yaml.safe_load((HOME / "compose/prometheus.yml").read_text(encoding="utf-8"))
    beside = {Path(target).name for _, target in _mounts() if target.startswith("/etc/prometheus/")}
    assert set(config["rule_files"]) <= beside
    (targets,) = [one["targets"] for job in config["scrape_configs"] for one in job["static_configs"]]
    assert {target.partition(":")[0] for target in targets} <= set(OURS)


def test_grafana_finds_its_dashboards_and_its_data() -> None:
    provider = yaml.safe_load((HOME / "compose/grafana-dashboards.yml").read_text(encoding="utf-8"))["providers"][0]
    assert {target: source for source, target in _mounts()}[provider["options"]["path"]] == "./grafana"
    source = yaml.safe_load((HOME / "compose/grafana-datasources.yml").read_text(encoding="utf-8"))["datasources"][0]
    assert source["url"].partition("://")[2].partition(":")[0] in SERVICES
