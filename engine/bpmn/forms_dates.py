"""Dates by Java's patterns (`dd-MM-yyyy`), which is how form properties are written; read and shown with Python's own formats.

A pattern is cut into runs of one letter, quoted texts and other signs; the table says what a run is for Python.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

DEFAULT = "dd/MM/yyyy"  # of a date property without a pattern, as in Flowable
_PIECE = re.compile(r"([A-Za-z])\1*|'[^']*'|[^A-Za-z']+")
_LETTERS = {
    "yyyy": "%Y", "y": "%Y", "yy": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%m",
    "dd": "%d", "d": "%d", "HH": "%H", "H": "%H",
    "hh": "%I", "h": "%I", "mm": "%M", "m": "%M", "ss": "%S", "s": "%S",
    "SSS": "%f", "a": "%p", "EEEE": "%A", "EEE": "%a", "E": "%a", "Z": "%z", "XXX": "%z",
}  # fmt: skip
_LONGEST = 100


@lru_cache(maxsize=256)
def python_format(pattern: str) -> str:
    """The format that Python's strptime takes for a pattern; raises ValueError for letters it cannot express."""
    if len(pattern) > _LONGEST or "".join(m[0] for m in _PIECE.finditer(pattern)) != pattern:
        raise ValueError(f"the date pattern '{pattern[:_LONGEST]}' cannot be read")
    return "".join(_piece(m[0]) for m in _PIECE.finditer(pattern))


def _piece(piece: str) -> str:
    if piece.startswith("'"):
        return piece[1:-1].replace("%", "%%") or "'"
    if not piece[0].isalpha():
        return piece.replace("%", "%%")
    if piece not in _LETTERS:
        raise ValueError(f"the letters '{piece}' of a date pattern are not supported")
    return _LETTERS[piece]


def parse(text: str, pattern: str | None) -> datetime:
    """The moment a text means, in UTC where it names no zone; raises ValueError if the text is not written so."""
    moment = datetime.strptime(text, python_format(pattern or DEFAULT))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def show(moment: datetime, pattern: str | None) -> str:
    """The text of a moment, in UTC."""
    moment = moment.astimezone(UTC) if moment.tzinfo else moment
    form = python_format(pattern or DEFAULT).replace("%f", f"{moment.microsecond // 1000:03}").replace("%Y", f"{moment.year:04}")
    return moment.strftime(form)
