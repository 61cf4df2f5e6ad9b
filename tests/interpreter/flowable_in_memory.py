"""Answers the calls that the conformance scenarios make, from a World in memory: only as much of the dialect as they look at."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import BadInput, Conflict, EngineError, NotFound
from engine.expressions.values import from_json, to_json, type_of
from engine.interpreter.journal import Assigned, Cancel, Completed, Evaluate, Received
from engine.interpreter.state import ROOT
from engine.testing.things import Case, Definition, Job
from engine.testing.world import World

Answer = tuple[int, Any]


@dataclass
class Reply:
    """What `requests` would give."""

    status_code: int
    body: Any = None

    @property
    def text(self) -> str:
        return json.dumps(self.body, default=str)

    def json(self) -> Any:
        return json.loads(json.dumps(self.body, default=str))


def calls(world: World, me: str = "admin") -> Callable[..., Reply]:
    """A function that answers `(method, path, params, json, files)`."""
    rest = Rest(world, me)

    def call(
        method: str, path: str, ok: Any = (200, 201, 204), params: Mapping[str, Any] | None = None, json: Any = None, files: Any = None
    ) -> Reply:
        try:
            status, body = rest.answer(method, path, params or {}, json, files)
        except NotImplementedError:
            raise
        except BadInput as error:
            status, body = 400, {"message": str(error)}
        except NotFound as error:
            status, body = 404, {"message": str(error)}
        except Conflict as error:
            status, body = 409, {"message": str(error)}
        except EngineError as error:
            status, body = 500, {"message": str(error)}
        if ok and status not in ok:
            raise AssertionError(f"{method} {path} -> {status}: {body}")
        return Reply(status, body)

    return call


class Rest:
    """The dialect over a World."""

    def __init__(self, world: World, me: str) -> None:
        self.world, self.me = world, me
        world.user = me

    def answer(self, method: str, path: str, params: Mapping[str, Any], body: Any, files: Any) -> Answer:
        for verb, pattern, reply in ROUTES:
            if verb == method and (found := re.fullmatch(pattern, path)):
                return reply(
                    self,
                    *found.groups(),
                    **{"params": params} if method == "GET" else {"body": body} if files is None else {"files": files},
                )
        raise NotImplementedError(f"{method} {path}")

    # -- small parts
    def case(self, instance: str, *, running: bool = True) -> Case:
        case = self.world.cases.get(instance)
        if case is None or (running and case.ended):
            raise NotFound(f"no instance {instance}")
        return case

    @staticmethod
    def values(listed: Any) -> dict[str, Any]:
        return {v["name"]: from_json(v["value"], v.get("type"), name=v["name"]) for v in listed or ()}

    @staticmethod
    def listed(data: list[Any]) -> Answer:
        return 200, {"data": data, "total": len(data)}

    def found_task(self, task: str) -> tuple[Case, dict[str, Any]]:
        for case in self.world.cases.values():
            for one in case.tasks.values():
                if one["id"] == task:
                    return case, one
        raise NotFound(f"no task {task}")

    def all_jobs(self) -> list[tuple[Case, Job]]:
        return [(case, job) for case in self.world.cases.values() for job in case.jobs.values()]

    def found_job(self, job: str) -> tuple[Case, Job]:
        return next(((c, j) for c, j in self.all_jobs() if j.id == job), None) or self.missing(job)

    def missing(self, what: str) -> Any:
        raise NotFound(what)

    # -- repository
    def deploy(self, *, files: Any) -> Answer:
        name, content = files["file"]
        definitions = self.world.deploy(content, name)
        return 201, {"id": str(definitions[0].deployment)}

    def undeploy(self, deployment: str, **_: Any) -> Answer:
        gone = [d for d in self.world.definitions if str(d.deployment) == deployment]
        self.world.definitions = [d for d in self.world.definitions if d not in gone]
        self.world.cases = {i: c for i, c in self.world.cases.items() if c.definition not in gone}
        return 204, None

    def definitions(self, params: Mapping[str, Any]) -> Answer:
        return self.listed([vars_of(d) for d in self.world.definitions if str(d.deployment) == params["deploymentId"]])

    def one_definition(self, one: str, **_: Any) -> Answer:
        return 200, vars_of(self.world.definition(one, by_id=True))

    # -- instances
    def start(self, body: Any) -> Answer:
        node = None
        if message := body.get("message"):
            latest = {d.key: d for d in self.world.definitions}.values()
            found = [
                (d, n) for d in latest for n in d.graph.starts(None) if n.event and (n.event.kind, n.event.name) == ("message", message)
            ]
            if not found:
                raise BadInput(f"no process starts with {message}")
            definition, node = found[0][0], found[0][1].id
        else:
            try:
                definition = self.world.definition(body["processDefinitionKey"])
            except NotFound as error:
                raise BadInput(str(error)) from error
        case = self.world.start(definition, self.values(body.get("variables")), node=node, business_key=body.get("businessKey"))
        return 201, {"id": case.id}

    def instance(self, one: str, **_: Any) -> Answer:
        return 200, {"id": one, "suspended": self.case(one).suspended}

    def instance_action(self, one: str, body: Any) -> Answer:
        case = self.case(one)
        wanted = body["action"] == "suspend"
        for each in self.tree(case):
            each.suspended = wanted
            for job in each.jobs.values():
                if wanted:
                    job.before, job.state = job.state, "suspended"
                elif job.state == "suspended":
                    job.state = job.before
        return 200, {}

    def tree(self, case: Case) -> list[Case]:
        below = [c for c in self.world.cases.values() if c.state.facts.parent == case.id]
        return [case, *(one for child in below for one in self.tree(child))]

    def delete(self, one: str, **_: Any) -> Answer:
        self.case(one)
        self.world.work((one, Cancel("deleted")))
        return 204, None

    def evaluate(self, one: str, body: Any) -> Answer:
        self.world.work((one, Evaluate()))
        return 200, {}

    def variables(self, one: str, **_: Any) -> Answer:
        values = self.case(one).state.variables.get(ROOT, {})
        return 200, [
            {"name": n, "value": to_json(v), **({"type": type_of(v)} if v is not None else {}), "scope": "local"} for n, v in values.items()
        ]

    def put_variables(self, one: str, body: Any) -> Answer:
        self.write(self.case(one), ROOT, self.values(body))
        return 201, None

    def write(self, case: Case, token: int, values: Mapping[str, Any]) -> None:
        mine = case.state.variables.setdefault(token, {})
        changes = tuple((token, name, "update" if name in mine else "create") for name in values)
        mine.update(values)
        self.world.work((case.id, Evaluate(changes)))

    # -- tasks
    def tasks(self, params: Mapping[str, Any]) -> Answer:
        case = self.world.cases.get(params["processInstanceId"])
        return self.listed([self.task_body(t) for t in case.tasks.values()] if case and not case.ended else [])

    @staticmethod
    def task_body(task: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": task["id"], "name": task["name"], "assignee": task["assignee"], "owner": task["owner"], "taskDefinitionKey": task["node"],
            "createTime": f"{task['created'].isoformat()} {task['id']}", "description": task["description"], "priority": task["priority"],
            "category": task["category"], "formKey": task["form_key"], "dueDate": task["due"],
        }  # fmt: skip

    def task_action(self, one: str, body: Any) -> Answer:
        case, task = self.found_task(one)
        if case.suspended:
            return 500, {}
        if body["action"] == "complete":
            self.complete(case, task, self.values(body.get("variables")))
        elif body["action"] == "claim":
            wanted = body.get("assignee")
            if wanted and task["assignee"] not in (None, wanted):
                raise Conflict("claimed")
            changed = task["assignee"] != wanted
            before, task["assignee"] = task["assignee"], wanted
            try:
                if changed:
                    self.world.work((case.id, Assigned(task["token"], {**task, "assignee": wanted})))
            except Exception:
                task["assignee"] = before
                raise
        return 200, {}

    def complete(self, case: Case, task: dict[str, Any], values: Mapping[str, Any]) -> None:
        local = dict(task.get("variables", {}))
        mine = {n: v for n, v in values.items() if n in local}
        rest = {n: v for n, v in values.items() if n not in local}
        self.world.work((case.id, Completed(task["token"], rest, {**local, **mine}, user=self.me, task=task)))

    def task_variables(self, one: str, **_: Any) -> Answer:
        _, task = self.found_task(one)
        return 200, [{"name": n, "value": to_json(v), "scope": "local"} for n, v in task.get("variables", {}).items()]

    def set_task_variables(self, one: str, body: Any) -> Answer:
        _, task = self.found_task(one)
        task.setdefault("variables", {}).update(self.values(body))
        return 201, None

    def links(self, one: str, **_: Any) -> Answer:
        _, task = self.found_task(one)
        return 200, [
            {"type": "candidate", "user": n if k == "user" else None, "group": n if k == "group" else None} for k, n in task["candidates"]
        ]

    # -- executions
    def subscriptions(self, params: Mapping[str, Any]) -> Answer:
        case = self.world.cases.get(params["processInstanceId"])
        waits = case.waits if case and not case.ended else []
        return self.listed(
            [
                {"eventType": k, "eventName": n, "activityId": node, "executionId": f"{case.id}.{token}"}
                for k, n, token, node, _ in waits
                if case
            ]
        )

    def executions(self, params: Mapping[str, Any]) -> Answer:
        case = self.world.cases.get(params["processInstanceId"])
        tokens = sorted(case.state.tokens.values(), key=lambda t: (t.scope, t.number)) if case and not case.ended else []
        return self.listed(
            [{"id": f"{case.id}.{t.number}", "activityId": t.node} for t in tokens if case and t.node == params.get("activityId", t.node)]
        )

    def execution(self, one: str) -> tuple[Case, int]:
        instance, _, token = one.partition(".")
        return self.case(instance), int(token or 0)

    def execution_action(self, one: str, body: Any) -> Answer:
        case, token = self.execution(one)
        if case.suspended:
            return 500, {}
        kind = {"messageEventReceived": "message", "signalEventReceived": "signal", "trigger": "trigger"}[body["action"]]
        if kind == "signal" and any(local for _, _, waiting, _, local in case.waits if waiting == token):
            return 200, {}  # a signal of instance scope is not heard from outside
        self.world.work((case.id, Received(token, kind, body.get(f"{kind}Name"), self.values(body.get("variables")))))
        return 200, {}

    def execution_variables(self, one: str, params: Mapping[str, Any]) -> Answer:
        case, token = self.execution(one)
        return 200, [{"name": n, "value": to_json(v)} for n, v in case.state.variables.get(token, {}).items()]

    def put_execution_variables(self, one: str, body: Any) -> Answer:
        case, token = self.execution(one)
        self.write(case, token, self.values(body))
        return 201, None

    def signal(self, body: Any) -> Answer:
        values = self.values(body.get("variables"))
        name = body["signalName"]
        reached = [
            (case.id, Received(token, "signal", name, values))
            for case in self.world.cases.values()
            if not case.ended and not case.suspended
            for kind, waited, token, _, local in case.waits
            if (kind, waited) == ("signal", name) and not local
        ]
        self.world.work(*reached)
        for definition in self.world.listeners(name):
            start = next(n for n in definition.graph.starts(None) if n.event and n.event.name == name)
            self.world.start(definition, values, node=start.id)
        return 204, None

    # -- jobs
    def jobs(self, kind: str, params: Mapping[str, Any]) -> Answer:
        state = {"jobs": "ready", "timer-jobs": "waiting", "deadletter-jobs": "dead", "suspended-jobs": "suspended"}[kind]
        if "processDefinitionId" in params:
            return self.listed([])
        found = [j for c, j in self.all_jobs() if j.state == state and j.instance == params["processInstanceId"] and not c.ended]
        return self.listed(
            [
                {
                    "id": j.id,
                    "elementId": j.node,
                    "retries": j.retries,
                    "createTime": f"{j.id}",
                    "dueDate": str(j.due),
                    "handlerType": j.kind,
                    "processInstanceId": j.instance,
                }
                for j in found
            ]
        )

    def execute(self, one: str, body: Any) -> Answer:
        _, job = self.found_job(one)
        return (204, None) if self.world.run_job(job) else (500, {"message": job.error})

    def move(self, kind: str, one: str, body: Any) -> Answer:
        _, job = self.found_job(one)
        job.state = "ready"
        if kind == "deadletter-jobs":
            job.retries = 3
        return 204, None

    # -- history
    def history(self, params: Mapping[str, Any]) -> Answer:
        wanted = {"superProcessInstanceId": lambda c: c.state.facts.parent, "processDefinitionId": lambda c: c.definition.id}
        name = next(n for n in wanted if n in params)
        return self.listed([self.past(c) for c in self.world.cases.values() if wanted[name](c) == params[name]])

    def past(self, case: Case) -> dict[str, Any]:
        return {
            "id": case.id, "startTime": f"{case.number:09}", "endTime": case.ended, "processDefinitionId": case.definition.id, "endActivityId": case.end,
            "businessKey": case.state.facts.business_key, "startUserId": case.state.facts.starter,
        }  # fmt: skip

    def past_instance(self, one: str, **_: Any) -> Answer:
        return 200, self.past(self.case(one, running=False))

    def activities(self, params: Mapping[str, Any]) -> Answer:
        case = self.world.cases[params["processInstanceId"]]
        return self.listed([{"activityId": r.node, "activityType": r.type, "endTime": r.ended} for r in case.history.values()])

    def past_variables(self, params: Mapping[str, Any]) -> Answer:
        case = self.world.cases[params["processInstanceId"]]
        return self.listed(
            [{"variable": {"name": n, "value": to_json(v), "scope": "global"}} for n, v in case.state.variables.get(ROOT, {}).items()]
        )


def vars_of(definition: Definition) -> dict[str, Any]:
    return {"id": definition.id, "key": definition.key, "version": definition.version}


ROUTES: list[tuple[str, str, Callable[..., Answer]]] = [
    ("POST", "repository/deployments", Rest.deploy),
    ("DELETE", "repository/deployments/(.+)", Rest.undeploy),
    ("GET", "repository/process-definitions", Rest.definitions),
    ("GET", "repository/process-definitions/(.+)", Rest.one_definition),
    ("POST", "runtime/process-instances", Rest.start),
    ("GET", "runtime/process-instances/([^/]+)", Rest.instance),
    ("PUT", "runtime/process-instances/([^/]+)", Rest.instance_action),
    ("DELETE", "runtime/process-instances/([^/]+)", Rest.delete),
    ("POST", "runtime/process-instances/([^/]+)/evaluate-conditions", Rest.evaluate),
    ("GET", "runtime/process-instances/([^/]+)/variables", Rest.variables),
    ("PUT", "runtime/process-instances/([^/]+)/variables", Rest.put_variables),
    ("GET", "runtime/tasks", Rest.tasks),
    ("POST", "runtime/tasks/([^/]+)", Rest.task_action),
    ("GET", "runtime/tasks/([^/]+)/variables", Rest.task_variables),
    ("POST", "runtime/tasks/([^/]+)/variables", Rest.set_task_variables),
    ("GET", "runtime/tasks/([^/]+)/identitylinks", Rest.links),
    ("GET", "runtime/event-subscriptions", Rest.subscriptions),
    ("GET", "runtime/executions", Rest.executions),
    ("PUT", "runtime/executions/([^/]+)", Rest.execution_action),
    ("GET", "runtime/executions/([^/]+)/variables", Rest.execution_variables),
    ("PUT", "runtime/executions/([^/]+)/variables", Rest.put_execution_variables),
    ("POST", "runtime/signals", Rest.signal),
    ("GET", "management/((?:timer-|deadletter-|suspended-)?jobs)", Rest.jobs),
    ("POST", "management/jobs/([^/]+)", Rest.execute),
    ("POST", "management/(timer-jobs|deadletter-jobs)/([^/]+)", Rest.move),
    ("GET", "history/historic-process-instances", Rest.history),
    ("GET", "history/historic-process-instances/([^/]+)", Rest.past_instance),
    ("GET", "history/historic-activity-instances", Rest.activities),
    ("GET", "history/historic-variable-instances", Rest.past_variables),
]
