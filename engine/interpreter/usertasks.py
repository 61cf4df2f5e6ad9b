"""User tasks: made of what their expressions say at that moment, ended by completion, with task listeners around both.

(BPMN 2.0, 13.3.3; Flowable's UserTaskActivityBehavior.)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine.bpmn.graph import Node, UserTask
from engine.errors import ExpressionError
from engine.interpreter import advance, names, scopes, timers, variables
from engine.interpreter.invoke import invoke
from engine.interpreter.journal import Aborted, ChangeUserTask, Completed, CreateUserTask, EndUserTask
from engine.interpreter.run import Run
from engine.interpreter.state import Token
from engine.interpreter.views import Task


# -- creating
def create(run: Run, token: Token) -> None:
    """Make the task; assignment listeners come before create listeners, and do not hear of whom those give it to (as in Flowable)."""
    node = run.node(token)
    detail = node.detail
    assert isinstance(detail, UserTask)
    run.rest(token, "user")
    fields = written(run, token, node, detail)
    if detail.id_variable:
        variables.write(run, token, names.text(run, token, detail.id_variable), fields["id"])
    if fields["assignee"]:
        listen(run, token, "assignment", fields)
    listen(run, token, "create", fields)
    run.effect(CreateUserTask(token=token.number, node=node.id, activity=token.activity or "", **fields))


def written(run: Run, token: Token, node: Node, detail: UserTask) -> dict[str, Any]:
    """What the task is, from the texts of the model."""
    return {
        "id": run.env.new_id(),
        "name": as_written(run, token, node.name),
        "description": as_written(run, token, node.documentation),
        "assignee": names.maybe(run, token, detail.assignee),
        "owner": names.maybe(run, token, detail.owner),
        "candidates": candidates(run, token, detail),
        "excluded": excluded(run, token, detail),
        "due": due(run, token, detail.due),
        "priority": priority(run, token, detail.priority),
        "category": names.maybe(run, token, detail.category),
        "form_key": names.maybe(run, token, detail.form_key),
    }


def as_written(run: Run, token: Token, text: str | None) -> str | None:
    """A name or description; a failing expression in it shows as it is written instead of failing the step."""
    try:
        return names.maybe(run, token, text)
    except ExpressionError:
        return text


def candidates(run: Run, token: Token, detail: UserTask) -> tuple[tuple[str, str], ...]:
    """Who may claim the task: each text may give one name, several with commas between, or a list."""
    found: dict[tuple[str, str], None] = {}
    for kind, texts in (("user", detail.candidate_users), ("group", detail.candidate_groups)):
        for text in texts:
            value = names.evaluate(run, token, text)
            listed = value if isinstance(value, list | tuple) else str(value).split(",") if value is not None else []
            found.update({(kind, str(name).strip()): None for name in listed if str(name).strip()})
    return tuple(found)


def excluded(run: Run, token: Token, detail: UserTask) -> tuple[str, ...]:
    """Who may not work on it: one name, several with commas between, or a list."""
    value = None if detail.excluded is None else names.evaluate(run, token, detail.excluded)
    listed = value if isinstance(value, list | tuple) else str(value).split(",") if value is not None else []
    return tuple(str(name).strip() for name in listed if str(name).strip())


def due(run: Run, token: Token, text: str | None) -> datetime | None:
    """When the task is due: a moment, or a duration from now."""
    value = None if text is None else names.evaluate(run, token, text)
    return None if value is None or value == "" else timers.moment(value, run.now, run.env.zone)


def priority(run: Run, token: Token, text: str | None) -> int:
    """The priority, 50 unless the model says otherwise; raises ExpressionError for what is no whole number."""
    value = None if text is None else names.evaluate(run, token, text)
    try:
        return 50 if value is None or value == "" else int(value)
    except (TypeError, ValueError):
        raise ExpressionError(f"the priority of user task {token.node!r} is {value!r}, which is no whole number") from None


# -- listening
def listen(run: Run, token: Token, event: str, fields: dict[str, Any]) -> None:
    """Call the task listeners of an event; what they change in the task is written into `fields`."""
    detail = run.node(token).detail
    assert isinstance(detail, UserTask)
    for listener in detail.listeners:
        if listener.event in (event, "all"):
            task = Task(run, token, event, fields)
            find = names.lookup(run, token, event=event, task=task)
            answer = invoke(
                run,
                token,
                listener.kind,
                listener.implementation,
                fields=listener.fields,
                language=listener.language,
                listener=event,
                task=fields,
                find=find,
            )
            fields.update(answer.task)


def tell(run: Run, token: Token, event: str, task: Mapping[str, Any]) -> dict[str, Any]:
    """Call the listeners of an event of a task that exists, and give the task as it is then."""
    fields = dict(task)
    listen(run, token, event, fields)
    changes = {name: value for name, value in fields.items() if name not in task or task[name] != value}
    if changes:
        run.effect(ChangeUserTask(token.number, changes))
    return fields


def deleted(run: Run, token: Token) -> None:
    """Tell the delete listeners of a task that goes with what is interrupted; they see its model, not who works on it."""
    listen(run, token, "delete", {"name": as_written(run, token, run.node(token).name)})


# -- completing
def complete(run: Run, token: Token, done: Completed) -> None:
    """End the task: its variables come in, complete and delete listeners run, the token leaves."""
    detail = run.node(token).detail
    assert isinstance(detail, UserTask)
    run.transient.setdefault(token.number, {}).update(done.transient)
    variables.write_all(run, token, done.variables)  # past what is local to the task and only seen from now on
    run.transient[token.number].update(done.local)
    if detail.completer_variable:
        variables.write(run, token, names.text(run, token, detail.completer_variable), done.user)
    fields = tell(run, token, "complete", done.task)
    listen(run, token, "delete", fields)
    run.effect(EndUserTask(token.number, run.now, completed=True))
    run.wake(token)
    for name in done.local:
        run.transient[token.number].pop(name, None)
    run.plan("leave", token)


def abort(run: Run, token: Token, given_up: Aborted) -> None:
    """End the task without a result; the branch goes on by a job, so that who gave it up has not to wait for what follows."""
    listen(run, token, "delete", dict(given_up.task))
    run.effect(EndUserTask(token.number, run.now, completed=False, reason="aborted"))
    run.wake(token)
    scopes.disarm_boundary(run, token, run.node(token))
    advance.create_job(run, token, "async-leave")
