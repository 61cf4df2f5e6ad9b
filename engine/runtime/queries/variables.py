"""Variables in lists: their conditions, answered by the database, and their values, read for a whole page at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from operator import and_
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, Func, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.expressions import RawSQL
from django.db.models.lookups import Exact
from django.db.models.sql.compiler import SQLCompiler

from engine.bpmn.graph import HISTORY_LEVELS
from engine.errors import BadInput
from engine.expressions.values import from_json, type_of
from engine.models import Blob, Definition, Instance, Token, UserTask, Variable
from engine.models.compiled import KEPT
from engine.runtime import access, sight
from engine.runtime.queries.asking import ByShape
from engine.runtime.queries.filters import Filter, Filters, equals, execution_of, flag, ident, idents, switch, text, texts
from engine.runtime.queries.listing import Listing
from engine.runtime.queries.lookups import is_like
from engine.runtime.store.values import COLUMNS, columns_of, value_of

MOST_CONDITIONS = 20  # in one query
MOST_NAMES = 1000  # that a pattern is turned into
SHORT = 33  # characters: in capitals they may become three times as many


class Folded(Func):
    """What the index of texts holds of a text: the beginning, in capitals. (It is written as there, without a parameter.)"""

    arity, output_field = 1, TextField()
    template = "LEFT(UPPER(%(expressions)s), 100)"

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **given: Any) -> Any:
        return self.as_sql(compiler, connection, template="SUBSTR(UPPER(%(expressions)s), 1, 100)", **given)


_NUMBERS = ("integer", "short", "long", "double", "bigDecimal", "bigInteger")
_COLUMN: Mapping[str, str] = {  # what a value of each type is compared by
    **dict.fromkeys((*_NUMBERS, "boolean"), "number"),  # true is 1, as its text says too
    **dict.fromkeys(("date", "instant", "localDate", "localDateTime"), "time"),
    **dict.fromkeys(("string", "uuid"), "text"),
}
_WRITTEN = ("string", "integer", "short", "long")  # types whose text is a value of its own to `notEquals` (as at Flowable)
_COMPARED: Mapping[str, str] = {
    "equals": "exact", "notEquals": "exact", "greaterThan": "gt", "greaterThanOrEquals": "gte", "lessThan": "lt", "lessThanOrEquals": "lte",
    "equalsIgnoreCase": "iexact", "notEqualsIgnoreCase": "iexact", "like": "like", "likeIgnoreCase": "ilike",
}  # fmt: skip
_FOUND_BY_TEXT = ("equals", "notEquals", "equalsIgnoreCase", "notEqualsIgnoreCase")
_NEGATED = ("notEquals", "notEqualsIgnoreCase")
OF_EXECUTIONS = ("equals", "notEquals", "equalsIgnoreCase", "notEqualsIgnoreCase")  # what Flowable can ask of executions
_OF_VARIABLES = ("equals",)
_OF_ORDER = ("greaterThan", "greaterThanOrEquals", "lessThan", "lessThanOrEquals")
# All names of variables, each found by a step in an index, so that a value can be looked for under each of them.
_NAMES = """WITH RECURSIVE names (name) AS (SELECT MIN(name) FROM towpath_variable UNION ALL
        SELECT (SELECT MIN(v.name) FROM towpath_variable v WHERE v.name > names.name) FROM names WHERE names.name IS NOT NULL)
    SELECT name FROM names WHERE name IS NOT NULL"""
EVERY_NAME = RawSQL(_NAMES, ())  # noqa: S611  # nothing of it comes from outside
_OF_TEXTS = ("equalsIgnoreCase", "notEqualsIgnoreCase", "like", "likeIgnoreCase")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a query: `{name, operation, value, type}`; without a name any variable may have the value."""

    name: str | None
    operation: str
    kind: str
    value: Any
    short: bool = False  # a text so short that the index holds all of it, in capitals

    @classmethod
    def read(cls, where: str, sent: object, operations: Collection[str] = tuple(_COMPARED)) -> Condition:
        """From JSON; raises BadInput for an operation that there is not, or that does not fit the value."""
        if not isinstance(sent, dict):
            raise BadInput(f"{where} must be a list of objects", where)
        operation, name = text(where, sent.get("operation") or ""), sent.get("name")
        if operation not in operations:
            raise BadInput(f"{where}: the operation must be one of {', '.join(operations)}, not {operation[:40]!r}", where)
        if sent.get("value") is None:
            raise BadInput(f"{where}: a condition needs a value", where)
        if name is None and operation != "equals":
            raise BadInput(f"{where}: only `equals` can do without a name", where)
        value = from_json(sent["value"], sent.get("type"), name=where)
        kind = type_of(value)
        if kind not in _COLUMN or (operation in _OF_TEXTS and kind != "string") or (operation in _OF_ORDER and kind == "boolean"):
            raise BadInput(f"{where}: {operation} cannot be asked of a value of type {kind}", where)
        short = kind == "string" and len(value) <= SHORT
        return cls(None if name is None else text(where, name), operation, kind, value, short)

    def where(self) -> Q:
        """What it asks of a row of the table of variables, apart from its negation: the name, the type, the value."""
        return self.compared() & self.named() & Q(type__in=_WRITTEN if self.negated and self.kind == "string" else (self.kind,))

    @property
    def negated(self) -> bool:
        return self.operation in _NEGATED

    def stored(self) -> Any:
        """The value as its column holds it; what is one already stays as it is."""
        return columns_of(self.value)[0][_COLUMN[self.kind]]

    def compared(self) -> Q:
        """The comparison alone."""
        column, value = _COLUMN[self.kind], self.stored()
        found = Q(**{f"{column}__{_COMPARED[self.operation]}": value})
        if column != "text" or self.operation not in _FOUND_BY_TEXT:
            return found
        folded = Q(Exact(Folded("text"), Folded(Value(value))))
        return folded if self.short and self.operation.endswith("IgnoreCase") else found & folded

    def named(self) -> Q:
        """That it is a variable with this name."""
        return Q(name__in=EVERY_NAME) if self.name is None else Q(name=self.name)

    def met_by(self, rows: QuerySet[Variable]) -> Q:
        """Whether one of some rows, which have at most one variable of a name for the outer row, meets it.

        Another value than this one has what has a value, of whatever type, and not this one: both are told by indexes.
        """
        if self.negated:
            return Q(Exists(rows.filter(self.named()))) & ~Q(Exists(rows.filter(self.where())))
        return Q(Exists(rows.filter(self.where())))


