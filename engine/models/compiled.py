"""Queries whose SQL Django writes once for each shape, and which are sent again with other values.

The SQL is written for stand-ins: values of the same types that no caller can send, found again among its parameters. Where
Django makes something else of one (a pattern, another text), the place of the value is not known, and the query is not kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from inspect import getattr_static
from typing import Any, TypeVar
from uuid import UUID, uuid4

from django.core.exceptions import EmptyResultSet
from django.db import connections, models, router
from django.db.models.base import ModelState
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query import ModelIterable, get_related_populators  # type: ignore[attr-defined]
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import post_init, pre_init
from django.db.models.sql.compiler import SQLCompiler

from engine.models.cursors import binds, cursor

M = TypeVar("M", bound=models.Model)
Value = str | int | float | UUID | datetime
Query = Callable[[Sequence[Any]], models.QuerySet[Any, Any]]
MOST_KEPT = 1000  # shapes in a process; about 14 kB each

_PLAIN = (str, int, float, UUID, datetime)  # a database may have numbers of types of its own, which are these too
_TYPES = frozenset(_PLAIN)
_SET_BY_ROWS = (DeferredAttribute, ForeignKeyDeferredAttribute)  # attributes that a row sets, and nothing else
_FAR = datetime(2900, 1, 1, tzinfo=UTC)
_SPECIAL = "*%_\\"  # what patterns escape: a text that becomes one is not found again
_LONG = " " * 5000  # longer than any text that is taken: a part of one is not the whole


@dataclass(frozen=True, slots=True)
class Compiled:
    """The SQL of a query, where its values go, and how rows are made of what comes."""

    sql: str
    fixed: tuple[Any, ...]
    places: tuple[tuple[int, int], ...]  # at which parameter goes which value
    made: Callable[[Sequence[Any], Any], list[Any]]

    def rows(self, alias: str, values: Sequence[Value]) -> list[Any]:
        """What the query finds for these values: models as the ORM makes them, or tuples."""
        connection = connections[alias]
        given, parameters = adapted(connection, values), list(self.fixed)
        for at, which in self.places:
            parameters[at] = given[which]
        with cursor(connection) if binds(connection) else connection.cursor() as way:
            way.execute(self.sql, parameters)
            found = way.fetchall()
        return self.made(found, connection)


# -- writing SQL ----------------------------------------------------------------------------------------------------------
def is_value(value: object) -> bool:
    """Whether it may travel alone: it is of a plain type, and a moment names its time zone."""
    return type(value) in _TYPES and not (isinstance(value, datetime) and value.tzinfo is None)


def compiled(query: Query, values: Sequence[Value], alias: str) -> Compiled | None:
    """The query for values of these types, None where the places of some cannot be told. Its SQL must not depend on what they are."""
    token = str(uuid4())
    stand_ins = [_stand_in(value, number, token) for number, value in enumerate(values)]
    rows = query(stand_ins).using(alias)
    compiler = rows.query.get_compiler(alias)
    try:
        sql, parameters = compiler.as_sql()
    except EmptyResultSet:
        return None
    numbers = {value: number for number, value in enumerate(adapted(connections[alias], stand_ins))}
    places = [(at, numbers[value]) for at, value in enumerate(parameters) if isinstance(value, _PLAIN) and value in numbers]
    fixed = list(parameters)
    for at, _ in places:
        fixed[at] = None
    if len({number for _, number in places}) < len(values) or any(token in str(one) for one in fixed):
        return None
    return Compiled(sql, tuple(fixed), tuple(places), _maker(compiler, alias, models=rows._iterable_class is ModelIterable))


def _stand_in(value: Value, number: int, token: str) -> Value:
    match value:
        case str():
            return f"{_SPECIAL}{token} {number}{_LONG}"
        case UUID():
            return uuid4()
        case datetime():
            return _FAR + timedelta(microseconds=number)
        case float():
            return 2.0**60 + 2**20 * number
        case int() if not isinstance(value, bool):
            return 2**30 + 7919 * (number + 1)
    raise TypeError(f"{type(value).__name__} is no type of a value that SQL is kept for")


def adapted(connection: Any, values: Sequence[Value]) -> list[Any]:
    """Values as a database takes them."""
    whole = connection.features.has_native_uuid_field
    moment = connection.ops.adapt_datetimefield_value
    return [(v if whole else v.hex) if isinstance(v, UUID) else moment(v) if isinstance(v, datetime) else v for v in values]


# -- reading rows ---------------------------------------------------------------------------------------------------------
def _maker(compiler: SQLCompiler, alias: str, *, models: bool) -> Callable[[Sequence[Any], Any], list[Any]]:
    """From the rows of the database to models, or to tuples where columns were asked for; nothing of the compiler is kept."""
    select: Any = compiler.select
    converters = list(compiler.get_converters([expression for expression, _, _ in select]).items())
    of_row = _model_maker(compiler, alias) if models else _tuple_maker(len(select))

    def made(rows: Sequence[Any], connection: Any) -> list[Any]:
        return [of_row(row) for row in (_converted(rows, converters, connection) if converters else rows)]

    return made


def _converted(rows: Sequence[Any], converters: Sequence[Any], connection: Any) -> list[Any]:
    found = [list(row) for row in rows]
    for at, (steps, expression) in converters:
        for row in found:
            for step in steps:
                row[at] = step(row[at], expression, connection)
    return found


def _tuple_maker(columns: int) -> Callable[[Sequence[Any]], Any]:
    return lambda row: tuple(row[:columns])  # behind them stands what is sorted by


def _model_maker(compiler: SQLCompiler, alias: str) -> Callable[[Sequence[Any]], Any]:
    """As Django's ModelIterable does it, with the models of `select_related` and annotations."""
    select: Any = compiler.select
    about: Any = compiler.klass_info
    model, first, after = about["model"], about["select_fields"][0], about["select_fields"][-1] + 1
    names = [column[0].target.attname for column in select[first:after]]
    related, annotations = get_related_populators(about, select, alias), list(compiler.annotation_col_map.items())
    loaded = short_way(model, alias, names) or (lambda values: model.from_db(alias, names, values))

    def made(row: Sequence[Any]) -> Any:
        found = loaded(row[first:after])
        for populator in related:
            populator.populate(row, found)
        for name, at in annotations:
            setattr(found, name, row[at])
        return found

    return made


