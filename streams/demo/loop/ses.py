"""The simulator as a process of its own, and what it says about itself: the SES that the closed loop sends through.

It knows nothing of the demo; the demo asks it only what anybody may ask (`/simulator/...`).
"""

from __future__ import annotations

import http.client
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from streams.demo.loop.requests import OUR_DOMAIN
from streams.demo.loop.sent import Accepted
from streams.demo.process import Process, free_port
from streams.errors import WorldFailed
from streams.mail.tagging import ATTEMPT_TAG, REQUEST_TAG, text_of

RATE = 2_000
"""Recipients a second that it allows: more than the demo asks for."""
DELAY_MS = 100
"""From one event of a mail to the next, about; hours in earnest."""
LATENCY_MS = 20
"""Until a call is answered: about what SES takes from nearby. It leaves some mails in mid-dispatch at any time."""
REPEATED = 0.02
"""Share of its events that come twice, as SNS delivers at least once."""
ASK_S, LIST_S = 1.0, 30.0


class SimulatedSes(Process):
    """One simulator on this machine.

    Args:
        brokers: where its events go, as mail.Feedback.
        prefix: of the topics' names.
        home: directory for its log.
        rate: recipients a second that it allows.

    """

    def __init__(self, brokers: str, prefix: str, home: Path, *, rate: float = RATE) -> None:
        """Choose a port; nothing runs yet."""
        self.port = free_port()
        words = ["simulate", "--port", str(self.port), "--smtp-port", "0", "--events", "kafka", "--json"]
        words += ["--verify", "--set", f"verified={OUR_DOMAIN}", "--rate", str(rate)]
        words += ["--delay-ms", str(DELAY_MS), "--latency-ms", str(LATENCY_MS), "--repeat", str(REPEATED)]
        variables = {
            "SES_STREAMS_BROKERS": brokers,
            "SES_STREAMS_TOPIC_PREFIX": prefix,
            "SES_STREAMS_PRODUCER__IDEMPOTENT": "false",  # the embedded broker gives out no producer ids
        }
        super().__init__("the simulator", words, variables, home / "simulator.log")

    @property
    def url(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self.port}"

    def ready(self) -> bool:
        """Tell whether it answers."""
        return self.health() is not None

    def health(self) -> dict[str, Any] | None:
        """Return what it says of itself in short, None where it does not answer."""
        try:
            return _object(self._get("/simulator/health", ASK_S))
        except (OSError, http.client.HTTPException):
            return None

    def accepted_count(self) -> int | None:
        """Return how many mails it has taken, None where it does not answer."""
        said = self.health()
        return None if said is None else int(said["accepted"])

    def accepted(self) -> list[Accepted]:
        """Return every mail that it has taken.

        Raises:
            WorldFailed: it does not answer.

        """
        try:
            return read_sent(self._get("/simulator/sent", LIST_S))
        except (OSError, http.client.HTTPException) as error:
            raise WorldFailed(f"the simulator does not say what it has sent: {error!r}") from error

    def _get(self, path: str, seconds: float) -> bytes:
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            asked.request("GET", path)
            answer = asked.getresponse()
            body = answer.read()
        finally:
            asked.close()
        if answer.status != http.client.OK:
            raise http.client.HTTPException(f"{path}: {answer.status}")
        return body


def _object(body: bytes) -> dict[str, Any]:
    said: dict[str, Any] = orjson.loads(body)
    return said


def read_sent(body: bytes) -> list[Accepted]:
    """Return the mails of a simulator's list, a JSON object a line."""
    return [_accepted(orjson.loads(line)) for line in body.splitlines()]


def _accepted(said: dict[str, Any]) -> Accepted:
    tags = said["tags"]
    return Accepted(
        message_id=said["message_id"],
        at=round(datetime.fromisoformat(said["at"]).timestamp() * 1000),
        request_id=text_of(tags.get(REQUEST_TAG, "")),
        attempt=int(tags.get(ATTEMPT_TAG, "0")),
        recipients=tuple(said["recipients"]),
    )
