#!/usr/bin/env python3
"""Sets Towpath up, runs it, checks and tests it. Needs nothing but Python 3.11 with venv.

./dev.py run         set up if needed, migrate, make the demo, run web and cluster until Ctrl-C
./dev.py test        set up if needed, all checks, all tests, on SQLite and on PostgreSQL
./dev.py check       format, lint, types, import contracts, migrations
./dev.py setup       only make .venv/ and install requirements.txt into it
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".requirements"
OLDEST = (3, 11)
TAKES_MORE = ("test", "chaos")
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
CALLED: str = getattr(sys, "_base_executable", sys.executable)  # not that of .venv/, which is about to be emptied
SYSTEM = ("/usr/bin", "/usr/local/bin")
WORTH = 1.2  # so many times as fast must another Python be to be taken
TURNS = 7  # short and many, for other work on the machine makes some of them slow
NO_TEST_FOUND = 5  # pytest's exit code

CHECKS: dict[str, tuple[str | Path, ...]] = {
    "format": (VENV / "bin" / "ruff", "format", "--check", "--quiet", "--output-format", "concise", "."),
    "lint": (VENV / "bin" / "ruff", "check", "--quiet", "--output-format", "concise", "."),
    "types": (VENV / "bin" / "mypy", "--no-error-summary"),
    "import contracts": (VENV / "bin" / "lint-imports",),
    "migrations": (PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"),
}


def main() -> int:
    """Reads the command line and does what it says; returns the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what we wait for is ended with us
    os.chdir(ROOT)
    arguments, rest = _parser().parse_known_args()
    if rest and arguments.command not in TAKES_MORE:
        _parser().error(f"unknown arguments: {' '.join(rest)}")
    try:
        setup()
        return COMMANDS[arguments.command](arguments, rest)
    except subprocess.CalledProcessError as error:
        return error.returncode or 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run web and cluster together")
    run.add_argument("--host", default="127.0.0.1")
    run.add_argument("--port", type=int, default=8000)
    run.add_argument("--workers", type=int, default=2, help="processes of the cluster (default 2)")
    run.add_argument("--no-cluster", action="store_true", help="web only: jobs wait")
    run.add_argument("--no-demo", action="store_true", help="no demo users and processes")
    run.add_argument("--conformance", action="store_true", help="an empty site without cluster, as the conformance suites want it")
    run.add_argument("--bench", action="store_true", help="as --conformance, with the cluster")
    run.add_argument("--automatiko", action="store_true", help="as --bench, with the service API as recordings of Automatiko want it")
    for name in ("test", "chaos"):
        commands.add_parser(name, add_help=False, help="takes arguments of pytest")
    for name in ("check", "bench", "setup"):
        commands.add_parser(name)
    return parser


# --- setup ------------------------------------------------------------------------------------------------------------------


def setup() -> None:
    """Makes .venv/ anew if requirements.txt, or the version of Python, is not what it was made from."""
    if sys.version_info < OLDEST:
        sys.exit(f"Towpath needs Python {'.'.join(map(str, OLDEST))} or newer; this is {sys.version.split()[0]}.")
    wanted = hashlib.sha256((ROOT / "requirements.txt").read_bytes() + VERSION.encode()).hexdigest()
    if PYTHON.exists() and STAMP.exists() and STAMP.read_text() == wanted:
        return
    with step("Making .venv/"):
        _make_venv()
    with step("Installing requirements.txt (once; needs the network)"):
        subprocess.run([PYTHON, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "-r", "requirements.txt"], check=True)
    STAMP.write_text(wanted)


def _make_venv() -> None:
    if VENV.is_symlink():  # making it anew empties it, and what it points to belongs to somebody else
        sys.exit(f"{VENV} is a link to an environment that does not fit requirements.txt. Remove the link, and one is made here.")
    for python in dict.fromkeys((_python(), CALLED)):
        if subprocess.run([python, "-m", "venv", "--clear", "--symlinks", VENV], check=False).returncode == 0:
            return
        shutil.rmtree(VENV, ignore_errors=True)
    sys.exit("This Python cannot make virtual environments (ensurepip is missing). On Debian or Ubuntu: apt-get install python3-venv")


