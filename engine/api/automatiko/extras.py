"""What an instance has besides its data: tags, pictures, instances it called, and the events it waits for."""

from __future__ import annotations

from django.http import HttpResponse

from engine.api.automatiko import workflows
from engine.api.automatiko.asking import JSON, PICTURE, Call
from engine.api.automatiko.finding import Service
from engine.api.router import Answer
from engine.bpmn.graph import Call as CallActivity
from engine.bpmn.graph import Graph
from engine.errors import BadInput, NotFound
from engine.models import Definition, Instance
from engine.runtime import datamodel, definitions, labels, naming, operations, progress, shapes
from engine.runtime.operations import Wanted

CATCHING = ("intermediateCatchEvent", "boundaryEvent", "startEvent")


# -- tags -----------------------------------------------------------------------------------------------------------------
def tags(call: Call, row: Instance) -> Answer:
    """All tags of an instance."""
    call.check_accept(JSON)
    return Answer(200, shapes.tags(row))


def add_tag(call: Call, row: Instance) -> Answer:
    """Add the tag `value`; without one, or one that is there, nothing changes."""
    call.check_accept(JSON)
    sent = call.values().get("value")
    value = None if sent is None else datamodel.taken("string", sent, "value")
    if value is not None and (len(value) > labels.LONGEST or "\n" in value):
        raise BadInput(f"value must be a text of at most {labels.LONGEST} characters", "value")
    return _tagged(row, [*labels.listed(row.added_tags), value] if value else labels.listed(row.added_tags))


def remove_tag(call: Call, row: Instance, tag: str) -> Answer:
    """Remove a tag that was added; those of the model stay."""
    call.check_accept(JSON)
    return _tagged(row, [one for one in labels.listed(row.added_tags) if one != tag])


def _tagged(row: Instance, added: list[str]) -> Answer:
    row.added_tags = labels.lines(added)
    Instance.objects.filter(pk=row.pk).update(added_tags=row.added_tags)
    return Answer(200, shapes.tags(row))


# -- pictures -------------------------------------------------------------------------------------------------------------
def picture(call: Call, where: Service) -> HttpResponse:
    """The diagram of a workflow."""
    return _picture(call, where.definition, None)


def picture_of(call: Call, row: Instance) -> HttpResponse:
    """The diagram with what is done, active and failed."""
    return _picture(call, row.definition, row)


def _picture(call: Call, definition: Definition, row: Instance | None) -> HttpResponse:
    call.check_accept(PICTURE)
    if not definition.has_diagram:
        raise NotFound(f"Image for {definition.key} was not found")
    return HttpResponse(progress.svg(definition, row, standalone=True), content_type="image/svg+xml")


# -- what it called -------------------------------------------------------------------------------------------------------
def called(graph: Graph) -> dict[str, str]:
    """The processes that a model calls, by their name in paths."""
    details = [node.detail for node in graph.nodes.values() if isinstance(node.detail, CallActivity)]
    return {naming.segment(d.called): d.called for d in details if not d.by_id and "{" not in d.called}


def children(call: Call, row: Instance, name: str) -> Answer:
    """The running instances that it called."""
    call.check_accept(JSON)
    key = called(definitions.graph(row.definition))[name]
    found = Instance.objects.filter(parent=row.pk, ended=None, definition__key=key).select_related("definition").order_by("started", "pk")
    return Answer(200, [workflows.shaped(call, one) for one in found])


# -- events ---------------------------------------------------------------------------------------------------------------
def events(graph: Graph) -> set[str]:
    """The signals, messages and receive tasks that a model can wait for, by their names in paths."""
    waiting = [n for n in graph.nodes.values() if n.type in CATCHING and n.event and n.event.kind in ("signal", "message")]
    names = {naming.segment(n.event.name) for n in waiting if n.event and n.event.name and "{" not in n.event.name}
    return names | {naming.of_node(n) for n in graph.nodes.values() if n.type == "receiveTask"}


def signal(call: Call, row: Instance, name: str, top: str) -> Answer:
    """Give a signal or message to who waits for it in the instance; where nobody does, nothing happens."""
    call.check_accept(JSON)
    body = call.event(text=operations.takes_text(row.definition, name))
    wanted = Wanted("signal", row.definition, row.pk, {"body": body}, name=name, metadata=call.metadata)
    for *_, node in operations.receivers(row.pk, name):
        operations.payload(wanted, node)
    return workflows.do(call, wanted, workflows.echo(top))
