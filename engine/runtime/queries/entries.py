"""The list of what was entered into forms."""

from __future__ import annotations

from django.db.models import Q

from engine.models import FormEntry
from engine.runtime.queries.filters import NOTHING, Filters, execution_of, ident, switch
from engine.runtime.queries.instances import visible
from engine.runtime.queries.listing import Listing

_FILTERS: Filters = {
    "id": ident("pk"),
    "processInstanceId": ident("instance"),
    "executionId": execution_of(),
    "activityInstanceId": ident("activity"),
    "taskId": ident("task"),
    "selectOnlyFormProperties": switch(Q()),
    "selectOnlyVariableUpdates": switch(NOTHING),  # the ledger tells of those
}
_SORTS = {"processInstanceId": "instance_id", "time": "time", "name": "name", "revision": "pk", "variableType": "pk"}

entries: Listing[FormEntry] = Listing(
    "detail", lambda user: visible(FormEntry.objects.all(), user), _FILTERS, _SORTS, "processInstanceId", ("time", "pk"),
    by_name=True,
)  # fmt: skip