def _python() -> str:
    """What .venv/ is made of: $TOWPATH_PYTHON, or the Python that called, unless another of its version is clearly faster here.

    Version managers compile Python without profile-guided optimisation unless they are told to, distributions with it: a fifth less
    of the web's processor time (docs/operations.md).
    """
    if chosen := os.environ.get("TOWPATH_PYTHON"):
        return chosen
    times, best = max(((_times_as_fast(other), other) for other in _others()), default=(0.0, CALLED))
    if times < WORTH:
        return CALLED
    print(f"Taking {best}, {times:.1f} times as fast as {CALLED}. TOWPATH_PYTHON=... chooses another.", flush=True)
    return best


def _others() -> list[str]:
    """The system's own Pythons of the version that called."""
    found = {path.resolve() for directory in SYSTEM if (path := Path(directory, f"python{VERSION}")).is_file()}
    return sorted(str(path) for path in found - {Path(CALLED).resolve()})


def _times_as_fast(other: str) -> float:
    """How many times as fast as the Python that called, by the median of some turns; 0 for one that lacks what TRIAL needs."""
    turns = [(_seconds(CALLED), _seconds(other)) for _ in range(TURNS)]
    return statistics.median(0.0 if its == math.inf else mine / its for mine, its in turns)


def _seconds(python: str) -> float:
    """What TRIAL takes it."""
    said = subprocess.run([python, "-I", "-c", TRIAL], capture_output=True, text=True, check=False)
    return float(said.stdout) if said.returncode == 0 else math.inf


# What a web application does most: objects, keyword arguments, dictionaries and texts; and what .venv/ and the site need.
TRIAL = """
import ctypes, ensurepip, sqlite3, ssl, time, venv
class Thing:
    def __init__(self, number): self.number = number
    def told(self, **more): return {**more, "number": self.number}
def work():
    begun = time.process_time()
    for number in range(4000): ",".join(f"{name}={value!r}" for name, value in Thing(number).told(one=1, two="2").items())
    return time.process_time() - begun
print(min(work() for _ in range(10)))
"""


@contextmanager
def step(what: str) -> Iterator[None]:
    """Says what is being done, then how long it took."""
    print(f"{what} ...", flush=True)
    begun = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - begun:.1f} s", flush=True)


# --- run --------------------------------------------------------------------------------------------------------------------


def run(arguments: argparse.Namespace, rest: Sequence[str]) -> int:
    """Becomes `manage.py up`, with the environment that was asked for."""
    bare = arguments.conformance or arguments.bench or arguments.automatiko
    environment = _bare_environment(arguments) if bare else _demo_environment(arguments)
    words = ["--host", arguments.host, "--port", str(arguments.port), "--workers", str(arguments.workers)]
    words += ["--prepare", "conformance" if bare else "plain" if arguments.no_demo else "demo"]
    words += ["--no-cluster"] if arguments.no_cluster or (arguments.conformance and not (arguments.bench or arguments.automatiko)) else []
    words += ["--threads", "4" if bare else "16"]  # the demo's shop is slow on purpose, and is served by the same processes
    sys.stdout.flush()
    os.execve(PYTHON, [str(PYTHON), "manage.py", "up", *words], {**os.environ, **environment})


def _demo_environment(arguments: argparse.Namespace) -> dict[str, str]:
    """What a developer wants, unless the environment or .env says otherwise."""
    given = _env_file() | os.environ.keys()
    wanted = {
        "DEBUG": "1",
        "DEMO": "0" if arguments.no_demo else "1",
        "ENGINE_BASIC_AUTH": "1",
        "DEMO_SHOP_URL": f"http://{_reachable(arguments.host)}:{arguments.port}/demo/shop",
        "ALLOWED_HOSTS": _hosts(arguments.host),
    }
    return {name: value for name, value in wanted.items() if name not in given}


def _bare_environment(arguments: argparse.Namespace) -> dict[str, str]:
    """An empty site, as in production but over plain HTTP, and the three users that the suites call as."""
    return {
        "ENV_FILE": "",
        "DEBUG": "0",
        "DEMO": "0",
        "HTTPS": "0",
        "CONFORMANCE": "1",
        "TIME_ZONE": "UTC",
        "ENGINE_BASIC_AUTH": "1",
        "ALLOWED_HOSTS": _hosts(arguments.host),
        "SECRET_KEY": os.environ.get("SECRET_KEY") or secrets.token_urlsafe(50),
        "DATABASE_URL": os.environ.get("DATABASE_URL") or _fresh_database("conformance"),
        **{name: value for name, value in AUTOMATIKO.items() if arguments.automatiko and name not in os.environ},
    }


