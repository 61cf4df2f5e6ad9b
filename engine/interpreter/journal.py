"""What comes out of advancing: the new State, the facts of what happened in order, and the effects that others carry out.

Facts are neutral (a dialect's quirks are made from them in `api/`): `store` turns them into history rows, the ledger keeps
them. Effects say what must exist or go after this unit: user tasks, jobs, subscriptions, children, signals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.interpreter.environment import Answer as Answer
from engine.interpreter.environment import Environment as Environment
from engine.interpreter.environment import Invocation as Invocation
from engine.interpreter.environment import Lookup as Lookup
from engine.interpreter.state import State


# -- facts ----------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Entered:
    """An activity or event began; `activity` is the id of this run."""

    activity: str
    node: str
    token: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Left:
    """A run ended; `reason` is None when it went its normal way, else why it was cancelled."""

    activity: str
    node: str
    at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A sequence flow was taken; `activity` is an id for its history entry."""

    activity: str
    flow: str
    token: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Noted:
    """Something a reader of the ledger wants to know: `what` is a word (`error caught`, `job created` ...), `about` its subject."""

    what: str
    node: str | None
    about: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """The instance ended at `node` (None: cancelled); `state` is completed, terminated, cancelled or error."""

    node: str | None
    at: datetime
    state: str = "completed"
    reason: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)  # of the error that ended it


Fact = Entered | Left | Taken | Noted | Ended


# -- effects --------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class CreateUserTask:
    """A user task for people; `candidates` are (`user` or `group`, name)."""

    id: str
    token: int
    node: str
    activity: str
    name: str | None
    description: str | None = None
    assignee: str | None = None
    owner: str | None = None
    candidates: tuple[tuple[str, str], ...] = ()
    excluded: tuple[str, ...] = ()  # users who may not work on it
    due: datetime | None = None
    priority: int = 50
    category: str | None = None
    form_key: str | None = None


@dataclass(frozen=True, slots=True)
class EndUserTask:
    """The open user task of a token ends: `completed`, or deleted with a reason."""

    token: int
    at: datetime
    completed: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeUserTask:
    """A task listener changed the open user task of a token: `changes` by field name, as in CreateUserTask."""

    token: int
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CreateJob:
    """A job: kind async, async-leave, timer, deliver, external or start-timer (DESIGN §3), or async-call (the end of a held child).

    `due` None means now. `data` is JSON that comes back with the job's input: of a cycle what it still has to do. `retry` is a
    retry policy as written in the model.
    """

    id: str
    kind: str
    token: int
    node: str
    name: str | None = None
    due: datetime | None = None
    exclusive: bool = True
    retry: str | None = None
    category: str | None = None
    topic: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CreateSubscription:
    """The token waits for a message, signal, condition, variable or compensation of this name."""

    id: str
    kind: str
    name: str | None
    token: int
    node: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Whatever the token waits for is waited for no more: jobs and subscriptions go; the job being run is ended by its runner."""

    token: int


@dataclass(frozen=True, slots=True)
class StartChild:
    """A call activity starts a process in the same work; `instance` is the id the child gets."""

    instance: str
    token: int
    node: str
    called: str
    by_id: bool
    same_deployment: bool
    variables: Mapping[str, Any]
    business_key: str | None = None
    name: str | None = None
    transient: Mapping[str, Any] = field(default_factory=dict)
    held: bool = False  # `completeAsync`: goes into the child's Facts; at its end it waits until the caller releases it


@dataclass(frozen=True, slots=True)
class ReleaseChild:
    """The held child that a token waits for may end now: it gets the input Released."""

    token: int


@dataclass(frozen=True, slots=True)
class CancelChild:
    """The child instance that a token waits for is cancelled."""

    token: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class TellParent:
    """A called process ended, or throws an error or escalation beyond itself, to the token that called it.

    `outcome`: ended, error, escalation, terminate (terminateAll), terminate-rounds (terminateMultiInstance). `code` is the
    error's or escalation's, `variables` what an out mapping may read, or the data of the error.
    """

    instance: str
    token: int
    outcome: str
    code: str | None = None
    message: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Throw:
    """A signal or message is thrown; `store` finds the receivers. `local` limits a signal to this instance (as in Flowable)."""

    kind: str
    name: str
    node: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    local: bool = False
    asynchronous: bool = False


@dataclass(frozen=True, slots=True)
class Yield:
    """The token waits until what this unit asked for before is done: then it gets the input Yielded, in the same unit.

    What is thrown reaches its receivers first; one that interrupts the thrower keeps it from going on.
    """

    token: int


@dataclass(frozen=True, slots=True)
class Rename:
    """The instance's name, business key or business status was set from inside."""

    field: str  # name, business_key, business_status
    value: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """What a script printed, line by line."""

    node: str
    lines: tuple[str, ...]


