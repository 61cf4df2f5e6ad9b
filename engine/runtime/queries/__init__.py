"""Every list of every door: a table of filters makes a queryset, always of what `access` lets the user see.

Each of the names below is a `Listing`: `tasks(user, {"assignee": "alice"})` is a queryset, `tasks.sorted(rows, "dueDate")` an
order, `tasks.one(user, id)` one row or NotFound. The words of filters and sorts are those of Flowable's REST API.
"""

from engine.runtime.queries.definitions import definitions, deployments
from engine.runtime.queries.entries import entries
from engine.runtime.queries.instances import activities, current_activities, executions, historic_instances, instances, subscriptions
from engine.runtime.queries.jobs import jobs
from engine.runtime.queries.listing import Listing
from engine.runtime.queries.pages import Whole
from engine.runtime.queries.planning import planned_anew
from engine.runtime.queries.tasks import historic_tasks, inbox, inbox_counts, tasks
from engine.runtime.queries.variables import historic_variables, variables

__all__ = [
    "Listing",
    "Whole",
    "activities",
    "current_activities",
    "definitions",
    "deployments",
    "entries",
    "executions",
    "historic_instances",
    "historic_tasks",
    "historic_variables",
    "inbox",
    "inbox_counts",
    "instances",
    "jobs",
    "planned_anew",
    "subscriptions",
    "tasks",
    "variables",
]
