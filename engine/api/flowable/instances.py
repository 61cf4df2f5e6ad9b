"""`runtime/process-instances`: start, see, suspend and cancel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpResponse

from engine.api.body import LONGEST_TEXT, Json, Members, one_of
from engine.api.dialect import OF_CASES, ident, moment, page, values, variable_at
from engine.api.flowable import definitions as definition_views
from engine.api.flowable import pictures
from engine.api.flowable.table import listed, routes
from engine.api.router import Call
from engine.errors import BadInput, NotFound
from engine.models import Instance
from engine.runtime import instances, messages, queries
from engine.runtime.queries.variables import asked_of_page

PATH = "runtime/process-instances"
DELETED = "process instance deleted"  # the reason, where none is given


def shaped(call: Call, row: Instance, found: Mapping[str, Any] | None = None, *, named: bool = True) -> dict[str, Json]:
    """A running instance; see `common`."""
    ended = row.ended is not None
    return {
        **common(call, row, found, PATH, named=named),
        "suspended": row.suspended,
        "ended": ended,
        "completed": ended,
        "activityId": None,
    }


def common(call: Call, row: Instance, found: Mapping[str, Any] | None, path: str, *, named: bool = True) -> dict[str, Json]:
    """What running and past instances show; `found` are the variables where they were asked for.

    `named` False leaves out what the definition says of itself, as Flowable does after a change.
    """
    return {
        "id": ident(row.pk),
        "url": call.url(path, row.pk),
        "name": row.name,
        "businessKey": row.business_key,
        "businessStatus": row.business_status,
        "processDefinitionId": row.definition_id,
        "processDefinitionUrl": call.url(definition_views.PATH, row.definition_id),
        "processDefinitionName": row.definition.name or None if named else None,
        "processDefinitionDescription": row.definition.description or None if named else None,
        "startUserId": row.starter,
        "startTime": moment(row.started),
        "superProcessInstanceId": ident(row.parent),
        "variables": [variable_at(call, path, row.pk, name, value) for name, value in sorted((found or {}).items())],
        **OF_CASES,
        "tenantId": row.tenant,
    }


@listed(PATH, "query/process-instances")
def running(call: Call, given: Mapping[str, object]) -> Json:
    """The running process instances that the caller started or takes part in, and by conditions on variables; operators see all."""

    def shapes(rows: Iterable[Instance]) -> list[Json]:
        found = asked_of_page(rows, given)
        return [shaped(call, row, found.get(row.pk)) | {"superProcessInstanceId": None} for row in rows]  # as at Flowable

    return page(call, queries.instances, given, shapes)


@routes.get(PATH + "/{instance}")
def one(call: Call, instance: str) -> Json:
    """One running process instance."""
    return shaped(call, queries.instances.one(call.user, instance))


# -- starting -------------------------------------------------------------------------------------------------------------
_BY = {"processDefinitionId": "definition", "processDefinitionKey": "key", "message": "message"}


@routes.post(PATH, status=201, proves=True)
def start(call: Call) -> Json:
    """Start a process by definition id, by key (the latest version) or by message."""
    sent = call.sent
    made = _started(call, sent, values(sent.items("variables")))
    wanted = "variables" in sent or sent.flag("returnVariables") or "startFormVariables" in sent
    return shaped(call, made, instances.variables(made.pk) if wanted else None)


def _started(call: Call, sent: Members, variables: Mapping[str, Any]) -> Instance:
    by = {name: sent.text(name) for name in _BY if sent.all.get(name) is not None}
    if len(by) != 1:
        raise BadInput(f"exactly one of {', '.join(_BY)} must be given", next(iter(_BY)))
    if sent.text("tenantId") and "processDefinitionId" in by:
        raise BadInput("tenantId says whose key or message is meant; a definition has its own", "tenantId")
    about: dict[str, Any] = {
        "business_key": sent.text("businessKey"), "name": sent.text("name"), "tenant": sent.text("tenantId") or "", "user": call.remembered,
        "override": sent.text("overrideDefinitionTenantId"),
    }  # fmt: skip
    [(how, what)] = by.items()
    try:
        return instances.start(**{_BY[how]: what}, variables=variables, transient=values(sent.items("transientVariables")), **about)
    except NotFound as error:  # at Flowable a wrong key, id or message is wrong input, not a missing page
        raise BadInput(str(error), how) from error


# -- changing -------------------------------------------------------------------------------------------------------------
@routes.put(PATH + "/{instance}")
def change(call: Call, instance: str) -> Json:
    """Suspend or activate it (`action`), or give it a `name` or a `businessKey`; what is empty changes nothing."""
    sent, found = call.sent, queries.instances.one(call.user, instance)
    about = {"name": sent.text("name") or None, "business_key": sent.text("businessKey") or None}
    if sent.text("action"):
        one_of(_ACTIONS, sent)(found.pk, user=call.user)
    elif any(about.values()):
        instances.rename(found.pk, **about, user=call.user)
    return shaped(call, queries.instances.one(call.user, instance), named=False)


_ACTIONS = {"suspend": instances.suspend, "activate": instances.activate}


@routes.delete(PATH + "/{instance}")
def delete(call: Call, instance: str) -> None:
    """Cancel it, with `deleteReason`; its history stays."""
    found = queries.instances.one(call.user, instance)
    instances.cancel(found.pk, call.params.get("deleteReason", DELETED), user=call.user)


@routes.post(PATH + "/delete", status=204)
def delete_many(call: Call) -> None:
    """Cancel many (`instanceIds`), with `deleteReason`; none if one of them is not there."""
    given = call.sent.text("deleteReason", longest=LONGEST_TEXT)
    reason = DELETED if given is None else given
    one_of({"delete": list}, call.sent)
    if call.sent.all.get("instanceIds") is None:
        raise BadInput("instanceIds is missing", "instanceIds")
    for found in [queries.instances.one(call.user, key) for key in call.sent.texts("instanceIds")]:
        instances.cancel(found.pk, reason, user=call.user)


@routes.post(PATH + "/{instance}/evaluate-conditions")
def evaluate_conditions(call: Call, instance: str) -> None:
    """Let its conditional events look at the variables."""
    messages.evaluate_conditions(queries.instances.one(call.user, instance).pk, user=call.user)


@routes.get(PATH + "/{instance}/diagram")
def diagram(call: Call, instance: str) -> HttpResponse:
    """Its picture with what is done, active and failed."""
    found = queries.instances.one(call.user, instance)
    return pictures.answer(call.request, found.definition, found)
