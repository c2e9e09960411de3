"""The simulated SES of a stage: the product's own command as a process, and what it says that it was handed.

Its list of mails is the witness from outside: how often each attempt of a request was handed to SES.
"""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.faults.requests import OURS

AWS = {
    "AWS_ACCESS_KEY_ID": "faults",
    "AWS_SECRET_ACCESS_KEY": "the-simulator-takes-any",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}
"""Credentials that open nothing, and nobody's own profile."""
READY_S, POLL_S, STOP_S = 60.0, 0.1, 20.0
WORDS = "--smtp-port 0 --events kafka --json --verify --rate 2000 --delay-ms 100 --latency-ms 20 --repeat 0.02"
Attempt = tuple[str, str, int]
"""A request, a recipient, and which attempt."""


class Ses:
    """One simulator; it needs the topics. *account*: how SES's account is set besides (``suppress=true``)."""

    def __init__(self, variables: Mapping[str, str], home: Path, account: Sequence[str] = ()) -> None:
        """Choose a port; nothing runs yet."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._variables, self._log = variables, home / "simulator.log"
        self._account = [word for one in (f"verified={OURS}", *account) for word in ("--set", one)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return where its API is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        words = ["simulate", "--port", str(self.port), *WORDS.split(), *self._account]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streams", *words],
                env=dict(self._variables),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until = time.monotonic() + READY_S
        while self._get("/simulator/health") is None:
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the simulator does not answer:\n{self._log.read_text()[-2000:]}")
            time.sleep(POLL_S)

    def conditions(self, **words: object) -> None:
        """Change what its world is like: ``throttle=0.2``, ``hang=0.1`` (docs/simulator.md)."""
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            asked.request("POST", "/simulator/conditions", json.dumps(words), {"Content-Type": "application/json"})
            answer = asked.getresponse()
            said = answer.read()
        finally:
            asked.close()
        if answer.status != http.client.OK:
            raise ValueError(f"the simulator knows no such condition: {said.decode(errors='replace')}")

    def handed(self) -> dict[Attempt, int]:
        """Return how often it was handed each attempt, by recipient.

        Raises:
            RuntimeError: it does not answer.
        """
        said = self._get("/simulator/sent")
        if said is None:
            raise RuntimeError("the simulator does not say what it was handed")
        found: dict[Attempt, int] = {}
        for mail in map(json.loads, said.splitlines()):
            for recipient in mail["recipients"]:
                tags = mail["tags"]
                attempt = tags.get("request_id", ""), recipient.lower(), int(tags.get("attempt", 0))
                found[attempt] = found.get(attempt, 0) + 1
        return found

    def stop(self) -> None:
        """Stop it: kindly first, then not."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _get(self, path: str) -> bytes | None:
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            asked.request("GET", path)
            answer = asked.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            asked.close()
        return body if answer.status == http.client.OK else None
