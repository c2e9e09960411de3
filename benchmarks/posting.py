"""Posts whole HTTP requests at a steady rate over connections that stay open, and keeps how long each answer took.

The load is open: a post leaves when it is due, whether or not earlier ones are answered (as far as there are
connections), and its time counts from when it was due; so a server that stalls is not spared what it held up.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

PATIENCE_S = 15.0
"""As long as SNS waits for an answer."""


@dataclass(slots=True)
class Posted:
    """What came of it: answers by status (0 is none), and seconds from when each post was due to its answer."""

    answers: Counter[int] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)
    unanswered: list[int] = field(default_factory=list)


async def post_all(posts: Sequence[bytes], port: int, *, rate: float, connections: int) -> Posted:
    """Post all to a port of this machine, *rate* a second, and return what came of it."""
    found = Posted()
    numbers = iter(range(len(posts)))
    began = time.perf_counter()

    async def post_some() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            due = began + number / rate
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            try:
                writer.write(posts[number])
                status = await asyncio.wait_for(_answer(reader), PATIENCE_S)
            except (OSError, EOFError, TimeoutError):
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                status = 0
            found.took.append(time.perf_counter() - due)
            found.answers[status] += 1
            if status != 200:  # noqa: PLR2004 - OK
                found.unanswered.append(number)
        writer.close()

    await asyncio.gather(*(post_some() for _ in range(connections)))
    return found


async def _answer(reader: asyncio.StreamReader) -> int:
    """Read one answer whole, and return its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, _, rest = head.partition(b"content-length:")
    await reader.readexactly(int(rest.partition(b"\r\n")[0]))
    return int(head.split(b" ", 2)[1])
