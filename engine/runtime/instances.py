"""Instances as their callers see them: start, look, change variables, suspend, cancel."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from engine.conf import settings as conf
from engine.errors import BadInput, Conflict, NotFound
from engine.expressions.values import checked
from engine.interpreter.journal import Begin, Cancel
from engine.models import Definition, Instance, Job, Ledger, UserTask, Variable
from engine.models.compiled import as_read
from engine.models.fields import uuid7
from engine.runtime import access, definitions, entries, newest, proofs, work
from engine.runtime.store import claims, erasing, receivers
from engine.runtime.store.reading import decoded as decoded

Trigger = Ledger.Trigger


def identify(value: Any, what: str = "process instance") -> UUID:
    """An id given as text or UUID; raises NotFound for what is none."""
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        raise NotFound(f"there is no {what} {value}") from None


def get(instance_id: Any) -> Instance:
    """An instance with its definition; raises NotFound."""
    found = Instance.objects.select_related("definition").filter(pk=identify(instance_id)).first()
    if found is None:
        raise NotFound(f"there is no process instance {instance_id}")
    return found


def known(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Variables from outside, each checked that it can be one; raises BadInput naming it."""
    made = {}
    for name, value in (values or {}).items():
        if not name or len(name) > 255 or "\0" in name:
            raise BadInput("the name of a variable has 1 to 255 characters", name[:50] or "name")
        made[name] = checked(value, name=name, depth=conf.MAX_JSON_DEPTH, size=conf.MAX_VARIABLE_SIZE)
    return made


# -- starting -------------------------------------------------------------------------------------------------------------
def start(
    key: str | None = None,
    *,
    definition: Definition | str | None = None,
    message: str | None = None,
    variables: Mapping[str, Any] | None = None,
    transient: Mapping[str, Any] | None = None,
    business_key: str | None = None,
    name: str | None = None,
    user: access.User = None,
    tenant: str = "",
    override: str | None = None,
) -> Instance:
    """Start the latest version of a key (or a definition, or what waits for a message) and run it to its first wait states.

    `tenant` says whose key or message is meant; the instance is the definition's tenant's, or that of `override`.
    Raises NotFound, Forbidden, Conflict (suspended), BadInput, and whatever a step raises; then nothing was stored.
    """
    instance = uuid7()

    def started(find: newest.Find) -> Instance:
        found, node = _meant(key, definition, message, tenant, find)
        whose = override or tenant or found.definition.tenant
        return _start(found, node, variables, transient, business_key, name, user, whose, instance=instance)

    return newest.confirmed(started)


def _start(
    latest: newest.Latest,
    node: str | None,
    variables: Mapping[str, Any] | None,
    transient: Mapping[str, Any] | None = None,
    business_key: str | None = None,
    name: str | None = None,
    user: access.User = None,
    tenant: str = "",
    also: work.Also | None = None,
    instance: UUID | None = None,
) -> Instance:
    found = latest.definition
    access.check_start(user, found)
    if found.suspended:
        raise Conflict(f"process {found.key}, version {found.version} is suspended")
    _check_texts(business_key=business_key, name=name)
    begin = Begin(known(variables), node=node, transient=known(transient))
    order = work.Order(
        instance or uuid7(),
        begin,
        Trigger.START,
        found.name or found.key,
        node,
        access.name(user),
        start=work.Start(found, business_key, name, tenant, proof=latest.proof),
        proof=proofs.of(user),
    )
    result = work.run(order, also=also)
    return _started(order, found, result)


def _meant(
    key: str | None, definition: Definition | str | None, message: str | None, tenant: str, find: newest.Find
) -> tuple[newest.Latest, str | None]:
    if isinstance(definition, Definition):
        return newest.Latest(definition), None
    if definition is not None:
        return newest.Latest(definitions.get(definition)), None
    if message is not None:
        found = receivers.starts("message", message, tenant)
        if not found:
            raise NotFound(f"no process starts with message {message}")
        chosen, node = found[0]
        return newest.Latest(chosen), node
    if key is None:
        raise BadInput("a key, a definition or a message must be given", "processDefinitionKey")
    return find(key, tenant), None


def _check_texts(**texts: str | None) -> None:
    for name, text in texts.items():
        if text is not None and (len(text) > 255 or "\0" in text):
            raise BadInput(f"{name} has at most 255 characters", name)


def _started(order: work.Order, definition: Definition, result: work.Result) -> Instance:
    """The new instance as it was saved, without asking the database again for what is known."""
    start = order.start
    assert start is not None
    now = {
        "id": order.instance, "business_key": start.business_key, "name": start.name, "tenant": start.tenant, "starter": order.user,
        "started": result.at, "revision": result.revision, "ended": result.at if result.ended else None,
        "state": Instance.State.COMPLETED if result.ended else Instance.State.ACTIVE, "start_node": order.node,
    }  # fmt: skip
    return as_read(Instance, now, definition=definition)


def start_by_form(definition: Definition, values: Mapping[str, Any], *, user: access.User, business_key: str | None = None) -> Instance:
    """Start with what was entered into the start form; raises FormError with the messages of all fields."""
    access.check_start(user, definition)
    spec = definitions.start_form(definition)
    made = spec.validate(known(values), strict=False, text_limit=conf.MAX_TEXT_FIELD) if spec else dict(values)
    kept = partial(entries.of_start, entered=values)
    return _start(newest.Latest(definition), None, made, business_key=business_key, user=user, tenant=definition.tenant, also=kept)


