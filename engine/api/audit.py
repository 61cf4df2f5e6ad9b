"""Who did what: each call that deploys, administers or repairs leaves a line in the log and an entry among those of the admin.

A call that was refused leaves the line alone, also one that would only have looked.
"""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.db import IntegrityError, transaction

from engine import tracing
from engine.api.auth import Caller

log = logging.getLogger("towpath.audit")

FLAGS = {"POST": ADDITION, "PUT": CHANGE, "DELETE": DELETION}


def done(who: Caller, method: str, path: str, ids: list[str], status: int) -> None:
    """An administrative call was answered."""
    key = tracing.current()
    log.info("done by %s: %s %s, %s, request %s", who.user.get_username(), method, path, status, key)
    said = f"{method} {path}: {status}, by {who.client}, request {key}"
    entry: dict[str, Any] = {"user_id": who.user.pk, "object_id": ids[0] if ids else None, "object_repr": path[:200]}
    try:
        with transaction.atomic():
            LogEntry.objects.create(**entry, action_flag=FLAGS.get(method, CHANGE), change_message=said)
    except IntegrityError:  # he has just deleted himself: the line remains
        log.info("request %s left no entry, its user is gone", key)


def refused(who: Caller, method: str, path: str, status: int) -> None:
    """An administrative call was not carried out: its scope or permission is missing, or what it brought was wrong."""
    log.warning("refused to %s: %s %s, %s, request %s", who.user.get_username(), method, path, status, tracing.current())
