r"""A stream of bytes to its items, in constant memory: NDJSON, pretty-printed JSON, arrays, and objects glued together.

Firehose writes one object after the other, with or without a line end between; people export arrays and pretty-printed
files. So brackets, commas and spaces between items mean nothing here, and an item ends where its JSON value ends. What
is no JSON is one piece too: up to the next place where an object seems to begin, so that one bad line costs one line.
Nothing here knows what an event is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import orjson

from streams.errors import Unusable
from streams.intake.jsontext import whole
from streams.mail.deadletter import DeadReason

CHUNK = 256 * 1024
WINDOW = 16 * 1024
"""Where the search for the end of a value starts; most events are smaller. It grows fourfold."""
LARGEST_ITEM = 16 * 1024 * 1024
"""A batch that Lambda hands over is 6 MiB at most; what is longer without an end is no batch."""

_BETWEEN = re.compile(rb"[\s,\[\]\x1e]*")
_NEXT_LINE = re.compile(rb"\n|\}[ \t\r]*(?=\{\")")
_NEXT_OBJECT = re.compile(rb"\n(?=[\[{\"])|\}[ \t\r]*(?=\{\")")
_LOOKAHEAD = 64
_NEARLY = 16  # an error so near the end of a window may be the window's fault: `tru`, `\u00`, a cut character
_DECODER = json.JSONDecoder()
_BOM = b"\xef\xbb\xbf"


class Piece(NamedTuple):
    """One item of a stream.

    line: where it starts, from 1.
    data: its bytes; of what has no end only the beginning.
    size: how many bytes it has.
    value: what it holds; None where *why* says why it is no JSON.
    """

    line: int
    data: bytes
    size: int
    value: Any
    why: Unusable | None


class Splitter:
    """Splits one stream."""

    def __init__(self, read: Callable[[int], bytes], *, keep: int) -> None:
        """Start at the beginning of a stream; *keep* is how many bytes are kept of what is no JSON."""
        self._read = read
        self._keep = keep
        self._buffer = b""
        self._at = 0
        self._line = 1
        self._ended = False
        self._glued = False

    def __iter__(self) -> Iterator[Piece]:
        """Yield the items in order."""
        self._fill()
        if self._buffer.startswith(_BOM):
            self._at = len(_BOM)
        while (before := self._skip_between()) is not None:
            yield self._next(before)

    def _next(self, before: bytes) -> Piece:
        """Return the item that begins here; *before* stood between it and the start of its line."""
        if not self._buffer.startswith((b"{", b'"'), self._at):
            return self._broken(_NEXT_LINE, Unusable(DeadReason.NOT_JSON, "no JSON object begins here"), before)
        return self._whole_line() or self._value()

    def _whole_line(self) -> Piece | None:
        """Return the item if it is the rest of this line: the common case, at the speed of orjson."""
        if self._glued:
            return None
        end = self._buffer.find(b"\n", self._at)
        if end < 0:
            end = len(self._buffer)
            self._glued = not self._ended  # a line longer than the buffer: look for the end of each value instead
        data = self._buffer[self._at : end].rstrip(b" \t\r,]")
        if not data.endswith((b"}", b'"')):
            return None
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            return None
        self._at += len(data)
        return Piece(self._line, data, len(data), value, None)

    def _value(self) -> Piece:
        """Return the item by the end of its JSON value, over as many lines as it takes."""
        size = WINDOW
        while True:
            while len(self._buffer) - self._at < size and self._fill():
                pass
            cut = len(self._buffer) - self._at > size or not self._ended
            window = self._buffer[self._at : self._at + size].decode("utf-8", "surrogateescape")
            try:
                value, end = _DECODER.raw_decode(window)
                return self._piece(whole(value), window[:end])
            except json.JSONDecodeError as error:
                may_go_on = error.msg.startswith("Unterminated string") or error.pos > len(window) - _NEARLY
                if not (cut and may_go_on):
                    return self._broken(_resume_at(error), Unusable(DeadReason.NOT_JSON, error.msg))
            except (ValueError, RecursionError):
                return self._broken(_NEXT_OBJECT, Unusable(DeadReason.NOT_JSON, "numbers or nesting beyond measure"))
            if size >= LARGEST_ITEM:
                return self._broken(_NEXT_OBJECT, Unusable(DeadReason.TOO_LARGE, "no end of the value in 16 MiB"))
            size *= 4

    def _piece(self, value: object, written: str) -> Piece:
        """Step over a value."""
        line, data = self._line, written.encode("utf-8", "surrogateescape")
        self._glued = True
        self._step(len(data))
        try:
            written.encode()
        except UnicodeEncodeError:
            return Piece(line, data, len(data), None, Unusable(DeadReason.NOT_JSON, "not UTF-8"))
        return Piece(line, data, len(data), value, None)

    def _broken(self, until: re.Pattern[bytes], why: Unusable, before: bytes = b"") -> Piece:
        """Step over what is no JSON, up to where an item may begin again; keep its beginning."""
        line, kept, size = self._line, before, len(before)
        looked = self._at + 1
        while True:
            found = until.search(self._buffer, looked)
            last = found is None and self._ended
            end = found.end() if found else max(self._at, len(self._buffer) - (0 if last else _LOOKAHEAD))
            passed = self._buffer[self._at : end]
            self._step(len(passed))
            if found or last:
                passed = passed.rstrip(b"\r\n")
            kept += passed[: max(0, self._keep + 1 - len(kept))]
            size += len(passed)
            if found or last:
                return Piece(line, kept, size, None, why)
            self._fill()
            looked = self._at

    def _skip_between(self) -> bytes | None:
        """Step over what stands between items; return what of it is on the same line, None at the end."""
        passed = b""
        while True:
            match = _BETWEEN.match(self._buffer, self._at)
            if match is not None:
                passed = (passed + match.group()).rpartition(b"\n")[2]
                self._step(match.end() - self._at)
            if self._at < len(self._buffer):
                return passed
            if not self._fill():
                return None

    def _step(self, size: int) -> None:
        """Step over *size* bytes and count the lines."""
        lines = self._buffer.count(b"\n", self._at, self._at + size)
        self._at += size
        if lines:
            self._line += lines
            self._glued = False

    def _fill(self) -> bool:
        """Read on; False at the end of the stream."""
        if self._ended:
            return False
        read = self._read(CHUNK)
        self._ended = not read
        self._buffer = self._buffer[self._at :] + read
        self._at = 0
        return not self._ended


def _resume_at(error: json.JSONDecodeError) -> re.Pattern[bytes]:
    """Return where to go on: a line that is wrong or cut costs that line, a document over many lines all of them."""
    before_the_second_line = (error.lineno, error.colno) <= (2, 1)
    return _NEXT_LINE if before_the_second_line else _NEXT_OBJECT
