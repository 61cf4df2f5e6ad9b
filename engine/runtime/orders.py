"""What a unit of work is asked for, and what it answers: plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.errors import Conflict
from engine.interpreter.journal import Input
from engine.models import Definition
from engine.runtime.proofs import Proof
from engine.runtime.store.statements import Statement


class Gone(Conflict):
    """The token that was to go on is not there any more: somebody else was first, or its scope was left."""


class Outdated(Conflict):
    """What was remembered (of a definition, of who calls) is not so any more; who remembered it does it again, and nobody sees this."""


@dataclass(frozen=True, slots=True)
class SetVariables:
    """Variables written from outside: at a token, or where they live; `remove` are names to take away."""

    token: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    local: bool = False
    remove: tuple[str, ...] = ()


Wish = Input | SetVariables


@dataclass(frozen=True, slots=True)
class Start:
    """A new instance that an order begins; `proof` is what its definition, taken from memory, has to be confirmed by."""

    definition: Definition
    business_key: str | None = None
    name: str | None = None
    tenant: str = ""
    service_id: str | None = None
    accepted: bool = False  # its row is there already
    proof: Statement | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted: `input` for `instance` (`more`: the same transaction for others), by whom, and why.

    `cause` is the id of what triggers it (a job, a user task): it stays the same over all attempts. `attempt` counts them from 1.
    `lease` is what its `job` is leased with: it is looked at before anything is done outside, where no rollback reaches.
    `proof` is of `user`, where he was remembered.
    `run` is the activity run that the token must still be in: a token that came to its next user task is not the one that was meant.
    """

    instance: UUID
    input: Wish
    trigger: str
    subject: str = ""
    node: str | None = None
    user: str | None = None
    job: UUID | None = None
    cause: UUID | None = None
    start: Start | None = None
    attempt: int = 1
    run: UUID | None = None
    lease: str | None = None
    proof: Proof | None = None
    more: tuple[tuple[UUID, Wish, Start | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it: the instance's new revision, whether it ended, and when the unit was saved."""

    instance: UUID
    revision: int
    ended: bool
    at: datetime
