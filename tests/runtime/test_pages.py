"""A page whose SQL was written for somebody else's question shows what the ORM would have found for this one."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from engine import runtime
from engine.errors import NotFound
from engine.models import Instance, UserTask
from engine.models.compiled import KEPT, Kept
from engine.models.fields import uuid7
from engine.runtime import access, queries, rights
from engine.runtime.queries.asking import asked
from tests.runtime.models import model
from tests.runtime.models import user as task_named

NAMES = ("alice", "bob", "charlie", "admin")
EARLY, LATE = "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
QUESTIONS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [  # each twice, with other values
    ("tasks", {}, {}),
    ("tasks", {"assignee": "alice"}, {"assignee": "bob"}),
    ("tasks", {"nameLike": "L%", "unassigned": "true"}, {"nameLike": "%k", "unassigned": "false"}),
    ("tasks", {"candidateUser": "alice"}, {"candidateUser": "bob"}),
    ("tasks", {"candidateGroups": "kitchen,office"}, {"candidateGroups": "office,none"}),
    ("tasks", {"processInstanceBusinessKeyLikeIgnoreCase": "b%"}, {"processInstanceBusinessKeyLikeIgnoreCase": "A%"}),
    ("tasks", {"createdBefore": LATE, "minimumPriority": 1}, {"createdBefore": EARLY, "minimumPriority": 50}),
    ("historic_tasks", {"taskAssignee": "alice", "finished": "true"}, {"taskAssignee": "bob", "finished": "true"}),
    ("historic_tasks", {"involvedUser": "alice"}, {"involvedUser": "charlie"}),
    ("instances", {"businessKey": "a1"}, {"businessKey": "b1"}),
    ("instances", {"involvedUser": "alice"}, {"involvedUser": "bob"}),
    ("instances", {"activeActivityId": "look"}, {"activeActivityId": "nowhere"}),
    ("historic_instances", {"startedAfter": EARLY}, {"startedAfter": LATE}),
    ("historic_instances", {"processDefinitionKeyIn": ["a", "b"]}, {"processDefinitionKeyIn": ["x", "a"]}),
    ("activities", {"activityTypes": "userTask,endEvent"}, {"activityTypes": "startEvent,userTask"}),
    ("activities", {"taskCompletedBy": "alice"}, {"taskCompletedBy": "bob"}),
    ("executions", {"activityId": "look"}, {"activityId": "nowhere"}),
    *(
        ("instances", {"variables": [{"name": "size", "operation": how, "value": 1}]}, {"variables": [{"name": "size", "operation": how, "value": 2}]})
        for how in ("equals", "notEquals", "greaterThan", "lessThanOrEquals")
    ),
    *(
        ("tasks", {"processInstanceVariables": [{"name": "word", "operation": how, "value": one}]},
         {"processInstanceVariables": [{"name": "word", "operation": how, "value": other}]})
        for how, one, other in (("equals", "Ab", "x" * 150), ("equalsIgnoreCase", "aB", "x%"), ("like", "A%", "x_*"), ("likeIgnoreCase", "a%", "X%"))
    ),
]  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> dict[str, User]:
    found = {name: User.objects.create_user(name) for name in NAMES[:3]}
    for name, *groups in (("alice", "kitchen"), ("bob", "kitchen", "office", "cellar")):
        found[name].groups.set([Group.objects.get_or_create(name=group)[0] for group in groups])
        found[name].user_permissions.add(Permission.objects.get(codename="start_instance"))
    return {**found, "admin": User.objects.create_superuser("admin")}


@pytest.fixture
def world(people: dict[str, User]) -> None:
    """What alice and bob started, with tasks of each and of their groups, some of which are done."""
    elements = task_named("look", 'flowable:candidateGroups="kitchen"') + task_named("see", 'flowable:assignee="bob"')
    runtime.deploy({"a.bpmn": model(elements, key="a")}, name="a")
    values: list[dict[str, Any]] = [{"size": 1, "word": "Ab"}, {"size": 2, "word": "x" * 150}, {"size": 3.5, "word": "x%"}, {}]
    for name in ("alice", "bob"):
        for number, variables in enumerate(values):
            made = runtime.start("a", user=people[name], business_key=f"{name[0]}{number}", variables=variables)
            if number % 2:
                runtime.complete(UserTask.objects.get(instance=made, state="open").pk, user=people["alice"])
    UserTask.objects.create(name="Link", owner="alice", created=timezone.now())


def listing(name: str) -> Any:
    return getattr(queries, name)


# -- pages ----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("who", NAMES)
def test_shows_what_the_orm_finds_whatever_was_asked_before(who: str, people: dict[str, User], world: None) -> None:
    user, seen = people[who], 0
    for name, *twice in QUESTIONS:
        for filters in twice:
            of = listing(name)
            whole = list(of.sorted(of(user, filters), None, True, filters))
            for start, size in ((0, 2), (1, 500)):
                assert of.page(user, filters, None, True, start, size) == (whole[start : start + size], len(whole)), (name, filters)
            seen += len(whole)
    assert seen == 0 if who == "charlie" else seen > 100


def test_writes_the_sql_of_a_question_once_for_all_who_are_of_one_kind(people: dict[str, User], world: None) -> None:
    for filters in ({"assignee": "alice"}, {"assignee": "bob"}):
        for who in (people["alice"], User.objects.create_user(f"dan {filters['assignee']}")):
            who.groups.set([Group.objects.get(name="kitchen")])
            queries.tasks.page(who, filters, size=2)
    kept = len(KEPT)
    for name in ("alice", "bob", "charlie", "nobody"):
        queries.tasks.page(people["alice"], {"assignee": name}, size=2)
    assert len(KEPT) == kept


def test_a_question_that_cannot_be_taken_apart_is_asked_in_the_ordinary_way(people: dict[str, User], world: None) -> None:
    found = queries.instances.page(people["admin"], {"activeActivityIds": "look"})
    assert {row.pk for row in found[0]} == {row.pk for row in queries.instances(people["admin"], {"activeActivityIds": "look"})}
    assert found[1] > 0


def test_gives_one_thing_to_whom_it_shows_and_to_nobody_else(people: dict[str, User], world: None) -> None:
    task = UserTask.objects.filter(assignee=None, state="open", instance__starter="alice").first()
    assert task is not None
    for _ in range(2):
        for who in ("alice", "bob", "admin"):
            assert queries.tasks.one(people[who], str(task.pk)) == task
        for who, key in (("charlie", task.pk), ("admin", uuid7()), ("admin", "no id")):
            with pytest.raises(NotFound):
                queries.tasks.one(people[who], str(key))


def test_takes_who_is_in_many_groups_for_who_he_is(people: dict[str, User], world: None) -> None:
    """A few groups are asked for one by one; more are filled up to a power of two, which adds none and leaves none out."""
    for count in (1, 3, access.FEW_GROUPS - 1, access.FEW_GROUPS, access.FEW_GROUPS + 3):
        people["charlie"].groups.set([Group.objects.get_or_create(name=f"g{number}")[0] for number in range(count)])
        assert queries.tasks.page(User.objects.get(username="charlie"), {})[1] == 0
        people["charlie"].groups.add(Group.objects.get(name="kitchen"))
        assert queries.tasks.page(User.objects.get(username="charlie"), {})[1] == UserTask.objects.filter(node="look", state="open").count()


# -- what is kept ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "condition",
    [
        Q(), Q(name="a"), ~Q(name="a"), Q(name="a") | Q(priority=1), Q(Q(name="a") | ~Q(name=None), suspended=True), Q(pk__in=[]),
        Q(name__in=["a", "b"]) & Q(created__lt=timezone.now()) & ~(Q(state=UserTask.State.OPEN) | Q(name="b", owner="c")),
    ],
)  # fmt: skip
def test_a_condition_taken_apart_is_put_together_again(condition: Q) -> None:
    taken = asked(condition)
    assert taken.shape is not None
    assert taken.made(taken.values) == condition


def test_a_condition_on_another_table_has_no_shape() -> None:
    assert asked(Q(instance__in=Instance.objects.all())).shape is None


def test_keeps_those_that_were_asked_for_last() -> None:
    kept = Kept(2)
    for shape in (1, 2, 1, 3):
        kept.rows(User, shape, ["alice"], lambda given: User.objects.filter(username=given[0]))
    assert len(kept) == 2
    with CaptureQueriesContext(connection) as captured:
        for shape in (1, 3):
            kept.rows(User, shape, ["alice"], lambda given: pytest.fail("it was known"))
    assert len(captured) == 2


def test_keeps_nothing_that_would_carry_a_part_of_a_value() -> None:
    for query in (
        lambda given: User.objects.filter(username=given[0], first_name=given[0][:100]),
        lambda given: User.objects.filter(username__startswith=given[0]),
        lambda given: User.objects.none(),
    ):
        assert Kept().found(User, "odd", ["alice"], query) is None


# -- rights ---------------------------------------------------------------------------------------------------------------
def test_reads_rights_and_groups_in_one_statement(people: dict[str, User]) -> None:
    start, operate = (Permission.objects.get(codename=name) for name in ("start_instance", "operate"))
    Group.objects.get(name="kitchen").permissions.add(start)
    people["bob"].user_permissions.add(operate)
    for name, permissions in (("alice", {rights.START}), ("bob", {rights.START, rights.OPERATE}), ("charlie", set[str]())):
        user = User.objects.get(username=name)
        with CaptureQueriesContext(connection) as captured:
            found = rights.of(user)
            groups = access.groups(user)
            assert access.sees_all(user) == (name == "bob")
        assert found is not None
        assert found.permissions == permissions == {one for one in (rights.START, rights.OPERATE) if user.has_perm(one)}
        assert groups == set(user.groups.values_list("name", flat=True))
        assert len(captured) == 1


def test_what_another_backend_says_holds(people: dict[str, User], settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.runtime.test_pages.Generous"]
    user = User.objects.get(username="charlie")
    assert access.sees_all(user)
    assert access.groups(user) == frozenset()


class Generous:
    """Lets everybody operate."""

    def has_perm(self, user: Any, permission: str, obj: Any = None) -> bool:
        return permission == rights.OPERATE


def test_who_is_no_longer_active_may_nothing(people: dict[str, User]) -> None:
    people["alice"].user_permissions.add(Permission.objects.get(codename="operate"))
    gone = User.objects.get(username="alice")
    gone.is_active = False
    assert not access.sees_all(gone)
