"""Variables of instances, executions and user tasks: one set of calls for the three that can hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

from engine.api.body import BODY, Json, Members, check_multipart
from engine.api.dialect import GLOBAL, LOCAL, one_variable, scoped, variable
from engine.api.errors import Refused
from engine.api.flowable import executions
from engine.api.flowable import instances as instance_views
from engine.api.flowable import tasks as task_views
from engine.api.flowable.pictures import content
from engine.api.flowable.table import routes
from engine.api.router import Call
from engine.conf import settings as conf
from engine.errors import BadInput, Conflict, NotFound
from engine.expressions.values import checked
from engine.runtime import delayed, instances, queries, tasks
from engine.runtime.queries.variables import visible

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Holder:
    """What can hold variables: how its own ones and those around it are read, written and removed."""

    path: str
    local: Callable[[], Values]
    around: Callable[[], Values]
    write: Callable[[Values, bool], None]  # values, whether they become local
    remove: Callable[[list[str], bool], None]
    later: Callable[[Values, bool], object] | None = None  # the same as write, by a job
    null: tuple[str, ...] = ()  # the scopes in which Flowable shows what is not there as null
    alone: str | None = None  # the scope that all have who have only one; shown beside a single variable as null

    def scope(self, given: str | None, default: str = LOCAL) -> str:
        if self.alone and given not in (None, self.alone):
            raise BadInput(f"the variables of a process instance are {self.alone}", "scope")
        return given or default

    def of(self, scope: str) -> Values:
        return self.local() if scope == LOCAL else self.around()


# -- the three ------------------------------------------------------------------------------------------------------------
def of_instance(call: Call, key: str) -> Holder:
    found = queries.instances.one(call.user, key).pk

    def write(values: Values, local: bool) -> None:
        instances.set_variables(found, values, user=call.user)

    def remove(names: list[str], local: bool) -> None:
        instances.set_variables(found, {}, remove=tuple(names), user=call.user)

    def later(values: Values, local: bool) -> None:
        delayed.set_variables(found, values, user=call.user)

    return Holder(f"{instance_views.PATH}/{found}", partial(instances.variables, found), dict, write, remove, later, (LOCAL,), alone=LOCAL)


def of_execution(call: Call, key: str) -> Holder:
    row = executions.found(call, key)
    above = row.parent

    def around() -> Values:
        return {} if above is None else visible(row.instance_id, above)

    def place(local: bool) -> int:
        return row.number if local or above is None else above

    def write(values: Values, local: bool, by: Callable[..., object] = instances.set_variables) -> None:
        if not local and above is None:
            raise BadInput("a process instance has nothing around it; its variables are local", "scope")
        by(row.instance_id, values, token=place(local), local=local, user=call.user)

    def remove(names: list[str], local: bool) -> None:
        instances.set_variables(row.instance_id, {}, token=place(local), local=local, remove=tuple(names), user=call.user)

    path = f"{executions.PATH}/{key}"
    later, null = partial(write, by=delayed.set_variables), (LOCAL,) if above is None else (LOCAL, GLOBAL)
    return Holder(path, partial(instances.variables, row.instance_id, token=row.number), around, write, remove, later, null)


def of_task(call: Call, key: str) -> Holder:
    row = queries.tasks.one(call.user, key)

    def around() -> Values:
        return {} if row.instance_id is None else visible(row.instance_id, row.token)

    def write(values: Values, local: bool) -> None:
        if not local and row.instance_id is None:
            raise BadInput("the task belongs to no process; its variables are local", "scope")
        tasks.set_variables(row, values, local=local, user=call.user)

    def remove(names: list[str], local: bool) -> None:
        if local:
            tasks.check_awake(row)
        else:
            instances.set_variables(row.instance_id, {}, token=row.token, remove=tuple(names), user=call.user)
        for name in names if local else ():
            tasks.remove_variable(row, name, user=call.user)

    return Holder(f"{task_views.PATH}/{row.pk}", partial(tasks.own_variables, row.pk), around, write, remove)


# -- all of them ----------------------------------------------------------------------------------------------------------
def _asked_scope(call: Call) -> str | None:
    found = call.params.get("scope") or None
    if found not in (None, LOCAL, GLOBAL):
        raise BadInput(f"scope must be {LOCAL} or {GLOBAL}", "scope")
    return found


def _shaped(call: Call, holder: Holder, values: Values, scope: str | None) -> list[Json]:
    return [_one_shaped(call, holder, name, value, scope) for name, value in sorted(values.items())]


def _one_shaped(call: Call, holder: Holder, name: str, value: Any, scope: str | None) -> Json:
    return variable(name, value, scope, call.url(holder.path, "variables", name))


def listing(make: Callable[[Call, str], Holder], call: Call, key: str) -> Json:
    """Its variables; `scope` asks for its own (local) or those around it (global) alone."""
    holder, scope = make(call, key), _asked_scope(call)
    own = holder.local() if scope != GLOBAL else {}
    around = {} if scope == LOCAL else {name: value for name, value in holder.around().items() if name not in own}
    if make is of_execution and scope == GLOBAL:  # what is seen from it, its own included
        around = {**around, **holder.local()}
    return _shaped(call, holder, own, LOCAL) + _shaped(call, holder, around, GLOBAL)


def _sent_list(call: Call, holder: Holder) -> tuple[dict[str, Any], str]:
    """Names and values as sent, and their one scope; raises BadInput."""
    if not isinstance(call.json, list) or not call.json:
        raise BadInput("the body must be a list of variables that is not empty", BODY)
    sent = scoped(call.json)
    scopes = {holder.scope(scope) for _, _, scope in sent}
    if len(scopes) > 1:
        raise BadInput("all variables of a call must have one scope", "scope")
    return {name: value for name, value, _ in sent}, scopes.pop()


def _sent(call: Call, holder: Holder) -> tuple[dict[str, Any], str]:
    """Names and values of a list, or of one file; raises BadInput."""
    if not _is_multipart(call):
        return _sent_list(call, holder)
    name, data, scope = _sent_file(call, holder, None)
    return {name: data}, scope


def _check_new(holder: Holder, values: Values, scope: str) -> None:
    if there := sorted(values.keys() & holder.of(scope).keys()):
        raise Conflict(f"there is a variable {there[0]!r} already")


def _add(call: Call, holder: Holder, values: Values, scope: str) -> list[Json]:
    _check_new(holder, values, scope)
    holder.write(values, scope == LOCAL)
    return _shaped(call, holder, values, scope)


def add(make: Callable[[Call, str], Holder], call: Call, key: str) -> Json:
    """New variables, as a list; or one file as multipart with `name`, `type` and `scope`."""
    holder = make(call, key)
    made = _add(call, holder, *_sent(call, holder))
    return made[0] if _is_multipart(call) else made


def put_all(make: Callable[[Call, str], Holder], call: Call, key: str) -> Json:
    """Variables, new or not, as a list; or one file as multipart."""
    holder = make(call, key)
    values, scope = _sent(call, holder)
    holder.write(values, scope == LOCAL)
    shown = _shaped(call, holder, values, scope)
    return shown[0] if _is_multipart(call) else shown


def delete_all(make: Callable[[Call, str], Holder], call: Call, key: str) -> None:
    """Remove all that are its own."""
    holder = make(call, key)
    names = sorted(holder.local())
    if names or make is of_task:  # a suspended task refuses it, whatever it has
        holder.remove(names, True)


# -- one of them ----------------------------------------------------------------------------------------------------------
def _found(call: Call, holder: Holder, name: str) -> tuple[Any, str]:
    """Value and scope of one variable, the nearest unless `scope` is given; raises NotFound."""
    asked = _asked_scope(call)
    for scope in (asked,) if asked else (LOCAL, GLOBAL):
        values = holder.of(scope)
        if name in values:
            return values[name], scope
    raise NotFound(f"there is no variable {name[:60]!r}")


def one(make: Callable[[Call, str], Holder], call: Call, key: str, name: str) -> Json:
    """One variable, its own or around it."""
    holder = make(call, key)
    try:
        value, scope = _found(call, holder, name)
    except NotFound:
        value, scope = None, _asked_scope(call) or GLOBAL
        if scope not in holder.null:
            raise
    return _one_shaped(call, holder, name, value, None if holder.alone else scope)


def put_one(make: Callable[[Call, str], Holder], call: Call, key: str, name: str) -> Json:
    """Change one variable, by JSON or by a file as multipart."""
    holder = make(call, key)
    value, scope = _sent_one(call, holder, name)
    holder.write({name: value}, scope == LOCAL)
    return _one_shaped(call, holder, name, value, None if holder.alone and not _is_multipart(call) else scope)


def _sent_one(call: Call, holder: Holder, name: str) -> tuple[Any, str]:
    """Value and scope of the variable that the address names; raises BadInput, NotFound."""
    if _is_multipart(call):
        _, value, scope = _sent_file(call, holder, name)
    else:
        sent, value, given = one_variable(Members(call.json))
        if sent != name:
            raise BadInput(f"the body names {sent[:60]!r}, the address {name[:60]!r}", "name")
        scope = given or LOCAL
    if name not in holder.of(scope):
        raise NotFound(f"there is no variable {name[:60]!r}")
    return value, scope


def delete_one(make: Callable[[Call, str], Holder], call: Call, key: str, name: str) -> None:
    """Remove one variable, its own unless `scope=global`."""
    holder = make(call, key)
    scope = _asked_scope(call) or LOCAL
    if name not in holder.of(scope):
        raise NotFound(f"there is no variable {name[:60]!r}")
    holder.remove([name], scope == LOCAL)


def data(make: Callable[[Call, str], Holder], call: Call, key: str, name: str) -> HttpResponse:
    """The bytes of a binary variable."""
    value, _ = _found(call, make(call, key), name)
    if not isinstance(value, bytes):
        raise NotFound(f"the variable {name[:60]!r} is not binary")
    return content(value, "application/octet-stream")


# -- later ----------------------------------------------------------------------------------------------------------------
def _write_later(holder: Holder, values: Values, scope: str) -> None:
    assert holder.later is not None  # there are such calls for those alone who have it
    holder.later(values, scope == LOCAL)


def add_later(make: Callable[[Call, str], Holder], call: Call, key: str) -> None:
    """New variables, as a list or one file as multipart, written by a job."""
    holder = make(call, key)
    values, scope = _sent(call, holder)
    _check_new(holder, values, scope)
    _write_later(holder, values, scope)


def put_all_later(make: Callable[[Call, str], Holder], call: Call, key: str) -> None:
    """Variables, new or not, as a list or one file as multipart, written by a job."""
    holder = make(call, key)
    _write_later(holder, *_sent(call, holder))


def put_one_later(make: Callable[[Call, str], Holder], call: Call, key: str, name: str) -> None:
    """Change one variable by a job."""
    holder = make(call, key)
    value, scope = _sent_one(call, holder, name)
    _write_later(holder, {name: value}, scope)


# -- files ----------------------------------------------------------------------------------------------------------------
def _is_multipart(call: Call) -> bool:
    return (call.request.content_type or "").lower() == "multipart/form-data"


def _sent_file(call: Call, holder: Holder, name: str | None) -> tuple[str, bytes, str]:
    """Name, bytes and scope of a file; raises BadInput, Refused (413)."""
    check_multipart(call.request, conf.MAX_VARIABLE_SIZE)
    fields = call.request  # POST of a PUT is not parsed by Django
    posted, files = (fields.POST, fields.FILES) if fields.method == "POST" else fields.parse_file_upload(fields.META, fields)
    sent = Members({key: value for key, value in posted.items() if key in ("name", "type", "scope")})
    uploads: list[Any] = list(files.values())
    if len(uploads) != 1:
        raise BadInput("exactly one file must be sent", "file")
    if sent.text("type") not in (None, "binary"):
        raise BadInput("a file is a variable of type binary", "type")
    named = sent.text("name") if name else sent.required("name")
    if name and named not in (None, name):
        raise NotFound(f"the address names {name[:60]!r}, the body another variable")
    if uploads[0].size > conf.MAX_VARIABLE_SIZE:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the file is larger than {conf.MAX_VARIABLE_SIZE} bytes")
    _, _, scope = one_variable(Members({"name": name or named, "scope": sent.all.get("scope")}))
    return str(name or named), checked(uploads[0].read(), name=str(name or named)), holder.scope(scope)


# -- where they are -------------------------------------------------------------------------------------------------------
_HOLDERS: Iterable[tuple[str, Callable[[Call, str], Holder]]] = (
    (instance_views.PATH, of_instance),
    (executions.PATH, of_execution),
    (task_views.PATH, of_task),
)

for _base, _make in _HOLDERS:
    _path = _base + "/{key}/variables"
    routes.get(_path)(partial(listing, _make))
    routes.post(_path, status=201)(partial(add, _make))
    if _make is not of_task:
        routes.put(_path, status=201)(partial(put_all, _make))
    routes.delete(_path)(partial(delete_all, _make))
    routes.get(_path + "/{name}")(partial(one, _make))
    routes.put(_path + "/{name}")(partial(put_one, _make))
    routes.delete(_path + "/{name}")(partial(delete_one, _make))
    routes.get(_path + "/{name}/data")(partial(data, _make))

for _base, _make in ((instance_views.PATH, of_instance), (executions.PATH, of_execution)):
    _path = _base + "/{key}/variables-async"
    _status = 201 if _make is of_instance else 204  # as at Flowable
    routes.post(_path, status=_status)(partial(add_later, _make))
    routes.put(_path, status=_status)(partial(put_all_later, _make))
    routes.put(_path + "/{name}", status=204)(partial(put_one_later, _make))
