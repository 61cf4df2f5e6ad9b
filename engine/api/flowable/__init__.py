"""Flowable's REST API: its paths, bodies, pages and statuses, so that its clients work by changing the base URL."""

from engine.api.flowable import definitions, deployments, executions, history, instances, jobs, people, tasks, variables
from engine.api.flowable.table import routes

__all__ = ["definitions", "deployments", "executions", "history", "instances", "jobs", "people", "routes", "tasks", "variables"]
