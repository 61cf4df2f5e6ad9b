"""What others wait for, as rows: tokens, variables, user tasks, jobs and subscriptions of the instances of one unit."""

from __future__ import annotations

import traceback
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from engine import models, tracing
from engine.conf import settings as conf
from engine.interpreter.journal import ChangeUserTask, CreateJob, CreateSubscription, CreateUserTask, EndUserTask, Entered, Withdraw
from engine.models.fields import uuid7
from engine.runtime.store.claims import LONGEST_ERROR
from engine.runtime.store.instances import Loaded
from engine.runtime.store.statements import Statement, adapted, among, insert
from engine.runtime.store.values import COLUMNS, columns_of, encoded

CHANGEABLE = frozenset(["name", "description", "assignee", "owner", "due", "priority", "category", "form_key"])


def statements(units: Iterable[Loaded], now: datetime) -> list[Statement]:
    """Everything but the instances' own rows and the history, one statement a kind."""
    units = list(units)
    return [*_tokens(units), *_variables(units, now), *_user_tasks(units), *_jobs(units, now), *_subscriptions(units, now)]


# -- tokens ---------------------------------------------------------------------------------------------------------------
def _tokens(units: list[Loaded]) -> list[Statement]:
    rows = [_token(u, n) for u in units if not u.state.ended for n in sorted(u.state.added | u.state.changed)]
    changing = ("parent", "node", "scope", "wait", "activity", "counters")
    made = insert(models.Token, rows, replace=changing, on="instance_id, number")
    return made + [s for u in units if not u.new for s in _tokens_gone(u)]


def _token(unit: Loaded, number: int) -> dict[str, Any]:
    t = unit.state.tokens[number]
    return {
        "id": uuid7(), "instance_id": unit.id, "number": number, "parent": t.parent, "node": t.node, "scope": t.scope, "wait": t.wait,
        "activity": UUID(t.activity) if t.activity else None, "counters": t.counters,
    }  # fmt: skip


def _tokens_gone(unit: Loaded) -> list[Statement]:
    (key,) = adapted([unit.id])
    if unit.state.ended:
        return [Statement("DELETE FROM towpath_token WHERE instance_id = %s", [key])]
    if not unit.state.removed:
        return []
    where, values = among("number", sorted(unit.state.removed))
    return [Statement(f"DELETE FROM towpath_token WHERE instance_id = %s AND {where}", [key, *values])]


# -- variables ------------------------------------------------------------------------------------------------------------
def _variables(units: list[Loaded], now: datetime) -> list[Statement]:
    rows, blobs = [], []
    for unit in units:
        for number, name, value, key, live in _values(unit):
            columns, content = columns_of(value)
            rows.append(_variable(unit, number, name, columns, now) | {"id": key, "live": live})
            if content is not None:
                blobs.append({"id": columns["blob"], "content": content})
    made = insert(models.Variable, rows, replace=("type", *COLUMNS, "updated", "live"))
    return _blobs_gone(units) + insert(models.Blob, blobs) + made + [s for u in units if not u.new for s in _variables_gone(u)]


def _values(unit: Loaded) -> Iterator[tuple[int, str, Any, UUID, bool]]:
    """What was written in a unit: place, last value, the row's id, and whether it lives on."""
    state, past = unit.state, {(one.number, one.name) for one in unit.state.past if one.stored}
    for place in state.written:
        known = unit.variable_ids.get(place) if place not in past else None  # a place that was left and taken anew has a row of its own
        yield *place, state.variables[place[0]][place[1]], known or uuid7(), not state.ended
    for one in state.past if conf.HISTORY != "none" else ():
        if one.written:
            known = unit.variable_ids.get((one.number, one.name)) if one.stored else None
            yield one.number, one.name, one.value, known or uuid7(), False


def _blobs_gone(units: list[Loaded]) -> list[Statement]:
    """What was large leaves nothing behind when it is written anew, or removed by name."""
    over = {(u.id, place): u.blobs[place] for u in units if u.blobs for place in _replaced(u) if place in u.blobs}
    if not over:
        return []
    where, values = among("id", sorted(over.values()))
    return [Statement(f"DELETE FROM towpath_blob WHERE {where}", values)]


def _replaced(unit: Loaded) -> Iterator[tuple[int, str]]:
    """The variables whose rows get another value, or go."""
    state, past = unit.state, {(one.number, one.name): one.written for one in unit.state.past if one.stored}
    yield from (place for place in (*state.written, *state.dropped) if place not in past)
    yield from (place for place, written in past.items() if written)


