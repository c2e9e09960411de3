"""Objects in S3 read as files are: found page by page, read piece by piece, and read on where the line breaks."""

from __future__ import annotations

import gzip
import json
import random
from typing import Any

import pytest

from streams.errors import BadSettings, WorldFailed
from streams.inlets.objects import store, stream
from streams.inlets.objects.files import AHEAD, PIECE, S3Files, parted
from streams.inlets.objects.trouble import Amiss
from streams.intake.files import Item, read_files
from streams.intake.sources import Reading, Source
from streams.mail.deadletter import DeadReason
from streams.settings.intake import Objects
from tests.inlets.objects.conftest import Bucket
from tests.inlets.objects.line import BreakingLine


def event(number: int, **mail: Any) -> dict[str, Any]:
    return {"eventType": "Send", "mail": {"messageId": f"id-{number}", "destination": ["ada@example.org"], **mail}}


def batch(*numbers: int, between: str = "\n") -> bytes:
    return between.join(json.dumps(event(number)) for number in numbers).encode()


def read(settings: Objects, *urls: str, reading: Reading | None = None, known: Any = None) -> list[Item]:
    with S3Files(settings) as objects:
        return list(read_files(urls, reading=reading, elsewhere=objects.find, known=known))


def ids(items: list[Item]) -> list[str | None]:
    return [None if item.feedback is None else item.feedback.message_id for item in items]


def test_objects_are_read_in_order_of_their_keys_and_each_item_says_which(bucket: Bucket) -> None:
    bucket.put("ses/2026/02/b.json", batch(3))
    bucket.put("ses/2026/01/a.json", batch(1, 2))
    bucket.put("other/c.json", batch(4))
    items = read(bucket.settings, bucket.url("ses/"))
    assert ids(items) == ["id-1", "id-2", "id-3"]
    assert [item.source for item in items] == [
        f"{bucket.url('ses/2026/01/a.json')}:1",
        f"{bucket.url('ses/2026/01/a.json')}:2",
        f"{bucket.url('ses/2026/02/b.json')}:1",
    ]


