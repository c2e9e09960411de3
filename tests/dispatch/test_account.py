"""SES's own suppression list: every page of it, in SES's case, one request a second, and no address in an error."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streams.dispatch.account import Listed, ListReason, SuppressionList
from streams.errors import BadSettings, WorldFailed
from streams.settings.dispatch import Dispatch
from tests.dispatch.ses_stub import Cut, Say, refused, ses

YES = Say(200, {})


def entry(address: str, reason: str = "BOUNCE") -> dict[str, Any]:
    return {"EmailAddress": address, "Reason": reason, "LastUpdateTime": 1_800_000_000.25}


async def test_the_list_is_all_its_pages_with_addresses_as_ses_wrote_them() -> None:
    pages = (
        Say(200, {"SuppressedDestinationSummaries": [entry("Ada@Example.org")], "NextToken": "more+/="}),
        Say(200, {"SuppressedDestinationSummaries": [], "NextToken": "still"}),
        Say(200, {"SuppressedDestinationSummaries": [entry("bob@example.org", "COMPLAINT")]}),
    )
    async with ses(*pages) as stub, SuppressionList(stub.settings(), pace_s=0) as account:
        assert [listed async for listed in account.list()] == [
            Listed("Ada@Example.org", ListReason.BOUNCE, 1_800_000_000_250),
            Listed("bob@example.org", ListReason.COMPLAINT, 1_800_000_000_250),
        ]
    assert [asked.query.get("NextToken") for asked in stub.asked] == [None, "more+/=", "still"]
    assert {(asked.method, asked.path.partition("?")[0]) for asked in stub.asked} == {
        ("GET", "/v2/email/suppression/addresses")
    }


async def test_an_address_is_put_on_the_list_in_its_own_case() -> None:
    async with ses(YES) as stub, SuppressionList(stub.settings(), pace_s=0) as account:
        await account.put("Ada@Example.org", ListReason.COMPLAINT)
    assert (stub.asked[0].method, stub.asked[0].path) == ("PUT", "/v2/email/suppression/addresses")
    assert stub.asked[0].body == {"EmailAddress": "Ada@Example.org", "Reason": "COMPLAINT"}


async def test_an_address_is_taken_off_the_list_whatever_characters_it_has() -> None:
    async with ses(YES) as stub, SuppressionList(stub.settings(), pace_s=0) as account:
        assert await account.delete("Ada+a/b%@Example.org") is True
    assert stub.asked[0].method == "DELETE"
    assert stub.asked[0].path == "/v2/email/suppression/addresses/Ada%2Ba%2Fb%25%40Example.org"


async def test_taking_off_what_is_not_on_the_list_is_no_error() -> None:
    async with ses(refused(404, "NotFoundException")) as stub, SuppressionList(stub.settings(), pace_s=0) as account:
        assert await account.delete("ada@example.org") is False


async def test_what_ses_refuses_is_said_by_its_code_and_without_an_address() -> None:
    no = refused(400, "BadRequestException", "ada@example.org is bad")
    async with ses(no) as stub, SuppressionList(stub.settings(), pace_s=0) as account:
        with pytest.raises(WorldFailed) as failed:
            await account.put("ada@example.org", ListReason.BOUNCE)
    assert str(failed.value) == "SES's suppression list: put_suppressed_destination failed with BadRequestException"
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


async def test_a_list_that_cannot_be_read_is_an_error_and_not_an_empty_list() -> None:
    async with ses(refused(404, "NotFoundException")) as stub, SuppressionList(stub.settings(), pace_s=0) as account:
        with pytest.raises(WorldFailed, match="NotFoundException"):
            [listed async for listed in account.list()]


async def test_what_may_be_done_twice_is_tried_again() -> None:
    async with ses(Cut(), YES) as stub, SuppressionList(stub.settings(), pace_s=0) as account:
        await account.put("ada@example.org", ListReason.BOUNCE)
    assert len(stub.asked) == 2


async def test_one_request_a_second_and_the_first_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with ses(YES) as stub, SuppressionList(stub.settings()) as account:
        with monkeypatch.context() as patched:
            patched.setattr("streams.dispatch.account.asyncio.sleep", sleep)
            for _ in range(3):
                await account.put("ada@example.org", ListReason.BOUNCE)
    assert slept[0] <= 0
    assert 0 < slept[1] <= 1
    assert 1 < slept[2] <= 2  # nobody slept in this test, so the third is nearly two seconds early


async def test_without_a_region_there_is_no_list() -> None:
    with pytest.raises(BadSettings, match=r"SES_STREAMS_DISPATCH__REGION"):
        async with SuppressionList(Dispatch()):
            await asyncio.sleep(0)
