"""``python -m tests.simulation``: play days until one goes wrong, and print the least that makes it go wrong."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from tests.simulation.faults import MEANS, Kind
from tests.simulation.run import Found, first, play, quietly, shrink
from tests.simulation.simulation import Script, script_of
from tests.simulation.twins import TWINS, broken

MANY = 2
"""Jobs from which on processes of their own are started."""
SHARE = 50
"""Seeds that one process plays at a time."""


def main() -> int:
    """Return 0 when all days went well, 1 when one did not."""
    asked = _parser().parse_args()
    kinds = None if asked.kinds is None else tuple(Kind(one) for one in asked.kinds.split(",") if one)
    if asked.seed is not None:
        return _again(asked, kinds)
    began, played, found = time.monotonic(), 0, None
    for share, found in _shares(range(asked.start, asked.start + asked.seeds), kinds, asked):
        played += share
        if found is not None:
            break
    seconds = time.monotonic() - began
    mean = f", {time.process_time() / played * 1000:.0f} ms of CPU each" if asked.jobs < MANY else ""
    sys.stdout.write(f"{played} days in {seconds:.1f} s, {played / seconds * 60:.0f} a minute{mean}\n")
    return 0 if found is None else _show(found, asked.twin)


def _shares(
    seeds: range, kinds: tuple[Kind, ...] | None, asked: argparse.Namespace
) -> Iterator[tuple[int, Found | None]]:
    shares = [seeds[at : at + SHARE] for at in range(0, len(seeds), SHARE)]
    play_share = partial(_play, kinds=kinds, twin=asked.twin)
    if asked.jobs < MANY:
        yield from map(play_share, shares)
        return
    with multiprocessing.get_context("fork").Pool(asked.jobs) as pool:
        yield from pool.imap_unordered(play_share, shares)


def _play(seeds: range, kinds: tuple[Kind, ...] | None, twin: str | None) -> tuple[int, Found | None]:
    found = first(seeds, kinds, twin)
    return len(seeds) if found is None else found.script.seed - seeds.start + 1, found


def _show(found: Found, twin: str | None) -> int:
    if twin is None:
        found = shrink(found)
    else:
        with broken(twin):
            found = shrink(found)
    return _say(found, twin)


def _say(found: Found, twin: str | None) -> int:
    again = "" if twin is None else f' --twin "{twin}"'
    sys.stdout.write(f"{found}{again}\n")
    return 1 if found.wrong else 0


def _again(asked: argparse.Namespace, kinds: tuple[Kind, ...] | None) -> int:
    """Play one day, as a whole or what was kept of it."""
    script: Script = script_of(asked.seed, kinds)
    if asked.keep_faults is not None:
        kept = {int(one) for one in asked.keep_faults.split(",") if one}
        script = replace(script, faults=tuple(fault for fault in script.faults if fault.number in kept))
    if asked.keep_stories is not None:
        script = replace(script, stories=tuple(int(one) for one in asked.keep_stories.split(",") if one))
    with quietly():
        if asked.twin is None:
            wrong = play(script)
        else:
            with broken(asked.twin):
                wrong = play(script)
    return _say(Found(script=script, wrong=wrong), asked.twin)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000, help="how many days to play")
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="play this one day")
    parser.add_argument(
        "--kinds", help="faults to choose from: " + "; ".join(f"{kind}, {MEANS[kind]}" for kind in Kind)
    )
    parser.add_argument("--keep-faults", help="of one day: the numbers of the faults to keep")
    parser.add_argument("--keep-stories", help="of one day: the numbers of the stories to keep")
    parser.add_argument("--jobs", type=int, default=1, help="processes to play in")
    parser.add_argument("--twin", choices=list(TWINS), help="play with a broken twin of the product")
    return parser


if __name__ == "__main__":
    sys.exit(main())
