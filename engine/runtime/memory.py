"""How large a worker may become: a limit that the kernel keeps, so that one job cannot take the machine's memory from all others."""

from __future__ import annotations

import sys

from engine.conf import settings as conf

try:
    import resource
except ImportError:  # not on this system
    resource = None  # type: ignore[assignment]

KILO = 1024
ROOM = 1.5  # what a worker is grown by before it is replaced, at least; a site may be large from the beginning


def limit() -> None:
    """Let this process have so much memory and no more: what asks for it gets a MemoryError."""
    if conf.JOB_MEMORY and resource and sys.platform == "linux":
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = conf.JOB_MEMORY if hard == resource.RLIM_INFINITY else min(conf.JOB_MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def replaced_above() -> int | None:
    """The resident size, in kilobytes, at which a worker is replaced when it has done what it is at; None: never."""
    if not conf.WORKER_MEMORY or not resource or sys.platform != "linux":
        return None
    return max(conf.WORKER_MEMORY // KILO, int(ROOM * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
