"""`repository/process-definitions`: what can be started, with its model and picture."""

from __future__ import annotations

from django.http import HttpResponse

from engine.api.body import Json, Members, one_of
from engine.api.dialect import each, page
from engine.api.flowable import deployments, pictures
from engine.api.flowable.table import routes
from engine.api.router import ADMIN, Call
from engine.errors import Conflict
from engine.models import Definition
from engine.runtime import definitions, delayed, instances, queries

PATH = "repository/process-definitions"


def shaped(call: Call, row: Definition) -> dict[str, Json]:
    def file(name: str | None) -> str | None:
        return name and call.url(deployments.PATH, row.deployment_id, "resources", name)

    return {
        "id": row.pk,
        "url": call.url(PATH, row.pk),
        "key": row.key,
        "version": row.version,
        "name": row.name or None,
        "description": row.description or None,
        "tenantId": row.tenant,
        "deploymentId": str(row.deployment_id),
        "deploymentUrl": call.url(deployments.PATH, row.deployment_id),
        "resource": file(row.resource),
        "diagramResource": file(pictures.file_name(row)),
        "category": row.category or None,
        "graphicalNotationDefined": row.has_diagram,
        "suspended": row.suspended,
        "startFormDefined": row.has_start_form,
    }


@routes.get(PATH)
def listing(call: Call) -> Json:
    """The process definitions that the caller may know of."""
    return page(call, queries.definitions, call.params, each(lambda row: shaped(call, row)))


@routes.get(PATH + "/{definition}")
def one(call: Call, definition: str) -> Json:
    """One process definition."""
    return shaped(call, queries.definitions.one(call.user, definition))


@routes.put(PATH + "/{definition}", ADMIN)
def change(call: Call, definition: str) -> Json:
    """Suspend or activate it, now or at a `date`, with `includeProcessInstances` its running instances too.

    With a `category` it gets that, and nothing else happens (as at Flowable).
    """
    sent, found = call.sent, queries.definitions.one(call.user, definition)
    if (category := sent.text("category")) is not None:
        definitions.categorize(found, category, user=call.user)
    else:
        suspended = one_of(_ACTIONS, sent)()
        _switch(call, found, suspended, sent)
        return shaped(call, queries.definitions.one(call.user, definition)) | {"suspended": suspended}
    return shaped(call, queries.definitions.one(call.user, definition))


_ACTIONS = {"suspend": lambda: True, "activate": lambda: False}


def _switch(call: Call, found: Definition, suspended: bool, sent: Members) -> None:
    """Now, or by a timer at `date`; Flowable answers in both cases as if it were done."""
    if found.suspended == suspended:
        raise Conflict(f"process definition {found.pk} is {'already' if suspended else 'not'} suspended")
    at, running = sent.moment("date"), sent.flag("includeProcessInstances")
    if at is None:
        instances.suspend_definition(found.pk, suspended, instances=running, user=call.user)
    else:
        delayed.switch_definition(found, suspended, at, instances=running, user=call.user)


@routes.get(PATH + "/{definition}/resourcedata")
def resource_data(call: Call, definition: str) -> HttpResponse:
    """The model file, as it was deployed."""
    found = queries.definitions.one(call.user, definition)
    return pictures.content(definitions.xml(found), deployments.media_type(found.resource))


@routes.get(PATH + "/{definition}/image")
def image(call: Call, definition: str) -> HttpResponse:
    """The picture of the process; 400 for a model that was not drawn."""
    return pictures.answer(call.request, queries.definitions.one(call.user, definition))
