"""One running instance as JSON, with all it called, and back: what is open and what is known, not its history.

An import makes new ids, so that an instance can come back beside its own past; it goes on where it stood, in the newest version of
its process that has the same steps.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils.dateparse import parse_datetime

from engine.errors import BadInput, Conflict, NotFound
from engine.models import Blob, Definition, IdentityLink, Instance, Job, Subscription, Token, UserTask, Variable
from engine.models.fields import uuid7
from engine.runtime import access, definitions, naming, shapes
from engine.runtime.store import claims
from engine.runtime.store.instances import taken_key

FORMAT, VERSION = "towpath instance", 1
LEFT_OUT = frozenset({"lease_owner", "lease_until", "begun", "definition", "deployment"})
MOST = 10_000  # rows of one import
PARTS: Mapping[str, type[models.Model]] = {
    "tokens": Token, "variables": Variable, "tasks": UserTask, "jobs": Job, "subscriptions": Subscription,
}  # fmt: skip


# -- out ------------------------------------------------------------------------------------------------------------------
def exported(row: Instance) -> dict[str, Any]:
    """An instance that runs, with the instances it called."""
    tree = [row, *Instance.objects.filter(root=row.pk, ended=None).select_related("definition").order_by("started", "pk")]
    if any(one.state == Instance.State.ACCEPTED for one in tree) or _is_leased(tree):
        raise Conflict("the instance is being worked on; export it when it has come to rest")
    return {
        "format": FORMAT, "version": VERSION, "exported": datetime.now(UTC).isoformat(), "process": row.definition.key,
        "instances": [_one(one) for one in tree],
    }  # fmt: skip


def files(row: Instance) -> dict[str, Any]:
    """The variables of an instance and of those it called, each as a file: `<name>.json`, below `<process>/<id>/` for called ones."""
    tree = [row, *Instance.objects.filter(root=row.pk, ended=None).select_related("definition").order_by("started", "pk")]
    found: dict[str, Any] = {}
    for one in tree:
        folder = "" if one is row else f"{naming.segment(one.definition.key)}/{one.pk}/"
        found |= {f"{folder}variables/{quote(name, safe=' ')}.json": value for name, value in shapes.plain(shapes.values_of(one)).items()}
    return found


def _is_leased(tree: Iterable[Instance]) -> bool:
    now = datetime.now(UTC)
    return any(one.lease_until is not None and one.lease_until > now for one in tree)


def _one(row: Instance) -> dict[str, Any]:
    found: dict[str, Any] = {"process": row.definition.key, "checksum": row.definition.checksum, "instance": _values(row)}
    for name, model in PARTS.items():
        rows = model._default_manager.filter(instance=row.pk)
        open_ = rows.filter(state="open") if model is UserTask else rows.filter(live=True) if model is Variable else rows
        found[name] = [_values(one) for one in open_.order_by("pk")]
    tasks = [task["id"] for task in found["tasks"]]
    found["links"] = [_values(one) for one in IdentityLink.objects.filter(task__in=tasks).order_by("pk")]
    blobs = [v["blob"] for v in found["variables"] if v["blob"]]
    found["blobs"] = {str(b.pk): base64.b64encode(bytes(b.content)).decode() for b in Blob.objects.filter(pk__in=blobs)}
    return found


def _values(row: models.Model) -> dict[str, Any]:
    return {f.name: _json(getattr(row, f.attname)) for f in row._meta.concrete_fields if f.name not in LEFT_OUT}


def _json(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value.isoformat() if isinstance(value, datetime) else value


# -- back -----------------------------------------------------------------------------------------------------------------
def imported(definition: Definition, sent: Any, *, user: access.User = None) -> Instance:
    """The instance that an export holds, running again; raises BadInput for what is no export, Conflict where its key is taken."""
    access.check_start(user, definition)
    access.check_manage(user)  # what is imported may stand anywhere, behind an approval too
    if not isinstance(sent, dict) or sent.get("format") != FORMAT or sent.get("version") != VERSION:
        raise BadInput("this is no exported instance of this format and version", "format")
    if sent.get("process") != definition.key:
        raise BadInput(f"this is an instance of {str(sent.get('process'))[:100]}, not of {definition.key}", "process")
    parts = sent.get("instances")
    if not isinstance(parts, list) or not parts or sum(_size(one) for one in parts) > MOST:
        raise BadInput(f"instances must be a list with at most {MOST} rows in it", "instances")
    return _Back(definition, parts).made()


def _size(part: Any) -> int:
    if not isinstance(part, dict):
        raise BadInput("each of instances must be an object", "instances")
    return sum(len(part[name]) for name in (*PARTS, "links", "blobs") if isinstance(part.get(name), list | dict))


class _Back:
    """An import: every id gets a new one, the same for the same."""

    def __init__(self, definition: Definition, parts: list[dict[str, Any]]) -> None:
        self.definition, self.parts = definition, parts
        self.ids: dict[str, UUID] = {}

    def made(self) -> Instance:
        try:
            with transaction.atomic():
                for number, part in enumerate(self.parts):
                    self._part(part, self._definition(part, number))
                claims.announce()
        except IntegrityError as error:
            raise taken_key(error, self._key()) from error
        except (TypeError, KeyError, AttributeError, ValueError, ValidationError) as error:
            raise BadInput(f"the export is damaged: {type(error).__name__}", "instances") from None
        found = Instance.objects.select_related("definition").filter(pk=self._id(self.parts[0]["instance"]["id"])).first()
        if found is None:
            raise NotFound("nothing was imported")
        return found

    def _key(self) -> str | None:
        key = self.parts[0].get("instance", {}).get("service_id")
        return None if key is None else str(key)

    def _definition(self, part: dict[str, Any], number: int) -> Definition:
        found = self.definition if number == 0 else definitions.latest(str(part.get("process")), self.definition.tenant)
        nodes = definitions.graph(found).nodes
        for token in part["tokens"]:
            if token["node"] is not None and token["node"] not in nodes:
                raise BadInput(f"{found.key}, version {found.version} has no step {str(token['node'])[:100]}", "instances")
        return found

    def _id(self, old: Any) -> UUID:
        return self.ids.setdefault(str(UUID(str(old))), uuid7())

    def _part(self, part: dict[str, Any], definition: Definition) -> None:
        Instance.objects.bulk_create([self._row(Instance, part["instance"], definition)])
        for name, model in PARTS.items():
            model._default_manager.bulk_create([self._row(model, one, definition) for one in part[name]])
        IdentityLink.objects.bulk_create([self._row(IdentityLink, one, definition) for one in part["links"]])
        Blob.objects.bulk_create([Blob(pk=self._id(k), content=base64.b64decode(v, validate=True)) for k, v in part["blobs"].items()])

    def _row(self, model: type[models.Model], sent: dict[str, Any], definition: Definition) -> Any:
        made: dict[str, Any] = {}
        for field in model._meta.concrete_fields:
            if field.name == "definition":
                made["definition_id"] = definition.pk
            elif field.name not in LEFT_OUT and field.name in sent:
                made[field.attname] = self._value(field, sent[field.name])
        row = model(**made)
        row.clean_fields(exclude=[f.name for f in model._meta.concrete_fields if f.is_relation])
        return row

    def _value(self, field: Any, value: Any) -> Any:
        if value is None:
            return None
        if field.is_relation or isinstance(field, models.UUIDField):
            return self._id(value)
        return parse_datetime(value) if isinstance(field, models.DateTimeField) else value