Effect = (
    CreateUserTask
    | EndUserTask
    | ChangeUserTask
    | CreateJob
    | CreateSubscription
    | Withdraw
    | StartChild
    | ReleaseChild
    | CancelChild
    | TellParent
    | Throw
    | Yield
    | Rename
    | Said
)


@dataclass(slots=True)
class Change:
    """The outcome of one advance: all of it is saved, or nothing."""

    state: State
    journal: list[Fact] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)


# -- inputs ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Begin:
    """Start: at `node` (a start event with an event, or None for the plain one)."""

    variables: Mapping[str, Any] = field(default_factory=dict)
    node: str | None = None
    asynchronous: bool = False
    transient: Mapping[str, Any] = field(default_factory=dict)
    enter: str | None = None  # a node to begin at instead of the start event


@dataclass(frozen=True, slots=True)
class Completed:
    """A user task was completed."""

    token: int
    variables: Mapping[str, Any] = field(default_factory=dict)
    local: Mapping[str, Any] = field(default_factory=dict)
    transient: Mapping[str, Any] = field(default_factory=dict)
    user: str | None = None
    task: Mapping[str, Any] = field(default_factory=dict)  # id, name, assignee, owner ... as it is now, for task listeners


@dataclass(frozen=True, slots=True)
class Aborted:
    """A user task is given up: it ends without a result, and its branch goes on by a job of its own."""

    token: int
    task: Mapping[str, Any] = field(default_factory=dict)  # as in Completed


@dataclass(frozen=True, slots=True)
class Ran:
    """A job of a token is run: its kind and data as they were created."""

    token: int
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A message, signal or trigger reached a token, or an external worker answered.

    `trigger`: of a receive task or a triggerable service task; it also goes past a flagged step that was not begun.
    """

    token: int
    kind: str
    name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    transient: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChildTold:
    """What TellParent carried, at the calling token."""

    token: int
    outcome: str
    code: str | None = None
    message: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Let the conditional events look (`evaluate-conditions`), or tell variable listeners what changed (variable, change)."""

    changes: tuple[tuple[int, str, str], ...] = ()  # (token, variable, create|update|delete); empty: conditions


@dataclass(frozen=True, slots=True)
class Assigned:
    """A user task's assignee changed by claim, release or update: assignment listeners run. `task` as in Completed."""

    token: int
    task: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Released:
    """The caller lets a held child end (`completeAsync`)."""


@dataclass(frozen=True, slots=True)
class Yielded:
    """What a token threw has been received; it goes on, unless it was interrupted by that (then nothing happens)."""

    token: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """End the instance from outside; its caller, if it is told, goes on as after any other end (as in Flowable)."""

    reason: str | None = None
    tell: bool = False


@dataclass(frozen=True, slots=True)
class Entering:
    """An operator lets a further branch begin at a node, in the scope that the node lies in."""

    node: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """An operator takes a token away with all below it; `again`: a new one enters its node in its place."""

    token: int
    again: bool = False


Input = Entering | Dropped | Begin | Completed | Aborted | Ran | Received | ChildTold | Evaluate | Assigned | Released | Yielded | Cancel
