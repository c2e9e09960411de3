"""Where the show is seen: a page that is drawn anew on a terminal, or a line now and then everywhere else."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, RenderableType
from rich.live import Live

from streams.demo.scene import Scene
from streams.demo.view import line, page

DRAWN_PER_S = 8
LINE_EVERY_S = 5.0


class Screen(Protocol):
    """Shows scenes; use it in a ``with``."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """End; what was shown last stays."""

    def show(self, scene: Scene) -> None:
        """Show a moment."""

    def say(self, what: RenderableType) -> None:
        """Show something that stays."""


class Terminal:
    """A page that is drawn anew."""

    def __init__(self, console: Console) -> None:
        """Draw on *console*."""
        self._console = console
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop")

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Leave the last page standing."""
        self._live.stop()

    def show(self, scene: Scene) -> None:
        """Draw the page."""
        self._live.update(page(scene, self._console.height), refresh=True)

    def say(self, what: RenderableType) -> None:
        """Print below the page."""
        self._live.stop()
        self._console.print(what)


class Lines:
    """One line whenever something else is done, and every few seconds."""

    def __init__(self, console: Console) -> None:
        """Print on *console*."""
        self._console = console
        self._last: Scene | None = None

    def __enter__(self) -> Self:
        """Nothing to begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Nothing to end."""

    def show(self, scene: Scene) -> None:
        """Print the line, unless the last one still stands for it."""
        last = self._last
        if last is None and scene.address:
            self._console.print(f"the worker's status page: {scene.address}", soft_wrap=True, highlight=False)
        if last is None or scene.doing != last.doing or scene.elapsed - last.elapsed >= LINE_EVERY_S:
            self._last = scene
            self._console.print(line(scene), soft_wrap=True, highlight=False)

    def say(self, what: RenderableType) -> None:
        """Print it."""
        self._console.print(what)


def screen_on(console: Console) -> Terminal | Lines:
    """Return the screen that suits a console."""
    return Terminal(console) if console.is_terminal else Lines(console)