def short_way(model: type[models.Model], alias: str, names: Sequence[str]) -> Callable[[Sequence[Any]], Any] | None:
    """What `from_db` comes to where whole rows are read, the model overrides nothing and nobody listens; it takes a tenth of the time."""
    whole = list(names) == [field.attname for field in model._meta.concrete_fields]
    own = model.from_db.__func__ is not models.Model.from_db.__func__ or model.__init__ is not models.Model.__init__  # type: ignore[attr-defined]
    plain = all(type(getattr_static(model, name)) in _SET_BY_ROWS for name in names)
    if not whole or own or not plain or pre_init.has_listeners(model) or post_init.has_listeners(model):
        return None

    def made(values: Sequence[Any]) -> Any:
        found = model.__new__(model)
        found._state = state = ModelState()
        state.adding, state.db = False, alias
        found.__dict__.update(zip(names, values, strict=True))
        return found

    return made


def as_read(model: type[M], values: Mapping[str, Any], **related: models.Model) -> M:
    """A row that was just written, as it would be read: these columns and rows beside it, and defaults for the rest."""
    found = model.__new__(model)
    found._state = state = ModelState()
    state.adding, state.db, state.fields_cache = False, router.db_for_write(model), {}
    found.__dict__.update(_blank(model))
    found.__dict__.update(values)
    for name, row in related.items():
        found.__dict__[f"{name}_id"] = row.pk
        state.fields_cache[name] = row
    return found


@cache
def _blank(model: type[models.Model]) -> Mapping[str, Any]:
    return {name: value for name, value in vars(model()).items() if name != "_state"}


# -- keeping it -----------------------------------------------------------------------------------------------------------
class Kept:
    """Compiled queries by their shape; those that were not asked for in the longest time go first."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, Compiled | None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def rows(self, model: type[models.Model], shape: Hashable, values: Sequence[Value], query: Query) -> list[Any]:
        """What the query of this shape finds for these values; where it cannot be kept it is asked in the ordinary way."""
        found = self.found(model, shape, values, query)
        return list(query(values)) if found is None else found

    def found(self, model: type[models.Model], shape: Hashable, values: Sequence[Value], query: Query) -> list[Any] | None:
        """The same; None where the query cannot be kept."""
        alias = router.db_for_read(model)
        known = self._get((alias, shape))
        if known is _UNKNOWN:
            known = compiled(query, values, alias)
            self._put((alias, shape), known)
        return None if known is None else known.rows(alias, values)

    def _get(self, key: Hashable) -> Any:
        with self._lock:
            if key not in self._known:
                return _UNKNOWN
            self._known.move_to_end(key)
            return self._known[key]

    def _put(self, key: Hashable, found: Compiled | None) -> None:
        with self._lock:
            self._known[key] = found
            while len(self._known) > self._most:
                self._known.popitem(last=False)


_UNKNOWN = object()
KEPT = Kept()
