"""The id of the call that is being answered: it stands in the answer, in each line of the log, and in the jobs that the call leaves.

It is the one thing here that is not handed from function to function, for nothing is decided by it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import uuid4

MARK = "_request"  # in a job's data
NONE = "-"
_SANE = re.compile(r"[\w.:\-]{1,100}", re.ASCII)
_CURRENT: ContextVar[str | None] = ContextVar("towpath_request", default=None)


def current() -> str | None:
    """The id of the call, or of the one that left the job being run; None outside."""
    return _CURRENT.get()


def chosen(given: str) -> str:
    """A client's own id of its call where it is a sane one, else one of ours."""
    return given if _SANE.fullmatch(given) else str(uuid4())


@contextmanager
def call(key: str | None) -> Iterator[None]:
    """Within, this is the call that is being answered."""
    before = _CURRENT.set(key)
    try:
        yield
    finally:
        _CURRENT.reset(before)


def marked(data: Mapping[str, Any]) -> dict[str, Any]:
    """A new job's data, with the id of the call that leaves it."""
    key = _CURRENT.get()
    return dict(data) if key is None else {**data, MARK: key}


class Request(logging.Filter):
    """Gives each record of a handler the attribute `request_id`, for its format.

    What Django says of a call when it is over bears the call itself, as `request`.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = of(record) or NONE
        return True


def of(record: logging.LogRecord) -> str | None:
    """The id of the call that a record is about."""
    return _CURRENT.get() or getattr(getattr(record, "request", None), "request_id", None)
