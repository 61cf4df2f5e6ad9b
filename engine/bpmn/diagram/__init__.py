"""Paint a drawing as SVG: the same picture in browser, admin, mail and REST, readable without colours, mouse or eyes.
It carries no script, no inline style (unless it stands alone) and no id that is not prefixed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.bpmn.diagram import badges as badges_of
from engine.bpmn.diagram import edges, shapes
from engine.bpmn.diagram.labels import place
from engine.bpmn.diagram.style import STATES, file_css
from engine.bpmn.diagram.svg import clean, num, rect
from engine.bpmn.diagram.text import width_of
from engine.bpmn.diagram.values import EVENTS, Bounds, Drawing, Edge, Plane, Shape
from engine.errors import BadInput

MARGIN = 20.0
SIZES = {"huge": 2200.0, "large": 1100.0}  # by width in pixels
RANK = ("done", "waiting", "active", "failed")  # of two states, the later one is shown
NONE: Mapping[str, str] = {}


def paint(
    drawing: Drawing,
    *,
    states: Mapping[str, str] = NONE,
    badges: Mapping[str, str] = NONE,
    title: str = "Process diagram",
    standalone: bool = True,
    plane: int = 0,
    prefix: str = "d",
) -> str:
    """One page of a drawing as SVG text.

    `states` maps element ids to done, active, failed or waiting; what happens inside of something folded is shown on that.
    `badges` are words beside elements. `standalone` embeds the style sheet; pages link `towpath/diagram.css` instead.
    Raises BadInput for an unknown state or page.
    """
    if not 0 <= plane < len(drawing.planes):
        raise BadInput(f"The drawing has no page {plane}, only {len(drawing.planes)}.", "plane")
    unknown = sorted(set(states.values()) - {*STATES, ""})
    if unknown:
        raise BadInput(f"There is no state {unknown[0]!r}; there are {', '.join(STATES)}.", "states")
    page = place(drawing.planes[plane])
    shown = _rolled_up(drawing, page, states)
    painter = _Painter(page, shown, badges, prefix, _folded(drawing), badges_of.place(page.shapes, shown, badges))
    return painter.document(title, standalone)


def _folded(drawing: Drawing) -> dict[str, int]:
    """The page on which the inside of a sub-process is drawn."""
    return {p.element: i for i, p in enumerate(drawing.planes) if i and p.element}


def _rolled_up(drawing: Drawing, page: Plane, states: Mapping[str, str]) -> dict[str, str]:
    """The states of what is drawn; of an element that is not, the nearest drawn scope around it shows that something goes on inside."""
    drawn = {s.element for s in page.shapes} | {e.element for e in page.edges}
    shown = {key: state for key, state in states.items() if state and key in drawn}
    for key, state in states.items():
        if key in drawn or state not in RANK[1:]:
            continue
        around = next((a for a in _around(drawing, key) if a in drawn), None)
        if around is not None and RANK.index(shown.get(around, "done")) < RANK.index(state):
            shown[around] = state
    return shown


def _around(drawing: Drawing, element: str) -> Iterator[str]:
    seen = {element}
    while (element := drawing.parents.get(element, "")) and element not in seen:
        seen.add(element)
        yield element


@dataclass(frozen=True, slots=True)
class _Painter:
    """Paints one page from back to front: pools, groups, open sub-processes, edges, nodes, what sits on their borders, names of edges."""

    page: Plane
    states: Mapping[str, str]
    badges: Mapping[str, str]
    prefix: str
    folded: Mapping[str, int]
    marks: Sequence[badges_of.Badge]
    used: set[str] = field(default_factory=set)  # elements whose id is given out

    def document(self, title: str, standalone: bool) -> str:
        body = "".join(self._body())
        box = _extent(self.page, [b.bounds for b in self.marks])
        x, y, width, height = map(num, (box.x, box.y, box.width, box.height))
        style = f"<style>{file_css()}</style>{rect('canvas', box.x, box.y, box.width, box.height)}" if standalone else ""
        size = next((f" {name}" for name, least in SIZES.items() if box.width > least), "")
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="bpmn{size}" role="group" aria-label="{clean(title)}" '
            f'viewBox="{x} {y} {width} {height}" width="{width}" height="{height}">{style}{body}</svg>'
        )

    def _body(self) -> Iterator[str]:
        by_id = {s.element: s for s in self.page.shapes}
        behind = sorted(filter(shapes.is_container, self.page.shapes), key=_depth)
        before = sorted((s for s in self.page.shapes if not shapes.is_container(s)), key=_height)
        yield from map(self._shape, behind)
        yield from (self._edge(e, by_id) for e in self.page.edges)
        yield from map(self._shape, before)
        yield from (self._name(e) for e in self.page.edges if e.name)
        yield from (b.paint() for b in self.marks)

    def _shape(self, shape: Shape) -> str:
        return self._group(shape.element, describe(shape), shapes.paint(shape), self._page_of(shape))

    def _edge(self, edge: Edge, by_id: Mapping[str, Shape]) -> str:
        return self._group(edge.element, describe_edge(edge, by_id), edges.paint(edge, by_id))

    def _name(self, edge: Edge) -> str:
        """Its words are read out with the line already."""
        return f'<g class="{self.states.get(edge.element, "")}" aria-hidden="true">{edges.label(edge)}</g>'

    def _page_of(self, shape: Shape) -> str:
        return f' data-plane="{self.folded[shape.element]}"' if shape.element in self.folded and not shape.expanded else ""

    def _group(self, element: str, words: str, inner: str, more: str = "") -> str:
        state = self.states.get(element, "")
        said = clean(", ".join(filter(None, (words, state, self.badges.get(element, "")))))
        kind = f' class="{state}"' if state else ""
        key = f' data-element="{clean(element)}"' if element else ""
        if element and element not in self.used:  # one element may be drawn twice
            self.used.add(element)
            key = f' id="{clean(f"{self.prefix}-{element}")}"{key}'
        return f'<g{key}{kind} role="img" aria-label="{said}"{more}><title>{said}</title>{inner}</g>'


def _depth(shape: Shape) -> tuple[int, float]:
    """Pools, then lanes, then the rest, the larger first."""
    return {"participant": 0, "lane": 1}.get(shape.kind, 2), -shape.bounds.width * shape.bounds.height


def _height(shape: Shape) -> bool:
    """What sits on the border of another stands above all."""
    return shape.kind == "boundaryEvent" or shapes.is_choreography_band(shape)


def _extent(page: Plane, more: Iterable[Bounds]) -> Bounds:
    """All that is drawn, with a margin."""
    boxes = [*_boxes(page.shapes), *_boxes(page.edges), *more]
    xs = [b.x for b in boxes] + [x for e in page.edges for x, _ in e.points]
    ys = [b.y for b in boxes] + [y for e in page.edges for _, y in e.points]
    rights = [b.right for b in boxes] + xs
    bottoms = [b.bottom for b in boxes] + ys
    left, top = min(xs, default=0.0) - MARGIN, min(ys, default=0.0) - MARGIN
    return Bounds(left, top, max(rights, default=60.0) + MARGIN - left, max(bottoms, default=20.0) + MARGIN - top)


def _boxes(parts: Iterable[Shape | Edge]) -> Iterator[Bounds]:
    for part in parts:
        if isinstance(part, Shape):
            yield part.bounds
        if part.label is not None and part.name:
            yield _widened(part.label, part.name, part.font)


def _widened(label: Bounds, name: str, font: float) -> Bounds:
    """A label may be painted wider than the file says."""
    more = max(0.0, min(width_of(name, font), 120.0) - label.width)
    return replace(label, x=label.x - more / 2, width=label.width + more)


# --- what is read out ------------------------------------------------------------------------------------------------------

CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def describe(shape: Shape) -> str:
    """A shape in words: its name (or id) and what it is."""
    kind = "event sub process" if shape.event_sub_process else _words(shape.kind)
    sign = f"{_words(shape.icon)} " if shape.kind in EVENTS and shape.icon else ""
    held = "" if shape.interrupting else "non-interrupting "
    return f"{_one_line(shape.name) or shape.element} ({held}{sign}{kind})"


def describe_edge(edge: Edge, by_id: Mapping[str, Shape]) -> str:
    """An edge in words: its name, what it is, and from where to where."""
    source, target = (_one_line(by_id[i].name) or i if i in by_id else i for i in (edge.source, edge.target))
    name = f"{_one_line(edge.name)} " if edge.name.strip() else ""
    return f"{name}({'default ' if edge.default else ''}{_words(edge.kind)} from {source or '?'} to {target or '?'})"


def _words(kind: str) -> str:
    return CAPITAL.sub(" ", kind).lower()


def _one_line(name: str) -> str:
    return " ".join(name.split())


__all__ = ["describe", "paint"]
