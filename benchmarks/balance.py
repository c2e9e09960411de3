"""How evenly a day of a billion mails falls on partitions and workers: a simulation, by the product's own murmur2.

Hop 1 is keyed by message ids, which are as good as random. Hop 2 is keyed by recipients, some of whom get far more mail
than others: Zipf's law over a hundred million people, and beside them one mailbox into which machines write (alerts,
bounces of a mailing list). A large provider does no harm: the key is the whole address. Ids and the addresses that get
most are hashed, each trial with others; what remains are so many that only their sums matter, drawn from the normal
distribution that such sums have. The same seed gives the same answer. Loads are shares of the mean: 1.0 is perfect.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.balance_plot import plot
from benchmarks.join.workload import EVENTS_A_SEND, TWO_RECIPIENTS
from benchmarks.machine import described
from streams.demo.day import HOURS
from streams.partition import partitions

RESULTS = Path(__file__).parent / "results" / "balance.ndjson"
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "balance.svg"
MAILS_A_DAY = 1_000_000_000
PARTITIONS = (12, 24, 48, 96, 192, 384, 768)
PARTITIONS_A_WORKER = 4
PEOPLE, HEAD = 100_000_000, 100_000
"""Who gets mail in a day, and how many of them are hashed one by one."""
EXPONENTS = (0.5, 0.8)
"""Of Zipf's law: how unequal people are. At 0.5 the first gets 50,000 of a billion mails; at 0.8 five million."""
HOT = (0.001, 0.01)
"""The share of all mail that goes to one machine's mailbox, beside people who are as unequal as the first exponent."""
IDS = 1_000_000
WHOLE_HASH = 1 << 31
"""Into so many partitions the product's function puts a key's hash itself."""
EVENTS, OUTCOMES = 1 + EVENTS_A_SEND, EVENTS_A_SEND * (1 + TWO_RECIPIENTS)
"""Records a mail: of hop 1, and of hop 2."""

Loads = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Crowd:
    """Recipients' shares of all mail: of the first, one by one; of the rest the sum, and the sum of their squares."""

    head: Loads
    rest: float
    rest_squares: float


def peak_factor(hours: Sequence[float] = HOURS) -> float:
    """Return how much more mail the busiest hour sees than the mean one."""
    return max(hours) * len(hours) / sum(hours)


def crowd(people: int, exponent: float, head: int, hot: float = 0.0) -> Crowd:
    """Return *people* by Zipf's law, and one more who gets the share *hot* of everything."""
    ranks = np.arange(1, head + 1, dtype=np.float64) ** -exponent
    tail, squares = _power_sum(head, people, exponent), _power_sum(head, people, 2 * exponent)
    scale = (1 - hot) / (float(ranks.sum()) + tail)
    shares = ranks * scale
    return Crowd(np.append(shares, hot) if hot else shares, tail * scale, squares * scale**2)


def _power_sum(begin: int, end: int, exponent: float) -> float:
    """Return the sum of rank ** -exponent for ranks behind *begin*, up to *end*: the integral between half ranks."""
    low, high = begin + 0.5, end + 0.5
    if math.isclose(exponent, 1):
        return math.log(high / low)
    return float(high ** (1 - exponent) - low ** (1 - exponent)) / (1 - exponent)


def fallen(people: Crowd, hashes: Sequence[int], count: int, chance: np.random.Generator) -> Loads:
    """Return the load of each of *count* partitions, as shares of the mean."""
    places = np.asarray(hashes, np.int64) % count
    loads = np.bincount(places, weights=people.head, minlength=count).astype(np.float64)
    # each of the rest falls on one partition of all: the sum's mean and variance follow
    spread = math.sqrt(people.rest_squares * (1 / count) * (1 - 1 / count))
    rest = chance.normal(people.rest / count, spread, count)
    loads += rest * (people.rest / max(float(rest.sum()), 1e-12))
    return loads * count


def of_workers(loads: Loads, a_worker: int) -> Loads:
    """Return the load of each worker that has *a_worker* partitions, as shares of the mean."""
    whole: Loads = loads.reshape(-1, a_worker).mean(axis=1)
    return whole


def most_of_one_key(capacity: float, mails_a_second: float, count: int) -> float:
    """Return the share of all recipients that one may have before its worker is full.

    *capacity* is what a worker works off, records of both hops a second: all of its lanes share one loop, so what else
    falls on its partitions goes first.
    """
    others = mails_a_second * (EVENTS + OUTCOMES) * min(1.0, PARTITIONS_A_WORKER / count)
    return min(1.0, max(0.0, (capacity - others) / (mails_a_second * OUTCOMES)))


def headroom(imbalance: float, outage: float, catch_up: float) -> float:
    """Return how many times its mean load a worker must be able to carry in the busiest hour.

    It has more than its share by *imbalance*; and after an *outage* it works off what piled up within *catch_up*.
    """
    return imbalance * (1 + outage / catch_up)


