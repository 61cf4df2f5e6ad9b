"""From a path to what it means: the workflow and its version, the instance behind an id, and whether the caller may see it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from engine.api.automatiko.shaped import Denied, NoInstance, Nothing
from engine.bpmn.graph import Graph
from engine.errors import Forbidden, NotFound
from engine.models import Definition, Instance, Job
from engine.models.prepared import Prepared
from engine.runtime import access, definitions, newest
from engine.runtime.store.statements import Statement

LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Service:
    """A workflow as it is addressed: the definition that starts, and which definitions' instances are found under the address."""

    definition: Definition
    version: int | None = None
    proof: Statement | None = None  # what a start has to confirm of a definition from memory

    @property
    def graph(self) -> Graph:
        return definitions.graph(self.definition)

    @property
    def policy(self) -> str | None:
        return self.graph.service.policy

    def find(self, key: str) -> Instance | None:
        """The running one with this id, the service's or the engine's own; the newest version first."""
        if self.version is not None or len(key) > LONGEST_KEY:
            return by_id(self.instances(), key)
        found = _by_id.first(self.definition.service, key, _own_id(key))
        if found is not None:
            same = found.definition_id == self.definition.pk
            found.definition = self.definition if same else definitions.get(found.definition_id)
        return found

    def instances(self) -> QuerySet[Instance]:
        """The running ones that were not called by another."""
        found = Instance.objects.filter(ended=None, parent=None, definition__tenant="").select_related("definition")
        if self.version is not None:
            return found.filter(definition=self.definition.pk)
        return found.filter(definition__service=self.definition.service)


_newest = Prepared(
    lambda: Definition,
    lambda service, key: Definition.objects.filter(tenant="").filter(service=service).filter(key=key).order_by("-version"),
)


def service(key: str, version: str | None, find: newest.Find = newest.asked) -> Service:
    """The workflow of an address; raises Nothing.

    Without a version it is the newest of those that state none, else of all. A version that models state counts before the number of
    the deployment.
    """
    if version is None:
        return _unversioned(key, find)
    mine = Definition.objects.filter(key=key, tenant="").order_by("-version")
    found = mine.filter(service=f"{version}/{key}").first()
    number = None
    if found is None and version[1:].isdecimal() and not mine.filter(service__endswith=f"/{key}").exists():
        number = int(version[1:])
        found = mine.filter(version=number).first() if number < 2**31 else None
    if found is None:
        raise Nothing()
    return Service(found, number)


def _unversioned(key: str, find: newest.Find) -> Service:
    try:
        latest = find(key, "")
    except NotFound:
        raise Nothing() from None
    if latest.definition.service == key:
        return Service(latest.definition, proof=latest.proof)
    return Service(_newest.first(key, key) or newest.asked(key, "").definition)


def instance(where: Service, key: str, user: Any, *, change: bool = False) -> Instance:
    """The running instance with this id; raises NoInstance, Denied for one that the caller may not see (or change)."""
    found = where.find(key)
    if found is None:
        raise NoInstance(key)
    check(found, user, change=change)
    return found


OWN_DEAD = Job.objects.filter(instance=OuterRef("pk"), state=Job.State.DEAD)


def has_failed(row: Instance) -> bool:
    """Whether a step of it has failed for good; where it was found by its id that is known already."""
    known: bool | None = getattr(row, "failed", None)
    return Job.objects.filter(instance=row.pk, state=Job.State.DEAD).exists() if known is None else known


def _running(service: str, key: str, own: UUID) -> QuerySet[Instance]:
    rows = Instance.objects.filter(ended=None, parent=None, definition__tenant="", definition__service=service)
    return _called(rows, key, own).annotate(failed=Exists(OWN_DEAD))


def _called(rows: QuerySet[Instance], key: str, own: UUID) -> QuerySet[Instance]:
    """Those of this id, the newest version first; by each of the two ids they are found by its index."""
    by_service, by_engine = (rows.filter(**having).order_by().values("pk") for having in ({"service_id": key}, {"pk": own}))
    return rows.filter(pk__in=by_service.union(by_engine)).order_by("-definition__version", "-started")


_by_id = Prepared(lambda: Instance, _running)
_NOBODY = UUID(int=0)


def _own_id(key: str) -> UUID:
    try:
        return UUID(key)
    except ValueError:
        return _NOBODY


def by_id(rows: QuerySet[Instance], key: str) -> Instance | None:
    """By the id that the service gave, or by the engine's own; the newest version first."""
    return _called(rows, key, _own_id(key)).first() if len(key) <= LONGEST_KEY else None


def called(key: str) -> Q:
    """The instances of this id, the service's or the engine's own."""
    mine = Q(service_id=key)
    with suppress(ValueError):
        mine |= Q(pk=UUID(key))
    return mine


def check(row: Instance, user: Any, *, change: bool = False) -> None:
    """Raises Denied."""
    policy = definitions.graph(row.definition).service.policy
    if not access.sees_service(user, row, policy) or (change and not access.may_change(user, row, policy)):
        raise Denied(row.pk)


def check_abort(row: Instance, user: Any) -> None:
    """Who may change it may abort it, at a site with logins only who started it and operators; raises Denied."""
    check(row, user, change=True)
    if not isinstance(user, access.Persona):
        try:
            access.check_cancel(user, row)
        except Forbidden:
            raise Denied(row.pk) from None


def child(parent: Instance, key: str, name: str) -> Instance:
    """A running instance that another one called; raises NoInstance."""
    rows = Instance.objects.filter(ended=None, parent=parent.pk, definition__key=name).select_related("definition")
    found = by_id(rows, key)
    if found is None:
        raise NoInstance(key)
    return found
