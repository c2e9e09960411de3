"""moto's SNS and SQS as a process: topics, queues and what subscribes them, and boto3's clients of it.

``python -m tests.inlets.faults.aws PORT`` is the process. moto deletes by writing a queue's list anew, so that what
comes meanwhile from another thread is sometimes gone; SQS does not do that, so calls of a queue wait for each other.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from moto.server import main
from moto.sqs.models import Queue

from tests.faults.ses import AWS
from tests.faults.setting import environment
from tests.kafka.cluster import free_ports

REGION = "eu-west-1"
READY_S, STOP_S, POLL_S = 60.0, 10.0, 0.1
HIDDEN_S = 5
"""How long a message stays hidden once it is handed out; the least that the intake may ask for."""
LEFT = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")


class Aws:
    """Use it between `start` and `stop`."""

    def __init__(self, home: Path) -> None:
        """Choose a port; nothing runs yet."""
        (self._port,) = free_ports(1)
        self._log = home / "moto.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.queues: dict[str, str] = {}
        """URLs by name."""

    @property
    def url(self) -> str:
        """Return where all of its APIs are."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.inlets.faults.aws", str(self._port)],
                env=environment() | AWS,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until = time.monotonic() + READY_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"moto does not answer:\n{self._log.read_text()[-2000:]}")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_S)

    def client(self, name: str) -> Any:
        """Return a client of one API, which asks once: who published twice would not know it."""
        config = Config(retries={"total_max_attempts": 1}, read_timeout=30)
        return boto3.client(
            name,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="faults",
            aws_secret_access_key="moto-takes-any",  # noqa: S106 - nobody's
            config=config,
        )

    def topic(self, name: str) -> str:
        """Return the ARN of a new topic."""
        return str(self.client("sns").create_topic(Name=name)["TopicArn"])

    def post(self, topic: str, url: str) -> None:
        """Let what is published by *topic* be posted to *url*."""
        self.client("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=url)

    def queue(self, name: str) -> str:
        """Return the ARN of a new queue."""
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": str(HIDDEN_S)})["QueueUrl"]
        self.queues[name] = str(url)
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(found["Attributes"]["QueueArn"])

    def send(self, topic: str, queue: str, *, raw: bool = False) -> None:
        """Let what is published by *topic* go to *queue*, in SNS's envelope or *raw*."""
        said = {"RawMessageDelivery": "true"} if raw else {}
        self.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=said)

    def left(self) -> dict[str, int]:
        """Return how many messages each queue has, hidden ones too."""
        sqs = self.client("sqs")
        asked = {url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(LEFT)) for url in self.queues.values()}
        return {url: sum(int(said["Attributes"][word]) for word in LEFT) for url, said in asked.items()}

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), 1):
                return True
        except OSError:
            return False


def _one_at_a_time(call: Callable[..., Any], lock: threading.RLock) -> Callable[..., Any]:
    def alone(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return call(*args, **kwargs)

    return alone


if __name__ == "__main__":
    turn = threading.RLock()
    for word in ("add_message", "delete_message"):
        setattr(Queue, word, _one_at_a_time(getattr(Queue, word), turn))
    main(["-H", "127.0.0.1", "-p", sys.argv[1]])
