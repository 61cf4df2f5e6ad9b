"""Who makes it happen: the only room that opens transactions and knows django-q2.

For Django code around the engine the verbs are here, loaded on first use:

    from engine import runtime
    instance = runtime.start("pizza-order", variables={"pizza": "Margherita"}, user=request.user)
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_VERBS = {
    "deploy": "definitions",
    "start": "instances",
    "cancel": "instances",
    "set_variables": "instances",
    "complete": "tasks",
    "claim": "tasks",
    "release": "tasks",
    "signal": "messages",
    "message": "messages",
    "task_created": "hooks",
    "instance_ended": "hooks",
}

__all__ = list(_VERBS)


def __getattr__(name: str) -> Any:
    """Models can be imported only once Django is set up, so nothing is loaded before it is asked for."""
    if name not in _VERBS:
        raise AttributeError(f"engine.runtime has no {name}")
    return getattr(import_module(f"engine.runtime.{_VERBS[name]}"), name)
