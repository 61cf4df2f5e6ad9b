"""User tasks as people and clients see them: claim, fill, complete, hand on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from engine.bpmn.forms import FormSpec
from engine.conf import settings as conf
from engine.errors import Conflict, NotFound
from engine.expressions.evaluate import evaluate
from engine.expressions.parse import parse
from engine.interpreter.journal import Assigned, Completed
from engine.models import Activity, Blob, Draft, Ledger, UserTask, Variable
from engine.models.fields import uuid7
from engine.models.prepared import Prepared
from engine.runtime import access, definitions, entries, holders, notes, offers, proofs, work
from engine.runtime.instances import decoded, identify, known
from engine.runtime.store.sending import send
from engine.runtime.store.statements import Statement, adapted, insert
from engine.runtime.store.values import columns_of


def _signed(key: UUID) -> QuerySet[UserTask]:
    """A task with signs of what else there is of it, so that nothing is asked for that is not there."""
    signs = {"has_own": Variable, "has_draft": Draft}
    found = {sign: Exists(table._default_manager.filter(task=OuterRef("pk"))) for sign, table in signs.items()}
    return UserTask.objects.annotate(**found, offers=offers.column()).filter(pk=key).order_by()


signed = Prepared(lambda: UserTask, _signed).first


def get(task_id: Any) -> UserTask:
    """A task by its id; raises NotFound."""
    found = signed(identify(task_id, "task"))
    if found is None:
        raise NotFound(f"there is no task {task_id}")
    return found


def _open(task_id: Any) -> UserTask:
    task = task_id if isinstance(task_id, UserTask) else get(task_id)
    if task.state != UserTask.State.OPEN:
        by = f" by {task.completed_by}" if task.completed_by else ""
        how = "completed" if task.state == UserTask.State.COMPLETED else "cancelled"
        raise Conflict(f"task {task.name or task.pk} is {how} already{by}")
    check_awake(task)
    return task


def check_awake(task: UserTask) -> None:
    """Raises Conflict for a task that is suspended."""
    if task.suspended:
        raise Conflict(f"task {task.name or task.pk} is suspended")


def described(task: UserTask) -> dict[str, Any]:
    """A task as task listeners and expressions see it."""
    return {
        "id": str(task.pk), "name": task.name, "assignee": task.assignee, "owner": task.owner, "priority": task.priority,
        "description": task.description, "dueDate": task.due, "category": task.category, "formKey": task.form_key,
        "taskDefinitionKey": task.node, "createTime": task.created,
    }  # fmt: skip


# -- completing -----------------------------------------------------------------------------------------------------------
def complete(
    task_id: Any,
    variables: Mapping[str, Any] | None = None,
    *,
    local: Mapping[str, Any] | None = None,
    transient: Mapping[str, Any] | None = None,
    user: access.User = None,
) -> None:
    """Complete a task and run on to the next wait states; raises Forbidden, Conflict, and whatever a step raises: then it is still open."""
    task = _open(task_id)
    access.check_work(user, task)
    _complete(task, variables, local=local, transient=transient, user=user)


def _complete(
    task: UserTask,
    variables: Mapping[str, Any] | None,
    *,
    local: Mapping[str, Any] | None = None,
    transient: Mapping[str, Any] | None = None,
    user: access.User = None,
    entered: Mapping[str, Any] | None = None,
) -> None:
    """`entered` is what came by its form."""
    if task.delegation == "pending":
        raise Conflict("a delegated task is resolved first, by whom it was delegated to")
    if task.instance_id is None:
        _finish_own(task, known(variables) | known(local), user)
        return
    mine = (own_variables(task.pk) if getattr(task, "has_own", True) else {}) | known(local)
    done = Completed(task.token, known(variables), mine, known(transient), access.name(user), described(task))
    _run(task, done, user, also=lambda unit: [*_left_behind(task, known(local)), *entries.of_task(task, entered or {})])


def _left_behind(task: UserTask, local: Mapping[str, Any]) -> list[Statement]:
    """With its end a task's own variables are history and its drafts are gone, in the transaction that ends it."""
    drafts = Statement("DELETE FROM towpath_draft WHERE task_id = %s", adapted([task.pk]))
    return _own_rows(task, local, live=False) + ([drafts] if getattr(task, "has_draft", True) else [])


def _run(task: UserTask, wish: work.Wish, user: access.User, trigger: str = Ledger.Trigger.TASK, also: work.Also | None = None) -> None:
    """A unit of work that this task began, and what `also` belongs into its transaction."""
    subject = (task.name or task.node or "")[:255]
    order = work.Order(
        task.instance_id, wish, trigger, subject, task.node, access.name(user), cause=task.pk, run=task.activity, proof=proofs.of(user)
    )
    work.run(order, also=also)


