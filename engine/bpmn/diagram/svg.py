"""The few words of SVG a picture is written with. Everything that comes from outside passes `clean`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from engine.bpmn.diagram.text import LINE
from engine.bpmn.diagram.values import FONT_SIZE

UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot hold
ASCENT = 0.93  # of the font size, from the top of a line to its baseline


def clean(text: str) -> str:
    """Text fit for XML content and quoted attributes."""
    return escape(UNWRITABLE.sub("\ufffd", text), quote=True)


def num(value: float) -> str:
    """A number with at most one decimal."""
    return f"{round(value, 1):g}" if abs(value) < 100_000 else f"{value:.0f}"


def path(kind: str, d: str) -> str:
    return f'<path class="{kind}" d="{d}"/>'


def rect(kind: str, x: float, y: float, width: float, height: float, radius: float = 0) -> str:
    rounded = f' rx="{num(radius)}"' if radius else ""
    return f'<rect class="{kind}" x="{num(x)}" y="{num(y)}" width="{num(width)}" height="{num(height)}"{rounded}/>'


def circle(kind: str, radius: float) -> str:
    return f'<circle class="{kind}" r="{num(radius)}"/>'


def at(x: float, y: float, inner: str, scale: float = 1.0) -> str:
    """Something drawn around the origin, moved and scaled."""
    scaled = f" scale({round(scale, 3):g})" if abs(scale - 1) > 0.01 else ""
    return f'<g transform="translate({num(x)} {num(y)}){scaled}">{inner}</g>'


def lines(
    words: Sequence[str], x: float, top: float, size: float = FONT_SIZE, kind: str = "", turned: tuple[float, float] | None = None
) -> str:
    """Lines of text from `top` downwards, centred at `x` unless `kind` says otherwise; `turned` is the point they stand upright around."""
    if not words:
        return ""
    spans = (f'<tspan x="{num(x)}" y="{num(top + size * (i * LINE + ASCENT))}">{clean(word)}</tspan>' for i, word in enumerate(words))
    more = f' class="{kind}"' if kind else ""
    more += "" if size == FONT_SIZE else f' font-size="{num(size)}"'
    more += f' transform="rotate(-90 {num(turned[0])} {num(turned[1])})"' if turned else ""
    return f"<text{more}>{''.join(spans)}</text>"
