"""How far an instance is, read from the tables through few queries: its picture, where it stands, what happened, its transactions.

Task UI, admin and REST show the same; nothing here knows templates, and nothing here writes.
"""

from engine.runtime.progress.picture import Marks, states, svg
from engine.runtime.progress.standing import Current, Waiting, current, currents
from engine.runtime.progress.story import Step, timeline
from engine.runtime.progress.transactions import Line, Row, ledger_rows

__all__ = [
    "Current",
    "Line",
    "Marks",
    "Row",
    "Step",
    "Waiting",
    "current",
    "currents",
    "ledger_rows",
    "states",
    "svg",
    "timeline",
]