def _finish_own(task: UserTask, variables: Mapping[str, Any], user: access.User) -> None:
    """A task that belongs to no process just ends, its sub-tasks with it (as at Flowable)."""
    if variables:
        set_variables(task, variables, local=True, user=user)
    ended = {"state": UserTask.State.COMPLETED, "ended": datetime.now(UTC)}
    mine = UserTask.objects.filter(state=UserTask.State.OPEN)
    mine.filter(pk=task.pk).update(completed_by=access.name(user), **ended)
    done = [task.pk]
    while done := list(mine.filter(parent__in=done).values_list("pk", flat=True)):
        mine.filter(pk__in=done).update(**ended)


def submit(task_id: Any, values: Mapping[str, Any], *, user: access.User, outcome: str | None = None, strict: bool = False) -> None:
    """Complete a task by its form; raises FormError with the messages of all fields, then the task is still open."""
    task = _open(task_id)
    access.check_work(user, task)
    spec = form(task)
    made = spec.validate(known(values), strict=strict, outcome=outcome, text_limit=conf.MAX_TEXT_FIELD) if spec else known(values)
    _complete(task, made, user=user, entered=values)


# -- forms ----------------------------------------------------------------------------------------------------------------
def form(task: UserTask) -> FormSpec | None:
    """The form of a task with its expressions evaluated, or None."""
    if task.definition is None:
        return None
    spec = definitions.form(task.definition, task.form_key, task.node)
    return spec.resolved(_evaluator(seen(task))) if spec else None


def form_values(task: UserTask, user: access.User = None) -> dict[str, Any]:
    """What the fields of the form show when it opens: the user's draft over variables over defaults."""
    spec = form(task)
    if spec is None:
        return {}
    variables = seen(task)
    draft = Draft.objects.filter(task=task, user=access.name(user) or "").values_list("values", flat=True).first()
    return spec.initial(variables, _evaluator(variables)) | (draft or {})


def _evaluator(variables: Mapping[str, Any]) -> Any:
    return lambda source: evaluate(parse(source), variables.__getitem__)


def seen(task: UserTask) -> dict[str, Any]:
    """The variables visible from a task: its own, its token's, those of the scopes around it."""
    if task.instance_id is None:
        return own_variables(task.pk)
    rows = Variable.objects.filter(instance=task.instance_id, live=True).exclude(task__isnull=False).order_by("token")
    chain = _scopes(task)
    nearest: dict[str, Variable] = {}
    for row in sorted((r for r in rows.filter(token__in=chain)), key=lambda r: chain.index(r.token), reverse=True):
        nearest[row.name] = row
    return decoded(nearest.values()) | own_variables(task.pk)


def _scopes(task: UserTask) -> list[int]:
    """The task's token and the scopes around it, innermost first."""
    assert task.instance is not None
    parents = dict(task.instance.tokens.values_list("number", "parent"))
    chain: list[int] = []
    number: int | None = task.token
    while number is not None and number not in chain:
        chain.append(number)
        number = parents.get(number)
    return chain if 0 in chain else [*chain, 0]


# -- variables of the task itself -----------------------------------------------------------------------------------------
def own_variables(task_id: UUID) -> dict[str, Any]:
    """The variables local to a task."""
    return decoded(Variable.objects.filter(task=task_id, live=True))


def set_variables(task_id: Any, values: Mapping[str, Any], *, local: bool = True, user: access.User = None) -> None:
    """Write variables of the task itself, or (not `local`) where they live in its process."""
    task = _open(task_id)
    access.check_work(user, task)
    if local:
        _write_own(task, known(values))
    elif task.instance_id:
        _run(task, work.SetVariables(task.token, known(values)), user, Ledger.Trigger.VARIABLES)
    else:
        raise Conflict("a task without a process has only variables of its own")


def _write_own(task: UserTask, values: Mapping[str, Any]) -> None:
    with transaction.atomic():
        send(_own_rows(task, values))


def _own_rows(task: UserTask, values: Mapping[str, Any], *, live: bool = True) -> list[Statement]:
    if not values:
        return []
    before = {row.name: row for row in Variable.objects.filter(task=task.pk, name__in=list(values)).only("name", "blob")}
    now = datetime.now(UTC)
    rows, blobs = [], []
    for name, value in values.items():
        columns, content = columns_of(value)
        rows.append({
            "id": before[name].pk if name in before else uuid7(), "instance_id": task.instance_id, "token": task.token, "task": task.pk,
            "name": name, **columns,
            "live": live, "created": now, "updated": now,
        })  # fmt: skip
        if content is not None:
            blobs.append({"id": columns["blob"], "content": content})
    old = [Statement("DELETE FROM towpath_blob WHERE id = %s", adapted([row.blob])) for row in before.values() if row.blob]
    return [
        *old,
        *insert(Blob, blobs),
        *insert(Variable, rows, replace=("type", "text", "number", "time", "json", "blob", "updated", "live")),
    ]


