"""The intake as a process that believes certificates of ours: all else of it is what `ses-streams intake` runs.

    with Intake(tmp_path, kafka.brokers, Signer()) as intake:
        requests.post(intake.sns_url, ...)
        intake.process.kill(); intake.process.start(); intake.process.wait_until_ready()

No setting could do this: which certificates are believed is an argument of the bridge, given here and nowhere else.
`python -m tests.inlets.launch FILE` runs it in the foreground; FILE is a JSON object of certificates by URL.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from streams.bridge import run
from streams.inlets.sns.fetch import Unreachable
from streams.observe.logs import set_up_logs
from streams.settings import load_settings
from tests.faults.process import Worker
from tests.inlets.signing import Signer
from tests.kafka.cluster import free_ports

DAY = 86_400_000


class Intake:
    """One intake that takes what a signer signs.

    Args:
        home: where its log lies.
        brokers: where Kafka is.
        signer: its topic is allowed, its certificate believed.
        launcher: the module that runs it; a broken twin is another.
        **settings: more of them, as INTAKE__SQS__QUEUES="...".

    """

    def __init__(
        self, home: Path, brokers: str, signer: Signer, launcher: str = "tests.inlets.launch", **settings: str
    ) -> None:
        """Choose ports; nothing runs yet."""
        home.mkdir(parents=True, exist_ok=True)
        now = now_ms()
        certificates = home / "certificates.json"
        certificates.write_text(json.dumps({signer.url: signer.pem(now - DAY, now + DAY).decode()}), "utf-8")
        (self.sns_port,) = free_ports(1)
        said = {"BROKERS": brokers, "INTAKE__SNS__TOPICS": signer.topic, "INTAKE__SNS__PORT": str(self.sns_port)}
        variables = {f"SES_STREAMS_{name}": value for name, value in {**said, **settings}.items()}
        fake = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_EC2_METADATA_DISABLED": "true"}
        self.process = Worker(home.name, ("-m", launcher, str(certificates)), {**variables, **fake}, home)

    @property
    def sns_url(self) -> str:
        """Return where SNS posts."""
        return f"http://127.0.0.1:{self.sns_port}/sns"

    @property
    def pid(self) -> int:
        """Return its process id."""
        assert self.process.pid is not None, self.process.text()
        return self.process.pid

    def __enter__(self) -> Self:
        """Start it and wait until it takes posts."""
        self.process.start()
        self.process.wait_until_ready()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """End it, whatever happened."""
        self.process.kill()


def now_ms() -> int:
    """Return the time, ms since the epoch: what is posted to a process must be of today."""
    return round(time.time() * 1000)


def main(certificates: Path) -> int:
    """Run an intake in the foreground; return its exit code."""
    known = json.loads(certificates.read_text("utf-8"))

    async def fetch(url: str) -> bytes:
        if url not in known:
            raise Unreachable("HTTP 404")
        return bytes(known[url], "utf-8")

    settings = load_settings()
    set_up_logs(settings.log)
    return run(settings, fetch)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
