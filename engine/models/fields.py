"""The two kinds of columns that nearly every table here has: time-ordered ids and links without a constraint."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

from django.db import models


def uuid7() -> uuid.UUID:
    """A UUID of version 7 (RFC 9562): 48 bits of Unix milliseconds, 12 of their fraction, then random (its method 3).

    So new rows lie side by side in an index, and what one process makes within a millisecond keeps its order.
    """
    ms, rest = divmod(time.time_ns(), 1_000_000)
    value = ms << 80 | 7 << 76 | (rest << 12) // 1_000_000 << 64 | 2 << 62 | int.from_bytes(os.urandom(8)) >> 2
    return uuid.UUID(int=value)


class Id(models.UUIDField):  # type: ignore[type-arg]  # not subscriptable at run time
    """The primary key of a table whose ids are made by the application."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"primary_key": True, "default": uuid7, "editable": False, **options})


def link(to: str, **options: Any) -> models.ForeignKey[Any, Any]:
    """A reference without a database constraint (see the package's rule)."""
    return models.ForeignKey(to, **{"on_delete": models.CASCADE, "db_constraint": False, "related_name": "+", **options})