def conditions(rows: QuerySet[Variable], operations: Collection[str] = tuple(_COMPARED)) -> Filter:
    """A filter for a list of conditions, each of which one of `rows` (that refer to the outer query) must meet."""

    def read(name: str, value: object) -> tuple[tuple[Any, ...], list[Any]]:
        if not isinstance(value, list) or len(value) > MOST_CONDITIONS:
            raise BadInput(f"{name} must be a list of at most {MOST_CONDITIONS} conditions", name)
        found = [Condition.read(name, one, operations) for one in value]
        named = [[one.stored()] if one.name is None else [one.name, one.stored()] for one in found]
        return tuple((one.name is None, one.operation, one.kind, one.short) for one in found), list(chain.from_iterable(named))

    def make(shape: tuple[Any, ...], values: Sequence[Any]) -> Q:
        given = iter(values)
        found = [
            Condition(None if anyone else next(given), operation, kind, next(given), short) for anyone, operation, kind, short in shape
        ]
        return reduce(and_, (one.met_by(rows) for one in found), Q())

    return ByShape(read, make)


# -- which variables ------------------------------------------------------------------------------------------------------
def of_instances(key: str = "pk") -> QuerySet[Variable]:
    """The process variables of the outer row's instance."""
    return Variable.objects.filter(instance=OuterRef(key), token=0, task=None)


def of_executions() -> QuerySet[Variable]:
    """The variables local to the outer row, a token."""
    return Variable.objects.filter(instance=OuterRef("instance"), token=OuterRef("number"), task=None)


def of_tasks() -> QuerySet[Variable]:
    """The variables local to the outer row, a user task."""
    return Variable.objects.filter(task=OuterRef("pk"))


