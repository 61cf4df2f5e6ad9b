"""The latest definition of a process from memory: whoever starts from it has the database confirm it as the instance is written.

A start would else ask first, which takes it nearly as long as the writing. Nothing is refused by what is remembered: `confirmed`
does it once more then, with what the database says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from engine.errors import NotFound
from engine.models import Definition
from engine.runtime import definitions
from engine.runtime.orders import Outdated
from engine.runtime.recording import REFUSED, is_refusal
from engine.runtime.store.sending import alone, read
from engine.runtime.store.statements import Statement

KEPT = 1000  # definitions; with more it begins anew
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Latest:
    """A definition, which nobody changes; where it is from memory, with the proof that it is as it was and still the latest."""

    definition: Definition
    proof: Statement | None = None


Find = Callable[[str, str], Latest]

_MARKED = "SELECT d.id, md5(d::text) FROM towpath_definition d WHERE d.key = %s AND d.tenant = %s ORDER BY d.version DESC LIMIT 1"
_PROOF = (
    "SELECT 1 FROM towpath_definition d WHERE d.id = %s AND md5(d::text) = %s AND NOT EXISTS ("
    "SELECT 1 FROM towpath_definition n WHERE n.key = d.key AND n.tenant = d.tenant AND n.version > d.version)"
)
_known: dict[tuple[str, str], Latest] = {}


def confirmed(do: Callable[[Find], T]) -> T:
    """What `do` gives, which is handed a way to find the newest version of a key (raises NotFound).

    First from memory, where a transaction of its own can prove it; if it was refused then, once more from the database.
    """
    if not alone():
        return do(asked)
    used: list[tuple[str, str]] = []

    def find(key: str, tenant: str) -> Latest:
        used.append((key, tenant))
        return _remembered(key, tenant)

    try:
        return do(find)
    except REFUSED as error:
        if not used or not is_refusal(error):  # what a step raised is raised
            raise
    for about in used:
        _known.pop(about, None)
    return do(asked)


def asked(key: str, tenant: str) -> Latest:
    """As the database has it."""
    return Latest(definitions.latest(key, tenant))


def known(key: str, tenant: str) -> Latest:
    """As it is remembered, for who needs of a definition only what never changes."""
    return _remembered(key, tenant) if alone() else asked(key, tenant)


def _remembered(key: str, tenant: str) -> Latest:
    found = _known.get((key, tenant))
    if found is None:
        if len(_known) >= KEPT:
            _known.clear()
        found = _known[key, tenant] = _read(key, tenant)
    return found


def _read(key: str, tenant: str) -> Latest:
    """First its mark, then the row: after a change in between the proof fails, instead of holding for what was never read."""
    [rows] = read((_MARKED, [key, tenant]))
    if not rows:
        raise NotFound(f"there is no process {key}")
    [(found, mark)] = rows
    return Latest(definitions.get(found), Statement(_PROOF, [found, mark], guard=1, missed=Outdated("the definition was changed")))
