"""The API and its description agree: schemathesis asks whatever is allowed, and what is not, of a running server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from openapi_spec_validator import validate
from schemathesis import Case, Config

from streams.web.openapi import document
from streams.web.operations import OPERATIONS
from tests.web.api_twins import BEARER, Site

EXAMPLES = 30
"""Of each operation: 30 s for all of them on a busy machine."""
CONFIG = {
    "checks": {
        "positive_data_acceptance": {"expected-statuses": ["2xx", "404"]},
        "negative_data_rejection": {"expected-statuses": ["401", "404", "405", "415", "422"]},
    },
    "operations": [
        {
            "include-operation-id": operation_id,
            # a time that is over fits the description, which cannot say what time it is
            "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "422"]}},
        }
        for operation_id in ("suppress", "suppress_by_body")
    ],
}
API = schemathesis.openapi.from_dict(document(), config=Config.from_dict(CONFIG))


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    """Serve in a thread: schemathesis waits for its answers."""
    site, loop = Site(), asyncio.new_event_loop()
    site.tables.stored["lives", b"0"] = b"something"
    loop.run_until_complete(site.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield site
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.run_until_complete(site.stop())
    loop.close()


def test_the_description_is_openapi() -> None:
    validate(document())


def test_it_describes_every_operation_and_no_other() -> None:
    described = {(method.upper(), path) for path, one in document()["paths"].items() for method in one}
    assert described == {(one.method, one.path) for one in OPERATIONS}


@API.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_what_is_answered_is_what_is_described(server: Site, case: Case[Any]) -> None:
    case.call_and_validate(base_url=server.server.url, headers=BEARER)