def remove_variable(task_id: Any, name: str, *, user: access.User = None) -> None:
    """Remove a variable of the task itself; raises NotFound."""
    task = _open(task_id)
    access.check_work(user, task)
    row = Variable.objects.filter(task=task.pk, name=name).first()
    if row is None:
        raise NotFound(f"task {task.pk} has no variable {name}")
    with transaction.atomic():
        if row.blob:
            Blob.objects.filter(pk=row.blob).delete()
        row.delete()


# -- people ---------------------------------------------------------------------------------------------------------------
def claim(task_id: Any, user: access.User, *, assignee: str | None = None) -> None:
    """Take a task (for somebody else: `assignee`); raises Conflict when another has it, Forbidden when it is not offered."""
    task = _open(task_id)
    access.check_claim(user, task)
    wanted = assignee or access.name(user)
    if task.assignee == wanted:
        UserTask.objects.filter(pk=task.pk, assignee=wanted, claimed=None).update(claimed=datetime.now(UTC))
        return
    if task.assignee is not None:
        raise Conflict(f"task {task.name or task.pk} is claimed by {task.assignee} already")
    with transaction.atomic():
        _assign(task, wanted, user, claimed=datetime.now(UTC), only_if_free=True)
        notes.linked(task, "assignee", who=wanted, user=user)


def release(task_id: Any, user: access.User) -> None:
    """Give a task back to its candidates."""
    task = _open(task_id)
    access.check_work(user, task)
    before = task.assignee
    with transaction.atomic():
        _assign(task, None, user, claimed=None)
        notes.linked(task, "assignee", who=before, gone=True, user=user)


def reassign(task_id: Any, assignee: str | None, user: access.User, *, joins: bool = True) -> None:
    """Give a task to somebody; needs the right to operate, or that it is one's own. `joins` as in `holders.held`."""
    task = _open(task_id)
    access.check_work(user, task)
    _assign(task, assignee, user, joins=joins)


def delegate(task_id: Any, assignee: str, user: access.User) -> None:
    """Hand a task to somebody who gives it back by `resolve`; its owner stays responsible, or who had it becomes its owner."""
    task = _open(task_id)
    access.check_work(user, task)
    owner = task.owner or task.assignee
    with transaction.atomic():
        holders.held(task, holders.OWNER, owner)
        _assign(task, assignee, user, delegation="pending", owner=owner)


def resolve(task_id: Any, variables: Mapping[str, Any] | None = None, *, user: access.User = None) -> None:
    """Give a delegated task back to its owner."""
    task = _open(task_id)
    access.check_work(user, task)
    if variables:
        set_variables(task, variables, local=False, user=user)
    _assign(task, task.owner, user, delegation="resolved")


def _assign(
    task: UserTask, assignee: str | None, user: access.User, *, only_if_free: bool = False, joins: bool = True, **more: Any
) -> None:
    """Change the assignee; assignment listeners of the model run, in the same transaction as the change."""
    rows = UserTask.objects.filter(pk=task.pk, state=UserTask.State.OPEN)
    with transaction.atomic():
        if not (rows.filter(assignee=None) if only_if_free else rows).update(assignee=assignee, **more):
            raise Conflict(f"task {task.name or task.pk} was taken by somebody else")
        holders.held(task, holders.ASSIGNEE, assignee, joins=joins)
        if task.activity:
            Activity.objects.filter(pk=task.activity).update(assignee=assignee)
        task.assignee = assignee
        if task.definition and _listens(task):
            changed = Assigned(task.token, described(task))
            _run(task, changed, user)


def _listens(task: UserTask) -> bool:
    assert task.definition is not None
    node = definitions.graph(task.definition).nodes.get(task.node or "")
    listeners = getattr(node.detail, "listeners", ()) if node else ()
    return any(listener.event in ("assignment", "all") for listener in listeners)


def save_draft(task_id: Any, values: Mapping[str, Any], user: access.User) -> None:
    """Keep what a user typed, unchecked, until he comes back; gone when the task ends."""
    task = _open(task_id)
    access.check_work(user, task)
    Draft.objects.update_or_create(task=task, user=access.name(user) or "", defaults={"values": known(values), "saved": datetime.now(UTC)})
