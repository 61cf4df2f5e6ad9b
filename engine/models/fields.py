"""The two kinds of columns that nearly every table here has: time-ordered ids and links without a constraint."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

from django.db import models


def uuid7() -> uuid.UUID:
    """A UUID of version 7 (RFC 9562): 48 bits of Unix milliseconds, then random, so that new rows lie side by side in an index."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 2 << 62)


class Id(models.UUIDField):  # type: ignore[type-arg]  # not subscriptable at run time
    """The primary key of a table whose ids are made by the application."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"primary_key": True, "default": uuid7, "editable": False, **options})


def link(to: str, **options: Any) -> models.ForeignKey[Any, Any]:
    """A reference without a database constraint (see the package's rule)."""
    return models.ForeignKey(to, **{"on_delete": models.CASCADE, "db_constraint": False, "related_name": "+", **options})
