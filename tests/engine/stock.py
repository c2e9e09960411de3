"""A worker on Faust as it comes, with an agent as its manual shows it: ``python stock.py JSON``.

At one value the agent does what *at* says: it raises, or it never gets done. Everything else is handled at once.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import faust


async def main(asked: dict[str, Any]) -> None:
    """Work until killed."""
    app = faust.App(
        asked["group"],
        broker=f"kafka://{asked['broker']}",
        store="memory://",
        datadir=asked["data_dir"],
        autodiscover=False,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=2.0,
        broker_heartbeat_interval=0.4,
        broker_commit_interval=0.2,
    )
    topic = app.topic(asked["topic"], key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    value, reached = asked["value"].encode(), Path(asked["reached"])

    async def handle(stream: Any) -> None:
        async for each in stream:
            if each == value:
                reached.touch()  # noqa: ASYNC240 # it takes no time
                if asked["at"] == "raise":
                    raise RuntimeError("a bug in a handler")
                await asyncio.sleep(3600)

    app.agent(topic, concurrency=asked.get("concurrency", 1))(handle)
    await app.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
