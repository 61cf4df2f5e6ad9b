"""One of each thing, so that every call of the API can be made as it is meant: with ids that are there and a body that is right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from engine.api.flowable import routes
from engine.api.flowable.external import routes as external_routes
from engine.api.router import Route
from engine.models import Job, Variable
from tests.api.conftest import Api, line, model

JSON = "application/json"
ALL = [("/api/", route) for route in routes.all] + [("/external-job-api/", route) for route in external_routes.all]

ASYNC = '<serviceTask id="store" flowable:async="true" flowable:expression="${1}"/>'
CHECK = (
    '<userTask id="check" flowable:assignee="alice"><extensionElements><flowable:formProperty id="remark" type="string"/>'
    "</extensionElements></userTask>"
)
DRAWN = (
    '<BPMNDiagram xmlns="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC">'
    '<BPMNPlane bpmnElement="world"><BPMNShape bpmnElement="check"><dc:Bounds x="10" y="10" width="100" height="80"/></BPMNShape>'
    "</BPMNPlane></BPMNDiagram></definitions>"
)
WORLD = model("world", line(CHECK, ASYNC)).replace(b"</definitions>", DRAWN.encode())
OUTSIDE = model("outside", line('<serviceTask id="pick" flowable:type="external-worker" flowable:topic="picking"/>'))
TIMED = model("timed", line('<intermediateCatchEvent id="later"><timerEventDefinition><timeDuration>PT1H</timeDuration>'
                            "</timerEventDefinition></intermediateCatchEvent>"))  # fmt: skip
RESTING = model("resting", line('<receiveTask id="rest"/>'))
HEARING = (
    model("hearing", line('<intermediateCatchEvent id="hear"><signalEventDefinition signalRef="s"/></intermediateCatchEvent>'))
    .decode()
    .replace("<process", '<signal id="s" name="alert"/><process', 1)
    .encode()
)

OF_PATH = {  # which of the jobs, tasks and instances a path means
    "management/jobs": "ready", "management/timer-jobs": "timer", "management/suspended-jobs": "suspended",
    "management/deadletter-jobs": "dead", "management/history-jobs": "dead", "jobs": "free", "acquire/jobs": "held", "unacquire/jobs": "held",
}  # fmt: skip
NEVER = {f"{method} management/history-jobs/{{job}}": 404 for method in ("GET", "POST", "DELETE")}  # what there is none of, whoever asks
MOVED = {"management/timer-jobs": "move", "management/suspended-jobs": "move", "management/deadletter-jobs": "move"}


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def build(operator: Api) -> dict[str, str]:
    """Make it all, and say what is called how; the process and its task are alice's."""
    known = {"deployment": operator.deploy(WORLD, "world.bpmn")["id"]}
    for name, data in (("outside", OUTSIDE), ("timed", TIMED), ("resting", RESTING), ("hearing", HEARING)):
        operator.deploy(data, f"{name}.bpmn")
        known[name] = operator.start(name)
    known["definition"] = operator.get("repository/process-definitions", {"key": "world"})["data"][0]["id"]
    known["instance"] = operator.start("world", title="Letter")
    known["task"] = operator.task(known["instance"])
    known["execution"] = operator.get("runtime/executions", {"processInstanceId": known["resting"], "activityId": "rest"})["data"][0]["id"]
    known |= _about(operator, known) | _past(operator) | _jobs(operator)
    operator.send("POST", "identity/groups", {"id": "office"}, 201)
    operator.send("POST", "identity/groups/office/members", {"userId": "alice"}, 201)
    return known | {"family": "users", "name": "alice", "kind": "participant", "group": "office"}


