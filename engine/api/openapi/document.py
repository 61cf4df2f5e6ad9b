"""The document: each call of the routers becomes an operation, with what it takes, what it answers and which scope it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from drf_spectacular.plumbing import build_root_object

from engine.api import auth, words
from engine.api.flowable import routes
from engine.api.flowable.external import routes as external_routes
from engine.api.openapi import answers, bodies, examples, refusals
from engine.api.openapi.answers import Schema, ref
from engine.api.router import Route
from engine.conf import settings as conf
from engine.models import Job
from engine.runtime import identity, queries
from engine.runtime.queries import Listing

DOORS = (("/api/", routes), ("/external-job-api/", external_routes))
_ID = re.compile(r"\{([\w]+)(?:\.\.\.)?\}")
JSON = "application/json"

# What a list is of, by the last word of its path.
LISTS: Mapping[str, tuple[str, Listing[Any]]] = {
    "repository/deployments": ("Deployment", queries.deployments),
    "repository/process-definitions": ("ProcessDefinition", queries.definitions),
    "runtime/process-instances": ("ProcessInstance", queries.instances),
    "query/process-instances": ("ProcessInstance", queries.instances),
    "runtime/executions": ("Execution", queries.executions),
    "query/executions": ("Execution", queries.executions),
    "runtime/event-subscriptions": ("EventSubscription", queries.subscriptions),
    "runtime/tasks": ("Task", queries.tasks),
    "query/tasks": ("Task", queries.tasks),
    "history/historic-process-instances": ("HistoricProcessInstance", queries.historic_instances),
    "query/historic-process-instances": ("HistoricProcessInstance", queries.historic_instances),
    "history/historic-task-instances": ("HistoricTask", queries.historic_tasks),
    "query/historic-task-instances": ("HistoricTask", queries.historic_tasks),
    "identity/users": ("User", identity.users),
    "identity/groups": ("Group", identity.groups),
    "jobs": ("ExternalJob", queries.jobs[Job.State.EXTERNAL]),
    **{f"{door}/{kind}activity-instances": ("Activity", queries.activities) for door, kind in (("history", "historic-"), ("runtime", ""))},
    **{f"query/{kind}activity-instances": ("Activity", queries.activities) for kind in ("historic-", "")},
    **{f"{door}/historic-detail": ("HistoricDetail", queries.entries) for door in ("history", "query")},
    "history/historic-variable-instances": ("VariableInstance", queries.historic_variables),
    "query/historic-variable-instances": ("VariableInstance", queries.historic_variables),
    "runtime/variable-instances": ("VariableInstance", queries.variables),
    "query/variable-instances": ("VariableInstance", queries.variables),
    "management/jobs": ("Job", queries.jobs[Job.State.READY]),
    "management/timer-jobs": ("Job", queries.jobs[Job.State.WAITING]),
    "management/suspended-jobs": ("Job", queries.jobs[Job.State.SUSPENDED]),
    "management/deadletter-jobs": ("Job", queries.jobs[Job.State.DEAD]),
}
# What the other calls answer, by the end of their path; a list of it where it stands in brackets.
_OTHERS: Mapping[str, str] = {
    "/resources": "[Resource]",
    "/resources/{name...}": "Resource",
    "/model": "Model",
    "/start-form": "Form",
    "/form": "Form",
    "/form-data": "FormData",
    "/subtasks": "[Task]",
    "/comments": "[Comment]",
    "/comments/{comment}": "Comment",
    "/attachments": "[Attachment]",
    "/attachments/{attachment}": "Attachment",
    "/events": "[TaskEvent]",
    "/events/{event}": "TaskEvent",
    "/members": "Membership",
    "management/engine": "Engine",
    "/variables": "[Variable]",
    "/variables/{name}": "Variable",
    "acquire/jobs": "[ExternalJob]",
    "/identitylinks": "[IdentityLink]",
    "/identitylinks/{family}": "[IdentityLink]",
    "/identitylinks/{family}/{name}": "IdentityLink",
    "/identitylinks/{family}/{name}/{kind}": "IdentityLink",
    "/activities": "[text]",
}
_FILES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("/resourcedata", "/resourcedata/{name...}", "/data", "/content"), ("application/octet-stream",)),
    **dict.fromkeys(("/image", "/diagram"), ("image/png", "image/svg+xml")),
    "/exception-stacktrace": ("text/plain",),
}
_MADE = {"/comments": "Comment", "/attachments": "Attachment", "/identitylinks": "IdentityLink"}  # by POST one of them
_PAGING = {"start": "the first entry, from 0", "size": "how many entries", "sort": "", "order": ""}


@cache
def document() -> Schema:
    """The whole document; the same for everybody."""
    paths: dict[str, dict[str, Schema]] = {}
    for base, router in DOORS:
        for route in router.all:
            paths.setdefault(base + _ID.sub(r"{\1}", route.path), {})[route.method.lower()] = _operation(base, route)
    made: Schema = build_root_object(paths=paths, components=_components(), webhooks={}, version="")
    return made | {
        "openapi": "3.1.0",
        "info": {"title": "Towpath Engine API", "version": "1", "description": "Flowable's REST API, answered by Towpath."},
        "security": [{"oauth2": [scope]} for scope in auth.IMPLIED] + [{"basic": []}, {"session": []}],
    }


def _components() -> Schema:
    scopes = {auth.READ: "see", auth.WRITE: "start and work", auth.ADMIN: "deploy, administer and repair"}
    code = {"authorizationUrl": "/o/authorize/", "tokenUrl": "/o/token/", "scopes": scopes}
    flows = {"authorizationCode": code, "clientCredentials": {"tokenUrl": "/o/token/", "scopes": scopes}}
    ways = {
        "oauth2": {"type": "oauth2", "flows": flows},
        "basic": {"type": "http", "scheme": "basic"},
        "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
    }
    return {"schemas": answers.schemas() | bodies.schemas(), "responses": refusals.components(), "securitySchemes": ways}


def listed() -> list[tuple[str, str]]:
    """Every call that answers with a page: the address of its door, and its path."""
    return [(base, route.path) for base, router in DOORS for route in router.all if _is_list(route)]


def _is_list(route: Route) -> bool:
    return route.path in LISTS and (route.method == "GET" or route.path.startswith("query/"))


# -- one call -------------------------------------------------------------------------------------------------------------
def _operation(base: str, route: Route) -> Schema:
    words = [word for word in re.split(r"[^A-Za-z]+", route.path) if word]
    made: Schema = {
        "operationId": "_".join([route.method.lower(), *(["external"] if base != "/api/" else []), *words]),
        "tags": [words[0] if base == "/api/" else "external jobs"],
        "summary": _said(route),
        "parameters": [*_ids(route), *_filters(route)],
        "security": [{"oauth2": [route.scope]}, {"basic": []}, {"session": []}],
    }
    body = _body(route)
    return made | body | {"responses": _responses(route, body=bool(body))}


def _said(route: Route) -> str:
    answer = getattr(route.answer, "func", route.answer)  # a partial has the docstring of its class
    return str(answer.__doc__ or "").partition("\n")[0].rstrip(".")


def _ids(route: Route) -> Iterator[Schema]:
    for name in _ID.findall(route.path):
        schema = {"type": "string", "minLength": 1}
        yield {"name": name, "in": "path", "required": True, "schema": schema, "example": examples.of_id(name)}


def _filters(route: Route) -> Iterator[Schema]:
    if route.method != "GET" or route.path not in LISTS:
        return
    for name, schema in _asked(route.path).items():
        yield {"name": name, "in": "query", "schema": {key: value for key, value in schema.items() if key != "items"}}


def _asked(path: str) -> dict[str, Schema]:
    """The paging and the filters that a list takes; in an address a filter is a text, whatever it is compared with."""
    listing = LISTS[path][1]
    paging: dict[str, Schema] = {
        "start": {"type": "integer", "minimum": 0, "default": 0},
        "size": {"type": "integer", "minimum": 0, "maximum": conf.MAX_PAGE_SIZE, "default": 10},
        "sort": {"type": "string", "enum": words.sorts(path, listing.sorts), "default": listing.default},
        "order": {"type": "string", "enum": ["asc", "desc"], "default": "asc"},
    }
    return paging | {name: {"type": "string"} for name in words.filters(path, listing.filters)}


def _body(route: Route) -> Schema:
    if route.method not in ("POST", "PUT"):
        return {}
    key = f"{route.method} {route.path}"
    if key == "POST repository/deployments":
        fields: Schema = {
            "file": {"type": "string", "format": "binary"},
            **{name: {"type": "string"} for name in ("deploymentName", "deploymentKey", "category", "tenantId")},
        }
        schema: Schema = {"type": "object", "properties": fields, "required": ["file"]}
        return _sent("multipart/form-data", schema, {"file": "order.bpmn20.xml", "deploymentName": "order"})
    if route.path.startswith("query/"):
        return _sent(JSON, {"type": "object", "properties": _queried(route)}, {"start": 0, "size": 10})
    variable = bodies.BODIES["SentVariable"][2]
    if route.path.endswith(("/variables", "/variables-async")):
        return _sent(JSON, {"type": "array", "items": ref("SentVariable"), "minItems": 1}, [variable])
    if route.path.endswith(("/variables/{name}", "/variables-async/{name}")):
        return _sent(JSON, ref("SentVariable"), variable)
    if name := bodies.OF_CALLS.get(key):
        return _sent(JSON, ref(bodies.name_of(name)), bodies.BODIES[name][2])
    return {}


def _queried(route: Route) -> dict[str, Schema]:
    """In a body a filter may be a text, a number, a flag or a list: JSON has them all."""
    asked = _asked(route.path)
    return {name: schema if name in _PAGING else {} for name, schema in asked.items()}


def _sent(kind: str, schema: Schema, example: Any) -> Schema:
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema, "example": example}}}}


# -- its answers ----------------------------------------------------------------------------------------------------------
def _responses(route: Route, *, body: bool) -> Schema:
    schema = _answer(route)
    found: Schema = {"description": HTTPStatus(route.status).phrase}
    if kinds := next((kinds for end, kinds in _FILES.items() if route.path.endswith(end)), None):
        found["content"] = {kind: _file(kind) for kind in kinds}
    elif schema is not None and route.status != HTTPStatus.NO_CONTENT:
        found["content"] = {JSON: {"schema": schema, "example": examples.of_schema(schema)}}
    more = {"204": {"description": "done, there is nothing left to show"}} if route.path in _MAY_BE_GONE and route.method != "GET" else {}
    accepted = {"202": {"description": "accepted"}} if route.path == "runtime/signals" else {}
    return {str(route.status): found, **more, **accepted, **refusals.of(route, body=body)}


def _file(kind: str) -> Schema:
    made: Schema = {"schema": {"type": "string", "format": "binary"}}
    return made | ({"example": examples.FILES[kind]} if kind in examples.FILES else {})


_MAY_BE_GONE = ("runtime/executions/{execution}", "form/form-data")


def _answer(route: Route) -> Schema | None:
    """The schema of a successful answer with a body; None where there is none, or none that is known beforehand."""
    path = route.path
    if getattr(route.answer, "func", route.answer).__annotations__.get("return") == "None":
        return None
    if path.startswith("history/") and path.endswith("/identitylinks"):
        return {"type": "array", "items": ref("HistoricIdentityLink")}
    if path == "form/form-data" and route.method == "POST":
        return ref("ProcessInstance")
    if _is_list(route):
        return ref(f"{LISTS[path][0]}Page")
    if route.method == "POST" and (made := next((shape for end, shape in _MADE.items() if path.endswith(end)), None)):
        return ref(made)
    if special := next((shape for end, shape in _OTHERS.items() if path.endswith(end)), None):
        return answers.members(f"found:{special}")["found"] if special in answers.SHAPES or special.startswith("[") else None
    of = LISTS.get(path.rpartition("/{")[0]) or (LISTS.get(path) if route.status == HTTPStatus.CREATED else None)
    return ref(of[0]) if of else None
