"""`python -m benchmarks [NAME [WORDS...]]`: run one benchmark, or say which there are."""

from __future__ import annotations

import sys

from benchmarks import balance, growth, intake, latency, recovery, rolling, scale, scrape, state, throttle, transactions
from benchmarks.join import race

BENCHMARKS = {
    "balance": (balance.main, "how a billion mails a day fall on partitions, simulated: half a minute"),
    "growth": (growth.main, "a worker whose table holds a million open sends (--open 10000000): 15 minutes"),
    "intake": (intake.main, "SNS's notifications, two thousand a second for a minute: 5 minutes"),
    "join": (race.main, "ours and its peers join the same sends and events on Apache Kafka, in turn: half an hour"),
    "latency": (latency.main, "from an event to its outcome, idle and at 25, 50 and 80 % load: 9 minutes"),
    "recovery": (recovery.main, "a lost disk rebuilt from a changelog of 3 million keys on Apache Kafka: 3 minutes"),
    "rolling": (rolling.main, "three workers restarted one after the other, as Kubernetes does it: 3 minutes"),
    "scale": (scale.main, "the sums of docs/scale.md, from the latest results of the others: a second"),
    "scrape": (scrape.main, "the page of metrics, for one stream, ten and fifty: half a minute"),
    "state": (state.main, "a table of 10 million living keys, whose keys come and go: half an hour"),
    "throttle": (throttle.main, "a thousand requests through an SES that takes five a second: 4 minutes"),
    "transactions": (transactions.main, "a chunk's outputs one after the other, or in one transaction: 4 minutes"),
}


def main(words: list[str]) -> int:
    """Run the benchmark that *words* name; return the exit code."""
    if not words or words[0] not in BENCHMARKS:
        print("benchmarks: make bench ARGS='NAME [--help]'", file=sys.stderr)
        for name, (_, about) in BENCHMARKS.items():
            print(f"  {name:<12} {about}", file=sys.stderr)
        return 0 if not words else 2
    return BENCHMARKS[words[0]][0](words[1:])


sys.exit(main(sys.argv[1:]))
