"""Every call of the service API: who calls, what the path means, and one shape for every error. Nothing is done before all is checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.transaction import non_atomic_requests
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from engine.api.automatiko import document, extras, finding, management, polling, promises, shaped, tasks, throttle, workflows
from engine.api.automatiko.asking import Call
from engine.api.automatiko.callers import caller
from engine.api.automatiko.finding import Service
from engine.api.automatiko.shaped import NoInstance, Nothing
from engine.api.body import read_up, storable
from engine.api.errors import impossible
from engine.api.router import base_of
from engine.bpmn.graph import Graph, Node
from engine.conf import settings as conf
from engine.errors import BadInput
from engine.models import Instance
from engine.models.fields import uuid7
from engine.runtime import naming, newest

LONGEST = 2000
OF_INSTANCES = ("GET", "POST", "DELETE")
Found = Callable[[], Any]
Methods = dict[str, Found]


@csrf_exempt  # sessions are checked in `auth`, which tells the reason in JSON
@non_atomic_requests
def door(request: HttpRequest, path: str) -> HttpResponseBase:
    """The view of all paths below `/services/`."""
    try:
        answer = _answered(request, path)
    except Exception as error:
        answer = shaped.answer(request, error)
    read_up(request)
    return answer


def _answered(request: HttpRequest, path: str) -> HttpResponseBase:
    if len(path) > LONGEST or not storable(path):
        raise BadInput("the address is too long or holds a character that cannot be stored")
    who = caller(request)
    throttle.calls.check(who.client, conf.SERVICES_RATE)
    base = base_of(request, path)
    call = Call(request, who, base)
    segments = path.removesuffix("/").split("/")
    return promises.kept(call, lambda: _dispatch(call, segments))


def _dispatch(call: Call, segments: list[str]) -> Any:
    """Find what the path means, then what its methods do; raises Nothing, Refused (405)."""
    method = "GET" if call.request.method == "HEAD" else str(call.request.method)
    found = _methods(call, segments, method)
    if method not in found:
        raise impossible(method, found)
    return found[method]()


def _methods(call: Call, segments: list[str], method: str) -> Methods:
    match segments:
        case ["requests", key]:
            return {"GET": lambda: polling.one(call, key)}
        case ["openapi.json"]:
            return {"GET": lambda: document.all_workflows(call)}
        case ["management", *rest]:
            return management.methods(call, rest)
        case [version, key, *rest] if naming.VERSION.fullmatch(version):
            return _workflow(call, finding.service(key, version), rest, method)
        case [key] if key and method == "POST":
            return {"POST": lambda: _started(call, key)}
        case [key, *rest] if key:
            return _workflow(call, finding.service(key, None, newest.asked if len(rest) < 2 else newest.known), rest, method)
    raise Nothing()


def _started(call: Call, key: str) -> Any:
    """A start that happens at once may go by what is remembered; one that is accepted is written without a proof."""
    instance = uuid7()  # the same in both tries: keys for what is done outside come from it
    return newest.confirmed(
        lambda find: workflows.start(call, finding.service(key, None, newest.asked if call.asynchronous else find), instance)
    )


def _workflow(call: Call, where: Service, rest: list[str], method: str) -> Methods:
    match rest:
        case []:
            return {"GET": lambda: workflows.listing(call, where), "POST": lambda: workflows.start(call, where)}
        case ["openapi.json"]:
            return {"GET": lambda: document.one_workflow(call, where)}
        case ["image"]:
            return {"GET": lambda: extras.picture(call, where)}
        case [key, *more]:
            return _found(call, where, key, more, method)
    raise Nothing()


def _found(call: Call, where: Service, key: str, more: list[str], method: str) -> Methods:
    """Below an instance. Where keys with slashes are taken, as many segments as there is an instance for are its key."""
    joined = [(key, more)]
    if conf.SERVICES_COMPATIBLE and more:
        joined += [("/".join([key, *more[:n]]), more[n:]) for n in range(1, len(more) + 1)]
    for id_, rest in joined:
        row = where.find(id_)
        if row is not None:
            finding.check(row, call.user, change=method not in ("GET", "HEAD") and (len(rest) < 2 or rest[0] == "tags"))
            if rest and conf.SERVICES_COMPATIBLE:
                workflows.check_status(call, row, id_)  # what is within one that failed is not found either
            return _instance(call, row, id_, rest, id_)
    if not _is_known(where.graph, more, method):
        raise Nothing()
    if not more and method not in OF_INSTANCES:
        raise impossible(method, OF_INSTANCES)  # whether there is an instance or not
    raise NoInstance(key)


def _is_known(graph: Graph, rest: list[str], method: str) -> bool:
    """Whether a path below an instance could mean anything."""
    named = _names(graph).keys() | extras.events(graph) | extras.called(graph).keys()
    return not rest or rest[0] in ("tasks", "tags", "image") or rest[0] in named or method == "DELETE"


def _instance(call: Call, row: Instance, key: str, rest: list[str], top: str) -> Methods:
    match rest:
        case []:
            found: Methods = {
                "GET": lambda: workflows.one(call, row, key),
                "POST": lambda: workflows.update(call, row, top),
                "DELETE": lambda: workflows.abort(call, row, top),
            }
            return found
        case ["tasks"]:
            return {"GET": lambda: tasks.listing(call, row)}
        case ["tags"]:
            return {"GET": lambda: extras.tags(call, row), "POST": lambda: extras.add_tag(call, row)}
        case ["tags", *parts]:
            return {"DELETE": lambda: extras.remove_tag(call, row, "/".join(parts))}
        case ["image"]:
            return {"GET": lambda: extras.picture_of(call, row)}
        case [name]:
            return _named(call, row, name, top)
        case [name, id_, *more]:
            return _inside(call, row, name, id_, more, top)
    raise Nothing()


# -- what a model names ---------------------------------------------------------------------------------------------------
def _names(graph: Graph) -> dict[str, Node]:
    return {naming.of_node(node): node for node in graph.nodes.values() if node.type in ("userTask", "receiveTask", "callActivity")}


def _named(call: Call, row: Instance, name: str, top: str) -> Methods:
    """A signal, message or receive task; or the instances of a process that is called."""
    graph = extras.definitions.graph(row.definition)
    if name in extras.called(graph):
        return {"GET": lambda: extras.children(call, row, name)}
    if name in extras.events(graph):
        return {"POST": lambda: extras.signal(call, row, name, top)}
    raise Nothing()


def _inside(call: Call, row: Instance, name: str, key: str, more: list[str], top: str) -> Methods:
    """A task, or an instance that was called, to any depth."""
    graph = extras.definitions.graph(row.definition)
    if name in extras.called(graph):
        return _instance(call, finding.child(row, key, extras.called(graph)[name]), key, more, top)
    node = _names(graph).get(name)
    if more or node is None or node.type != "userTask":
        raise Nothing()
    return {
        "GET": lambda: tasks.one(call, row, name, key),
        "POST": lambda: tasks.change(call, row, name, key, top),
        "DELETE": lambda: tasks.abort(call, row, name, key, top),
    }
