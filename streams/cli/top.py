"""`ses-streams top`: workers at work, on a terminal, drawn anew every two seconds until Ctrl-C."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.options import JsonOption

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from streams.cli.top_asking import Said
    from streams.cli.top_sight import Sight

UrlOption = Annotated[
    list[str] | None, typer.Option("--url", metavar="URL", help="Where a worker serves; may be said often.")
]
EveryOption = Annotated[float, typer.Option("--every", metavar="SECONDS", min=0.1, max=3600, help="Between two looks.")]
OnceOption = Annotated[bool, typer.Option("--once", help="Look for so long, print what is seen, and end.")]

HERE = "http://127.0.0.1:8080"
HELP = (
    "Examples: ses-streams top; ses-streams top --url http://a:8080 --url http://b:8080; ses-streams top --once --json"
)


def top(
    *, url: UrlOption = None, every: EveryOption = 2.0, once: OnceOption = False, as_json: JsonOption = False
) -> None:
    """Watch workers: who is well, what SES sees, what flows, what lags, what waits, how long it takes.

    Reads /health/ready and /metrics of each worker, of this machine's unless --url says where. One that does not answer
    is named, and asked again. Rates are of the time between two looks, so --once takes --every seconds; so does output
    into a pipe. With --json without --once there is one object for each look, until Ctrl-C.

    Exit codes, with --once or into a pipe: 0 all workers are ready, 1 one is not, 2 wrong words, 3 none answers.
    """
    import asyncio

    from streams.cli.top_asking import checked_urls

    try:
        urls = checked_urls(url or [HERE])
    except ValueError:
        hint = "wants the address of a worker, such as http://127.0.0.1:8080"
        raise typer.BadParameter(hint, param_hint="--url") from None
    if once or not (as_json or sys.stdout.isatty()):
        seen = asyncio.run(_second(urls, every))
        _print(seen, as_json=as_json)
        raise typer.Exit(_code(seen))
    try:
        asyncio.run(_say(urls, every) if as_json else _draw(urls, every))
    except KeyboardInterrupt:
        raise typer.Exit from None


async def _looks(urls: Sequence[str], every: float) -> AsyncGenerator[Sight, None]:
    """Yield what is seen now, then what is seen every so many seconds, for ever."""
    import asyncio
    import time
    from datetime import UTC, datetime

    from streams.cli.top_asking import ask_all, session
    from streams.cli.top_sight import sight

    before: tuple[Said, ...] = ()
    async with session() as asked:
        while True:
            begun = time.monotonic()
            now = await ask_all(asked, urls)
            yield sight(datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), now, before)
            before = now
            await asyncio.sleep(max(0.0, every - (time.monotonic() - begun)))


async def _second(urls: Sequence[str], every: float) -> Sight:
    """Return the second look, which has rates."""
    looks = _looks(urls, every)
    await anext(looks)
    seen = await anext(looks)
    await looks.aclose()
    return seen


async def _say(urls: Sequence[str], every: float) -> None:
    """Print every look as a line of JSON."""
    async for seen in _looks(urls, every):
        _print(seen, as_json=True)


async def _draw(urls: Sequence[str], every: float) -> None:
    """Draw every look on the whole terminal; rich draws the last one anew four times a second, at today's size."""
    from rich.console import Console
    from rich.live import Live

    from streams.cli.top_view import Screen

    with Live(console=Console(highlight=False), screen=True) as live:
        async for seen in _looks(urls, every):
            live.update(Screen(seen))


def _print(seen: Sight, *, as_json: bool) -> None:
    """Print one look; on stderr, which workers are not ready."""
    import orjson
    from rich.console import Console

    from streams.cli.shown import people
    from streams.cli.top_view import Screen, unwell

    if as_json:
        sys.stdout.write(orjson.dumps(seen).decode() + "\n")
        sys.stdout.flush()
        for words in unwell(seen):
            people(words)
    else:
        Console(highlight=False).print(Screen(seen))


def _code(seen: Sight) -> int:
    """Return the exit code for one look."""
    from streams.cli import DONE, FOUND
    from streams.cli.top_asking import DOWN
    from streams.errors import WORLD_FAILED

    if all(worker.state == DOWN for worker in seen.workers):
        return WORLD_FAILED
    return DONE if all(worker.ready for worker in seen.workers) else FOUND
