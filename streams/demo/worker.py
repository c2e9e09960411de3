"""The worker as a process of its own, and what its pages say.

Its data directory stays between lives, as a volume would. What survives a kill is what it had made durable.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from streams.demo.gauges import Page, fetch_page, is_ready
from streams.demo.process import Process, free_port

TOKEN = "SES_STREAMS_WEB__TOKEN"  # noqa: S105 - the name of the setting


class Worker(Process):
    """One worker process on this machine.

    Args:
        variables: its settings, SES_STREAMS_*.
        home: directory for its data and its log.

    """

    def __init__(self, variables: Mapping[str, str], home: Path) -> None:
        """Choose a port, and a token where none is given; nothing runs yet."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.token = variables.get(TOKEN, secrets.token_urlsafe(18))
        ours = {
            "SES_STREAMS_DATA_DIR": str(home / "data"),
            "SES_STREAMS_WEB__PORT": str(self.port),
            TOKEN: self.token,
        }
        super().__init__("the worker", ["worker"], {**variables, **ours}, home / "worker.log")
        self._cpu_before = 0.0
        self._cpu_seen = 0.0

    def ready(self) -> bool:
        """Tell whether it says that it is ready."""
        return is_ready(self.port)

    def page(self) -> Page | None:
        """Return its metrics, None where it does not answer."""
        page = fetch_page(self.port)
        if page is not None:
            self._cpu_seen = page.total("process_cpu_seconds_total")
        return page

    @property
    def cpu_seconds(self) -> float:
        """Processor time of all its lives, as far as its metrics have told."""
        return self._cpu_before + self._cpu_seen

    def kill(self) -> None:
        """Kill it without warning (SIGKILL)."""
        if self.pid is not None:
            super().kill()
            self._cpu_before, self._cpu_seen = self.cpu_seconds, 0.0
