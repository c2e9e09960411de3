"""A worker whose second hop fails at what it reads, and says all of it in its error: the worst of faults of our own.

Beside that a thread and a task of its own fail likewise, with nobody to catch it, and a warning is given.
`python -m tests.leaks.failing` is `ses-streams worker` but for that.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import warnings
from typing import Any
from urllib.parse import quote

from streams.cli import main
from streams.hops.by_recipient import ByRecipient
from streams.pipeline import Chunk

SOME = 60
"""Values that an error quotes: some of every sort that there is, and not so many megabytes of them."""


def _say_all(chunk: Chunk) -> str:
    """Return a chunk as errors quote what they were given: the repr, JSON, a URL, a word of MIME."""
    values = [value for value in chunk.values if value is not None]
    values = values[:: max(len(values) // SOME, 1)]
    texts = [value.decode("utf-8", "replace") for value in values]
    return "\n".join(
        (
            repr(list(chunk.keys)[:: max(len(chunk.keys) // SOME, 1)]),
            repr(values),
            repr(texts),
            json.dumps(texts),
            json.dumps(json.dumps(texts)),
            quote(" ".join(texts)),
            " ".join(texts).replace("@", "=40"),
            " ".join(texts).replace("@", "&#64;"),
            json.dumps(texts).replace("@", "\\u0040"),
        )
    )


def _fail(words: str) -> None:
    raise ValueError(words)


async def _fail_later(words: str) -> None:
    raise ValueError(words)


def _work(_: Any, chunk: Chunk, *__: Any) -> Any:
    words = _say_all(chunk)
    warnings.warn(words, stacklevel=1)
    thread = threading.Thread(target=_fail, args=(words,))
    thread.start()
    thread.join()
    asyncio.get_running_loop().create_task(_fail_later(words))  # nobody waits for it
    try:
        _fail(words)
    except ValueError as first:
        raise RuntimeError(f"the second of two: {words}") from first


if __name__ == "__main__":
    ByRecipient.work = _work  # type: ignore[assignment,method-assign]  # broken on purpose
    main(["worker", *sys.argv[1:]])
