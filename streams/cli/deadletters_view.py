"""What a dead letter looks like: a row of a table, a line of JSON, or all of it with its bytes.

In a table no address is to be seen: keys are fingerprints, values are sizes, words are scrubbed. Bytes are only ever
shown as hexadecimal and as plain ASCII, so that a terminal has nothing to obey.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from hashlib import blake2b

import orjson

from streams.cli.deadletters_choice import NAME, Found
from streams.cli.deadletters_today import Fate
from streams.cli.shown import Head, harmless, minute
from streams.observe.fingerprint import Fingerprints
from streams.schemas.plain import to_plain
from streams.settings import Log

HEADS = (
    Head("place"),
    Head("given up"),
    Head("from", breaks=True),
    Head("stage"),
    Head("reason"),
    Head("bytes"),
    Head("key", breaks=True),
    Head("detail", breaks=True),
)
_WIDTH = 16
_MARK_BYTES = 5
_PRINTABLE = range(0x20, 0x7F)


class Rows:
    """Letters as rows of a table; the fingerprints are those of the logs where log.key is set."""

    def __init__(self, log: Log, *, show_keys: bool) -> None:
        """Show keys as they are only where that is asked for."""
        given = None if log.key is None else log.key.get_secret_value().encode()
        self._secret = blake2b(secrets.token_bytes(32) if given is None else given, digest_size=32).digest()
        self._fingerprints = Fingerprints(given)
        self._show_keys = show_keys

    def row(self, letter: Found) -> tuple[str, ...]:
        """Return the row of one letter."""
        record, scrub = letter.record, self._fingerprints.scrub
        value = record["value"]
        return (
            str(letter.place),
            minute(record["at"]),
            scrub(origin(record["topic"], record["partition"], record["offset"])),
            record["stage"],
            record["reason"],
            "-" if value is None else f"{len(value):,}",
            self._key(record["key"]),
            scrub(record["detail"]),
        )

    def _key(self, key: bytes | None) -> str:
        if key is None:
            return "-"
        text = key.decode("utf-8", "replace")
        if self._show_keys:
            return text
        if "@" in text:
            return self._fingerprints.of(text)
        return f"<{blake2b(key, key=self._secret, digest_size=_MARK_BYTES).hexdigest()}>"


def origin(topic: str, partition: int, offset: int) -> str:
    """Return where a record came from: `ses.feedback/2/991`, or `file:NAME:12` of a file's line."""
    if partition < 0:
        return topic if offset < 0 else f"{topic}:{offset}"
    return f"{topic}/{partition}/{offset}"


def as_json_line(letter: Found, **beside: str) -> str:
    """Return a letter as one line of JSON, with its place beside it, and what else is to be said."""
    said = {NAME: to_plain(NAME, letter.record), "place": str(letter.place), **beside}
    return orjson.dumps(said).decode() + "\n"


def told(letter: Found, fate: Fate, most: int) -> str:
    """Return all of a letter for people, with the first *most* bytes of key and value; 0 is all of them."""
    record = letter.record
    lines = [
        f"place     {letter.place}",
        f"given up  {to_plain(NAME, record)['at']}",
        f"from      {origin(record['topic'], record['partition'], record['offset'])}",
        f"stage     {record['stage']}",
        f"reason    {record['reason']}",
        f"detail    {record['detail'] or '-'}",
        f"today     {fate.told}",
        *_bytes("key", record["key"], most),
        *_bytes("value", record["value"], most),
    ]
    if fate.copies:
        more = "" if fate.fits else " --anyway"
        lines.append(f"back      ses-streams dead-letters replay {letter.place} --yes{more}")
    return "".join(f"{harmless(line)}\n" for line in lines)


def _bytes(name: str, data: bytes | None, most: int) -> Iterator[str]:
    """Yield a line that says how many bytes there are, and lines that show them."""
    if data is None:
        yield f"{name:<9} none"
        return
    shown = data[:most] if most else data
    left = f", the first {len(shown):,}:" if len(shown) < len(data) else ""
    yield f"{name:<9} {len(data):,} bytes{left}"
    for start in range(0, len(shown), _WIDTH):
        row = shown[start : start + _WIDTH]
        text = "".join(chr(byte) if byte in _PRINTABLE else "." for byte in row)
        yield f"  {start:08x}  {row.hex(' '):<{_WIDTH * 3}} {text}"
