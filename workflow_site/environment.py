"""What the environment says: the variables of the process, and below them those of the file `.env`.

A variable that is set always beats the file. `ENV_FILE` names another file; empty, no file is read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_LINE = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*?)\s*$")
_YES, _NO = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}


def read(root: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """All variables: `root/.env` (or what `ENV_FILE` names), overlaid by `environ`."""
    name = environ.get("ENV_FILE", ".env")
    path = root / name
    return {**(parse(path.read_text(encoding="utf-8")) if name and path.is_file() else {}), **environ}


def parse(text: str) -> dict[str, str]:
    """The variables of an env file: `NAME=value` a line, `#` begins a comment line, quotes around a value are taken off."""
    lines = (_LINE.match(line) for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {found["name"]: _unquoted(found["value"]) for found in lines if found}


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value.split(" #")[0].rstrip()


def flag(value: str, name: str) -> bool:
    """True or False from the usual words; anything else is refused with the variable's name."""
    if value.lower() in _YES | _NO:
        return value.lower() in _YES
    raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}")


def names(value: str) -> list[str]:
    """A list from words with commas between them."""
    return [word.strip() for word in value.split(",") if word.strip()]