def _about(operator: Api, known: dict[str, str]) -> dict[str, str]:
    """What is said of the task and the instance, attached and linked to them."""
    task, instance = f"runtime/tasks/{known['task']}", f"runtime/process-instances/{known['instance']}"
    operator.send("POST", f"{task}/variables", [{"name": "title", "value": "Own"}], 201)
    comment = operator.send("POST", f"{task}/comments", {"message": "Hi", "saveProcessInstanceId": True}, 201)["id"]
    sent = {"name": "scan", "file": SimpleUploadedFile("scan.bin", b"\x01")}
    attachment = operator.http.post(f"/api/{task}/attachments", sent).json()["id"]
    for path in (task, instance, f"runtime/executions/{known['resting']}"):
        assert operator.http.post(f"/api/{path}/variables", sent | {"file": SimpleUploadedFile("scan.bin", b"\x01")}).status_code == 201
    operator.send("POST", f"runtime/executions/{known['resting']}/variables", [{"name": "title", "value": "x"}], 201)
    for path in (task, instance):
        operator.send("POST", f"{path}/identitylinks", {"user": "dave", "type": "participant"}, 201)
    operator.send("POST", f"repository/process-definitions/{known['definition']}/identitylinks", {"user": "dave"}, 201)
    event = operator.get(f"{task}/events")[0]["id"]
    subscription = operator.get("runtime/event-subscriptions")["data"][0]["id"]
    return {"comment": comment, "attachment": attachment, "event": event, "subscription": subscription, "scan": str(_scan())}


def _scan() -> Any:
    return Variable.objects.filter(name="scan", task=None).earliest("id").pk


def _past(operator: Api) -> dict[str, str]:
    """An instance that has ended, a task of no process that has, one that is open, and what was said about the first."""
    ended = operator.start("resting")
    done, own = (operator.send("POST", "runtime/tasks", {"name": name}, 201)["id"] for name in ("done", "own"))
    operator.send("POST", f"runtime/tasks/{done}", {"action": "complete"})
    said = operator.send("POST", f"history/historic-process-instances/{ended}/comments", {"message": "Over"}, 201)["id"]
    operator.send("DELETE", f"runtime/process-instances/{ended}", status=204)
    return {"ended": ended, "done": done, "own": own, "said": said}


def _jobs(operator: Api) -> dict[str, str]:
    """A job of each kind and state; all have failed once."""
    known = {"timer": str(Job.objects.get(kind="timer").pk), "free": str(Job.objects.get(kind="external").pk)}
    for state in (Job.State.READY, Job.State.SUSPENDED, Job.State.DEAD):
        operator.send("POST", f"runtime/tasks/{operator.task(operator.start('world'))}", {"action": "complete"})
        job = Job.objects.filter(kind="async").latest("created")
        Job.objects.filter(pk=job.pk).update(state=state)
        known[str(state)] = str(job.pk)
    operator.start("outside")
    held = Job.objects.filter(kind="external").latest("created")
    Job.objects.filter(pk=held.pk).update(lease_owner="w1", lease_until="2100-01-01T00:00:00Z")
    Job.objects.update(error="It went wrong", traceback="Traceback: here")
    return known | {"held": str(held.pk)}


# -- a call as it is meant ------------------------------------------------------------------------------------------------
def address(route: Route, known: dict[str, str]) -> str:
    """The path of a route with ids in it."""
    return re.sub(r"\{([\w.]+)\}", lambda found: _id(route, found[1], known), route.path) + QUERIES.get(named(route), "").format(**known)


QUERIES = {
    "DELETE repository/deployments/{deployment}": "?cascade=true",
    "GET form/form-data": "?taskId={task}",
}


def _id(route: Route, word: str, known: dict[str, str]) -> str:
    path, first = route.path, "/".join(route.path.split("/")[:2])
    match word:
        case "job":
            return known[OF_PATH[next(prefix for prefix in OF_PATH if path.startswith(prefix + "/"))]]
        case "key" if path.endswith("/data") and "variable-instances" in path:
            return known["scan"]
        case "key":
            return known[{"runtime/tasks": "task", "runtime/executions": "resting"}.get(first, "instance")]
        case "name...":
            return "world.bpmn"
        case "name" if path.endswith("/{name}/data"):
            return "scan"
        case "name" if "variables" in path:
            return "title"
        case "name" if "identitylinks" in path:
            return "dave"
        case _ if (route.method, path, word) in ENDED:
            return known[ENDED[route.method, path, word]]
    return known[word]


