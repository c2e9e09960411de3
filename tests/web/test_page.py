"""The status page: valid, whole without JavaScript, escaped, and with nobody named for whoever has no token."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from http.cookies import Morsel
from importlib.resources import files

import orjson
import pytest
from pydantic import SecretStr

from streams.answers.model import Verdict, Why
from streams.web.overview import Flow, Provider
from streams.web.page import STATIC
from streams.web.page_answers import is_address
from streams.web.page_door import COOKIE, GOOD_FOR_S
from streams.web.page_live import MOST_READERS, Drawn, Live
from streams.web.page_parts import LIVE, PARTS
from streams.web.problems import later
from streams.web.sealed import Sealed
from tests.web.overviews import AT, overview, partition, stream, suppressed, worker
from tests.web.pages import ANN, TOKEN, Site, named_site, valid

EVIL = '<script>alert("x")</script>&"\''
ID = "010201890a0b0c0d-11111111-2222-3333-4444-555555555555-000000"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with named_site().served() as served:
        yield served


async def test_the_page_is_valid_and_has_every_section_under_its_heading(site: Site) -> None:
    status, page = await site.get("/")
    assert status == 200
    valid(page)
    for part in PARTS:
        assert re.search(rf'<section id="{part}" aria-labelledby="{part}-title">\s*<h2 id="{part}-title">', page)


async def test_the_page_answers_its_four_questions_in_words(site: Site) -> None:
    site.seen = site.seen.model_copy(update={"partitions": [partition(0), partition(12, number=3)]})
    _, page = await site.get("/")
    for answer in (
        "SES would not review the account",
        "gmx bounces most: 20\u00a0% of 100 mails.",
        "ses.sends [3] lags most: 12 records wait.",
        "hard bounce, status 5.1.1",
    ):
        assert answer in page


async def test_nothing_on_the_page_comes_from_elsewhere_or_runs_inline(site: Site) -> None:
    _, page = await site.get("/")
    assert "//" not in re.sub(r"<!doctype[^>]*>", "", page)
    assert re.findall(r"<script[^>]*>[^<]*</script>", page) == ['<script type="module" src="/static/page.js"></script>']
    assert not re.search(r"\son[a-z]+=|\sstyle=|javascript:", page)
    for path in re.findall(r'(?:href|src)="(/[^"#]*)"', page):
        assert (await site.get(path))[0] in (200, 404 if path == "/openapi.json" else 200, 503)


async def test_without_javascript_one_looks_again_by_a_link_and_nothing_takes_away_what_one_types(site: Site) -> None:
    _, page = await site.get("/")
    assert re.findall(r"<noscript>(.*?)</noscript>", page) == ['<p>As of 14:13:20. <a href="/">Look again</a></p>']
    assert "http-equiv" not in page
    assert re.search(r'<p class="live" id="live" hidden>', page)  # what only works with it is not shown before it runs


async def test_a_screen_reader_is_told_when_a_judgement_changes_and_not_of_each_number(site: Site) -> None:
    _, page = await site.get("/")
    assert re.findall(r"aria-live[^>]*>([^<]*)<", page) == ["Mail flows. SES would not review the account."]


async def test_nothing_in_the_style_moves_by_itself(site: Site) -> None:
    sheet = (files("streams.web") / "static" / "page.css").read_text()
    assert "color-scheme" in sheet
    assert not re.search(r"animation|transition|@import|url\(", sheet)


async def test_what_others_wrote_is_shown_and_never_run(site: Site) -> None:
    site.seen = overview(
        streams=[stream(EVIL)],
        workers=[worker(name=EVIL, reasons=[EVIL], ready=False)],
        partitions=[partition(1, topic=EVIL)],
        notices=[suppressed(who=EVIL, scope=EVIL)],
        missing=[EVIL],
    )
    _, page = await site.get("/")
    valid(page)
    assert "alert(" in page
    assert "<script>" not in page


async def test_without_the_token_nobody_is_named(site: Site) -> None:
    _, page = await site.get("/")
    assert ANN not in page
    assert "0123456789 at example.com" in page


async def test_a_question_without_the_token_is_not_answered(site: Site) -> None:
    for form in ({"q": ANN}, {"q": ANN, "token": "wrong"}, {"q": ANN, "token": ""}):
        status, page = await site.post("/search", form)
        assert status == 403
        assert ("This is not the token." in valid(page)) is (form.get("token") == "wrong")
    assert site.answers.asked == []
    assert len(site.client.cookie_jar) == 0


async def test_what_was_asked_is_shown_and_never_run(site: Site) -> None:
    _, page = await site.post("/search", {"q": EVIL, "token": "wrong"})
    assert "<script>" not in valid(page)


async def test_guessing_has_an_end() -> None:
    async with named_site(rate=0.2).served() as site:
        assert [(await site.post("/search", {"q": ID, "token": str(n)}))[0] for n in range(3)] == [403, 429, 429]
        _, page = await site.post("/search", {"q": ID, "token": TOKEN})
        assert "Too many questions" in valid(page)
        assert len(site.client.cookie_jar) == 0


async def test_where_no_token_is_set_the_page_says_how_to_set_one() -> None:
    async with named_site(token=None).served() as site:
        for form in ({"q": ANN}, {"q": ANN, "token": ""}, {"q": ANN, "token": "x"}):
            status, page = await site.post("/search", form)
            assert status == 403
            assert "set <code>SES_STREAMS_WEB__TOKEN</code>" in valid(page)
        _, page = await site.get("/")
        assert ANN not in page
        assert "set <code>SES_STREAMS_WEB__TOKEN</code>" in page


async def entered(site: Site) -> Morsel[str]:
    """Give the token, and return the cookie that comes back."""
    site.answers.error = later("not now")
    await site.post("/search", {"q": ID, "token": TOKEN})
    (cookie,) = site.client.cookie_jar
    return cookie


async def test_the_token_once_given_is_remembered_by_a_cookie_that_does_not_hold_it(site: Site) -> None:
    cookie = await entered(site)
    assert cookie.key == COOKIE
    assert TOKEN not in cookie.value
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    _, page = await site.get("/")
    assert ANN in valid(page)
    assert f'<a class="ask" href="{site.url(ANN)}">{ANN}</a>' in page


async def test_the_token_alone_shows_people_on_the_page(site: Site) -> None:
    _, page = await site.post("/search", {"q": " ", "token": TOKEN})
    assert ANN in page
    assert site.answers.asked == []


async def test_an_answer_can_be_gone_back_to_and_sent_to_somebody_and_its_url_names_nobody(site: Site) -> None:
    site.answers.whys[ANN] = Why(recipient=ANN, asked_at=AT, known=False, verdict=Verdict.YES, answer="Yes.")
    form = {"q": ANN, "token": TOKEN}
    async with site.client.post("/search", data=form, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, site.url(ANN))
    assert "ann" not in site.url(ANN)
    assert "Yes." in (await site.get(site.url(ANN)))[1]
    await site.post("/leave", {})
    status, page = await site.get(site.url(ANN))
    assert (status, ANN in page) == (403, False)
    sealed = site.url(ANN).rpartition("/")[2]
    assert f'name="sealed" value="{sealed}"' in valid(page)
    assert "Yes." not in (await site.post("/search", {"q": "", "token": "wrong", "sealed": sealed}))[1]
    assert "Yes." in (await site.post("/search", {"q": "", "token": TOKEN, "sealed": sealed}))[1]


async def test_a_url_that_was_not_sealed_with_this_token_asks_nothing(site: Site) -> None:
    await entered(site)
    right = site.url(ANN).rpartition("/")[2]
    other = Sealed(SecretStr("another")).url(ANN).rpartition("/")[2]
    for forged in (other, right[:-4], "AAAA" + right[4:], "x", "=", "é", "A" * 4000):
        assert (await site.get(f"/answers/{forged}"))[0] == 404
    assert ANN not in site.answers.asked


async def test_answers_are_rated_too() -> None:
    async with named_site(rate=0.2).served() as site:
        assert [(await site.get(site.url(ANN)))[0] for _ in range(2)] == [403, 429]


async def test_the_cookie_ends_after_a_working_day_and_cannot_be_stretched(site: Site) -> None:
    cookie = await entered(site)
    until, _, proof = cookie.value.partition(".")
    site.now += GOOD_FOR_S * 1000 - 1
    assert ANN in (await site.get("/"))[1]
    site.now += 1
    assert ANN not in (await site.get("/"))[1]
    for forged in (f"{int(until) + 999}.{proof}", f"{until}.", "", ".", "x.y", f"²{until}.{proof}", f"{until}.é"):
        async with site.client.get("/", headers={"Cookie": f'{COOKIE}="{forged}"'}) as answer:
            assert ANN not in await answer.text()


async def test_another_token_knows_no_cookie_of_this_one(site: Site) -> None:
    cookie = await entered(site)
    async with (
        named_site(token="another").served() as other,  # noqa: S106 - a made-up one
        other.client.get("/", headers={"Cookie": f"{COOKIE}={cookie.value}"}) as answer,
    ):
        assert ANN not in await answer.text()


async def test_whoever_leaves_sees_nobody_any_more(site: Site) -> None:
    await entered(site)
    status, page = await site.post("/leave", {})
    assert status == 200  # led back to the page
    assert ANN not in page
    assert ANN not in (await site.get("/"))[1]


async def test_a_question_that_cannot_be_answered_now_says_why(site: Site) -> None:
    site.answers.error = later("the worker <recovers>")
    status, page = await site.post("/search", {"q": ID, "token": TOKEN})
    assert status == 503
    assert "the worker &lt;recovers&gt;" in valid(page)


@pytest.mark.parametrize(
    ("asked", "means"),
    [
        ("ann@example.com", True),
        ("Ann <Ann@Example.com>", True),
        ("success@simulator.amazonses.com", True),
        (ID, False),
        (f"<{ID}@eu-west-1.amazonses.com>", False),
        (f"{ID}@email.amazonses.com", False),
        ("request-7", False),
        ("", False),
    ],
)
def test_an_address_and_a_message_id_are_told_apart(asked: str, means: bool) -> None:
    assert is_address(asked) is means


async def test_no_address_goes_into_a_url(site: Site) -> None:
    await entered(site)
    _, page = await site.get("/")
    forms = re.findall(r"<form[^>]*>", page)
    assert len(forms) == 2
    assert all('method="post"' in form for form in forms)
    assert not any("@" in url or "%40" in url for url in re.findall(r'(?:href|action|src)="([^"]*)"', page))
    async with site.client.get("/search", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize("name", STATIC)
async def test_static_files_are_served_as_what_they_are(site: Site, name: str) -> None:
    async with site.client.get(f"/static/{name}") as answer:
        assert answer.status == 200
        assert answer.content_type == STATIC[name]


@pytest.mark.parametrize("path", ["/static/", "/static/page.py", "/static/..%2fpage.py", "/static/%2e%2e/page.py"])
async def test_no_other_file_is(site: Site, path: str) -> None:
    assert (await site.get(path))[0] == 404


async def events(site: Site) -> AsyncGenerator[dict[str, dict[str, str]], None]:
    """Yield what the live page sends."""
    async with site.client.get("/live") as answer:
        assert answer.content_type == "text/event-stream"
        async for line in answer.content:
            if line.startswith(b"data: "):
                yield orjson.loads(line.removeprefix(b"data: "))


async def test_a_reader_gets_every_part_first_and_then_what_changed(site: Site) -> None:
    async with aclosing(events(site)) as live:
        assert set((await anext(live))["parts"]) == set(LIVE)
        assert (await anext(live))["parts"] == {}
        site.seen = site.seen.model_copy(update={"partitions": [partition(99)]})
        async with asyncio.timeout(10):
            changed = await anext(event["parts"] async for event in live if event["parts"])
    assert set(changed) == {"lag"}
    assert "99" in changed["lag"]
    assert site.beats > 0


async def test_a_live_page_names_nobody_without_the_token_and_from_the_moment_the_cookie_ends(site: Site) -> None:
    async with aclosing(events(site)) as live:
        assert ANN not in str(await anext(live))
    await entered(site)
    async with aclosing(events(site)) as live:
        assert ANN in str(await anext(live))
        site.now += GOOD_FOR_S * 1000
        async with asyncio.timeout(10):
            changed = await anext(event["parts"] async for event in live if event["parts"])
    assert ANN not in changed["recent"]


async def test_readers_are_let_go_when_the_worker_stops(site: Site) -> None:
    async with site.client.get("/live") as answer:
        await answer.content.readline()
        await site.page.live.stop()
        async with asyncio.timeout(10):
            await answer.content.read()


async def test_there_is_an_end_to_how_many_read(site: Site) -> None:
    site.page.live._readers = MOST_READERS
    async with site.client.get("/live") as answer:
        assert answer.status == 503
    site.page.live._readers -= 1
    async with site.client.get("/live") as answer:
        assert answer.status == 200


async def test_a_page_of_a_worker_that_has_just_begun_is_whole(site: Site) -> None:
    site.seen = overview(streams=[], flow=Flow(), providers=[], notices=[], partitions=[], workers=[])
    _, page = await site.get("/")
    valid(page)
    assert "Too few mails to rate" in page
    assert "Nobody was suppressed" in page


async def test_a_share_is_warm_where_it_is_far_above_that_of_all_mail(site: Site) -> None:
    site.seen = overview(
        providers=[
            Provider(provider="gmail", outcomes={"DELIVERED": 990, "HARD_BOUNCED": 10}),
            Provider(provider="yahoo", outcomes={"DELIVERED": 980, "HARD_BOUNCED": 20}),
            Provider(provider="gmx", outcomes={"DELIVERED": 180, "HARD_BOUNCED": 20}),
            Provider(provider="proton", outcomes={"HARD_BOUNCED": 2}),
        ]
    )
    _, page = await site.get("/")
    cells = re.findall(r'<td class="n (heat\d)?">([\d.]+)\xa0%<span', page)
    assert [cell for cell in cells if cell[0]] == [("heat5", "10"), ("heat2", "2"), ("heat1", "1")]


async def test_many_partitions_are_shown_by_their_worst(site: Site) -> None:
    site.seen = overview(partitions=[partition(5 if number == 90 else 0, number=number) for number in range(100)])
    _, page = await site.get("/")
    assert "ses.sends [90] lags most" in page
    assert page.count('<span class="unseen">partition </span>') == 32
    assert '<span class="unseen">partition </span>90<' in page


async def test_times_are_written_for_machines_too(site: Site) -> None:
    site.seen = overview(notices=[suppressed(until=AT + timedelta(days=30))])
    _, page = await site.get("/")
    assert 'datetime="2026-09-21T14:13:20.000Z"' in page
    assert "until 2026-10-21" in page


async def test_a_beat_is_drawn_once_however_many_read_it_while_other_workers_are_asked() -> None:
    drawn: list[bool] = []

    nothing = Drawn(overview(), "title", {})

    async def draw(named: bool) -> Drawn:
        drawn.append(named)
        await asyncio.sleep(0)  # other workers are asked here
        return nothing

    live = Live(draw, lambda: None)
    assert await asyncio.gather(*(live.once(named=named) for named in (False, False, True))) == [nothing] * 3
    assert drawn == [False, True]


async def test_workers_are_asked_once_a_beat_however_often_the_page_is_called_for() -> None:
    async with Site().served(beat_s=3600) as site:
        for _ in range(5):
            assert (await site.get("/"))[0] == 200
        assert site.looked == [False]
        await entered(site)
        await site.get("/")
        assert site.looked == [False, True]