def _seen(user: Any) -> QuerySet[Variable]:
    """Those of instances that he sees, and of tasks without an instance."""
    found = Variable.objects.all()
    if access.sees_all(user):
        return found
    of_instance = Exists(access.visible_instances(user).filter(pk=OuterRef("instance")))
    of_task = Exists(access.visible_tasks(user).filter(pk=OuterRef("task")))
    return found.filter(Q(of_instance) | Q(of_task, instance=None))


def _listed(user: Any, instances: sight.Ids) -> tuple[QuerySet[Variable], bool]:
    """The same for lists, and whether any process keeps no variables; `instances` are those that he sees.

    Whether there are others too is asked first, of both in one statement: there hardly ever are.
    """
    found = Variable.objects.all()
    of_instances = found.filter(instance__in=instances)
    alone = found.filter(instance=None, task__in=sight.tasks(user, Q(instance=None)).values("pk"))
    asked = Definition.objects.order_by().values_list(Exists(alone), Exists(Definition.objects.filter(_SILENT)))[:1]
    others, silent = next(iter(asked), (True, False))  # without a definition there is no instance
    if not others:
        return of_instances, silent
    return found.filter(pk__in=sight.ids(of_instances.values_list("pk"), alone.values_list("pk"))), silent


def _live(found: QuerySet[Variable]) -> QuerySet[Variable]:
    """Those whose scope has not ended, nor the task they are local to."""
    ended = UserTask.objects.filter(pk=OuterRef("task")).exclude(state=UserTask.State.OPEN)
    return found.filter(Q(task=None) | ~Exists(ended), live=True)


def _live_listed(user: Any) -> QuerySet[Variable]:
    all_of_them = access.sees_all(user)
    return _live(Variable.objects.all() if all_of_them else _listed(user, sight.instances(user).filter(ended=None).values("pk"))[0])


# Processes that keep no runs of activities keep no variables either (as Flowable's HistoryLevel).
_SILENT = Q(history__in=HISTORY_LEVELS[:3])


def _past(found: QuerySet[Variable]) -> QuerySet[Variable]:
    """Those in the history."""
    silent = Definition.objects.filter(_SILENT).values("pk")
    return found.filter(~Exists(Instance.objects.filter(pk=OuterRef("instance"), definition__in=silent)))


def _past_listed(user: Any) -> QuerySet[Variable]:
    """The same for lists: millions are not asked for their process where each keeps its variables."""
    if access.sees_all(user):
        found, silent = Variable.objects.all(), Definition.objects.filter(_SILENT).exists()
    else:
        found, silent = _listed(user, sight.instance_ids(user))
    return _past(found) if silent else found


def _of_one_row(name: str, value: object) -> Q:
    """Conditions that the variable itself must meet, all of them."""
    if not isinstance(value, list) or len(value) > MOST_CONDITIONS:
        raise BadInput(f"{name} must be a list of at most {MOST_CONDITIONS} conditions", name)
    read = [Condition.read(name, one, _OF_VARIABLES) for one in value]
    if any(one.name is None for one in read):
        raise BadInput(f"{name}: a condition needs a name", name)
    return reduce(and_, (one.where() for one in read), Q())


