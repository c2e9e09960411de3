"""What a benchmark reads of a process: its children's time too, and any moment between two samples."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from benchmarks.measure import Sampler, cpu_of, family, lag, peak_of

BUSY = "import time\nwhile time.process_time() < 0.2: pass"
PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BUSY!r}])\nprint(flush=True)\ninput()"
GRANDPARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {PARENT!r}])"


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[bytes]]:
    """Give a process whose child's child has worked for a fifth of a second, and ended."""
    with subprocess.Popen(
        [sys.executable, "-c", GRANDPARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.communicate(b"\n")


def test_a_family_is_a_process_and_its_descendants(parent: subprocess.Popen[bytes]) -> None:
    assert family(parent.pid)[0] == parent.pid
    assert len(family(parent.pid)) == 2
    assert family(parent.pid)[1] in family(os.getpid())


def test_the_time_of_children_that_have_ended_counts(parent: subprocess.Popen[bytes]) -> None:
    assert cpu_of(family(parent.pid)) > 0.1  # the kernel counts in hundredths, and may miss some of them


def test_each_process_of_a_family_has_had_some_memory(parent: subprocess.Popen[bytes]) -> None:
    pids = family(parent.pid)
    assert peak_of(pids) == sum(peak_of([pid]) for pid in pids) > 0


def test_a_process_that_is_gone_has_used_nothing() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert (cpu_of([gone.pid]), peak_of([gone.pid])) == (0.0, 0.0)


def test_time_between_two_samples_is_spread_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    used = iter([1.0, 3.0])
    at = iter([100.0, 110.0])
    sampler = Sampler(lambda: [os.getpid()])
    monkeypatch.setattr("benchmarks.measure.cpu_of", lambda _: next(used))
    monkeypatch.setattr(time, "time", lambda: next(at))
    sampler.sample(children=True)
    sampler.sample()
    assert [sampler.cpu_at(moment) for moment in (90.0, 100.0, 105.0, 110.0, 120.0)] == [1.0, 1.0, 2.0, 3.0, 3.0]
    assert sampler.cpu_between(100.0, 102.5) == 0.5


def test_what_a_sampler_notes_grows() -> None:
    with Sampler(lambda: [os.getpid()]) as sampler:
        begun = sampler.sample()
        until = time.process_time() + 0.05
        while time.process_time() < until:
            pass
        done = sampler.sample()
    assert sampler.cpu_between(begun, done) >= 0.03
    assert sampler.peak_mb > 1


def test_lag_counts_what_was_never_committed() -> None:
    ends = {("sends", 0): 10, ("sends", 1): 7, ("feedback", 0): 0}
    assert lag(ends, {("sends", 0): 4, ("elsewhere", 0): 99}) == 13
    assert lag(ends, {("sends", 0): 10, ("sends", 1): 8}) == 0
