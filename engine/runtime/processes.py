"""Whether a process of this machine still runs: who is gone holds nothing any more."""

from __future__ import annotations

import os


def lives(process: int) -> bool:
    """Whether there is a process of this number, be it another user's."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
