"""Where every task and every thread stands: written to the log before a worker that is stuck gives up.

Frames only, by file, line and function: what variables hold may be somebody's address.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

_DEEPEST = 40
Place = tuple[str, int, str]


def stacks(tasks: Iterable[asyncio.Task[Any]]) -> str:
    """Return the stacks of *tasks* and of all threads, as lines."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    lines: list[str] = []
    for ident, frame in sys._current_frames().items():
        lines += _told(f"thread {names.get(ident, ident)}", reversed(list(_callers(frame))))
    for task in tasks:
        lines += _told(f"task {task.get_name()}", _awaited(task.get_coro()))
    return "\n".join(lines)


def _callers(frame: FrameType | None) -> Iterator[Place]:
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname
        frame = frame.f_back


def _awaited(coroutine: Any) -> Iterator[Place]:
    """Yield where a task waits, from the outermost coroutine in: a stack of its own a waiting task has none."""
    for _ in range(_DEEPEST):
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "ag_frame", None)
        if frame is None:
            return
        yield frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "ag_await", None)


def _told(title: str, places: Iterable[Place]) -> Iterator[str]:
    yield title
    for file, line, function in places:
        yield f"  {file}:{line} {function}"
