"""Prometheus gets the engine's figures at `/metrics`: true, cheap, and not for everybody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries

from engine import runtime
from engine.models import Delivery, Ledger, UserTask, Worker
from engine.runtime import metrics
from tests.runtime.models import handler, user
from tests.runtime.queue import ASYNC, ago, deploy, drain, make_job

pytestmark = pytest.mark.django_db
TOKEN = "a long random text"
LABELS = ("state", "kind", "definition", "trigger", "outcome")  # in this order here


@pytest.fixture(autouse=True)
def _fresh() -> None:
    metrics.collector.forget()


def read(client: Client, **headers: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Metric -> labels -> figure."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    found = text_string_to_metric_families(answer.content.decode())
    return {f.name: {tuple(s.labels[n] for n in LABELS if n in s.labels): s.value for s in f.samples} for f in found}


# -- figures --------------------------------------------------------------------------------------------------------------
def test_tells_of_jobs_by_state_and_kind_and_how_late_they_are(client: Client) -> None:
    oldest = make_job(due=ago(120))
    make_job(), make_job(state="waiting", kind="timer", due=ago(-3600)), make_job(state="dead")
    before, found, after = ago(0), read(client), ago(0)
    assert found["towpath_jobs"][("ready", "async")] == 2
    assert found["towpath_jobs"][("waiting", "timer")] == 1
    assert found["towpath_jobs"][("dead", "async")] == 1
    assert found["towpath_jobs"][("dead", "timer")] == 0
    assert before <= oldest.due + timedelta(seconds=found["towpath_jobs_overdue_seconds"][()]) <= after


def test_tells_of_instances_by_key_over_all_versions(client: Client) -> None:
    for steps in ([user("enter")], [user("enter"), user("confirm")]):
        deploy(*steps)
        runtime.start("story")
    deploy(user("enter"), key="idle")
    found = read(client)
    assert found["towpath_instances_running"] == {("story",): 2, ("idle",): 0}
    assert found["towpath_user_tasks_open"][()] == 2
    runtime.complete(UserTask.objects.filter(instance__definition__version=1).get().pk)
    metrics.collector.forget()
    assert read(client)["towpath_instances_running"][("story",)] == 1


def test_tells_of_units_by_what_began_them_and_how_they_ended(client: Client) -> None:
    deploy(user("enter"), handler("store", "failing", ASYNC))
    runtime.start("story")
    runtime.complete(UserTask.objects.get().pk)
    drain()
    Ledger.objects.filter(trigger="start").update(took=0.25)
    found = read(client)
    assert found["towpath_units_5m"][("start", "committed")] == 1
    assert found["towpath_units_5m"][("task", "committed")] == 1
    assert found["towpath_units_5m"][("job", "rolled back")] == 1
    assert found["towpath_units_5m"][("job", "committed")] == 0
    assert found["towpath_units_5m_seconds"][("start", "committed")] == 0.25
    Ledger.objects.update(at=ago(301))
    metrics.collector.forget()
    assert set(read(client)["towpath_units_5m"].values()) == {0}


def test_tells_of_workers_and_deliveries(client: Client) -> None:
    for name, seen in (("alive", ago(1)), ("gone", ago(3600))):
        Worker.objects.create(id=name, host="h", pid=1, started=seen, seen=seen)
    Delivery.objects.create(url="http://x", status="Completed", body="{}", due=ago(1), created=ago(1), state="dead")
    found = read(client)
    assert found["towpath_workers_alive"][()] == 1
    assert found["towpath_deliveries"] == {("pending",): 0, ("delivered",): 0, ("dead",): 1}


def test_every_metric_says_what_it_is(client: Client) -> None:
    families = list(text_string_to_metric_families(client.get("/metrics").content.decode()))
    assert {f.type for f in families} == {"gauge"}
    assert all(f.documentation.endswith(".") and f.name.startswith("towpath_") for f in families)


def test_speaks_openmetrics_to_who_asks_for_it(client: Client) -> None:
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer["Content-Type"].startswith("application/openmetrics-text")
    assert answer.content.endswith(b"# EOF\n")


# -- cost -----------------------------------------------------------------------------------------------------------------
def test_reads_a_few_statements_and_then_nothing_for_some_seconds(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics.collector, "_keep", 3600)
    for _ in range(20):
        make_job()
    with django_assert_num_queries(9):
        first = read(client)
    make_job()
    with django_assert_num_queries(0):
        assert read(client) == first


def test_what_was_kept_for_long_is_read_anew(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(client)["towpath_jobs"][("ready", "async")] == 0
    make_job()
    monkeypatch.setattr(metrics.collector, "_keep", 0)
    assert read(client)["towpath_jobs"][("ready", "async")] == 1


def test_a_database_that_is_gone_is_no_traceback(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise DatabaseError("password of user postgres is wrong")

    monkeypatch.setattr(metrics, "families", gone)
    answer = client.get("/metrics")
    assert (answer.status_code, answer.content) == (503, b"the database does not answer\n")


# -- who may --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.1.2.3"])
def test_answers_callers_on_the_same_machine(address: str) -> None:
    assert Client(REMOTE_ADDR=address).get("/metrics").status_code == 200


@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.1", "", "unix"])
def test_answers_nobody_elsewhere(address: str) -> None:
    answer = Client(REMOTE_ADDR=address).get("/metrics")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')
    assert b"towpath" not in answer.content


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_a_proxy_on_the_same_machine_speaks_for_others(client: Client, header: str) -> None:
    assert client.get("/metrics", headers={header: "192.0.2.1"}).status_code == 401


def test_behind_a_proxy_nobody_is_taken_to_be_on_the_same_machine(client: Client, settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert client.get("/metrics").status_code == 401


def test_with_a_token_only_who_brings_it(settings: Any) -> None:
    settings.ENGINE_METRICS_TOKEN = TOKEN
    far, near = Client(REMOTE_ADDR="192.0.2.1"), Client()
    assert far.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert near.get("/metrics").status_code == 401
    for wrong in (f"Bearer {TOKEN}x", "Bearer", f"Basic {TOKEN}", "Bearer ümlaut"):
        assert far.get("/metrics", headers={"Authorization": wrong}).status_code == 401


def test_operators_see_the_figures_in_their_browser(admin: User, alice: User, settings: Any) -> None:
    settings.ENGINE_METRICS_TOKEN = TOKEN
    far = Client(REMOTE_ADDR="192.0.2.1")
    far.force_login(admin)
    assert far.get("/metrics").status_code == 200
    far.force_login(alice)
    assert far.get("/metrics").status_code == 401


def test_is_read_only(client: Client) -> None:
    assert client.post("/metrics").status_code == 405