# What recordings were made with: trusted callers, callbacks to this machine with a password, and nothing repeated while one is replayed.
AUTOMATIKO = {
    "ENGINE_SERVICES_TRUSTED": "1",
    "ENGINE_SERVICES_COMPATIBLE": "1",
    "ENGINE_CALLBACK_ALLOW": "127.0.0.1",
    "ENGINE_CALLBACK_WAIT": "300",
    "ENGINE_JOB_RETRIES": "1",
    "ENGINE_CALLBACK_AUTH": '{"kind": "basic", "targets": "http://127.0.0.1:*", "user": "test", "password": "pwd"}',
}


def _fresh_database(name: str) -> str:
    for path in (ROOT / "var").glob(f"{name}.sqlite3*"):
        path.unlink()
    return f"sqlite:///var/{name}.sqlite3"


def _hosts(host: str) -> str:
    everywhere = {"0.0.0.0", "::"}
    return "*" if host in everywhere else f"localhost,127.0.0.1,[::1],{host}"


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)


def _env_file() -> set[str]:
    """The names that .env sets; the site reads the file itself."""
    path = ROOT / os.environ.get("ENV_FILE", ".env")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {line.removeprefix("export ").partition("=")[0].strip() for line in lines if "=" in line and not line.lstrip().startswith("#")}


# --- check and test ---------------------------------------------------------------------------------------------------------


def check(arguments: argparse.Namespace, rest: Sequence[str]) -> int:
    """All checks, each even if one before it failed."""
    return _report([_check(name) for name in CHECKS])


def _check(name: str) -> tuple[str, int]:
    return name, _timed(name, CHECKS[name], _test_environment())


def test(arguments: argparse.Namespace, rest: Sequence[str]) -> int:
    """All checks and all tests, or with arguments for pytest only the tests that they choose; both databases."""
    results = _both("tests", "-n", str(max(2, os.cpu_count() or 2)), "--dist", "worksteal", *(rest or ("--ignore=tests/chaos",)))
    if rest:  # what was chosen may all be in one of the passes
        return _report([(name, code) for name, code in results.items() if code != NO_TEST_FOUND])
    return _report([*map(_check, CHECKS), *results.items()])


def chaos(arguments: argparse.Namespace, rest: Sequence[str]) -> int:
    """Mistreats clusters, one after the other: they need the machine for themselves.

    Options go to pytest: `-k storm_of --seconds 600 --rate 200 --kill-every 5 --seed 7`.
    """
    chosen = () if any(word.startswith("tests/") for word in rest) else ("tests/chaos",)
    return _report(list(_both("chaos", *chosen, *rest).items()))


def _both(what: str, *options: str) -> dict[str, int]:
    """Tests on both databases, on the second only those that use it: name of the pass -> exit code."""
    pytest = [PYTHON, "-m", "pytest", "-q", *options]
    passes = {f"{what} on SQLite": pytest, f"{what} on PostgreSQL": [PYTHON, "-m", "tests.postgres", *pytest, "--database-only"]}
    return {name: _timed(name, command, _test_environment()) for name, command in passes.items()}


def bench(arguments: argparse.Namespace, rest: Sequence[str]) -> int:
    """All benchmarks, one after the other."""
    found = sorted((ROOT / "tests" / "benchmarks").glob("bench_*.py"))
    return _report([(path.stem, _timed(path.stem, [PYTHON, path], _test_environment())) for path in found])


def _test_environment() -> dict[str, str]:
    """Nothing of what this machine is set to, so that every machine sees the same."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ENGINE_", "EMAIL_", "DATABASE_URL", "DEBUG"))}
    return {**kept, "ENV_FILE": "", "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT)}


def _timed(name: str, command: Sequence[str | Path], environment: Mapping[str, str]) -> int:
    print(f"--- {name} ...", flush=True)
    begun = time.monotonic()
    code = subprocess.run(command, env=environment, check=False).returncode
    print(f"--- {name}: {f'exit code {code}' if code else 'ok'}, {time.monotonic() - begun:.1f} s", flush=True)
    return code


def _report(results: Sequence[tuple[str, int]]) -> int:
    failed = [name for name, code in results if code]
    print(f"FAILED: {', '.join(failed)}" if failed else f"Passed: {', '.join(name for name, _ in results)}", flush=True)
    return 1 if failed or not results else 0


COMMANDS: dict[str, Callable[[argparse.Namespace, Sequence[str]], int]] = {
    "run": run,
    "test": test,
    "check": check,
    "bench": bench,
    "chaos": chaos,
    "setup": lambda arguments, rest: 0,
}

if __name__ == "__main__":
    sys.exit(main())
