"""Plain SVG by hand, as the other pictures of this project: few shapes, one font, colours by Grafana's names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

INK, FAINT, LINE, PAPER, GROUND = "#24292e", "#6e7681", "#e1e4e8", "#ffffff", "#f4f5f5"
CLASSIC = (
    "#7EB26D",
    "#EAB839",
    "#6ED0E0",
    "#EF843C",
    "#E24D42",
    "#1F78C1",
    "#BA43A9",
    "#705DA0",
    "#508642",
    "#CCA300",
    "#447EBC",
    "#C15C17",
    "#890F02",
    "#0A437C",
)
"""Colours that Grafana gives to series in turn."""
NAMED = {
    "green": "#56A64B",
    "light-green": "#73BF69",
    "super-light-green": "#96D98D",
    "yellow": "#F2CC0C",
    "orange": "#FF780A",
    "red": "#E02F44",
    "semi-dark-red": "#C4162A",
    "dark-blue": "#1250B0",
    "light-blue": "#8AB8FF",
    "blue": "#3274D9",
    "purple": "#A352CC",
    "light-purple": "#CA95E5",
    "text": INK,
}
Point = tuple[float, float]


def width(words: str, size: float) -> float:
    """Return about how wide words are."""
    return size * sum(0.68 if letter.isupper() or letter == "_" else 0.53 for letter in words)


def text(  # noqa: PLR0913 - as SVG has them
    x: float, y: float, words: str, *, size: float = 11, fill: str = INK, anchor: str = "start", bold: bool = False
) -> str:
    """Return words."""
    weight = ' font-weight="600"' if bold else ""
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{fill}" text-anchor="{anchor}"'
    return f"<text {place}{weight}>{escape(words)}</text>"


def box(  # noqa: PLR0913 - as SVG has them
    x: float, y: float, width: float, height: float, fill: str, *, stroke: str = "none", opacity: float = 1
) -> str:
    """Return a filled rectangle."""
    size = f'width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{fill}" stroke="{stroke}" fill-opacity="{opacity:g}" rx="2"/>'


def across(x: float, width: float, y: float, colour: str, *, dashed: bool = False) -> str:
    """Return a line from left to right."""
    dashes = ' stroke-dasharray="6 4"' if dashed else ""
    return f'<line x1="{x:.1f}" x2="{x + width:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}"{dashes}/>'


def curve(points: Sequence[Point], colour: str, *, width: float = 1.5) -> str:
    """Return a line through points."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}" stroke-linejoin="round"/>'


def area(points: Iterable[Point], colour: str, opacity: float) -> str:
    """Return what a line of points encloses."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polygon points="{path}" fill="{colour}" fill-opacity="{opacity:g}"/>'
