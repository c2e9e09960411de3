"""What must hold of every dashboard; each rule yields what is wrong, in words that say where.

Grafana's own dashboard-linter asks for much the same; it is not to be had by the package indexes that we build from,
and it does not know our catalogue. Queries are read by a real parser, never by patterns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations

from streams.observe.catalogue import METRICS, Kind
from streams.observe.words import CLOSED, OTHER, UNKNOWN
from tests.grafana.promql import family, found_in, labels_left, labels_of
from tests.grafana.reading import ROOT, Dashboard, asked, panels

Rule = Callable[[str, Dashboard], Iterator[str]]

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
GROWTH = {"rate", "increase"}
"""Functions for counters."""
SPANS = {
    "rate": {"$__rate_interval", "$__range"},
    "increase": {"$__rate_interval", "$__range"},
    "delta": {"$__range"},
    "deriv": {"$__range:"},
    "predict_linear": {"$__range:"},
    "count_over_time": {"$__range:"},
}
"""How far each function may look back: as far as Grafana says, or as the reader chose."""
GROWING = {"process_cpu_seconds_total"}
WIDTH = 24


def has_a_uid_for_ever(name: str, board: Dashboard) -> Iterator[str]:
    """Links and bookmarks hold the uid: it follows from the file's name, and Grafana takes at most 40 characters."""
    if board.get("uid") != f"ses-streams-{name}" or len(board["uid"]) > 40:
        yield f"{name}: its uid is {board.get('uid')}"
    if board.get("id") is not None:
        yield f"{name}: id belongs to one Grafana only"


def lets_one_choose_the_datasource(name: str, board: Dashboard) -> Iterator[str]:
    """Nobody's Prometheus is written in; every panel and every query asks the one that was chosen."""
    kinds = {variable["name"]: variable for variable in board["templating"]["list"]}
    if kinds.get("datasource", {}).get("type") != "datasource" or kinds["datasource"].get("query") != "prometheus":
        yield f"{name}: no variable `datasource` for a Prometheus"
    for panel in panels(board):
        for one in (panel, *panel["targets"]):
            if one.get("datasource") != DATASOURCE:
                yield f"{name}: {panel['title']}: asks {one.get('datasource')}"
    for mark in board["annotations"]["list"]:
        if mark["datasource"] != DATASOURCE:
            yield f"{name}: marks ask {mark['datasource']}"
    for variable in kinds.values():
        if variable["type"] == "query" and variable.get("datasource") != DATASOURCE:
            yield f"{name}: ${variable['name']} asks {variable.get('datasource')}"


def uses_every_variable_and_no_other(name: str, board: Dashboard) -> Iterator[str]:
    """A variable that does nothing misleads, one that is not there empties a panel."""
    there = {variable["name"] for variable in board["templating"]["list"]} - {"datasource"}
    told = [one.expr for one in asked(name, board)] + [panel["description"] for panel in panels(board)]
    used = {word for text in told for word in re.findall(r"\$\{?([a-z]\w*)", text)}
    for word in sorted(used ^ there):
        yield f"{name}: ${word} is {'not used' if word in there else 'not there'}"


def says_what_to_do(name: str, board: Dashboard) -> Iterator[str]:
    """Rows are questions; every panel has a title of its own and a sentence behind it."""
    for row in (panel for panel in board["panels"] if panel["type"] == "row"):
        if not row["title"].endswith("?"):
            yield f"{name}: the row {row['title']} asks nothing"
    titles = [panel["title"] for panel in panels(board)]
    for title in sorted({title for title in titles if titles.count(title) > 1}):
        yield f"{name}: {title}: is there twice"
    for panel in panels(board):
        if len(panel.get("description", "")) < 40:
            yield f"{name}: {panel['title']}: says not what to do"


def has_units(name: str, board: Dashboard) -> Iterator[str]:
    """A number without a unit is read as something else; of a table each column has its own."""
    for panel in panels(board):
        if not panel["fieldConfig"]["defaults"].get("unit"):
            yield f"{name}: {panel['title']}: has no unit"
        if panel["type"] == "table":
            united = [
                override["matcher"]["options"]
                for override in panel["fieldConfig"]["overrides"]
                if any(one["id"] == "unit" and one["value"] for one in override["properties"])
            ]
            renamed = next(t for t in panel["transformations"] if t["id"] == "organize")["options"]["renameByName"]
            for column in sorted(set(renamed.values()) - set(united)):
                yield f"{name}: {panel['title']}: the column {column} has no unit"


