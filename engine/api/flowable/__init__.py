"""Flowable's REST API: its paths, bodies, pages and statuses, so that its clients work by changing the base URL."""

from engine.api.flowable import (  # noqa: F401  # each writes its calls into the table
    definitions,
    deployments,
    executions,
    forms,
    history,
    identity,
    instances,
    jobs,
    management,
    models,
    notes,
    people,
    tasks,
    variables,
)
from engine.api.flowable.table import routes

__all__ = ["routes"]
