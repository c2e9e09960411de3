"""A file that a command reads line by line, or standard input, with a bar for how far it is."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.cli.shown import Bar
from streams.errors import WorldFailed

STDIN = "-"
_STEP = 1_000


@contextmanager
def reading(file: str, *, shown: bool | None) -> Iterator[Iterator[bytes]]:
    """Give the lines of *file*, with their ends; `-` is standard input, whose size nobody knows.

    Raises:
        WorldFailed: the file cannot be read.

    """
    try:
        size = None if file == STDIN else Path(file).stat().st_size
        with Bar("reading " + ("standard input" if file == STDIN else file), shown=shown) as bar:
            if file == STDIN:
                yield _told(sys.stdin.buffer, bar, size)
            else:
                with Path(file).open("rb") as source:
                    yield _told(source, bar, size)
    except BrokenPipeError:
        raise  # not this file: whoever read our own output has gone
    except OSError as error:
        raise WorldFailed(f"{file}: {error.strerror}") from error


def _told(lines: Iterable[bytes], bar: Bar, size: int | None) -> Iterator[bytes]:
    """Yield *lines*, and tell the bar now and then how many bytes that was."""
    done = 0
    for number, line in enumerate(lines, 1):
        done += len(line)
        if number % _STEP == 0:
            bar.told(done, size)
        yield line
