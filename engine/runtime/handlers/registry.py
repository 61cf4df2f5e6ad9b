"""The names under which models find Python functions; every installed app's `workflow_handlers` module is read once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from django.utils.module_loading import autodiscover_modules

from engine.errors import HandlerError

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)


@dataclass(frozen=True, slots=True)
class Handler:
    """A registered function; `transaction` says whether it runs inside the process's transaction."""

    name: str
    function: Function
    transaction: bool = True


_HANDLERS: dict[str, Handler] = {}


def service_task(name: str, *, transaction: bool = True) -> Callable[[F], F]:
    """Register a function under a name; raises ValueError if another one has it."""

    def register(function: F) -> F:
        known = _HANDLERS.get(name)
        if known and (known.function.__module__, known.function.__qualname__) != (function.__module__, function.__qualname__):
            raise ValueError(f"two handlers are called {name}: {known.function.__module__} and {function.__module__}")
        _HANDLERS[name] = Handler(name, function, transaction)
        return function

    return register


@cache
def _discover() -> None:
    autodiscover_modules("workflow_handlers")


def handlers() -> dict[str, Handler]:
    """All handlers by name."""
    _discover()
    return _HANDLERS


def lookup(name: str) -> Handler:
    """The handler of a name; `com.acme.StoreOrder` is also found as `StoreOrder`; raises HandlerError."""
    known = handlers()
    found = known.get(name) or known.get(name.rpartition(".")[2])
    if found is None:
        raise HandlerError(f"no Python handler is registered as {name!r}; write @service_task({name!r}) in an app's workflow_handlers.py")
    return found
