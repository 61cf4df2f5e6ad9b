"""Long lists show the same rows as the question of each row: what is found by what is somebody's is what he may see."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from engine import runtime
from engine.api import words
from engine.models import Activity, Definition, IdentityLink, Instance, UserTask
from engine.models.compiled import Kept
from engine.runtime import access, queries, sight
from engine.runtime.queries import pages, walking
from tests.runtime.models import model
from tests.runtime.models import user as task_named

pytestmark = pytest.mark.django_db

ROLES: list[dict[str, Any]] = [
    {"assignee": "alice"},
    {"owner": "alice"},
    {"completed_by": "alice", "state": "completed"},
    {"assignee": "bob", "state": "completed"},
    {"assignee": "bob", "owner": "alice", "state": "deleted"},
    {},
]
LINKS: list[dict[str, Any]] = [
    {"type": "candidate", "user": "alice"},
    {"type": "candidate", "group": "kitchen"},
    {"type": "candidate", "group": "office"},
    {"type": "excluded", "user": "alice"},
]


@pytest.fixture
def people() -> dict[str, User]:
    found = {name: User.objects.create_user(name) for name in ("alice", "bob", "charlie")}
    found["alice"].groups.add(Group.objects.create(name="kitchen"))
    found["admin"] = User.objects.create_superuser("admin")
    return found


@pytest.fixture
def every_case(people: dict[str, User]) -> None:
    """Instances with each kind of task and link, and tasks without an instance."""
    [definition] = runtime.deploy({"a.bpmn": model(task_named("look", ""), key="a")}, name="a").definitions.all()
    now = timezone.now()
    for role in ROLES:
        for link in [None, *LINKS]:
            for starter, of in (("bob", True), ("alice", True), ("bob", False)):
                instance = Instance.objects.create(definition=definition, starter=starter, started=now) if of else None
                task = UserTask.objects.create(instance=instance, created=now, **role)
                if link:
                    IdentityLink.objects.create(task=task, **link)
    for link in LINKS:
        instance = Instance.objects.create(definition=definition, starter="bob", started=now)
        IdentityLink.objects.create(instance=instance, **{**link, "type": "participant"})


@pytest.mark.parametrize("who", ["alice", "bob", "charlie", "admin"])
def test_shows_in_long_lists_what_is_seen_one_by_one(who: str, people: dict[str, User], every_case: None) -> None:
    user = people[who]
    assert set(sight.instances(user)) == set(access.visible_instances(user))
    assert set(sight.tasks(user)) == set(access.visible_tasks(user))
    assert set(sight.tasks(user, sight.OPEN)) == set(access.visible_tasks(user).filter(state="open"))


def test_shows_each_row_once(people: dict[str, User], every_case: None) -> None:
    user = people["alice"]
    for listing in (queries.instances, queries.tasks, queries.historic_tasks):
        rows = list(listing(user))
        assert len(rows) == len({row.pk for row in rows}) == listing(user).count() > 10


def test_shows_a_stranger_nothing(people: dict[str, User], every_case: None) -> None:
    for listing in (queries.historic_instances, queries.historic_tasks, queries.activities, queries.historic_variables, queries.executions):
        assert listing(people["charlie"]).count() == 0
        for nobody in (people["charlie"], access.Persona(None)):
            assert listing.page(nobody) == listing.page(nobody, {}, None, True, 200) == ([], 0)


@pytest.mark.parametrize("order", [False, True])
def test_gives_pages_far_down_a_list_in_its_order(order: bool, people: dict[str, User], every_case: None) -> None:
    listing = queries.historic_tasks
    whole = list(listing.sorted(listing(people["admin"]), "assignee", order))
    pages = [row for start in range(0, len(whole), 7) for row in listing.page(people["admin"], {}, "assignee", order, start, 7)[0]]
    assert pages == whole


@pytest.mark.parametrize("order", [False, True])
def test_finds_a_page_far_down_what_is_somebodys_and_their_number_at_once(
    order: bool, people: dict[str, User], every_case: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "FAR", range(1, 100))
    listing, user = queries.historic_tasks, people["alice"]
    whole = list(listing.sorted(listing(user), "assignee", order, own=True))
    for start in range(0, len(whole) + 8, 7):
        with CaptureQueriesContext(connection) as captured:
            found, total = listing.page(user, {}, "assignee", order, start, 7)
        assert (found, total) == (whole[start : start + 7], len(whole))
        sought = [one["sql"] for one in captured if "ROW_NUMBER" in one["sql"] or "COUNT(" in one["sql"]]
        assert len(sought) == 1, sought  # behind the end too


@pytest.mark.parametrize("steps", [0, 3, walking.LONGEST], ids=["no step", "few steps", "all the way"])
@pytest.mark.parametrize("order", [False, True])
@pytest.mark.parametrize("by", sorted(queries.historic_instances.walk.sorts))
def test_finds_the_first_pages_of_what_is_somebodys_however_far_it_walks(
    by: str, order: bool, steps: int, people: dict[str, User], every_case: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "LONGEST", steps)
    monkeypatch.setattr(pages, "KEPT", Kept())  # the SQL tells how far
    for number, one in enumerate(Instance.objects.all()):
        ended = one.started + timedelta(minutes=number * 7 % 5) if number % 3 else None
        Instance.objects.filter(pk=one.pk).update(business_key=f"key {number % 4}" if number % 2 else None, ended=ended)
    listing = queries.historic_instances
    for who in ("alice", "bob"):
        whole = list(listing.sorted(listing(people[who]), by, order, own=True))
        for start in (0, 3, len(whole) - 2):
            assert listing.page(people[who], {}, by, order, start, 3) == (whole[start : start + 3], len(whole))
    assert listing.page(people["charlie"], {}, by, order) == ([], 0)


def test_holds_what_open_instances_are_sorted_by_in_their_index() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("an index of SQLite holds no more than it is sorted by")
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'towpath_instance_open'")
        [(index,)] = cursor.fetchall()
    held = {name.strip() for part in re.findall(r"\((.*?)\)", index.partition(" WHERE ")[0]) for name in part.split(",")}
    sorts = {queries.instances.sorts[name] for name in words.SORTS["runtime/process-instances"]}
    assert {"id" if path == "pk" else path.partition("__")[0] for path in sorts} <= {name.removesuffix("_id") for name in held} | held


@pytest.mark.parametrize("given", [{"startedAfter": "2001-01-01T00:00:00Z"}, {}])
def test_sorts_by_id_whether_the_rows_are_found_first_or_not(given: dict[str, str], people: dict[str, User], every_case: None) -> None:
    listing = queries.historic_instances
    assert [row.pk for row in listing.page(people["admin"], given, None, True, 0, 500)[0]] == sorted(
        (row.pk for row in Instance.objects.all()), reverse=True
    )


@pytest.mark.parametrize("count", [0, 1, access.FEW_GROUPS, access.FEW_GROUPS + 3])
def test_finds_what_is_offered_to_somebody_in_few_groups_or_many(count: int, people: dict[str, User], every_case: None) -> None:
    names = ["kitchen", "office", *(f"g{number}" for number in range(count))][:count]
    people["alice"].groups.set([Group.objects.get_or_create(name=name)[0] for name in names])
    links = IdentityLink.objects.filter(Q(user="alice") | Q(group__in=names), type="candidate")
    free = {task.pk for task in UserTask.objects.filter(state="open", assignee=None, pk__in=links.values("task"))}
    own = {task.pk for task in UserTask.objects.filter(state="open", assignee="alice")}
    for asked, expected in (("candidateUser", free), ("candidateOrAssigned", free | own)):
        for _ in range(2):  # the second time by the SQL that was kept
            found, total = queries.tasks.page(people["admin"], {asked: "alice"}, size=500)
            assert {task.pk for task in found} == expected
            assert total == len(expected)


@pytest.fixture
def runs(every_case: None) -> None:
    """Each instance ran three nodes, the last of which has not ended; all of them began within a few minutes."""
    now = timezone.now()
    for place, instance in enumerate(Instance.objects.all()):
        for number, node in enumerate(("begin", "look", "look")):
            began = now - timedelta(minutes=place * 7 % 5, seconds=number)
            Activity.objects.create(
                instance=instance, number=number, node=node, type="userTask", token=0, started=began, began_in=1,
                ended=None if number == 2 else now,
            )  # fmt: skip


@pytest.mark.parametrize("who", ["alice", "admin"])
@pytest.mark.parametrize("by", ["startTime", "activityId"])
@pytest.mark.parametrize("order", [False, True])
def test_lists_what_was_run_in_order_and_each_once(who: str, by: str, order: bool, people: dict[str, User], runs: None) -> None:
    user, column = people[who], {"startTime": "started", "activityId": "node"}[by]
    [definition] = Definition.objects.all()
    seen = set(Activity.objects.filter(instance__in=access.visible_instances(user)))
    for given in ({}, {"processDefinitionId": definition.pk}):
        pages = [queries.activities.page(user, given, by, order, start, 20) for start in range(0, len(seen), 20)]
        rows = [row for page, _ in pages for row in page]
        assert set(rows) == seen
        assert {total for _, total in pages} == {len(rows)} == {len(seen)}
        values = [getattr(row, column) for row in rows]
        assert values == sorted(values, reverse=order)


@pytest.mark.parametrize("who", ["alice", "bob", "charlie", "admin"])
def test_lists_what_somebody_takes_part_in_whether_each_is_asked_or_what_is_his_is_found(
    who: str, people: dict[str, User], every_case: None
) -> None:
    asked = {"involvedUser": who, "excludeSubprocesses": True}
    found, each = (list(queries.historic_instances.whole(people[who], asked, "startTime", True, each=each)) for each in (False, True))
    assert found == each
    assert bool(found) == (who in ("alice", "bob"))


def test_counts_the_badge_as_the_views_of_the_inbox_do(people: dict[str, User], every_case: None) -> None:
    user = people["alice"]
    counted = {view: queries.inbox(user, view).count() for view in ("mine", "groups")}
    assert queries.inbox_counts(user) == counted
    assert all(counted.values())
    assert set(queries.inbox(user, "mine")) | set(queries.inbox(user, "groups")) <= set(queries.inbox(user, "all"))
