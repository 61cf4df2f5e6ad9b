"""Long lists of the admin: what is sorted are ids, an id is found by an index, and filters do not read all rows to know their words."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from engine import runtime
from engine.admin.records import Operation, Status
from engine.models import Definition, Delivery, Instance, Ledger, Request, UserTask
from tests.runtime.models import model
from tests.runtime.models import user as task_named

pytestmark = pytest.mark.django_db

NOW = timezone.now()


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("admin"))
    return client


@pytest.fixture
def instances() -> list[Instance]:
    """Twelve, the first of which started last; those of `b` are the odd ones, and `c` has none."""
    files = {f"{key}.bpmn": model(task_named("look", ""), key=key) for key in "abc"}
    a, b, _ = sorted(runtime.deploy(files, name="all").definitions.all(), key=lambda d: d.key)
    rows = [Instance(definition=b if n % 2 else a, name=f"No {n}", starter="alice", started=NOW - timedelta(hours=n)) for n in range(12)]
    return Instance.objects.bulk_create(rows)


def shown(admin: Client, address: str) -> list[str]:
    answer = admin.get(f"/admin/towpath/{address}")
    assert answer.status_code == 200
    return [str(row) for row in answer.context["cl"].result_list]


def test_shows_each_page_in_the_order_of_the_whole(admin: Client, instances: list[Instance], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.admin.instances.InstanceAdmin.list_per_page", 5)
    pages = [shown(admin, f"instance/?p={number}") for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [5, 5, 2]
    assert [name for page in pages for name in page] == [f"No {n}" for n in range(12)]


def test_sorts_by_a_column_across_pages(admin: Client, instances: list[Instance], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.admin.instances.InstanceAdmin.list_per_page", 6)
    assert set(shown(admin, "instance/?o=2")) == {f"No {n}" for n in range(0, 12, 2)}


def test_reads_no_more_than_ids_of_what_is_not_on_the_page(
    admin: Client, instances: list[Instance], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.admin.instances.InstanceAdmin.list_per_page", 5)
    with CaptureQueriesContext(connection) as captured:
        shown(admin, "instance/")
    wide = [row["sql"] for row in captured.captured_queries if '"towpath_instance"."business_key"' in row["sql"]]
    assert len(wide) == 1
    assert '"towpath_instance"."id" IN (' in wide[0]
    assert not any("DISTINCT" in row["sql"] or "DATE_TRUNC" in row["sql"] for row in captured.captured_queries)


def test_offers_to_filter_by_the_processes_that_have_instances(admin: Client, instances: list[Instance]) -> None:
    page = admin.get("/admin/towpath/instance/").content.decode()
    offered = [key for key in "abc" if f"definition__id__exact={key}%3A" in page]
    assert offered == ["a", "b"]
    chosen = Definition.objects.get(key="b").pk
    assert shown(admin, f"instance/?definition__id__exact={chosen}") == [f"No {n}" for n in range(1, 12, 2)]


@pytest.mark.parametrize(("given", "found"), [("started__gte", 6), ("started__lt", 6)])
def test_filters_instances_by_their_start(given: str, found: int, admin: Client, instances: list[Instance]) -> None:
    half = (NOW - timedelta(hours=5, minutes=30)).isoformat().replace("+", "%2B")
    assert len(shown(admin, f"instance/?{given}={half}")) == found


def test_finds_an_instance_and_what_is_its_by_the_id(admin: Client, instances: list[Instance]) -> None:
    wanted = instances[3]
    UserTask.objects.create(name="Look", instance=wanted, created=NOW)
    UserTask.objects.create(name="Elsewhere", instance=instances[4], created=NOW)
    Ledger.objects.create(
        instance=wanted, number=1, attempt=1, trigger="start", at=NOW, took=0.1, outcome="committed", journal=[], work=uuid4()
    )
    for kind, rows in {"instance": ["No 3"], "usertask": ["Look"], "ledger": ["T1"], "job": []}.items():
        with CaptureQueriesContext(connection) as captured:
            assert shown(admin, f"{kind}/?q={wanted.pk}") == rows
        assert not any("LIKE" in row["sql"] for row in captured.captured_queries)


def test_looks_for_anything_else_in_the_texts(admin: Client, instances: list[Instance]) -> None:
    assert shown(admin, "instance/?q=no+1") == ["No 1", "No 10", "No 11"]


@pytest.mark.parametrize(
    ("urgency", "found"), [("high", {"soon"}), ("ordinary", {"plain"}), ("low", {"some day"}), ("none", {"soon", "plain", "some day"})]
)
def test_filters_tasks_by_urgency(urgency: str, found: set[str], admin: Client) -> None:
    for name, priority in {"soon": 51, "plain": 50, "some day": 0}.items():
        UserTask.objects.create(name=name, priority=priority, created=NOW)
    assert set(shown(admin, f"usertask/?urgency={urgency}")) == found


def test_filters_requests_and_deliveries_by_words_that_are_known(admin: Client) -> None:
    for operation in Operation.words:
        Request.objects.create(operation=operation, workflow="orders", created=NOW)
    for number, status in enumerate(Status.words):
        Delivery.objects.create(
            stream="one", number=number, origin="https://client", url="https://client/", status=status, body="", due=NOW, created=NOW
        )
    for operation in Operation.words:
        assert shown(admin, f"request/?operation={operation.replace(' ', '+')}") == [f"{operation} orders"]
    for status in Status.words:
        assert shown(admin, f"delivery/?status={status}") == [f"{status} to https://client"]
    assert len(shown(admin, "request/?operation=nothing")) == len(Operation.words)


def test_shows_the_latest_request_first(admin: Client) -> None:
    for operation in ("start", "update"):
        Request.objects.create(operation=operation, workflow="orders", created=NOW)
    assert shown(admin, "request/") == ["update orders", "start orders"]