def message_ids(count: int, chance: np.random.Generator) -> list[bytes]:
    """Return ids in SES's shape."""
    marks = chance.bytes(16 * count).hex()
    return [
        f"0102019a{at & 0xFFFFFFFF:08x}-{mark[:8]}-{mark[8:12]}-{mark[12:16]}-{mark[16:20]}-{mark[20:]}-000000".encode()
        for at, mark in ((at, marks[32 * at : 32 * at + 32]) for at in range(count))
    ]


def addresses(count: int, salt: int) -> list[bytes]:
    """Return addresses of one provider: it is the whole address that counts."""
    return [b"somebody.%x.%d@gmail.com" % (salt, number) for number in range(count)]


def uniformity(hashes: Sequence[int], count: int) -> float:
    """Return chi-square over its degrees of freedom: about 1 where keys fall as dice do."""
    found = np.bincount(np.asarray(hashes, np.int64) % count, minlength=count)
    mean = len(hashes) / count
    return float(((found - mean) ** 2 / mean).sum() / (count - 1))


def simulated(trials: int, seed: int, head: int = HEAD, ids: int = IDS) -> dict[str, Any]:
    """Return the figures: of each scenario and number of partitions the median of the trials, and the worst."""
    chance = np.random.default_rng(seed)
    id_hashes = partitions(message_ids(ids, chance), WHOLE_HASH)
    crowds = {f"zipf {exponent}": crowd(PEOPLE, exponent, head) for exponent in EXPONENTS}
    crowds |= {f"zipf {EXPONENTS[0]}, one {hot:.1%}": crowd(PEOPLE, EXPONENTS[0], head, hot) for hot in HOT}
    hashes = [partitions(addresses(head + 1, chance.integers(1 << 40).item()), WHOLE_HASH) for _ in range(trials)]
    rows = []
    for count in PARTITIONS:
        draws = [
            chance.multinomial(MAILS_A_DAY, np.full(count, 1 / count)) * count / MAILS_A_DAY for _ in range(trials)
        ]
        rows.append(_row("message ids", count, draws, draws))
        for name, people in crowds.items():
            loads = [fallen(people, some[: len(people.head)], count, chance) for some in hashes]
            both = [(EVENTS + OUTCOMES * load) / (EVENTS + OUTCOMES) for load in loads]
            rows.append(_row(name, count, loads, both))
    return {
        "benchmark": "balance",
        "mails_a_day": MAILS_A_DAY,
        "trials": trials,
        "seed": seed,
        "peak_factor": round(peak_factor(), 3),
        "chi_square": {str(count): round(uniformity(id_hashes, count), 3) for count in PARTITIONS},
        "largest_share": {name: float(f"{people.head.max():.3g}") for name, people in crowds.items()},
        "rows": rows,
    }


def _row(keys: str, count: int, loads: Sequence[Loads], both: Sequence[Loads]) -> dict[str, Any]:
    """Return one line: *loads* of the hop itself, *both* with what the other hop puts on the same partition."""
    most = [float(load.max()) for load in loads]
    together = [float(load.max()) for load in both]
    workers = [float(of_workers(load, PARTITIONS_A_WORKER).max()) for load in both]
    return {
        "keys": keys,
        "partitions": count,
        "partition": _median_and_worst(most),
        "both_hops": _median_and_worst(together),
        "worker": _median_and_worst(workers),
    }


def _median_and_worst(values: Sequence[float]) -> list[float]:
    return [round(sorted(values)[len(values) // 2], 4), round(max(values), 4)]


def main(words: list[str]) -> int:
    """Run it, print and draw the figures, and add them to the history."""
    parser = argparse.ArgumentParser(prog="make bench ARGS='balance", description=__doc__)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--results", type=Path, default=RESULTS, help="file to add the figures to")
    parser.add_argument("--picture", type=Path, default=PICTURE)
    said = parser.parse_args(words)
    figures = simulated(said.trials, said.seed)
    for line in table(figures):
        print(line)
    said.picture.write_text(plot(figures["rows"]), encoding="utf-8")
    print(f"drawn: {said.picture.name}", file=sys.stderr)
    line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), **described(), **figures})
    with said.results.open("a", encoding="utf-8") as history:
        history.write(line + "\n")
    return 0


def table(figures: dict[str, Any]) -> list[str]:
    """Return the figures as lines for people: the heaviest partition or worker over the mean, median (worst)."""
    said = [f"{'keys':<22}{'partitions':>10}  {'partition':>14}  {'both hops':>14}  {'a worker':>14}"]
    for row in figures["rows"]:
        cells = (f"{row[name][0]:.3f} ({row[name][1]:.3f})" for name in ("partition", "both_hops", "worker"))
        said.append(f"{row['keys']:<22}{row['partitions']:>10}  " + "  ".join(cells))
    said.append(f"the busiest hour has {figures['peak_factor']} times the mean")
    return said
