"""The administrator's door: plain `django.contrib.admin`. Records are read; what may be done is a verb with a confirmation and a log entry.

Importing this package registers everything (Django's autodiscovery); the engine does the work, and its refusals become messages.
"""

from engine.admin import dashboard, definitions, instances, jobs, records, tasks

__all__ = ["dashboard", "definitions", "instances", "jobs", "records", "tasks"]