@pytest.mark.parametrize("between", ["", "\n", " \r\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_what_firehose_writes_is_read_with_and_without_lines_packed_or_not(
    bucket: Bucket, between: str, packed: bool
) -> None:
    plain = batch(1, 2, 3, between=between)
    key = "ses.events/2026/11/28/10/ses.events-1-2026-11-28-10-05-00-9f1c2d3e"
    url = bucket.put(key, gzip.compress(plain) if packed else plain)
    assert ids(read(bucket.settings, bucket.url())) == ["id-1", "id-2", "id-3"]
    assert ids(read(bucket.settings, url)) == ["id-1", "id-2", "id-3"]


def test_two_gzip_files_one_after_the_other_are_one_object(bucket: Bucket) -> None:
    bucket.put("a", gzip.compress(batch(1)) + gzip.compress(batch(2)))
    assert ids(read(bucket.settings, bucket.url())) == ["id-1", "id-2"]


def test_a_row_of_athena_with_the_event_as_text_is_that_event(bucket: Bucket) -> None:
    rows = [json.dumps({"event_json": json.dumps(event(number))}) for number in (1, 2)]
    bucket.put("unload/20261128_101500_00042_x_5e6f.gz", gzip.compress("\n".join(rows).encode()))
    assert ids(read(bucket.settings, bucket.url())) == ["id-1", "id-2"]


def test_a_listing_goes_on_for_as_many_pages_as_there_are(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(7):
        bucket.put(f"{number}", batch(number))
    asked: list[str | None] = []
    plain = store.Store.page

    async def small(self: store.Store, name: str, prefix: str, after: str | None) -> store.Page:
        asked.append(after)
        client, given = self._client, self._client.list_objects_v2
        monkeypatch.setattr(client, "list_objects_v2", lambda **words: given(MaxKeys=3, **words))
        try:
            return await plain(self, name, prefix, after)
        finally:
            monkeypatch.setattr(client, "list_objects_v2", given)

    monkeypatch.setattr(store.Store, "page", small)
    assert ids(read(bucket.settings, bucket.url())) == [f"id-{number}" for number in range(7)]
    assert len(asked) == 3
    assert asked[0] is None


def test_the_total_is_known_from_the_listing_and_all_of_it_is_read(bucket: Bucket, line: BreakingLine) -> None:
    bucket.put("a.json", batch(1, 2))
    bucket.put("b", gzip.compress(batch(3)))
    bucket.put("folder/", b"")
    bucket.put("readme.md", b"# no events")
    reading = Reading()
    with S3Files(Objects(endpoint_url=line.url, region="eu-west-1")) as objects:
        total = objects.total(bucket.url())
        assert objects._ahead == {}
    assert len(line.asked) == 1  # the listing, and no object
    read(bucket.settings, bucket.url(), reading=reading)
    assert reading.done_bytes == total == len(batch(1, 2)) + len(gzip.compress(batch(3)))
    assert reading.passed_over == [bucket.url("readme.md")]
    assert reading.files == 2


def test_one_object_that_is_named_is_read_whatever_it_is_called(bucket: Bucket) -> None:
    assert ids(read(bucket.settings, bucket.put("notes.md", batch(1)))) == ["id-1"]


def test_an_empty_object_holds_nothing(bucket: Bucket) -> None:
    assert read(bucket.settings, bucket.put("empty.json", b"")) == []


def test_a_line_that_breaks_is_read_on_where_it_broke_in_the_same_version(
    bucket: Bucket, line: BreakingLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_FIRST_S", 0.001)
    events = [event(number, source=f"{random.Random(number).randbytes(40).hex()}") for number in range(8_000)]
    bucket.put("a", gzip.compress("".join(map(json.dumps, events)).encode(), 1))
    line.after, line.times = 100_000, 4
    reading = Reading()
    items = read(Objects(endpoint_url=line.url, region="eu-west-1"), bucket.url(), reading=reading)
    assert line.broke == 4
    assert ids(items) == [f"id-{number}" for number in range(8_000)]
    assert reading.done_bytes == bucket.client.head_object(Bucket=bucket.name, Key="a")["ContentLength"]
    again = [asked.lower() for asked in line.asked if b"range: bytes=" in asked.lower()]
    assert len(again) == 4
    assert all(b"if-match:" in asked for asked in again)


def test_a_line_that_goes_on_breaking_stops_the_reading_with_the_object_named(
    bucket: Bucket, line: BreakingLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_FIRST_S", 0.001)
    monkeypatch.setattr(store, "_TRIES", 1)
    url = bucket.put("a", "\n".join(json.dumps(event(number)) for number in range(40_000)).encode())
    line.after, line.times = 600_000, 1_000
    with S3Files(Objects(endpoint_url=line.url, region="eu-west-1")) as objects:
        items = read_files([url], elsewhere=objects.find)
        next(items)
        line.after = 10
        with pytest.raises(WorldFailed, match=rf"{url}: .*S3 cannot be reached"):
            list(items)
    assert stream.TRIES <= line.broke <= 2 * stream.TRIES  # aiohttp asks once more on a connection that it kept


async def test_a_rest_that_is_not_the_rest_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_FIRST_S", 0.0)

    class Body:
        def __init__(self, data: bytes) -> None:
            self._data = data

        async def read(self, _: int) -> bytes:
            data, self._data = self._data, b""
            return data

        def close(self) -> None:
            """Nothing is open."""

    class Whole:
        async def open(self, *_: object, **__: object) -> store.Answer:
            return store.Answer(Body(b"abc"), "e", 6)

    reading = stream.ObjectStream(Whole(), "b-1", "k")  # type: ignore[arg-type]  # an S3 that knows of no Range
    await reading.start()
    assert await reading.read(100) == b"abc"
    with pytest.raises(Amiss, match="from its middle"):
        await reading.read(100)


def test_an_object_that_changes_while_it_is_read_is_left_and_the_others_go_on(
    bucket: Bucket, line: BreakingLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_FIRST_S", 0.001)
    bucket.put("a", "\n".join(json.dumps(event(number)) for number in range(20_000)).encode())
    bucket.put("b", batch(99))
    line.after, line.times = 600_000, 1
    settings, reading, found = Objects(endpoint_url=line.url, region="eu-west-1"), Reading(), list[Item]()
    with S3Files(settings) as objects:
        for item in read_files([bucket.url()], reading=reading, elsewhere=objects.find):
            found.append(item)
            if len(found) == 10:
                bucket.put("a", batch(7))
    assert ids(found)[-1] == "id-99"
    assert reading.unread == [(bucket.url("a"), "PreconditionFailed: it was changed while it was read; read it again")]


def test_an_object_that_vanishes_is_left_and_the_others_go_on(bucket: Bucket) -> None:
    for number in range(3):
        bucket.put(f"{number}", batch(number).ljust(PIECE + 1))  # too large to be asked for ahead of its turn
    reading, found = Reading(), []
    with S3Files(bucket.settings) as objects:
        for item in read_files([bucket.url()], reading=reading, elsewhere=objects.find):
            bucket.client.delete_object(Bucket=bucket.name, Key="1")
            found.append(item)
    assert ids(found) == ["id-0", "id-2"]
    assert reading.unread == [(bucket.url("1"), "NoSuchKey: it is not there any more")]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"\xff\x06\x00\x00sNaPpY\x01\x0b\x00\x00", "Snappy"),
        (b"\x00\x00\x10\x00\x00\x00\x08\x01abc", "Hadoop-Snappy"),
        (b"PK\x03\x04\x14\x00", "ZIP"),
        (b"PAR1\x15\x04", "Parquet"),
        (b"ORC\x0a\x0b", "ORC"),
        (b"Obj\x01\x04\x14avro.codec", "Avro"),
        (b"\x28\xb5\x2f\xfd\x04", "Zstandard"),
        (b"\x04\x22\x4d\x18\x64", "LZ4"),
        (b"\xfd7zXZ\x00\x00", "xz"),
        (b"BZh91AY", "bzip2"),
        (b"\xff\xfe{\x00}\x00", "binary"),
        (gzip.compress(b"PAR1\x15\x04"), "Parquet"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_is_packed_otherwise_is_left_and_named_and_the_others_go_on(bucket: Bucket, body: bytes, why: str) -> None:
    bucket.put("a", body)
    bucket.put("b", batch(1))
    reading = Reading()
    assert ids(read(bucket.settings, bucket.url(), reading=reading)) == ["id-1"]
    ((name, said),) = reading.unread
    assert name == bucket.url("a")
    assert why in said


def test_mail_that_ses_sealed_with_a_key_of_kms_is_left_and_named(bucket: Bucket) -> None:
    bucket.put("mail", b"\x93\x21sealed", Metadata={"x-amz-key-v2": "abc", "x-amz-iv": "def"})
    reading = Reading()
    assert read(bucket.settings, bucket.url(), reading=reading) == []
    assert reading.unread == [(bucket.url("mail"), "it was encrypted before S3 had it, and we have no key")]


def test_a_mail_that_ses_keeps_is_read_by_its_beginning(bucket: Bucket, line: BreakingLine) -> None:
    head = (
        b"Return-Path: <>\r\nFrom: Ann <ann@example.com>\r\nAuto-Submitted: auto-replied\r\nMessage-ID: <x@example.com>"
        b"\r\nIn-Reply-To: <0102018c1b2c3d4e-5f607182-93a4-45b6-87c8-d9eaf0b1c2d3-000000@eu-west-1.amazonses.com>\r\n"
        b"Date: Sat, 28 Nov 2026 10:00:00 +0000\r\n\r\n"
    )
    url = bucket.put("mails/m9p1sfm6qcg3r9s7j1ulr2qk3h8k5g0o1v2j6ag1", head + b"x" * 20_000_000)
    reading = Reading()
    (item,) = read(Objects(endpoint_url=line.url, region="eu-west-1"), url, reading=reading)
    assert item.feedback is not None
    assert item.feedback.message_id == "0102018c1b2c3d4e-5f607182-93a4-45b6-87c8-d9eaf0b1c2d3-000000"
    assert reading.done_bytes == len(head) + 20_000_000


def test_a_broken_line_of_an_object_is_a_dead_letter_that_names_the_object(bucket: Bucket) -> None:
    url = bucket.put("a-ann@example.com.json", batch(1) + b"\n{broken\n" + batch(2))
    first, dead, second = read(bucket.settings, url)
    assert ids([first, second]) == ["id-1", "id-2"]
    assert dead.dead is not None
    assert (dead.dead.reason, dead.dead.offset, dead.dead.value) == (DeadReason.NOT_JSON, 2, b"{broken")
    assert dead.dead.topic.startswith(bucket.url())
    assert "@" not in dead.dead.topic


def test_a_gzip_object_that_breaks_off_ends_with_a_dead_letter(bucket: Bucket) -> None:
    packed = gzip.compress(batch(*range(5_000)))
    items = read(bucket.settings, bucket.put("a.gz", packed[: len(packed) // 2]))
    assert items[-1].dead is not None
    assert "breaks off" in items[-1].dead.detail
    assert ids(items[:2]) == ["id-0", "id-1"]


def test_nothing_under_a_name_is_an_error_that_names_it(bucket: Bucket) -> None:
    with pytest.raises(WorldFailed, match="no object whose name begins with"):
        read(bucket.settings, bucket.url("nowhere/"))


def test_a_bucket_that_is_not_there_is_an_error_that_says_where_to_look(bucket: Bucket) -> None:
    with pytest.raises(WorldFailed, match=r"s3://no-such-bucket/x: NoSuchBucket: .*intake\.objects\.region"):
        read(bucket.settings, "s3://no-such-bucket/x")


def test_an_s3_that_cannot_be_reached_is_an_error_that_says_where_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_TRIES", 1)
    with pytest.raises(WorldFailed, match=r"intake\.objects\.endpoint_url"):
        read(Objects(endpoint_url="http://127.0.0.1:1", region="eu-west-1"), "s3://events/x")


@pytest.mark.parametrize("url", ["s3://", "s3://A/b", "s3:///x", "s3://ab", "s3://a_b/c", "s3://-ab/c"])
def test_what_names_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(BadSettings, match="names no bucket"):
        parted(url)


def test_a_name_without_a_prefix_means_the_whole_bucket() -> None:
    assert parted("s3://events") == parted("s3://events/") == ("events", "")
    assert parted("s3://events/a b/c\nd") == ("events", "a b/c\nd")


class Notes:
    """Knows some sources, and takes down what is finished."""

    def __init__(self, *names: str) -> None:
        self.names, self.done = names, list[Source]()

    def knows(self, source: Source) -> bool:
        return source.name in self.names

    def finished(self, source: Source) -> None:
        self.done.append(source)


def test_what_is_known_is_not_asked_for_and_what_cannot_be_read_is_not_finished(bucket: Bucket) -> None:
    bucket.put("a", batch(1))
    bucket.put("b", b"PAR1")
    bucket.put("c", batch(2))
    notes, reading = Notes(bucket.url("a")), Reading()
    assert ids(read(bucket.settings, bucket.url(), reading=reading, known=notes)) == ["id-2"]
    assert [source.name for source in notes.done] == [bucket.url("c")]
    assert (reading.known, reading.files) == (1, 2)


def test_an_object_is_another_one_once_it_has_changed(bucket: Bucket) -> None:
    def identity() -> str | None:
        with S3Files(bucket.settings) as objects:
            return next(objects.find(bucket.url(), Reading())).identity

    bucket.put("a", batch(1))
    first = identity()
    assert identity() == first is not None
    bucket.put("a", batch(2))
    assert identity() != first


def test_small_objects_are_asked_for_ahead_of_their_turn_but_not_what_is_known(
    bucket: Bucket, line: BreakingLine
) -> None:
    for number in range(3 * AHEAD):
        bucket.put(f"{number:02}", batch(number))
    known = bucket.url("02")
    with S3Files(Objects(endpoint_url=line.url, region="eu-west-1"), lambda source: source.name == known) as objects:
        items = read_files([bucket.url()], elsewhere=objects.find, known=Notes(known))
        first = next(items)
        assert ids([first]) == ["id-0"]
        asked = sum(b"GET /" in one and b"list-type" not in one for one in line.asked)
        assert 1 < asked <= 1 + AHEAD
        assert ids(list(items)) == [f"id-{number}" for number in range(1, 3 * AHEAD) if number != 2]
    assert not any(f"/{bucket.name}/02 ".encode() in one for one in line.asked)


def test_what_was_asked_for_ahead_and_failed_is_told_at_its_turn(bucket: Bucket) -> None:
    for number in range(4):
        bucket.put(f"{number}", batch(number))
    bucket.put("2", b"x", Metadata={"x-amz-iv": "i"})
    reading = Reading()
    assert ids(read(bucket.settings, bucket.url(), reading=reading)) == ["id-0", "id-1", "id-3"]
    assert [name for name, _ in reading.unread] == [bucket.url("2")]
