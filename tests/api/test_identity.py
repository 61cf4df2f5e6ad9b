"""`identity/*`: users and groups, and that nobody makes himself more than he is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, Permission, User

from tests.api.conftest import Api

pytestmark = pytest.mark.django_db

USERS, GROUPS = "identity/users", "identity/groups"
ANN = {"id": "ann", "firstName": "Ann", "lastName": "Archer", "email": "ann@example.org", "password": "secret words"}


def test_makes_a_user_who_can_log_in(operator: Api) -> None:
    made = operator.send("POST", USERS, ANN, 201)
    assert made["password"] == "secret words"
    assert "password" not in operator.get(f"{USERS}/ann")
    assert User.objects.get(username="ann").check_password("secret words")
    operator.send("POST", USERS, ANN, 409)


@pytest.mark.parametrize(
    "body", [{}, {"id": ""}, {"id": 5}, {"id": "a b"}, {"id": "x" * 151}, {"id": "eve", "email": "none"}], ids=lambda b: str(b)[:30]
)
def test_refuses_a_user(operator: Api, body: dict[str, str]) -> None:
    operator.send("POST", USERS, body, 400)


def test_finds_changes_and_deletes_users(operator: Api) -> None:
    operator.send("POST", USERS, ANN, 201)
    for given in ({"id": "ann"}, {"firstName": "Ann", "lastName": "Archer"}, {"emailLike": "%@example.org", "firstNameLike": "A%"}):
        assert [u["id"] for u in operator.get(USERS, given)["data"]] == ["ann"]
    assert operator.send("PUT", f"{USERS}/ann", {"lastName": "Miller"})["lastName"] == "Miller"
    operator.send("DELETE", f"{USERS}/ann", status=204)
    operator.get(f"{USERS}/ann", status=404)


def test_makes_groups_and_members(operator: Api) -> None:
    operator.send("POST", USERS, ANN, 201)
    operator.send("POST", GROUPS, {"id": "office"}, 201)
    operator.send("POST", GROUPS, {"id": "office"}, 409)
    operator.send("POST", f"{GROUPS}/office/members", {"userId": "ann"}, 201)
    operator.send("POST", f"{GROUPS}/office/members", {"userId": "ann"}, 409)
    operator.send("POST", f"{GROUPS}/office/members", {"userId": "nobody"}, 404)
    operator.send("POST", f"{GROUPS}/office/members", {}, 400)
    assert [g["id"] for g in operator.get(GROUPS, {"member": "ann"})["data"]] == ["office"]
    assert [u["id"] for u in operator.get(USERS, {"memberOfGroup": "office"})["data"]] == ["ann"]
    operator.send("DELETE", f"{GROUPS}/office/members/ann", status=204)
    operator.send("DELETE", f"{GROUPS}/office/members/ann", status=404)
    operator.send("DELETE", f"{GROUPS}/office", status=204)
    operator.get(f"{GROUPS}/office", status=404)


def test_calls_a_group_by_another_name_than_its_id(operator: Api) -> None:
    made = operator.send("POST", GROUPS, {"id": "office", "name": "The Office", "type": "assignment"}, 201)
    assert (made["id"], made["name"], made["type"]) == ("office", "The Office", "assignment")
    for given in ({"name": "The Office"}, {"nameLike": "%Office"}, {"type": "assignment"}, {"id": "office"}):
        assert operator.get(GROUPS, given)["data"] == [made]
    assert operator.send("PUT", f"{GROUPS}/office", {"name": "Bureau"}) == made | {"name": "Bureau"}
    assert operator.get(f"{GROUPS}/office")["name"] == "Bureau"


def test_shows_no_name_of_a_group_that_was_given_none(operator: Api) -> None:
    Group.objects.create(name="office")
    made = operator.get(f"{GROUPS}/office")
    assert (made["id"], made["name"], made["type"]) == ("office", None, None)
    assert operator.get(GROUPS, {"id": "office"})["data"] == [made]
    assert operator.get(GROUPS, {"name": "office"})["data"] == []
    assert operator.send("PUT", f"{GROUPS}/office", {"type": "security-role"}) == made | {"type": "security-role"}


def test_shows_a_user_himself_and_his_groups_alone(of_bob: Api, alice: User) -> None:
    assert [u["id"] for u in of_bob.get(USERS)["data"]] == ["bob"]
    assert {g["id"] for g in of_bob.get(GROUPS)["data"]} == {"customers", "kitchen"}
    of_bob.get(f"{USERS}/alice", status=404)


def test_lets_nobody_without_permission_change_anything(of_bob: Api) -> None:
    of_bob.send("POST", USERS, ANN, 403)
    of_bob.send("PUT", f"{USERS}/bob", {"password": "new"}, 403)
    of_bob.send("DELETE", f"{USERS}/bob", status=403)
    of_bob.send("POST", GROUPS, {"id": "office"}, 403)
    of_bob.send("PUT", f"{GROUPS}/kitchen", {"name": "mine"}, 403)
    of_bob.send("DELETE", f"{GROUPS}/kitchen", status=403)
    of_bob.send("POST", f"{GROUPS}/kitchen/members", {"userId": "bob"}, 403)


def test_lets_nobody_reach_above_himself(alice: User, admin: User, api: Callable[[User | None], Api]) -> None:
    rights = ("view_user", "change_user", "delete_user", "view_group")
    alice.user_permissions.set(Permission.objects.filter(codename__in=rights))
    powerful = Group.objects.create(name="operators")
    powerful.permissions.set(Permission.objects.filter(codename="operate"))
    helpful = api(User.objects.get(pk=alice.pk))
    helpful.send("PUT", f"{USERS}/admin", {"password": "mine now"}, 403)
    helpful.send("DELETE", f"{USERS}/admin", status=403)
    helpful.send("POST", f"{GROUPS}/operators/members", {"userId": "alice"}, 403)
