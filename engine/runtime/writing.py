"""Variables that are set from outside: a change of an instance in which no token moves, unless one waits for just that."""

from __future__ import annotations

from engine import interpreter
from engine.conf import settings as conf
from engine.errors import NotFound
from engine.interpreter.journal import Change, Evaluate
from engine.runtime.orders import SetVariables
from engine.runtime.store.instances import Loaded
from engine.runtime.world import World


def written(unit: Loaded, wish: SetVariables, world: World) -> Change:
    """Set and remove what is wished, then let listen what listens to variables; raises NotFound for one that is not there."""
    state = unit.state.copy()
    token = state.tokens[wish.token]
    changes: list[tuple[int, str, str]] = []
    for name, value in wish.values.items():
        owner = wish.token if wish.local else state.owner(token, name)
        owner = 0 if owner is None else owner
        changes.append((owner, name, "update" if name in state.variables.get(owner, ()) else "create"))
        state.set_local(owner, name, value)
    for name in wish.remove:
        owner = wish.token if wish.local else state.owner(token, name)
        if owner is None or name not in state.variables.get(owner, ()):
            raise NotFound(f"there is no variable {name}")
        state.drop(owner, name)
        changes.append((owner, name, "delete"))
    if not any(n.event and n.event.kind == "variable" for n in unit.graph.nodes.values()):
        return Change(state)
    return interpreter.deliver(unit.graph, state, Evaluate(tuple(changes)), world, steps=conf.MAX_STEPS)
