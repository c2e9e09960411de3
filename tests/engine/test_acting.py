"""A hop that acts, in whole workers on the embedded broker: what was done in the world is known, whatever ends them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.engine.conftest import Bench

KEYS = 400


def posted(mailbox: Path) -> list[bytes]:
    return mailbox.read_bytes().split()


def keys() -> list[tuple[bytes, bytes]]:
    return [(b"key-%d" % n, b"") for n in range(KEYS)]


def test_a_worker_that_is_told_to_stop_knows_what_became_of_every_errand(bench: Bench, tmp_path: Path) -> None:
    mailbox = tmp_path / "mailbox"
    bench.feed("a", keys())
    worker = bench.start(hop="poster", hop_args={"mailbox": str(mailbox), "takes": 1.0}, chunk_records=50)
    bench.wait_for(lambda: mailbox.exists() and len(posted(mailbox)) == KEYS, worker)
    assert bench.stop(worker) == 0
    assert sorted(posted(mailbox)) == sorted(key for key, _ in keys())
    assert bench.stored() == bench.folded_changelog() == dict.fromkeys(posted(mailbox), b"posted")


def test_a_worker_that_is_killed_among_its_errands_has_noted_each_before_and_repeats_none(
    make_bench: Callable[[], Bench], tmp_path: Path
) -> None:
    steps = [("published", 3), ("logged", 4), ("worked", 6), ("committed", 1)]
    benches = [make_bench() for _ in steps]
    boxes = [tmp_path / f"mailbox-{n}" for n in range(len(steps))]
    doomed = []
    for bench, box, step in zip(benches, boxes, steps, strict=True):
        bench.feed("a", keys())
        doomed.append(bench.start(hop="poster", hop_args={"mailbox": str(box)}, chunk_records=20, die=step))
    assert [worker.wait(60) for worker in doomed] == [-9] * len(steps)
    for bench, box in zip(benches, boxes, strict=True):
        begun = posted(box) if box.exists() else []
        assert set(begun) <= set(bench.folded_changelog())  # meant, or posted
    heirs = [
        bench.start(hop="poster", hop_args={"mailbox": str(box)}) for bench, box in zip(benches, boxes, strict=True)
    ]
    for bench, box, heir in zip(benches, boxes, heirs, strict=True):
        bench.wait_until_committed(KEYS, heir)
        assert bench.stop(heir) == 0
        noted = bench.folded_changelog()
        assert bench.stored() == noted
        assert set(noted) == {key for key, _ in keys()}
        assert len(posted(box)) == len(set(posted(box)))
        assert {key for key, value in noted.items() if value == b"posted"} <= set(posted(box)) <= set(noted)


def test_a_worker_that_shares_its_partitions_with_another_first_hears_of_its_errands(
    bench: Bench, tmp_path: Path
) -> None:
    mailbox, home = tmp_path / "mailbox", bench.data_dir
    args = {"mailbox": str(mailbox), "takes": 4.0}
    bench.feed("a", keys())
    first = bench.start(hop="poster", hop_args=args, data_dir=str(home / "first"))
    bench.wait_for(lambda: mailbox.exists() and len(posted(mailbox)) == KEYS, first)
    second = bench.start(hop="poster", hop_args=args, data_dir=str(home / "second"))
    bench.wait_until_running(second)
    bench.wait_for(lambda: bench.log(first).count("up to date") == 2, first)
    assert bench.folded_changelog() == {key: b"posted" for key, _ in keys()}
    assert bench.stop(first) == bench.stop(second) == 0
    assert len(posted(mailbox)) == KEYS
    assert "another writer" not in bench.log(first) + bench.log(second)


def test_a_stop_that_errands_hold_up_is_cut_short_and_leaves_their_intents(bench: Bench, tmp_path: Path) -> None:
    mailbox = tmp_path / "mailbox"
    bench.feed("a", [(b"slow", b"")])
    args = {"mailbox": str(mailbox), "takes": 600}
    worker = bench.start(hop="poster", hop_args=args, stop_timeout=2_000)
    bench.wait_for(lambda: mailbox.exists() and posted(mailbox) == [b"slow"], worker)
    assert bench.stop(worker) == 0
    assert "cut short, with 1 errands" in bench.log(worker)
    assert bench.stored() == bench.folded_changelog() == {b"slow": b"meant"}
