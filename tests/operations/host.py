"""A task of the host, as it would be in any app of its own: run by `manage.py qcluster`, never by the workflow cluster."""

from __future__ import annotations

import os
from pathlib import Path


def note(what: str) -> None:
    """One line in a file, in one write, with the process that wrote it."""
    handle = os.open(Path(os.environ["CHAOS_TRACES"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(handle, f"{what} {os.getpid()}\n".encode())
    finally:
        os.close(handle)
