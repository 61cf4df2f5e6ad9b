"""What a unit of work leaves in the ledger: a row for each instance when it was committed, and one for the attempt that was rolled back."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from engine.errors import BadInput, Conflict, Forbidden, LeaseLost, NotFound
from engine.models import Ledger
from engine.models.fields import uuid7
from engine.runtime.orders import Gone, Order, Outdated
from engine.runtime.store import history
from engine.runtime.store.instances import Loaded
from engine.runtime.store.statements import Statement, adapted, insert

REFUSED = (NotFound, Forbidden, Conflict, BadInput)  # nothing was tried, so there is nothing to write down


def is_refusal(error: BaseException) -> bool:
    """Whether the order itself was refused; a step that raises the like has left its journal, and is a failure."""
    return isinstance(error, LeaseLost | Outdated) or (isinstance(error, REFUSED) and not getattr(error, "journal", None))


class Record:
    """The rows of one order, with the time that has passed since it began."""

    def __init__(self, order: Order) -> None:
        self.order, self.id, self.began, self._clock = order, uuid7(), datetime.now(UTC), time.perf_counter()

    def committed(self, units: Sequence[Loaded]) -> list[Statement]:
        """One row for each instance that the order moved."""
        return insert(Ledger, [self._row(u, history.journal_of(u.graph, u.journal, u.effects)) for u in units])

    def rolled_back(self, unit: Loaded | None, error: BaseException) -> list[Statement]:
        """The attempt as far as it came; it is counted where the instance is there already."""
        facts = [*(unit.journal if unit else []), *getattr(error, "journal", [])]
        journal = history.journal_of(unit.graph, facts, unit.effects) if unit else []
        row = self._row(
            unit if unit and not unit.new else None, journal, outcome="overtaken" if isinstance(error, Gone) else "rolled back",
            error=str(error) or type(error).__name__, traceback="".join(traceback.format_exception(error)),
            node=history.failing(facts) or self.order.node, definition=unit.definition if unit else "",
        )  # fmt: skip
        counted = Statement("UPDATE towpath_instance SET attempts = attempts + 1 WHERE id = %s", adapted([self.order.instance]))
        return insert(Ledger, [row]) + ([counted] if unit and not unit.new else [])

    def _row(self, unit: Loaded | None, journal: list[list[Any]], **more: Any) -> dict[str, Any]:
        order = self.order
        asked = unit is None or unit.id == order.instance or any(unit.id == i for i, _, _ in order.more)
        return {
            "id": uuid7(), "instance_id": unit.id if unit else None, "definition": unit.definition if unit else "",
            "number": unit.revision + 1 if unit else 1, "attempt": unit.attempts + 1 if unit else 1,
            "trigger": order.trigger if asked else "call", "subject": order.subject if asked else "", "node": order.node if asked else None,
            "job": order.job if asked else None, "who": order.user, "at": self.began, "took": time.perf_counter() - self._clock,
            "outcome": "committed", "error": None, "traceback": None, "journal": journal, "work": self.id,
        } | more  # fmt: skip
