"""How each kind of invocation is carried out: a table from kind to function, and which of them are remote.

Remote work runs before the transaction opens and is never repeated after a conflict; a transactional handler opens the
transaction first, so that a conflict is found before it is called.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable
from typing import Any, Protocol

from engine.conf import settings as conf
from engine.errors import HandlerError
from engine.expressions import scripts
from engine.expressions.contexts import Limits
from engine.expressions.evaluate import evaluate
from engine.expressions.parse import names as names_in
from engine.expressions.parse import parse
from engine.interpreter.journal import Answer, Invocation, Lookup
from engine.runtime.handlers import http, mail
from engine.runtime.handlers.execution import Execution
from engine.runtime.handlers.registry import Handler, handlers, lookup

SAID = logging.getLogger("towpath.script")
_NAME = re.compile(r"\s*[$#]\{\s*(\w+)\s*\}\s*")


class Unit(Protocol):
    """What a call needs of the unit of work it happens in."""

    def open(self) -> None:
        """Open the transaction; raises RevisionConflict."""
        ...

    def away(self, what: str) -> None:
        """Say that remote work follows; raises HandlerError inside a host's own transaction."""
        ...

    def execution(self, call: Invocation) -> Execution: ...


class _AnyMethod(frozenset[str]):
    """A bean answers to whatever method name the model uses, for its function is what is called."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and not name.startswith("_")


class Bean:
    """A handler as an expression sees it: `${printer.print(execution)}` calls the function registered as `printer`."""

    expression_names = _AnyMethod()

    def __init__(self, handler: Handler, unit: Unit, execution: Execution | None) -> None:
        self._handler, self._unit, self._execution = handler, unit, execution

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._call

    def _call(self, *arguments: Any) -> Any:
        ready(self._handler, self._unit)
        mine = self._execution
        given = [mine if mine is not None and type(a).__name__ == "Execution" else a for a in arguments]
        return self._handler.function(*given)


def ready(handler: Handler, unit: Unit) -> None:
    """A transactional handler runs inside the transaction, any other before it."""
    if handler.transaction:
        unit.open()
    else:
        unit.away(f"handler {handler.name}")


def with_beans(find: Lookup, unit: Unit, execution: Execution | None = None) -> Lookup:
    """A lookup that knows handlers by name where no variable is meant."""

    def found(name: str) -> Any:
        try:
            return find(name)
        except KeyError:
            if (handler := handlers().get(name)) is None:
                raise
            return Bean(handler, unit, execution)

    return found


def _script(call: Invocation, unit: Unit) -> Answer:
    facts = call.facts
    told = {
        "id": f"{facts.id}.{call.token}" if call.token else facts.id, "processInstanceId": facts.id,
        "processDefinitionId": facts.definition,
        "processInstanceBusinessKey": facts.business_key, "currentActivityId": call.node, "currentActivityName": call.node_name,
        "eventName": call.listener, "tenantId": facts.tenant,
    }  # fmt: skip
    limits = Limits(cpu_seconds=conf.SCRIPT_TIME, memory=conf.SCRIPT_MEMORY, sleep_seconds=conf.SCRIPT_SLEEP)
    done = scripts.run(call.language, call.implementation, call.variables, facts=told, limits=limits)
    for line in done.printed:
        SAID.info("%s", line, extra={"instance": facts.id, "node": call.node})
    return Answer(
        value=done.value, set=done.assigned, local=done.local, removed=done.removed, globals=done.globals, transient=done.transient,
        printed=done.printed,
    )  # fmt: skip


def _expression(call: Invocation, unit: Unit) -> Answer:
    execution = unit.execution(call)
    value = evaluate(parse(call.implementation), with_beans(call.lookup, unit, execution))
    return execution.answer(value)


def _handler(call: Invocation, unit: Unit) -> Answer:
    handler = _named(call, unit)
    ready(handler, unit)
    execution = unit.execution(call)
    return execution.answer(handler.function(execution))


def _named(call: Invocation, unit: Unit) -> Handler:
    """`class` names a handler; `delegateExpression` is a name in `${}`, or an expression whose value is a name."""
    if call.kind == "class":
        return lookup(call.implementation)
    if (plain := _NAME.fullmatch(call.implementation)) and plain[1] in handlers():
        return handlers()[plain[1]]
    value = evaluate(parse(call.implementation), with_beans(call.lookup, unit))
    if isinstance(value, Bean):
        return value._handler
    if isinstance(value, str):
        return lookup(value)
    raise HandlerError(f"{call.implementation} names no Python handler")


def _mail(call: Invocation, unit: Unit) -> Answer:
    unit.away("a mail task")
    return mail.send(call)


def _http(call: Invocation, unit: Unit) -> Answer:
    unit.away("an http task")
    return http.request(call)


_CARRIED_OUT: dict[str, Callable[[Invocation, Unit], Answer]] = {
    "script": _script,
    "expression": _expression,
    "class": _handler,
    "delegateExpression": _handler,
    "mail": _mail,
    "http": _http,
}


def carry_out(call: Invocation, unit: Unit) -> Answer:
    """Carry out one invocation; raises BpmnError for a business error, anything else is technical."""
    try:
        function = _CARRIED_OUT[call.kind]
    except KeyError:
        raise HandlerError(f"{call.node}: nothing carries out a task of type {call.kind!r}") from None
    try:
        return function(call, unit)
    except MemoryError as error:
        traceback.clear_frames(error.__traceback__)  # they hold on to what took the memory, which is needed to write this down
        raise HandlerError(f"{call.node}: it took more memory than a worker may have (ENGINE_JOB_MEMORY)") from error


def is_pure(call: Invocation) -> bool:
    """An expression without handlers works on the state alone; it must be evaluated anew with it, for it may write variables."""
    return call.kind == "expression" and not _handlers_of(call)


def is_transactional(call: Invocation) -> bool:
    """Whether what the call did lies inside the transaction, and so is undone with it and has to be done again."""
    return any(h.transaction for h in _handlers_of(call))


def _handlers_of(call: Invocation) -> list[Handler]:
    if call.kind == "expression":
        return [h for n in sorted(names_in(parse(call.implementation))) if (h := handlers().get(n))]
    found = of_model(call.kind, call.implementation)
    return [found] if found else []


def of_model(kind: str, implementation: str) -> Handler | None:
    """The handler that a model names directly: a class, or a delegate expression that is nothing but a name."""
    known = handlers()
    if kind == "class":
        return known.get(implementation) or known.get(implementation.rpartition(".")[2])
    plain = _NAME.fullmatch(implementation) if kind == "delegateExpression" else None
    return known.get(plain[1]) if plain else None


def unknown(implementation: str) -> bool:
    """Whether a class name or a delegate expression names a handler that is not registered; of other expressions nobody knows."""
    if plain := _NAME.fullmatch(implementation):
        return plain[1] not in handlers()
    return "{" not in implementation and of_model("class", implementation) is None
