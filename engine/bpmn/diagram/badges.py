"""The signs and words on elements that have a state, so that colour is never the only thing that tells it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.bpmn.diagram import icons
from engine.bpmn.diagram.labels import Crowd
from engine.bpmn.diagram.svg import at, circle, lines, path, rect
from engine.bpmn.diagram.text import width_of
from engine.bpmn.diagram.values import EVENTS, GATEWAYS, Bounds, Shape

RADIUS = 8.0
HEIGHT = 20.0
FONT = 11.0


@dataclass(frozen=True, slots=True)
class Badge:
    """Where a badge sits and what it says; without words it is a round sign."""

    bounds: Bounds
    state: str
    words: str

    def paint(self) -> str:
        sign = path("glyph", icons.GLYPHS[self.state]) if self.state else ""
        body = self._pill(sign) if self.words else at(self.bounds.cx, self.bounds.cy, circle("badge", RADIUS) + sign)
        return f'<g class="{self.state}" aria-hidden="true">{body}</g>' if self.state else f'<g aria-hidden="true">{body}</g>'

    def _pill(self, sign: str) -> str:
        b = self.bounds
        lead = 14.0 if sign else 0.0
        drawn = at(b.x + 13, b.cy, sign) if sign else ""
        return (
            rect("badge", b.x, b.y, b.width, b.height, b.height / 2)
            + drawn
            + lines([self.words], b.cx + lead / 2, b.cy - 6.3, FONT, "said")
        )


def place(shapes: Sequence[Shape], states: Mapping[str, str], words: Mapping[str, str]) -> list[Badge]:
    """A badge for each shape with a state or words; none covers another if it can be helped."""
    crowd = Crowd()
    badges: list[Badge] = []
    for label in (s.label for s in shapes if s.label is not None and s.name):
        crowd.add(label)
    for shape in shapes:
        state, said = states.get(shape.element, ""), words.get(shape.element, "")
        if not state and not said:
            continue
        places = list(_beside(shape, state, said) if said else _corner(shape))
        free = next((p for p in places if not crowd.hits(p)), places[0])
        crowd.add(free)
        badges.append(Badge(free, state, said))
    return badges


def _corner(shape: Shape) -> Iterator[Bounds]:
    """The round sign sits at the upper right, on the outline."""
    b = shape.bounds
    round_or_pointed = shape.kind in EVENTS | GATEWAYS
    x, y = (b.cx + b.width * 0.36, b.cy - b.height * 0.36) if round_or_pointed else (b.right - 4, b.y + 2)
    yield Bounds(x - RADIUS, y - RADIUS, 2 * RADIUS, 2 * RADIUS)


def _beside(shape: Shape, state: str, said: str) -> Iterator[Bounds]:
    """Words stand on the upper border of a box, and above or below what is too small for that."""
    b = shape.bounds
    width = width_of(said, FONT) * 1.1 + (28 if state else 14)
    if shape.kind in EVENTS | GATEWAYS:
        heights = [b.bottom + 2, b.y - HEIGHT - 2] if shape.host else [b.y - HEIGHT - 2, b.bottom + 2]
        x = b.cx - width / 2
    else:
        heights, x = [b.y - HEIGHT / 2], b.right - 4 - width * 0.6
    heights += [heights[-1] + step * (HEIGHT + 2) for step in (1, -1, 2, -2)]
    yield from (Bounds(x, y, width, HEIGHT) for y in heights)