def _variable(unit: Loaded, number: int, name: str, columns: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {"instance_id": unit.id, "token": number, "task": None, "name": name, **columns, "created": now, "updated": now}


def _variables_gone(unit: Loaded) -> list[Statement]:
    """With its scope a variable becomes history; removed by name it is gone."""
    (key,) = adapted([unit.id])
    gone = [row for place in unit.state.dropped if (row := unit.variable_ids.get(place))]
    made = []
    if gone:
        where, values = among("id", gone)
        made.append(Statement(f"DELETE FROM towpath_variable WHERE {where}", values))
    if unit.state.ended:
        return [*made, Statement("UPDATE towpath_variable SET live = %s WHERE instance_id = %s AND live", [False, key])]
    past = [one for one in unit.state.past if one.stored and not (one.written and conf.HISTORY != "none")]
    if rows := [row for one in past if (row := unit.variable_ids.get((one.number, one.name)))]:
        where, values = among("id", rows)
        made.append(Statement(f"UPDATE towpath_variable SET live = %s WHERE {where}", [False, *values]))
    return made


# -- user tasks -----------------------------------------------------------------------------------------------------------
def _user_tasks(units: list[Loaded]) -> list[Statement]:
    """What happened to earlier tasks comes first: the same token may stand in a new task by the end of the unit."""
    tasks: list[dict[str, Any]] = []
    links: list[dict[str, Any]] = []
    earlier: list[Statement] = []
    for unit in units:
        here: dict[int, dict[str, Any]] = {}  # token -> its task made in this unit
        for e in unit.effects:
            match e:
                case CreateUserTask():
                    here[e.token] = _user_task(unit, e)
                    tasks.append(here[e.token])
                    links += [_link(e, kind, who) for kind, who in e.candidates] + [_link(e, "user", who, "excluded") for who in e.excluded]
                case ChangeUserTask() if e.token in here:
                    here[e.token] |= {n: v for n, v in e.changes.items() if n in CHANGEABLE}
                case ChangeUserTask():
                    earlier.append(_task_changed(unit, e))
                case EndUserTask() if e.token in here:
                    here.pop(e.token).update(_end(unit, e))
                case EndUserTask():
                    earlier.append(_task_ended(unit, e))
    return earlier + insert(models.UserTask, tasks) + insert(models.IdentityLink, links)


def _user_task(unit: Loaded, e: CreateUserTask) -> dict[str, Any]:
    began = next(f.at for f in unit.journal if isinstance(f, Entered) and f.activity == e.activity)
    return {
        "id": UUID(e.id), "instance_id": unit.id, "definition_id": unit.definition, "token": e.token, "activity": UUID(e.activity),
        "node": e.node, "name": e.name, "description": e.description, "assignee": e.assignee, "owner": e.owner, "delegation": None,
        "state": "open", "reason": None, "priority": e.priority, "category": e.category, "form_key": e.form_key,
        "tenant": unit.tenant, "parent": None, "due": e.due, "created": began, "claimed": None, "ended": None,
        "completed_by": None, "suspended": unit.suspended,
    }  # fmt: skip


def _end(unit: Loaded, e: EndUserTask) -> dict[str, Any]:
    return {
        "state": "completed" if e.completed else "deleted", "reason": e.reason, "ended": e.at,
        "completed_by": unit.state.facts.user if e.completed else None,
    }  # fmt: skip


def _link(e: CreateUserTask, kind: str, who: str, role: str = "candidate") -> dict[str, Any]:
    return {
        "id": uuid7(), "task_id": UUID(e.id), "instance_id": None, "type": role,
        "user": who if kind == "user" else None, "group": who if kind == "group" else None,
    }  # fmt: skip


def _task_changed(unit: Loaded, e: ChangeUserTask) -> Statement:
    """What a task listener changed: `changes` are names of columns, as in CreateUserTask."""
    names = [n for n in e.changes if n in CHANGEABLE]
    listed = ", ".join(f'"{n}" = %s' for n in names)
    return Statement(
        f"UPDATE towpath_usertask SET {listed} WHERE instance_id = %s AND token = %s AND state = 'open'",
        adapted([*(e.changes[n] for n in names), unit.id, e.token]),
    )


_WITH_SUBTASKS = """WITH RECURSIVE ending (id) AS (
    SELECT id FROM towpath_usertask WHERE instance_id = %s AND token = %s AND state = 'open'
    UNION SELECT t.id FROM towpath_usertask t JOIN ending ON t.parent = ending.id WHERE t.instance_id IS NULL
) SELECT id FROM ending"""


def _task_ended(unit: Loaded, e: EndUserTask) -> Statement:
    """A task ends, and with it those that people hung below it (as at Flowable)."""
    new = _end(unit, e)
    names = ", ".join(f'"{n}" = %s' for n in new)
    return Statement(
        f"UPDATE towpath_usertask SET {names} WHERE state = 'open' AND id IN ({_WITH_SUBTASKS})",
        adapted([*new.values(), unit.id, e.token]),
    )


# -- jobs and subscriptions -----------------------------------------------------------------------------------------------
_STATE = {"external": "external"}
NEITHER = frozenset([None, "user", "join"])  # waits that have neither job nor subscription
ROWLESS = {  # waits that have no row in a table; a call may wait for a job of its own (completeAsync)
    "job": NEITHER | {"message", "signal", "condition", "variable", "compensation"},
    "subscription": NEITHER | {"child", "job", "timer", "external"},
}


def _jobs(units: list[Loaded], now: datetime) -> list[Statement]:
    return _withdrawn(units, "job") + insert(models.Job, [_job(u, e, now) for u, e in _lasting(units, CreateJob)])


def _job(unit: Loaded, e: CreateJob, now: datetime) -> dict[str, Any]:
    state = _STATE.get(e.kind, "ready" if e.due is None else "waiting")
    key = UUID(e.id)
    return {
        "id": key, "kind": e.kind, "state": "suspended" if unit.suspended else state, "resumes_as": state if unit.suspended else None,
        "instance_id": unit.id, "definition_id": unit.definition, "token": e.token, "node": e.node, "name": e.name, "due": e.due or now,
        "priority": 0, "exclusive": e.exclusive, "retries": conf.JOB_RETRIES, "attempts": 0, "retry": e.retry, "category": e.category,
        "topic": e.topic, "data": _stored(e), "error": None, "traceback": None, "lease_owner": None, "lease_until": None,
        "correlation": key, "tenant": unit.tenant, "created": now,
    }  # fmt: skip


def bury(unit: Loaded, failed: Mapping[str, BaseException]) -> None:
    """Make dead letters of the jobs that were just written before these steps."""
    for e in unit.effects:
        if isinstance(e, CreateJob) and e.kind == "async" and (error := failed.get(e.node)):
            models.Job.objects.filter(pk=e.id).update(
                state=models.Job.State.DEAD, retries=0, attempts=1, error=(str(error) or type(error).__name__)[:LONGEST_ERROR],
                traceback="".join(traceback.format_exception(error)),
            )  # fmt: skip


def _stored(e: CreateJob) -> dict[str, Any]:
    """A job's data as JSON; what an external worker is given keeps its types."""
    given = e.data.get("variables")
    return tracing.marked(e.data if given is None else {**e.data, "variables": encoded(given)})


def _subscriptions(units: list[Loaded], now: datetime) -> list[Statement]:
    rows = [
        {
            "id": UUID(e.id), "kind": e.kind, "name": e.name, "instance_id": u.id, "definition_id": u.definition, "token": e.token,
            "node": e.node, "data": dict(e.data), "tenant": u.tenant, "created": now,
        }
        for u, e in _lasting(units, CreateSubscription)
    ]  # fmt: skip
    return _withdrawn(units, "subscription") + insert(models.Subscription, rows)


def _lasting(units: list[Loaded], kind: type[Any]) -> list[tuple[Loaded, Any]]:
    """The effects of a kind whose token was not withdrawn later in the same unit."""
    lasting = []
    for unit in units:
        kept: dict[int, list[Any]] = defaultdict(list)
        for e in unit.effects:
            if isinstance(e, Withdraw):
                kept.pop(e.token, None)
            elif isinstance(e, kind):
                kept[e.token].append(e)
        if not unit.state.ended:
            lasting += [(unit, e) for made in kept.values() for e in made]
    return lasting


def _withdrawn(units: list[Loaded], table: str) -> list[Statement]:
    """Rows of withdrawn tokens go; of an ended instance all do, in the one statement that needs no list, if there can be any."""
    made = []
    for unit in units:
        if unit.new:
            continue
        (key,) = adapted([unit.id])
        gone = sorted({e.token for e in unit.effects if isinstance(e, Withdraw)} & unit.stored)
        if unit.state.ended:
            if not _waited(unit, table):
                continue
            made.append(Statement(f"DELETE FROM towpath_{table} WHERE instance_id = %s AND token IS NOT NULL", [key]))
        elif gone:
            where, values = among("token", gone)
            made.append(Statement(f"DELETE FROM towpath_{table} WHERE instance_id = %s AND {where}", [key, *values]))
    return made


def _waited(unit: Loaded, table: str) -> bool:
    """Whether any token, as it was loaded, may have a row in a table; of a large instance nobody knows."""
    return unit.base.complete is not None or any(t.wait not in ROWLESS[table] for t in unit.base.tokens.values())
