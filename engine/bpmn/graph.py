"""What was drawn, as frozen values: one Graph a process, made once per definition by `parse` and never changed.

Texts that may be expressions (names, assignees, conditions ...) stay texts here; `validate` has parsed them all once, so
that a wrong one is found at deployment. Element types are BPMN's own local names (`userTask`, `exclusiveGateway`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

# How much is kept of the past; up to `task` no runs of activities are, but of those that are marked (Flowable's HistoryLevel).
HISTORY_LEVELS = ("none", "instance", "task", "activity", "audit", "full")


@dataclass(frozen=True, slots=True)
class Field:
    """An injected field of a service task or listener; `text` may be an expression."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Listener:
    """An execution listener (`start`, `end`, `take`) or a task listener (`create`, `assignment`, `complete`, `delete`, `all`).

    `kind` says how `implementation` is read: `class`, `expression`, `delegateExpression` or `script` (then with a language).
    """

    event: str
    kind: str
    implementation: str
    fields: tuple[Field, ...] = ()
    language: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Timer:
    """When a timer is due: `kind` is `date`, `duration` or `cycle`; `text` ISO 8601, cron or an expression; `end` ends a cycle."""

    kind: str
    text: str
    end: str | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A mapping of a call or an event: from `source` (a name) or `expression` to `target`."""

    target: str
    source: str | None = None
    expression: str | None = None
    transient: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """An event definition with its reference resolved.

    `kind`: message, timer, signal, error, escalation, conditional, compensate, cancel, terminate, link, variable.
    `name` is the message's or signal's name, the error or escalation code, the link's name, the variable's name; None catches all.
    """

    kind: str
    name: str | None = None
    ref: str | None = None
    timer: Timer | None = None
    condition: str | None = None
    language: str = ""  # of the condition; empty for an expression, else a script's
    local: bool = False  # signal with flowable:scope="processInstance"
    asynchronous: bool = False  # an async throw: delivered by a job per receiver
    terminate_all: bool = False
    terminate_multi_instance: bool = False
    activity: str | None = None  # compensate: the one activity meant, else all of the scope
    wait: bool = True  # compensate: waitForCompletion
    code_variable: str | None = None  # errorVariableName / escalation code variable
    code_transient: bool = False  # errorVariableTransient
    change: str | None = None  # variable listener: create, update, delete, all
    ins: tuple[Parameter, ...] = ()
    outs: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Aggregation:
    """`variableAggregation` of a multi-instance: the listed variables of each round gathered into `target`."""

    target: str
    variables: tuple[Parameter, ...] = ()
    overview: bool = False


@dataclass(frozen=True, slots=True)
class Loop:
    """Multi-instance (`standard` False) or standard loop characteristics of an activity."""

    sequential: bool = False
    cardinality: str | None = None
    collection: str | None = None
    element: str | None = None  # elementVariable
    index: str | None = None  # elementIndexVariable
    completion: str | None = None
    aggregations: tuple[Aggregation, ...] = ()
    no_wait_async_leave: bool = False
    standard: bool = False
    condition: str | None = None
    test_before: bool = False
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class DataObject:
    """A declared variable with its type (`string`, `integer`, `json` ...) and default value."""

    id: str
    name: str
    type: str
    value: object = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """What a process says of itself as a REST service; `description` and `tags` may be expressions.

    `version` is the N of `/v<N>/<workflow>` where the model fixes it, `policy` who may see and change an instance beyond the rights of
    the site: `participants` or `initiator`.
    """

    version: str | None = None
    policy: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FormProperty:
    """`flowable:formProperty`, as written."""

    id: str
    name: str | None = None
    type: str = "string"
    expression: str | None = None
    variable: str | None = None
    default: str | None = None
    pattern: str | None = None
    readable: bool = True
    writable: bool = True
    required: bool = False
    options: tuple[tuple[str, str], ...] = ()  # (id, name)


@dataclass(frozen=True, slots=True)
class Start:
    """What a start event says beyond its event."""

    initiator: str | None = None
    form_key: str | None = None
    properties: tuple[FormProperty, ...] = ()


@dataclass(frozen=True, slots=True)
class UserTask:
    """What a user task says; every text may be an expression."""

    assignee: str | None = None
    owner: str | None = None
    candidate_users: tuple[str, ...] = ()
    candidate_groups: tuple[str, ...] = ()
    due: str | None = None
    priority: str | None = None
    category: str | None = None
    form_key: str | None = None
    properties: tuple[FormProperty, ...] = ()
    listeners: tuple[Listener, ...] = ()
    id_variable: str | None = None
    completer_variable: str | None = None
    excluded: str | None = None  # who may not work on it though a candidate, as one name or several with commas


@dataclass(frozen=True, slots=True)
class Work:
    """What a service, send or business rule task calls.

    `kind`: class, delegateExpression, expression, or a built-in type (mail, http, external-worker); `implementation` is its text.
    """

    kind: str
    implementation: str = ""
    fields: tuple[Field, ...] = ()
    result: str | None = None
    result_local: bool = False
    result_transient: bool = False
    triggerable: bool = False
    topic: str | None = None
    errors: tuple[tuple[str, str, bool], ...] = ()  # mapException: (error code, exception name or "", with subclasses)
    ins: tuple[Parameter, ...] = ()
    outs: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """A script task: language (`javascript`, `groovy`, `juel`) and source."""

    language: str
    source: str
    result: str | None = None
    auto_store: bool = False
    line: int = 0  # where the source begins in the file


@dataclass(frozen=True, slots=True)
class Call:
    """A call activity: `called` is a key (or an id, `by_id`), perhaps an expression."""

    called: str
    by_id: bool = False
    ins: tuple[Parameter, ...] = ()
    outs: tuple[Parameter, ...] = ()
    business_key: str | None = None
    inherit_business_key: bool = False
    inherit_variables: bool = False
    same_deployment: bool = False
    id_variable: str | None = None
    instance_name: str | None = None
    local_outs: bool = False
    complete_async: bool = False


@dataclass(frozen=True, slots=True)
class AdHoc:
    """An ad-hoc sub-process."""

    sequential: bool = False
    completion: str | None = None
    cancel_remaining: bool = True


Detail = Start | UserTask | Work | Script | Call | AdHoc


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A flow node: `incoming` and `outgoing` are flow ids in document order; `parent` the sub-process it lies in."""

    id: str
    type: str
    name: str | None = None
    documentation: str | None = None
    line: int = 0
    parent: str | None = None
    incoming: tuple[str, ...] = ()
    outgoing: tuple[str, ...] = ()
    default: str | None = None
    asynchronous: bool = False
    exclusive: bool = True
    async_leave: bool = False
    async_leave_exclusive: bool = True
    retry: str | None = None  # failedJobRetryTimeCycle
    category: str | None = None  # jobCategory
    skip: str | None = None
    listeners: tuple[Listener, ...] = ()
    event: Event | None = None
    attached_to: str | None = None
    boundary: tuple[str, ...] = ()
    interrupting: bool = True
    triggered_by_event: bool = False
    for_compensation: bool = False
    compensated_by: str | None = None  # the handler a compensation boundary event leads to
    loop: Loop | None = None
    detail: Detail | None = None
    data: tuple[DataObject, ...] = ()
    anonymous: bool = False  # the file gives it no id: the one here is ours, and its runs are not kept in the history
    in_history: bool = False  # includeInHistory: its runs are kept where the level of history keeps no others


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A sequence flow."""

    id: str
    source: str
    target: str
    name: str | None = None
    condition: str | None = None
    language: str = ""  # of the condition; empty for an expression, else a script's
    skip: str | None = None
    listeners: tuple[Listener, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """One process. `children` lists the node ids of each scope (None: the process itself) in document order."""

    key: str
    name: str | None = None
    documentation: str | None = None
    category: str | None = None  # the file's targetNamespace
    executable: bool = True
    line: int = 0
    nodes: Mapping[str, Node] = field(default_factory=dict)
    flows: Mapping[str, Flow] = field(default_factory=dict)
    children: Mapping[str | None, tuple[str, ...]] = field(default_factory=dict)
    listeners: tuple[Listener, ...] = ()
    data: tuple[DataObject, ...] = ()
    service: Service = Service()
    candidate_starter_users: tuple[str, ...] = ()
    candidate_starter_groups: tuple[str, ...] = ()
    history: str | None = None  # historyLevel, one of HISTORY_LEVELS; None: as the site keeps it
    _known: dict[tuple[str, str | None], tuple[Node, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)
    keep_days: float | None = None  # historyTimeToLive: how long ended instances are kept; None: as the site says

    def remembers(self, node: str) -> bool:
        """Whether the runs of a node, or the takings of a flow, are kept in the history (Flowable's isHistoryEnabledForActivity)."""
        if node in self.nodes and self.nodes[node].anonymous:
            return False
        if self.history is None or self.history in HISTORY_LEVELS[3:]:
            return True
        return self.history != "none" and node in self.nodes and self.nodes[node].in_history

    def stopping(self, before: Iterable[str]) -> Graph:
        """The same process, but with a job to wait for before each of these nodes."""
        stops = {n: replace(self.nodes[n], asynchronous=True) for n in before if n in self.nodes}
        return replace(self, nodes={**self.nodes, **stops})

    def inside(self, scope: str | None) -> tuple[Node, ...]:
        """The nodes that lie directly in a scope, in document order."""
        return self._kept("inside", scope, lambda: tuple(self.nodes[n] for n in self.children.get(scope, ())))

    def starts(self, scope: str | None) -> tuple[Node, ...]:
        """The start events of a scope."""
        return self._kept("starts", scope, lambda: tuple(n for n in self.inside(scope) if n.type == "startEvent"))

    def event_subprocesses(self, scope: str | None) -> tuple[Node, ...]:
        """The event sub-processes that listen while a scope is open."""
        return self._kept("event sub-processes", scope, lambda: tuple(n for n in self.inside(scope) if n.triggered_by_event))

    def _kept(self, what: str, scope: str | None, found: Callable[[], tuple[Node, ...]]) -> tuple[Node, ...]:
        """Looked for once: every start asks for them, and a process may have thousands of nodes."""
        known = self._known.get((what, scope))
        if known is None:
            known = self._known[what, scope] = found()
        return known
