"""docs/api.md does what it says: every example is run, by curl in a shell, against a worker's API."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streams.answers.model import Why
from streams.answers.why import REASONS
from streams.mail.suppression import SuppressionReason
from tests.conftest import Need
from tests.web.api_twins import TOKEN, Site

PAGE = Path(__file__).parents[2] / "docs/api.md"
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
EXAMPLES = [
    command.strip()
    for block in BLOCKS
    for command in re.split(r"\n(?=curl)|\n\n", block.strip())
    if command.startswith("curl")
]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    made.tables.stored["lives", b"0102018b-1"] = b"something"
    await made.start()
    yield made
    await made.stop()


def test_the_answer_that_is_shown_is_one() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    said = json.loads(shown)
    whole = Why.model_validate_json(json.dumps({**said, "asked_at": said["since"]}))
    again = json.loads(whole.model_dump_json())
    assert said.items() <= again.items()
    assert said["answer"] == f"No: {REASONS[whole.reason or SuppressionReason.UNKNOWN]}. Since 2026-11-28, for good."


def test_there_are_examples_of_everything() -> None:
    assert len(EXAMPLES) == sum(block.count("curl ") for block in BLOCKS) == 10


@pytest.mark.parametrize("command", EXAMPLES)
async def test_an_example_does_what_the_page_says(site: Site, command: str, need: Need) -> None:
    need(shutil.which("curl") is not None, "curl")
    url = f"http://127.0.0.1:{site.server.port}"
    shell = await asyncio.create_subprocess_exec(
        "sh",
        "-c",
        f"{command} -w '\\n%{{http_code}}'",
        env={"PATH": "/usr/bin:/bin", "WORKER": url, "TOKEN": TOKEN},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await shell.communicate()
    body, _, code = out.decode().rpartition("\n")
    writes = re.search('why["=]', command) is not None
    assert int(code) == (202 if writes else 200), body
    assert isinstance(json.loads(body), dict)
    assert len(site.written) == (1 if writes else 0)


def test_every_status_that_the_description_names_is_explained() -> None:
    from streams.web.openapi import document

    named = {
        int(status)
        for path in document()["paths"].values()
        for operation in path.values()
        for status in operation["responses"]
    }
    explained = {int(number) for number in re.findall(r"\b[2345]\d\d\b", PAGE.read_text(encoding="utf-8"))}
    assert named - explained - {200, 400, 500} == set()