def lies_on_the_grid(name: str, board: Dashboard) -> Iterator[str]:
    """No panel covers another, none sticks out, no hole is left between them, and ids are there once."""
    ids = [panel["id"] for panel in board["panels"]]
    if len(set(ids)) != len(ids):
        yield f"{name}: ids are there twice"
    for panel in board["panels"]:
        if panel["gridPos"]["x"] + panel["gridPos"]["w"] > WIDTH:
            yield f"{name}: {panel['title']}: sticks out"
    ends = [panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"]]
    covered = sum(panel["gridPos"]["w"] * panel["gridPos"]["h"] for panel in board["panels"])
    if covered != WIDTH * max(ends):
        yield f"{name}: {WIDTH * max(ends) - covered} cells are empty"
    for one, other in combinations(board["panels"], 2):
        if _overlap(one["gridPos"], other["gridPos"]):
            yield f"{name}: {one['title']} covers {other['title']}"


def asks_what_can_be_parsed(name: str, board: Dashboard) -> Iterator[str]:
    """Prometheus's own grammar, by a parser that others keep."""
    for one in asked(name, board):
        try:
            found_in(one.expr)
        except ValueError as error:
            yield f"{one}: {error}"


def asks_for_metrics_of_the_catalogue(name: str, board: Dashboard) -> Iterator[str]:
    """Every metric is in the catalogue, every label is one of the metric's, every value one of the label's."""
    for one in asked(name, board):
        for found in found_in(one.expr):
            known = labels_of(found.series)
            if found.series and known is None:
                yield f"{one}: there is no {found.series}"
                continue
            for label in sorted((set(found.matched) | found.grouped) - (known or found.grouped)):
                yield f"{one}: {found.series} has no label {label}"
            for label, value in found.matched.items():
                words = CLOSED.get(f"{family(found.series)}.{label}", CLOSED.get(label))
                strange = set(value.split("|")) - {*map(str, words or value.split("|")), OTHER, UNKNOWN}
                if strange and not value.startswith("$"):
                    yield f"{one}: {label} is never {', '.join(sorted(strange))}"


def names_series_by_labels_that_are_left(name: str, board: Dashboard) -> Iterator[str]:
    """A legend can only say what the query has not summed away."""
    for one in asked(name, board):
        left = labels_left(one.expr)
        for label in re.findall(r"{{\s*(\w+)\s*}}", one.legend):
            if label not in left:
                yield f"{one}: {label} is in the legend, and summed away"


def looks_at_counters_by_their_growth(name: str, board: Dashboard) -> Iterator[str]:
    """A counter begins anew with its worker; a rate over less than four scrapes has holes."""
    for one in asked(name, board):
        for found in found_in(one.expr):
            grows = found.series in GROWING or (
                family(found.series) in METRICS and METRICS[family(found.series)].kind in {Kind.COUNTER, Kind.HISTOGRAM}
            )
            if grows and found.function not in GROWTH:
                yield f"{one}: {found.series} is a counter, and read without its growth"
            if found.series and not grows and found.function in GROWTH:
                yield f"{one}: {found.series} is no counter, and {found.function} is for counters"
            if found.span and found.span not in SPANS.get(found.function, ()):
                yield f"{one}: {found.function} looks at [{found.span}]"


def names_commands_and_settings_that_are_there(name: str, board: Dashboard) -> Iterator[str]:
    """Whoever does what is said must not find that there is no such thing."""
    commands = anchors(_page("command-line.md"))
    settings = set(re.findall(r"SES_STREAMS_\w+", _page("settings.md")))
    for panel in panels(board):
        said = re.findall(r"`(?:ses-streams )?([a-z-]+ [a-z-]+)\b[^`]*`", panel["description"])
        strange = {words for words in said if words.replace(" ", "-") not in commands}
        for words in sorted(strange | set(re.findall(r"SES_STREAMS_\w+", panel["description"])) - settings):
            yield f"{name}: {panel['title']}: there is no {words}"


def leads_to_headings_that_are_there(name: str, board: Dashboard) -> Iterator[str]:
    """A link into the runbook that leads nowhere is worst when it is needed."""
    for panel in panels(board):
        links = [link["url"] for link in panel.get("links") or ()]
        for url in (*links, *re.findall(r"\]\(([^)]+)\)", panel["description"])):
            page, _, anchor = url.removeprefix("${docs}/").partition("#")
            path = ROOT / "docs" / page
            if not path.is_file() or (anchor and anchor not in anchors(_page(page))):
                yield f"{name}: {panel['title']}: there is no {url}"


RULES: tuple[Rule, ...] = (
    has_a_uid_for_ever,
    lets_one_choose_the_datasource,
    uses_every_variable_and_no_other,
    says_what_to_do,
    has_units,
    lies_on_the_grid,
    asks_what_can_be_parsed,
    asks_for_metrics_of_the_catalogue,
    names_series_by_labels_that_are_left,
    looks_at_counters_by_their_growth,
    names_commands_and_settings_that_are_there,
    leads_to_headings_that_are_there,
)


def _page(name: str) -> str:
    """Return a page of docs/."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def anchors(page: str) -> set[str]:
    """Return the anchors that a page's headings have."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _overlap(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    """Tell whether two places on the grid share a cell."""
    sides = (("x", "w"), ("y", "h"))
    return all(one[at] < other[at] + other[size] and other[at] < one[at] + one[size] for at, size in sides)
