"""Variables that are tagged `versioned` keep what they were: their last values, the oldest first, in a variable beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.expressions.values import to_json
from engine.interpreter.state import ROOT
from engine.runtime.store.instances import Loaded

LIMIT = 10  # how many are kept
TAG = "versioned"


def beside(name: str) -> str:
    """The variable that holds the earlier values of another."""
    return f"{name}$versions"


def remember(unit: Loaded) -> None:
    """Keep the values that a unit of work replaces, before it is written; what changed several times in it counts once."""
    for declared in unit.graph.data:
        if TAG in declared.tags and (ROOT, declared.name) in unit.state.written:
            known = unit.state.variables[ROOT]
            old = unit.base.variables.get(ROOT, {}).get(declared.name)
            if old is not None and old != known.get(declared.name):
                unit.state.set_local(ROOT, beside(declared.name), [*of(known, declared.name), to_json(old)][-LIMIT:])


def of(variables: Mapping[str, Any], name: str) -> list[Any]:
    """The earlier values of a variable, as JSON."""
    return list(variables.get(beside(name)) or ())
