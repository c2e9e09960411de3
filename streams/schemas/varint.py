"""Avro's whole numbers: zigzag varints, for the code that writing.py and reading.py make.

Writing is a look-up: tables are filled for the sizes and numbers that mail has, and work the rest out. Reading is the
slow way only, for what the made code does not read in its own lines. Nothing here knows schemas.
"""

from __future__ import annotations

_LONG = 1 << 63
_INT = 1 << 31
_LAST_SHIFT = 63
_TABLE = 1 << 13  # every number that takes two bytes: most lengths, counts and latencies
_HIGH_BYTES = 4
_KEPT_TIMES = 1 << 12  # one entry spans 8 seconds: nine hours of event time in order


def zigzag(number: int) -> bytes:
    """Return *number* as Avro's int and long are written; raises ValueError beyond 64 bits, TypeError for no int."""
    if not -_LONG <= number < _LONG:
        raise ValueError("beyond 64 bits")
    return _varint((number << 1) ^ (number >> 63))


def _varint(left: int) -> bytes:
    out = bytearray()
    while left > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


class Numbers(dict[int, bytes]):
    """Number to its bytes: `LONGS[n]`; also the bytes of a length or a count."""

    def __missing__(self, number: int) -> bytes:
        return zigzag(number)


class SmallNumbers(Numbers):
    """As Numbers, for Avro's int: beyond 32 bits is a ValueError."""

    def __missing__(self, number: int) -> bytes:
        if not -_INT <= number < _INT:
            raise ValueError("beyond 32 bits")
        return zigzag(number)


class OptionalSizes(dict[int, bytes]):
    """The bytes of a length behind the branch number 1: how a present `["null", "string"]` begins."""

    def __missing__(self, size: int) -> bytes:
        return b"\x02" + zigzag(size)


class TimeHighs(dict[int, bytes]):
    """The upper bytes of a time in ms, by what is left of twice the time without its lowest 14 bits.

    Neighbouring times share them, so they are worked out once; a KeyError says that the number is too small or
    negative and takes the careful way.
    """

    def __missing__(self, high: int) -> bytes:
        if not 0 < high < _LONG >> 13:
            raise KeyError(high)
        if len(self) >= _KEPT_TIMES:
            self.clear()
        self[high] = found = _varint(high)
        return found


class TimeHighsRead(dict[bytes, int]):
    """The way back: the upper four bytes of a time of six bytes, to its milliseconds; a KeyError for other times."""

    def __missing__(self, high: bytes) -> int:
        number, end = raw_number(high + b"\x00", 0)
        if end != _HIGH_BYTES:
            raise KeyError(high)
        if len(self) >= _KEPT_TIMES:
            self.clear()
        self[high] = found = number << 13
        return found


LONGS = Numbers((number, zigzag(number)) for number in range(_TABLE))
INTS = SmallNumbers(LONGS)
SOME = OptionalSizes((size, b"\x02" + LONGS[size]) for size in range(_TABLE))
TIME_LOWS = tuple(bytes((low & 0x7F | 0x80, low >> 7 | 0x80)) for low in range(1 << 14))
TIME_HIGHS = TimeHighs()
TIME_LOWS_READ = {TIME_LOWS[low]: low >> 1 for low in range(0, 1 << 14, 2)}
TIME_HIGHS_READ = TimeHighsRead()
STEPS = tuple(None if byte > 0x7F or byte & 1 else (byte >> 1) + 1 for byte in range(256))  # noqa: PLR2004 - as above
"""From the one byte of a length to the place behind what it measures; None for longer or negative lengths."""


def raw_number(body: bytes, at: int) -> tuple[int, int]:
    """Return (the number still in zigzag, the place after it); ValueError beyond 64 bits, IndexError at the end."""
    number = shift = 0
    while True:
        byte = body[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the last byte has no top bit
            break
        shift += 7
        if shift > _LAST_SHIFT:  # or a megabyte of such bytes would be one number
            raise ValueError("beyond 64 bits")
    if number >> 64:
        raise ValueError("beyond 64 bits")
    return number, at


def step_over(body: bytes, at: int) -> tuple[int, int]:
    """Return (the step from the length's last byte to behind what it measures, that byte's place)."""
    number, at = raw_number(body, at)
    if number & 1:
        raise ValueError("a negative length")
    return (number >> 1) + 1, at - 1


def block_count(body: bytes, at: int) -> tuple[int, int]:
    """Return (twice the count of a block's items, the place of the first); a negative count has a size behind it."""
    number, at = raw_number(body, at)
    if number & 1:
        number += 1
        _, at = raw_number(body, at)
    return number, at
