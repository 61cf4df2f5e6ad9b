"""Ports for servers in processes of their own: below those that the system hands out by itself, and to one test of this machine at a time."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PORTS = range(20_000, 30_000)
_ONE_BY_ONE: list[Iterator[int]] = []  # the process's own, made when it first asks


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens; this process alone is given it, for as long as it lives."""
    if not _ONE_BY_ONE:
        _ONE_BY_ONE.append(_ports())
    return next(_ONE_BY_ONE[0])


def _ports() -> Iterator[int]:
    begin = os.getpid() % len(PORTS)
    with (Path(tempfile.gettempdir()) / f"towpath-ports-{os.getuid()}").open("w") as file:
        yield from (port for port in (*PORTS[begin:], *PORTS[:begin]) if _taken(port, file) and _silent(port))
    raise RuntimeError("no port is free")


def _taken(port: int, file: IO[str]) -> bool:
    """Of each port a byte of a file is locked: the lock goes with the process, however it ends."""
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


def _silent(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
