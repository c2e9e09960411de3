"""Record batches are packed at the level that was chosen by measure."""

from __future__ import annotations

from aiokafka.codec import zstd_encode
from aiokafka.record._crecords.default_records import DefaultRecordBatchBuilder

from streams.engine.packing import LEVEL, pack_lightly

ZSTD, RECORDS, HEADER = 4, 200, 61


def test_the_compiled_builder_packs_at_our_level() -> None:
    pack_lightly()
    plain, packed = (DefaultRecordBatchBuilder(2, kind, 0, -1, -1, 0, 1 << 20) for kind in (0, ZSTD))
    for builder in (plain, packed):
        for number in range(RECORDS):
            builder.append(number, 1_790_000_000_000, b"key-%d" % number, b"value-%d" % (number * 7919) * 9, [])
    body = bytes(plain.build())[HEADER:]
    assert bytes(packed.build())[HEADER:] == zstd_encode(body, level=LEVEL)
    assert zstd_encode(body, level=LEVEL) != zstd_encode(body, level=3)
