"""What a call goes by from memory, and how it is found to be still so: by the transaction that the call makes, or by a look.

A user object that was remembered carries its proof. Nothing is answered, nothing is done outside and nothing is committed for
him before it has held once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.runtime.store.sending import read
from engine.runtime.store.statements import Statement


@dataclass(slots=True)
class Proof:
    """A look that finds one row as long as it is so (`Statement` with a guard of 1), and whether it has found it."""

    statement: Statement
    held: bool = False

    def holds(self) -> bool:
        """Look, unless it has held."""
        self.held = self.held or finds(self.statement)
        return self.held


def finds(statement: Statement) -> bool:
    """Whether a statement that only looks finds a row."""
    return bool(read((statement.sql, statement.values))[0])


def carried(user: Any, proof: Proof) -> None:
    """Let a remembered user carry the proof of himself."""
    user._towpath_proof = proof


def of(user: Any) -> Proof | None:
    """The proof that is still wanted of a user; None for who was read from the database in this call, or is nobody in particular."""
    found: Proof | None = getattr(user, "_towpath_proof", None)
    return None if found is None or found.held else found


def holds(user: Any) -> bool:
    """Whether a user is as he was remembered, if he was; looks unless that was found."""
    proof = of(user)
    return proof is None or proof.holds()


def check(user: Any) -> None:
    """The same; raises what the statement raises that misses."""
    if (proof := of(user)) and not proof.holds():
        raise proof.statement.failure()
