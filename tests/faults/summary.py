"""The short table that README shows: a line for each kind of thing that is broken, and one for stock Faust."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tests.faults.results import LATEST, ROOT, Row

README = ROOT / "README.md"
BEGIN, END = "<!-- faults: begin (python -m tests.faults table) -->", "<!-- faults: end -->"
KINDS = {
    "test_kills": "workers killed (`kill -9`), at random and at each moment of a chunk's life",
    "test_stops": "workers told to stop, twice, or killed a second later",
    "test_rolling": "workers restarted one after the other, as Kubernetes does it",
    "test_scale": "workers added and taken away, as a chart that follows the lag does it",
    "test_lost_volumes": "volumes lost: one, all at once, the cluster of workers with them",
    "test_lost_kafka": "Kafka lost: what was mirrored is taken up, what was not is made again or imported",
    "test_storm": "workers that come and go every two seconds",
    "test_zombie": "workers frozen until others have taken over",
    "test_bad_hop": "code of ours that fails at one record",
    "test_watchdog": "workers that stand still",
    "test_sending": "all this while mails are being sent, and SES that does not answer",
    "test_brokers": "brokers restarted, killed, frozen, gone; each of three in turn",
    "test_network": "networks: slow, cut in mid-frame, byte by byte, half-open, dark one way",
    "test_topics": "topics missing, forbidden, with other partitions",
    "test_changelogs": "changelogs compacted, cut, made anew, with transactions; state damaged in any way",
    "test_disk": "disks full: a worker's, a broker's",
    "test_unwritable": "dead letters that cannot be written",
    "test_registry": "a schema registry that is slow, away, wrong",
    "test_poison": "poison of every sort, a flood of it, and its replay",
    "test_order": "everything threefold and shuffled",
    "test_clock": "clocks that are wrong, and jump",
    "test_load": "ten times the traffic, a broker that stutters, one key for everything",
    "test_upgrade": "another version before, and after",
    "test_soak": "a steady load, watched for leaks",
    "test_foreign": "producers that partition, compress and name keys otherwise",
    "test_scrape": "whoever scrapes metrics meanwhile",
    "test_end_to_end": "intakes and the brokers under them: killed, stopped, frozen; notifications that come again",
}
"""By the file of the test; the order is README's."""
HEAD = ("what is broken", "faults", "runs", "due", "lost", "wrong", "repeated")
STOCK = "stock Faust, as its documentation teaches: a handler that fails, workers that come and go"
VANILLA = "vanilla"


def lines_of(results: Iterable[Row]) -> list[list[str]]:
    """Return the table's lines: the latest runs of each fault, added up by kind; stock Faust's come last."""
    latest: defaultdict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in results:
        twin = row.get("twin", "")
        kind = VANILLA if twin == VANILLA else str(row.get("kind"))  # whichever file has it run: it is not our worker
        if kind == VANILLA or (not twin and kind in KINDS):
            latest[kind, row["fault"], row["broker"]].append(row)
    by_kind: defaultdict[str, list[list[Row]]] = defaultdict(list)
    for (kind, fault, _), runs in latest.items():
        if kind != VANILLA or "nothing" not in fault:
            by_kind[kind].append(runs[-LATEST:])
    named = [*KINDS.items(), (VANILLA, STOCK)]
    return [_line(words, by_kind[kind]) for kind, words in named if kind in by_kind]


def _line(words: str, faults: list[list[Row]]) -> list[str]:
    runs = [run for each in faults for run in each]
    sums = [sum(int(run[name]) for run in runs) for name in ("sent", "lost", "wrong", "duplicated")]
    return [words, str(len(faults)), str(len(runs)), *(f"{number:,}" for number in sums)]


def write_readme(results: list[Row], page: Path = README) -> None:
    """Write the short table into README, between its markers."""
    text = page.read_text("utf-8")
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    rows = [HEAD, ["---"] + ["---:"] * (len(HEAD) - 1), *lines_of(results)]
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    page.write_text(f"{head}{BEGIN}\n\n{table}\n\n{END}{tail}", "utf-8")