# -- ending ---------------------------------------------------------------------------------------------------------------
def cancel(instance_id: Any, reason: str | None = None, *, user: access.User = None) -> None:
    """End a running instance with all it called; its caller goes on (as in Flowable).

    Raises NotFound, Forbidden, Conflict when it has ended.
    """
    instance = get(instance_id)
    access.check_cancel(user, instance)
    work.run(work.Order(instance.pk, Cancel(reason, tell=True), Trigger.ABORT, reason or "", None, access.name(user)))


def delete_history(instance_id: Any, *, user: access.User = None) -> None:
    """Remove an ended instance with its whole history; raises Conflict while it runs."""
    access.check_operate(user)
    instance = get(instance_id)
    if instance.ended is None:
        raise Conflict("a running instance has no history to delete; cancel it first")
    with transaction.atomic():
        erasing.erase(erasing.family([instance.pk]))


def rename(instance_id: Any, *, name: str | None = None, business_key: str | None = None, user: access.User = None) -> None:
    """Give a running instance another name or business key (None: as it is); raises NotFound, Forbidden, BadInput, Conflict.

    While it is suspended its business key can be changed, its name not (as at Flowable).
    """
    instance = get(instance_id)
    access.check_cancel(user, instance)
    _check_texts(name=name, business_key=business_key)
    given = {column: value for column, value in (("name", name), ("business_key", business_key)) if value is not None}
    open_to_it = Instance.objects.filter(pk=instance.pk, ended=None)
    if not (open_to_it if name is None else open_to_it.filter(suspended=False)).update(**given):
        raise Conflict(f"process instance {instance_id} has ended or is suspended")


# -- variables ------------------------------------------------------------------------------------------------------------
def variables(instance_id: Any, *, token: int = 0) -> dict[str, Any]:
    """The live variables that belong to exactly this token (0: the instance), by name."""
    return decoded(Variable.objects.filter(instance=identify(instance_id), token=token, task=None, live=True))


def set_variables(
    instance_id: Any,
    values: Mapping[str, Any],
    *,
    token: int = 0,
    local: bool = False,
    remove: tuple[str, ...] = (),
    user: access.User = None,
) -> None:
    """Write and remove variables: where they live as seen from `token`, or at it if `local`; raises NotFound, Conflict when ended."""
    wish = work.SetVariables(token, known(values), local, tuple(remove))
    names = ", ".join([*values, *remove])[:255]
    work.run(work.Order(identify(instance_id), wish, Trigger.VARIABLES, names, None, access.name(user)))


# -- suspending -----------------------------------------------------------------------------------------------------------
def suspend(instance_id: Any, *, user: access.User = None) -> None:
    """Let an instance and those it called take nothing, and park their jobs; raises Conflict if it is suspended already."""
    _switch(instance_id, True, user)


def activate(instance_id: Any, *, user: access.User = None) -> None:
    """Let a suspended instance go on; raises Conflict if it is not suspended."""
    _switch(instance_id, False, user)


def _switch(instance_id: Any, suspended: bool, user: access.User) -> None:
    access.check_operate(user)
    with transaction.atomic():
        instance = Instance.objects.select_for_update().filter(pk=identify(instance_id)).first()
        if instance is None:
            raise NotFound(f"there is no process instance {instance_id}")
        if instance.ended:
            raise Conflict(f"process instance {instance_id} has ended")
        if instance.suspended == suspended:
            raise Conflict(f"process instance {instance_id} is {'already' if suspended else 'not'} suspended")
        park(_tree(instance), suspended)


def _tree(instance: Instance) -> list[UUID]:
    """The instance and all that it called, directly or through others."""
    found, todo = [instance.pk], [instance.pk]
    while todo:
        todo = list(Instance.objects.filter(parent__in=todo, ended=None).values_list("pk", flat=True))
        found += todo
    return found


def park(instances: Any, suspended: bool) -> None:
    """Suspend or activate instances with their tasks and jobs.

    A job goes back to the state it came from; but a failed step does not wait for its retry any longer (as in Flowable).
    """
    Instance.objects.filter(pk__in=instances).update(suspended=suspended)
    UserTask.objects.filter(instance__in=instances, state=UserTask.State.OPEN).update(suspended=suspended)
    for state in (Job.State.READY, Job.State.WAITING, Job.State.EXTERNAL):
        mine = Job.objects.filter(instance__in=instances)
        if suspended:
            mine.filter(state=state).update(state=Job.State.SUSPENDED, resumes_as=state, lease_owner=None, lease_until=None, begun=None)
        else:
            mine.filter(state=Job.State.SUSPENDED, resumes_as=state).update(state=state, resumes_as=None)
    if not suspended:
        failed = Job.objects.filter(instance__in=instances, state=Job.State.WAITING).exclude(kind=Job.Kind.TIMER)
        failed.update(state=Job.State.READY, due=datetime.now(UTC))
        claims.announce()


def suspend_definition(
    definition_id: str, suspended: bool, *, instances: bool = False, again: bool = False, user: access.User = None
) -> None:
    """Let no instance start from a definition (or again), its running ones too if asked; raises Conflict if it is so, unless `again`."""
    access.check_operate(user)
    with transaction.atomic():
        changed = Definition.objects.filter(pk=definition_id, suspended=not suspended).update(suspended=suspended)
        if not changed:
            definitions.get(definition_id)
        if not changed and not again:
            raise Conflict(f"process definition {definition_id} is {'already' if suspended else 'not'} suspended")
        if instances:
            running = Instance.objects.filter(definition=definition_id, ended=None, suspended=not suspended)
            park(list(running.values_list("pk", flat=True)), suspended)
