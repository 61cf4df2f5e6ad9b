"""An operator changes where an instance stands: he lets a node begin, takes away what stands at one, or lets it begin again."""

from __future__ import annotations

from uuid import UUID

from engine.interpreter.journal import Dropped, Entering
from engine.models import Ledger, Token
from engine.runtime import access, work

Trigger = Ledger.Trigger


def begin(instance: UUID, node: str, *, user: access.User = None) -> None:
    """Let a further branch begin at a node; raises Forbidden, BadInput for a node that is none, Conflict, and what the step raised."""
    access.check_manage(user)
    work.run(work.Order(instance, Entering(node), Trigger.TRIGGER, f"begin {node}"[:255], node, access.name(user)))


def take_away(token: Token, *, again: bool = False, user: access.User = None) -> None:
    """Take a token away, or let its node begin again; raises Forbidden, Conflict, Gone, and what the step raised."""
    access.check_manage(user)
    subject = f"{'repeat' if again else 'cancel'} {token.node}"[:255]
    wish = Dropped(token.number, again)
    work.run(work.Order(token.instance_id, wish, Trigger.TRIGGER, subject, token.node, access.name(user), run=token.activity))
