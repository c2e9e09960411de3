"""A real Prometheus on loopback that scrapes one worker every second, and the two questions that Grafana asks it."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from streams.demo.process import free_port

READY_S = 30.0
STOP_S = 20.0
SCRAPE = """
global: {{scrape_interval: 1s, evaluation_interval: 1s, scrape_timeout: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: ses-streams
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""

Series = tuple[dict[str, str], Sequence[tuple[float, float]]]
"""Labels, and (time, value) from old to new."""


class Prometheus:
    """Use it in a ``with``: inside it scrapes what listens on *port*, whether it does already or will.

    It evaluates *rules*, files of ours, every second, whatever interval they ask for: a demo takes half a minute.
    """

    def __init__(self, program: Path, home: Path, port: int, rules: Sequence[Path] = ()) -> None:
        """Choose a port; nothing runs yet."""
        self._program, self._home, self._scraped, self._rules = program, home, port, rules
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it, and wait until it answers."""
        self._home.mkdir(parents=True, exist_ok=True)
        config = self._home / "prometheus.yml"
        for path in self._rules:
            often = re.sub(r"^ +interval: .*\n", "", path.read_text("utf-8"), flags=re.MULTILINE)
            (self._home / path.name).write_text(often, encoding="utf-8")
        rules = ", ".join(path.name for path in self._rules)
        config.write_text(SCRAPE.format(port=self._scraped, rules=rules), encoding="utf-8")
        words = [f"--config.file={config}", f"--storage.tsdb.path={self._home / 'data'}"]
        words.append(f"--web.listen-address=127.0.0.1:{self._port}")
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen([self._program, *words], stdout=log, stderr=log)
        give_up = time.monotonic() + READY_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise AssertionError(f"Prometheus did not start:\n{(self._home / 'log').read_text()}")
            time.sleep(0.1)
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Stop it."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def at(self, query: str, moment: float) -> list[Series]:
        """Return what a query answers at one moment."""
        return [(one["metric"], [_point(one["value"])]) for one in self._ask("query", query=query, time=str(moment))]

    def over(self, query: str, start: float, end: float, step: float) -> list[Series]:
        """Return what a query answers from *start* to *end*."""
        span = {"start": str(start), "end": str(end), "step": str(step)}
        found = self._ask("query_range", query=query, **span)
        return [(one["metric"], [_point(each) for each in one["values"]]) for one in found]

    def rules(self) -> list[dict[str, Any]]:
        """Return every rule as Prometheus has it, with what it says of its health."""
        return [rule for group in self._data("rules")["groups"] for rule in group["rules"]]

    def targets(self) -> list[dict[str, Any]]:
        """Return what it scrapes, and how that went last."""
        found: list[dict[str, Any]] = self._data("targets")["activeTargets"]
        return found

    def _ask(self, what: str, **words: str) -> list[dict[str, Any]]:
        result: list[dict[str, Any]] = self._data(f"{what}?{urllib.parse.urlencode(words)}")["result"]
        return result

    def _data(self, path: str) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self._get(f"/api/v1/{path}"))["data"]
        return data

    def _is_ready(self) -> bool:
        try:
            self._get("/-/ready")
        except (OSError, urllib.error.URLError):
            return False
        return True

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=30) as answer:
            body: bytes = answer.read()
        return body


def _point(pair: tuple[float, str]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])
