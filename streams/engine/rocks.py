"""RocksDB as the engine wants it: one small database a table partition, all of them within one budget of memory.

rocksdict raises bare exceptions with RocksDB's own words; they are told apart here, once: what a rebuild mends, and
what only an operator can mend.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from rocksdict import BlockBasedOptions, Cache, DBCompressionType, Options, Rdict, WriteBufferManager

from streams.errors import WorldFailed

log = logging.getLogger(__name__)

CONDEMNED = "CONDEMNED"
"""A file of this name in a database's directory: it was found damaged while open, and must be rebuilt."""
FAMILIES = ("timers", "meta")
_ROOM = "make room there, or give it a larger volume, and start again: nothing is lost"
_WRITABLE = "make it writable for this user, and start again"
_ELSEWHERE = "set SES_STREAMS_DATA_DIR to a directory that this user may write to, and start again"
_ADVICE = {
    "while lock file": "another process uses it: stop that one, or give this worker a SES_STREAMS_DATA_DIR of its own",
    "lock hold by": "it is open already, in this very process",
    "no space left": _ROOM,
    "quota exceeded": _ROOM,
    "file too large": _ROOM,
    "permission denied": _WRITABLE,
    "read-only file system": _WRITABLE,
    "too many open files": "allow this process more open files (ulimit -n), and start again",
    "cannot allocate memory": "give this process more memory, and start again",
}
"""What only an operator can mend, by RocksDB's or the system's words for it, and how. All else a rebuild mends.

Not a mere "lock": a damaged one is a block."""
_BLOOM_BITS = 10  # one key in a hundred that is not there costs a read
_BLOOM_SHARE = 0.02  # of a write buffer: a key that is not there costs no walk through it
_SMALLEST_BUFFER = 4 << 20
_LARGEST_BUFFER = 64 << 20
_OPEN_FILES = 256
_SLOW_FILES, _MOST_FILES = 200, 400
"""Young files of a rebuild that compaction has not come to yet; at the first number RocksDB slows writes, at the
second it stops them, and with them the whole loop. Its own numbers (20, 36) are for disks that cannot follow."""


class Tuning:
    """What all databases of a worker share: the block cache and the budget of write buffers (bytes).

    *fresh_bytes*: how much a store may hold back before it writes (see fresh.py).
    """

    def __init__(self, cache_bytes: int, buffer_bytes: int, databases: int, flush_ms: int = 600_000) -> None:
        """Split the budgets for about *databases* open databases; *flush_ms* is how seldom they are written out."""
        self.flush_ms = flush_ms
        self._cache = Cache(cache_bytes)
        self._buffers = WriteBufferManager(buffer_bytes, allow_stall=False)
        self.fresh_bytes = buffer_bytes // (4 * max(databases, 1))
        self._buffer = min(max(buffer_bytes // (2 * max(databases, 1)), _SMALLEST_BUFFER), _LARGEST_BUFFER)

    def options(self) -> Options:
        """Return options for one column family.

        All families of a database are written out together (atomic flush): what is written without the log (WAL)
        stays of one mind, and the log of what is written with it ends whenever the values' memory is full. Else a
        family that hardly grows would hold on to old logs.
        """
        blocks = BlockBasedOptions()
        blocks.set_block_cache(self._cache)
        blocks.set_bloom_filter(_BLOOM_BITS, block_based=False)
        blocks.set_cache_index_and_filter_blocks(v=True)
        options = Options(raw_mode=True)
        options.create_if_missing(create_if_missing=True)
        options.create_missing_column_families(create_missing_cfs=True)
        options.set_block_based_table_factory(blocks)
        options.set_write_buffer_manager(self._buffers)
        options.set_write_buffer_size(self._buffer)
        options.set_memtable_whole_key_filtering(whole_key_filter=True)
        options.set_memtable_prefix_bloom_ratio(_BLOOM_SHARE)
        options.set_atomic_flush(atomic_flush=True)
        options.set_level_zero_slowdown_writes_trigger(_SLOW_FILES)
        options.set_level_zero_stop_writes_trigger(_MOST_FILES)
        options.set_compression_type(DBCompressionType.lz4())
        options.set_max_open_files(_OPEN_FILES)
        options.set_keep_log_file_num(2)
        options.set_stats_dump_period_sec(0)
        return options


def open_database(path: Path, tuning: Tuning) -> tuple[Rdict, bool]:
    """Return the database at *path*, and whether it had to be wiped because what was there cannot be trusted.

    Raises:
        WorldFailed: another process holds it, or the disk does not let us.
    """
    wiped = False
    if (path / CONDEMNED).exists():
        _wipe(path, "it was found damaged before")
        wiped = True
    try:
        path.mkdir(parents=True, exist_ok=True)
        return _opened(path, tuning), wiped
    except OSError as exc:
        raise failed(path, str(exc.strerror), _ELSEWHERE) from exc
    except Exception as exc:
        if type(exc) is not Exception:  # rocksdict knows no other class: this is a fault of ours, not of the disk
            raise
        words = _first_line(exc)
        if _advice(path, words):
            raise failed(path, words) from exc
        _wipe(path, words)
    path.mkdir(parents=True, exist_ok=True)
    with guarded(path):
        return _opened(path, tuning), True


@contextlib.contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turn RocksDB's errors into WorldFailed; a damaged database is condemned, so that the next start rebuilds it."""
    try:
        yield
    except Exception as exc:
        if type(exc) is not Exception:  # rocksdict knows no other class
            raise
        words = _first_line(exc)
        if "corruption" in words.lower():
            (path / CONDEMNED).touch()
        raise failed(path, words) from exc


def _opened(path: Path, tuning: Tuning) -> Rdict:
    families = {name: tuning.options() for name in FAMILIES}
    return Rdict(str(path), options=tuning.options(), column_families=families)


def failed(path: Path, words: str, otherwise: str = "") -> WorldFailed:
    """Return the error that says which directory failed, how, and what to do about it where somebody must."""
    advice = _advice(path, words) or otherwise
    return WorldFailed(f"state directory {path}: {words}" + (f"; {advice}" if advice else ""))


def _advice(path: Path, words: str) -> str:
    """Return what an operator is to do; nothing where a rebuild mends it."""
    low = words.replace(str(path), "").lower()  # there are directories of any name
    return next((advice for known, advice in _ADVICE.items() if known in low), "")


def walk(family: Rdict, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values from *start* on, in order; raise what stops it early.

    rocksdict's own iterators end at a damaged block as if nothing came after it.
    """
    last = start
    for key, value in cast("Iterator[tuple[bytes, bytes]]", family.items(from_key=start)):
        yield key, value
        last = key
    rest = family.iter()
    rest.seek(last)
    if rest.valid():
        rest.next()
    rest.status()


def remove(path: Path) -> None:
    """Remove a database; one that is not there is removed.

    Raises:
        WorldFailed: the disk does not let us: what is left must not be taken for state.
    """
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        pass
    except OSError as exc:
        raise failed(path, f"it is of no use, and cannot be removed: {exc.strerror}") from exc


def _wipe(path: Path, why: str) -> None:
    log.error("state in %s is wiped and rebuilt from its changelog: %s", path, why)
    remove(path)


def _first_line(exc: BaseException) -> str:
    return str(exc).partition("\n")[0]