ENDED = {
    ("DELETE", "history/historic-process-instances/{instance}", "instance"): "ended",
    ("DELETE", "history/historic-task-instances/{task}", "task"): "done",
    ("DELETE", "runtime/tasks/{task}", "task"): "own",
}

VARIABLE, WORKER = {"name": "title", "value": "x"}, {"workerId": "w1", "lockDuration": "PT1M"}
LINK = {"user": "charlie", "type": "reader"}
BODIES: dict[str, Any] = {
    "PUT repository/process-definitions/{definition}": {"action": "suspend", "date": "2100-01-01T00:00:00Z"},
    "POST repository/process-definitions/{definition}/identitylinks": {"user": "charlie"},
    "POST runtime/process-instances": {"processDefinitionId": "{definition}"},
    "PUT runtime/process-instances/{instance}": {"action": "suspend"},
    "POST runtime/process-instances/delete": {"action": "delete", "instanceIds": ["{instance}"]},
    "POST runtime/process-instances/{instance}/identitylinks": LINK,
    "PUT runtime/executions": {"action": "signalEventReceived", "signalName": "alert"},
    "PUT runtime/executions/{execution}": {"action": "trigger"},
    "POST runtime/signals": {"signalName": "alert"},
    "PUT runtime/tasks": {"taskIds": ["{task}"], "priority": 7},
    "PUT runtime/tasks/{task}": {"priority": 7},
    "POST runtime/tasks/{task}": {"action": "complete"},
    "POST runtime/tasks/{task}/comments": {"message": "Hi"},
    "POST runtime/tasks/{task}/attachments": {"name": "x", "externalUrl": "http://example.org"},
    "POST runtime/tasks/{task}/identitylinks": LINK,
    "POST form/form-data": {"taskId": "{task}", "properties": []},
    "POST history/historic-process-instances/delete": {"action": "delete", "instanceIds": ["{ended}"]},
    "POST history/historic-process-instances/{instance}/comments": {"message": "Hi"},
    "POST identity/users": {"id": "erin"},
    "PUT identity/users/{name}": {"lastName": "Miller"},
    "POST identity/groups": {"id": "cellar"},
    "PUT identity/groups/{group}": {"name": "The office"},
    "POST identity/groups/{group}/members": {"userId": "admin"},
    "POST management/jobs/{job}": {"action": "execute"},
    "POST management/history-jobs/{job}": {"action": "execute"},
    "POST management/deadletter-jobs": {"action": "move", "jobIds": ["{dead}"]},
    **{f"POST {path}/{{job}}": {"action": action} for path, action in MOVED.items()},
    **{f"POST acquire/jobs/{{job}}/{verb}": WORKER for verb in ("complete", "fail", "bpmnError", "renew")},
    "POST acquire/jobs": {"topic": "picking", **WORKER},
    "POST unacquire/jobs/{job}": WORKER,
    "POST unacquire/jobs": WORKER,
}  # fmt: skip


def body(route: Route, known: dict[str, str]) -> Any:
    """What the call brings, as JSON; {} where it takes nothing or anything."""
    if route.path.endswith("/variables") or route.path.endswith("/variables-async"):
        return [VARIABLE | ({"name": "fresh"} if route.method == "POST" else {})]
    if "/variables/" in route.path or "/variables-async/" in route.path:
        return VARIABLE
    return _filled(BODIES.get(named(route), {}), known)


def _filled(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(one, known) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, known) for one in value]
    return value.format(**known) if isinstance(value, str) else value


def call(client: Client, base: str, route: Route, known: dict[str, str], **more: Any) -> Any:
    """Make the call as it is meant."""
    path = base + address(route, known)
    if named(route) == "POST repository/deployments":
        sent = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("another.bpmn", RESTING.replace(b"resting", b"another"))})
        return client.generic("POST", path, sent, content_type=MULTIPART_CONTENT, **more)
    if route.method in ("GET", "DELETE"):
        return client.generic(route.method, path, **more)
    return getattr(client, route.method.lower())(path, body(route, known), content_type=JSON, **more)


def routes_with_ids() -> Iterator[tuple[str, Route]]:
    return ((base, route) for base, route in ALL if "{" in route.path)
