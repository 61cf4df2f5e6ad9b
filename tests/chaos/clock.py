"""A clock on the wall that a test can set, for processes of its own: PostgreSQL, the web and the clusters. Needs a C compiler, on Linux."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

COMPILER = shutil.which("cc") if sys.platform == "linux" else None


class WallClock:
    """`with WallClock() as clock:` processes begun within it, and what they begin, see the time that `set` says."""

    def __enter__(self) -> WallClock:
        self.home = Path(tempfile.mkdtemp(prefix="towpath-clock-"))
        self.home.chmod(0o755)  # PostgreSQL runs as somebody else
        self.file, library = self.home / "shift", self.home / "clock.so"
        self.set(0.0)
        assert COMPILER
        source = Path(__file__).with_name("clock.c")
        subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl", "-lm"], check=True)
        self.kept = {name: os.environ.get(name) for name in ("LD_PRELOAD", "CHAOS_CLOCK")}
        os.environ.update(LD_PRELOAD=str(library), CHAOS_CLOCK=str(self.file))
        return self

    def set(self, seconds: float) -> None:
        """From now on the clock is so many seconds ahead of the machine's, or behind it."""
        handle = os.open(self.file, os.O_WRONLY | os.O_CREAT, 0o644)
        os.write(handle, struct.pack("d", seconds))  # in place: the others look at these bytes
        os.close(handle)

    def __exit__(self, *_: Any) -> None:
        for name, value in self.kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        shutil.rmtree(self.home, ignore_errors=True)
