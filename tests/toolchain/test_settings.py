"""The site is safe when nothing is said, and convenient only where DEBUG is on."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECRET = "a secret for one test, long enough not to be warned of: 0123456789"
ASK = """
import json, sys
from workflow_site import settings
print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=str))
"""


def run(*names: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return subprocess.run(
        [sys.executable, "-c", ASK, *names], cwd=ROOT, env={**clean, "ENV_FILE": "", **environ}, capture_output=True, text=True, check=False
    )


def settings(*names: str, **environ: str) -> dict[str, object]:
    done = run(*names, **environ)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_missing_secret_is_refused_where_debug_is_off() -> None:
    done = run("SECRET_KEY")
    assert done.returncode
    assert "SECRET_KEY must be set" in done.stderr


def test_a_developer_gets_a_secret_that_stays_and_is_his_alone() -> None:
    first, second = (settings("SECRET_KEY", DEBUG="1") for _ in range(2))
    assert first == second
    assert len(str(first["SECRET_KEY"])) >= 50
    assert stat.S_IMODE((ROOT / "var" / "secret_key").stat().st_mode) == 0o600


def test_what_is_not_said_is_safe() -> None:
    safe = settings(
        "DEBUG", "DEMO", "ALLOWED_HOSTS", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", SECRET_KEY=SECRET
    )
    assert safe == {
        "DEBUG": False,
        "DEMO": False,
        "ALLOWED_HOSTS": [],
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SECURE_SSL_REDIRECT": True,
    }


def test_sqlite_waits_for_locks_and_its_writers_take_them_at_once() -> None:
    database = settings("DATABASES", SECRET_KEY=SECRET)["DATABASES"]
    assert isinstance(database, dict)
    chosen = database["default"]
    assert chosen["NAME"] == str(ROOT / "var" / "towpath.sqlite3")
    assert chosen["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert chosen["OPTIONS"]["timeout"] >= 10
    assert "journal_mode=WAL" in chosen["OPTIONS"]["init_command"]


@pytest.mark.parametrize("url", ["", "postgresql://u:p@db.example:5433/flow"])
def test_connections_stay_open_and_are_looked_after(url: str) -> None:
    database = settings("DATABASES", SECRET_KEY=SECRET, DATABASE_URL=url)["DATABASES"]
    assert isinstance(database, dict)
    assert database["default"]["CONN_MAX_AGE"] is None
    assert database["default"]["CONN_HEALTH_CHECKS"] is True


def test_the_cluster_waits_longer_than_the_longest_job_and_in_whole_seconds() -> None:
    cluster = settings("Q_CLUSTER", SECRET_KEY=SECRET, ENGINE_JOB_TIMEOUT="1000")["Q_CLUSTER"]
    assert isinstance(cluster, dict)
    workflow = cluster["ALT_CLUSTERS"]["workflow"]
    assert isinstance(workflow["timeout"], int)
    assert 1000 < workflow["timeout"] < workflow["retry"]
    assert workflow["broker_class"] == "engine.runtime.broker.JobBroker"


def test_the_hosts_own_queue_of_django_q_stays_what_it_is() -> None:
    cluster = settings("Q_CLUSTER", SECRET_KEY=SECRET)["Q_CLUSTER"]
    assert isinstance(cluster, dict)
    assert cluster["orm"] == "default"
    assert "broker_class" not in cluster


def test_a_wrong_engine_setting_is_refused_at_once() -> None:
    done = run("DEBUG", SECRET_KEY=SECRET, ENGINE_JOB_RETRIES="often")
    assert done.returncode
    assert "ENGINE_JOB_RETRIES must be a whole number" in done.stderr


def test_djangos_deployment_check_finds_nothing() -> None:
    clean = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    environ = {**clean, "ENV_FILE": "", "SECRET_KEY": SECRET, "ALLOWED_HOSTS": "flow.example"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
