"""The two kinds of columns that nearly every table here has: time-ordered ids and links without a constraint."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

from django.db import models

_NEW, _SET = object.__new__, object.__setattr__  # the second because ids cannot be changed


def uuid7() -> uuid.UUID:
    """A UUID of version 7 (RFC 9562): 48 bits of Unix milliseconds, 12 of their fraction, then random (its method 3).

    So new rows lie side by side in an index, and what one process makes within a millisecond keeps its order.
    """
    made = _NEW(uuid.UUID)  # its own way in looks at six forms of an id first, and takes three times as long
    _SET(made, "int", _number7())
    _SET(made, "is_safe", uuid.SafeUUID.unknown)
    return made


def uuid7_text() -> str:
    """The same as a text, for ids that travel as texts: the way over a UUID takes three times as long."""
    digits = f"{_number7():032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _number7() -> int:
    now = time.time_ns()
    fraction = (now % 1_000_000 << 12) // 1_000_000
    return now // 1_000_000 << 80 | 7 << 76 | fraction << 64 | 2 << 62 | int.from_bytes(os.urandom(8)) >> 2


class Id(models.UUIDField):  # type: ignore[type-arg]  # not subscriptable at run time
    """The primary key of a table whose ids are made by the application."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"primary_key": True, "default": uuid7, "editable": False, **options})


def link(to: str, **options: Any) -> models.ForeignKey[Any, Any]:
    """A reference without a database constraint (see the package's rule)."""
    return models.ForeignKey(to, **{"on_delete": models.CASCADE, "db_constraint": False, "related_name": "+", **options})
