"""Every call of the API as nobody, a stranger, a participant and an operator: nobody gets in, a stranger gets nothing, nothing falls over."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from engine.api.flowable import routes
from engine.api.flowable.external import routes as external_routes
from engine.api.router import Route
from engine.models import Job
from tests.api.conftest import Api, line, model

pytestmark = pytest.mark.django_db

ASYNC = '<serviceTask id="store" flowable:async="true" flowable:expression="${1}"/>'
WORLD = model("world", line('<userTask id="check" flowable:assignee="alice"/>', ASYNC))

ALL = [("/api/", route) for route in routes.all] + [("/external-job-api/", route) for route in external_routes.all]

# What a stranger may do without seeing anything of others: lists (of nothing), a task of his own, what is about nothing.
OPEN_TO_ALL = {
    "POST runtime/tasks",
    "GET management/engine",
    "GET history/historic-detail",
    "GET identity/users",
    "GET identity/groups",
}


@pytest.fixture
def ids(operator: Api) -> dict[str, str]:
    """An id for each kind of thing in a path, all of them alice's or an operator's."""
    deployment = operator.deploy(WORLD, "world.bpmn")["id"]
    definition = operator.get("repository/process-definitions")["data"][0]["id"]
    instance = operator.start("world", title="Letter")
    task = operator.task(instance)
    comment = operator.send("POST", f"runtime/tasks/{task}/comments", {"message": "Hi", "saveProcessInstanceId": True}, 201)["id"]
    attachment = operator.send("POST", f"runtime/tasks/{task}/attachments", {"name": "x", "externalUrl": "http://example.org"}, 201)["id"]
    done = operator.start("world")
    operator.send("POST", f"runtime/tasks/{operator.task(done)}", {"action": "complete"})
    return {
        "deployment": deployment, "definition": definition, "instance": instance, "task": task, "comment": comment, "execution": instance,
        "attachment": attachment, "job": str(Job.objects.get().pk), "subscription": "00000000-0000-0000-0000-000000000000", "family": "users",
        "name": "alice", "kind": "assignee", "group": "customers",
    }  # fmt: skip


def address(route: Route, ids: dict[str, str]) -> str:
    """The path of a route with ids in it."""
    of = {"process-instances": "instance", "executions": "instance", "tasks": "task"}
    key = next((of[part] for part in route.path.split("/") if part in of), "task")
    known = {**ids, "key": ids[key], "name...": "world.bpmn", "name": "title" if "variables" in route.path else ids["name"]}
    return re.sub(r"\{([\w.]+)\}", lambda found: known[found[1]], route.path)


LINK, VARIABLE, WORKER = {"user": "charlie", "type": "reader"}, {"name": "title", "value": "x"}, {"workerId": "w1", "lockDuration": "PT1M"}
BODIES: dict[str, Any] = {
    "POST runtime/process-instances/delete": {"action": "delete", "instanceIds": ["{instance}"]},
    "POST history/historic-process-instances/delete": {"action": "delete", "instanceIds": ["{instance}"]},
    "PUT runtime/executions/{execution}": {"action": "trigger"},
    "POST runtime/tasks/{task}": {"action": "complete"},
    "POST runtime/tasks/{task}/comments": {"message": "Hi"},
    "POST history/historic-process-instances/{instance}/comments": {"message": "Hi"},
    "POST runtime/tasks/{task}/attachments": {"name": "x", "externalUrl": "http://example.org"},
    "POST runtime/tasks/{task}/identitylinks": LINK,
    "POST runtime/process-instances/{instance}/identitylinks": LINK,
    "POST repository/process-definitions/{definition}/identitylinks": {"user": "charlie"},
    "PUT repository/process-definitions/{definition}": {"action": "suspend"},
    "PUT runtime/process-instances/{instance}": {"action": "suspend"},
    "POST identity/groups/{group}/members": {"userId": "charlie"},
    "POST management/jobs/{job}": {"action": "execute"},
    "POST management/timer-jobs/{job}": {"action": "move"},
    "POST management/suspended-jobs/{job}": {"action": "move"},
    "POST management/deadletter-jobs/{job}": {"action": "move"},
    **{f"POST acquire/jobs/{{job}}/{verb}": WORKER for verb in ("complete", "fail", "bpmnError", "renew")},
    "POST unacquire/jobs/{job}": WORKER,
}


def call(client: Client, base: str, route: Route, ids: dict[str, str]) -> Any:
    sent = (
        [VARIABLE]
        if route.path.endswith("/variables")
        else VARIABLE
        if route.path.endswith("/variables/{name}")
        else BODIES.get(named(route), {})
    )
    body: dict[str, Any] = {} if route.method == "GET" else {"data": sent, "content_type": "application/json"}
    return getattr(client, route.method.lower())(base + address(route, ids), **body)


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def test_lets_nobody_in_without_credentials(ids: dict[str, str]) -> None:
    for base, route in ALL:
        assert call(Client(), base, route, ids).status_code == 401, named(route)


def test_gives_a_stranger_nothing(of_charlie: Api, ids: dict[str, str]) -> None:
    for base, route in sorted(ALL, key=lambda found: named(found[1]) == "POST runtime/tasks"):  # of which he sees his own afterwards
        answer = call(of_charlie.http, base, route, ids)
        said = answer.json() if answer.content and "json" in answer["Content-Type"] else {}
        empty = answer.status_code == 200 and said.get("total") == 0
        refused = answer.status_code in (403, 404, 405, 415) or (answer.status_code == 400 and "{" not in route.path)
        assert empty or refused or named(route) in OPEN_TO_ALL, f"{named(route)}: {answer.status_code} {answer.content[:200]}"


@pytest.mark.parametrize("role", ["of_alice", "operator"])
def test_never_falls_over(role: str, request: pytest.FixtureRequest, ids: dict[str, str]) -> None:
    api: Api = request.getfixturevalue(role)
    for base, route in sorted(ALL, key=lambda found: (found[1].method == "DELETE", found[1].path)):
        answer = call(api.http, base, route, ids)
        assert answer.status_code < 500, f"{named(route)}: {answer.status_code} {answer.content[:300]}"


def test_answers_every_id_that_is_none_with_a_refusal(operator: Api, ids: dict[str, str]) -> None:
    for wrong in ("nobody", "00000000-0000-0000-0000-000000000000", "%00", "a" * 500, "..", "1.2.3", "é"):
        for base, route in ALL:
            if "{" in route.path:
                answer = call(operator.http, base, route, dict.fromkeys(ids, wrong))
                assert 400 <= answer.status_code < 500, f"{named(route)} with {wrong[:20]!r}: {answer.status_code}"
