"""The diagram of a definition, with what an instance did, does and failed at marked in it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from engine.bpmn import diagram, drawing
from engine.bpmn.diagram.values import Drawing
from engine.models import Activity, Definition, Instance, Job, Token
from engine.runtime import definitions
from engine.runtime.progress.standing import attempt_of

OUTSIDE = {"timer", "message", "signal", "condition", "variable", "trigger", "event", "join", "compensation"}  # waits for what may come


class Marks(NamedTuple):
    """What is marked, by element id: `states` are done, active, waiting or failed; `badges` a word beside an element."""

    states: dict[str, str]
    badges: dict[str, str]


def svg(definition: Definition, instance: Instance | None = None, *, standalone: bool = False, prefix: str = "d") -> str:
    """The SVG of a definition; with an instance, its progress is marked. `prefix` keeps the ids of two pictures on a page apart."""
    marks = states(instance) if instance else Marks({}, {})
    pages, title = drawn(definition), definition.name or definition.key
    plane = pages.plane_of(definition.key)
    return diagram.paint(pages, states=marks.states, badges=marks.badges, title=title, standalone=standalone, plane=plane, prefix=prefix)


def drawn(definition: Definition) -> Drawing:
    """What a definition's file draws; read once for each file of the same content."""
    return _drawn(_File(definition))


class _File:
    """A definition's file, the same as another one with equal bytes."""

    def __init__(self, definition: Definition) -> None:
        self.definition, self.checksum = definition, definition.checksum

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _File) and other.checksum == self.checksum

    def __hash__(self) -> int:
        return hash(self.checksum)


@lru_cache(maxsize=128)
def _drawn(file: _File) -> Drawing:
    return drawing.read(definitions.xml(file.definition))


def states(instance: Instance) -> Marks:
    """Three queries: runs in the history, tokens that rest, jobs. What failed beats what is active, and that beats what is done."""
    marks = Marks({}, {})
    for node, open_runs in _runs(instance):
        marks.states[node] = "active" if open_runs and not instance.ended else "done"
    for token in Token.objects.filter(instance=instance, node__isnull=False).only("node", "wait"):
        marks.states[token.node or ""] = "waiting" if token.wait in OUTSIDE else "active"
    _mark_jobs(marks, Job.objects.filter(instance=instance, node__isnull=False).only("node", "kind", "state", "attempts"))
    return marks


def _runs(instance: Instance) -> Iterable[tuple[str, int]]:
    """Each element with the number of its open runs; what only was cancelled has no mark."""
    grouped = Activity.objects.filter(instance=instance).order_by().values("node")
    counted = grouped.annotate(open=Count("id", filter=Q(ended=None)), gone=Count("id", filter=Q(reason__isnull=False)), all=Count("id"))
    return ((row["node"], row["open"]) for row in counted if row["gone"] < row["all"])


def _mark_jobs(marks: Marks, jobs: Iterable[Job]) -> None:
    for job in jobs:
        node = job.node or ""
        if job.state == Job.State.DEAD:
            marks.states[node], marks.badges[node] = "failed", _("failed")
        elif marks.states.get(node) != "failed" and job.kind != Job.Kind.TIMER:
            marks.states[node], marks.badges[node] = "active", _("running") if attempt_of(job) == 1 else _("attempt %d") % attempt_of(job)
