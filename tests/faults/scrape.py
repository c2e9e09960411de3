"""Asks every worker on the stage for its metrics and its health, each half second, as a cluster does; in all faults.

What is answered, and what is logged, must hold nobody's address. How long answers take is told in the result; a worker
that is frozen, starting or ending gives none, and that is no fault.
"""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Iterator, Mapping

from tests.faults.process import Worker

EVERY_S = 0.5
PATIENCE_S = 5.0
PATHS = ("/metrics", "/health/live", "/health/ready")
_ADDRESS = re.compile(r"@|example\.(?:com|net|org)", re.IGNORECASE)
"""All addresses here are of these domains."""


def holds_an_address(text: str) -> bool:
    """Tell whether an address is in *text*, or a part of one."""
    return _ADDRESS.search(text) is not None


class Scraper:
    """Asks whoever is among *workers*, which may grow meanwhile."""

    def __init__(self, workers: Mapping[str, Worker]) -> None:
        """Ask nobody yet."""
        self._workers = workers
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scraper", daemon=True)
        self._seconds: list[float] = []
        self._spilled: set[str] = set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, *, strict: bool) -> None:
        """Ask no more.

        Raises:
            AssertionError: *strict*, and an address was seen in a log or an answer.
        """
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        spilled = self.spilled() if strict else []
        assert not spilled, f"an address in {spilled[:5]}, {len(spilled)} places in all"

    @property
    def said(self) -> dict[str, float]:
        """Return how many answers there were, and within how many ms 99 of 100 of them came."""
        seconds = sorted(self._seconds)
        return {"answers": len(seconds), "p99_ms": round(seconds[len(seconds) * 99 // 100] * 1000) if seconds else 0}

    def spilled(self) -> list[str]:
        """Return where an address was seen: in whose answer, or in which line of whose log."""
        return sorted(self._spilled | set(self._logged()))

    def _logged(self) -> Iterator[str]:
        for worker in list(self._workers.values()):
            for number, line in enumerate(worker.text().splitlines(), 1):
                if holds_an_address(line):
                    yield f"line {number} of {worker.log}"

    def _run(self) -> None:
        while not self._over.wait(EVERY_S):
            for worker in list(self._workers.values()):
                for path in PATHS if worker.pid is not None else ():
                    self._ask(worker, path)

    def _ask(self, worker: Worker, path: str) -> None:
        asked = http.client.HTTPConnection("127.0.0.1", worker.port, timeout=PATIENCE_S)
        began = time.monotonic()
        try:
            asked.request("GET", path)
            text = asked.getresponse().read().decode()
        except (OSError, http.client.HTTPException):  # it is frozen, starting, or ending
            return
        finally:
            asked.close()
        self._seconds.append(time.monotonic() - began)
        if holds_an_address(text):
            self._spilled.add(f"{path} of {worker.name}")