def _named_like(name: str, value: object) -> Q:
    """The pattern is asked of each name, of which there are few, and not of millions of variables; one statement."""
    pattern = text(name, value)
    sql, values = is_like("name", pattern, connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(f"{_NAMES} AND {sql} LIMIT %s", (*values, MOST_NAMES + 1))
        found = [name for (name,) in cursor.fetchall()]
    return Q(name__in=found) if len(found) <= MOST_NAMES else Q(name__like=pattern)


_WITHOUT_TASKS = Q(task=None)
_FILTERS: Filters = {
    "processInstanceId": ident("instance"),
    "processInstanceIds": idents("instance"),
    "executionId": execution_of(),
    "taskId": ident("task"),
    "variableName": equals("name"),
    "variableNameLike": _named_like,
    "excludeTaskVariables": switch(_WITHOUT_TASKS),
    "excludeLocalVariables": switch(Q(task=None, token=0)),
    "variables": _of_one_row,
}
_SORTS = {"processInstanceId": "instance_id", "variableName": "name"}
_TIES = (Folded("text"), "instance_id", "pk")  # as the index of texts has them, which so serves the whole list
_OWN_TIES = ("instance_id", "pk")  # somebody's are found by the index of instances

# Their long lists ask the database first what there is: SQL that is written for one call may be wrong for the next.
historic_variables: Listing[Variable] = Listing(
    "variable", lambda user: _past(_seen(user)), _FILTERS, _SORTS, "variableName", _TIES, _past_listed, own_ties=_OWN_TIES
)
variables: Listing[Variable] = Listing(
    "variable", lambda user: _live(_seen(user)), _FILTERS, _SORTS, "variableName", _TIES, _live_listed, own_ties=_OWN_TIES
)


# -- their values ---------------------------------------------------------------------------------------------------------
def values(rows: Iterable[Variable]) -> list[tuple[Variable, Any]]:
    """Rows with their values: one more statement if any of them is stored as a blob."""
    rows = list(rows)
    blobs = [row.blob for row in rows if row.blob]
    contents = {blob.pk: bytes(blob.content) for blob in Blob.objects.filter(pk__in=blobs)} if blobs else {}
    return [(row, value_of(row.type, {c: getattr(row, c) for c in COLUMNS}, contents.get(row.blob) if row.blob else None)) for row in rows]


def of_page(instances: Iterable[Instance], names: Collection[str] = ()) -> dict[UUID, dict[str, Any]]:
    """The process variables of a page of instances, all or those with these names, in one statement (two with blobs)."""
    keys, wanted = [i.pk for i in instances], list(names)

    def query(given: Sequence[Any]) -> QuerySet[Variable]:
        rows = Variable.objects.filter(instance__in=given[: len(keys)], token=0, task=None).order_by("name")
        return rows.filter(name__in=given[len(keys) :]) if wanted else rows

    return _grouped(KEPT.rows(Variable, ("of a page", len(keys), len(wanted)), [*keys, *wanted], query), "instance_id")


def asked_of_page(instances: Iterable[Instance], given: Mapping[str, object]) -> dict[UUID, dict[str, Any]]:
    """The process variables that a query asks for by `includeProcessVariables`, or by name; raises BadInput."""
    wanted = given.get("includeProcessVariablesNames")
    names = [] if wanted is None else texts("includeProcessVariablesNames", wanted)
    return of_page(instances, names) if names or flagged(given, "includeProcessVariables") else {}


def of_page_of_tasks(tasks: Iterable[UserTask]) -> dict[UUID, dict[str, Any]]:
    """The local variables of a page of user tasks."""
    keys = [t.pk for t in tasks]

    def query(given: Sequence[Any]) -> QuerySet[Variable]:
        return Variable.objects.filter(task__in=given).order_by("name")

    return _grouped(KEPT.rows(Variable, ("of tasks", len(keys)), keys, query), "task")


def _grouped(rows: Iterable[Variable], by: str) -> dict[UUID, dict[str, Any]]:
    found: dict[UUID, dict[str, Any]] = defaultdict(dict)
    for row, value in values(rows):
        found[getattr(row, by)][row.name] = value
    return found


def visible(instance: UUID, token: int) -> dict[str, Any]:
    """The live variables seen from a token: its own and those of the scopes around it, the nearest first; two statements."""
    parents = dict(Token.objects.filter(instance=instance).values_list("number", "parent"))
    chain: list[int] = []
    number: int | None = token
    while number is not None:
        chain.append(number)
        number = parents.get(number)
    rows = list(Variable.objects.filter(instance=instance, token__in=chain, task=None, live=True))
    rows.sort(key=lambda row: chain.index(row.token), reverse=True)
    return {row.name: value for row, value in values(rows)}


def flagged(filters: Mapping[str, object], name: str) -> bool:
    """Whether a query asks for something extra, such as `includeProcessVariables`."""
    return filters.get(name) not in (None, "") and flag(name, filters[name])
