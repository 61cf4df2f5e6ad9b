"""Tasks made by clients, what is changed at tasks, who is linked to them, what is said and attached."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from engine.models import Blob, Comment, UserTask
from tests.api.conftest import MINE, REVIEW, Api

pytestmark = pytest.mark.django_db

PATH = "runtime/tasks"


@pytest.fixture
def wash(operator: Api) -> str:
    """A task of no process."""
    body = {"name": "Wash", "priority": 10, "dueDate": "2011-01-01T10:00:00Z", "owner": "alice", "category": "laundry"}
    made: str = operator.send("POST", PATH, body, 201)["id"]
    return made


@pytest.fixture
def check(operator: Api) -> str:
    """A task of a process, offered to bob and the kitchen."""
    operator.deploy(REVIEW)
    return operator.task(operator.start("review"))


# -- tasks of no process --------------------------------------------------------------------------------------------------
def test_makes_a_task(operator: Api, wash: str) -> None:
    found = operator.get(f"{PATH}/{wash}")
    assert (found["name"], found["priority"], found["owner"], found["category"]) == ("Wash", 10, "alice", "laundry")
    assert found["dueDate"] == "2011-01-01T10:00:00.000Z"
    assert found["processInstanceId"] is None


def test_makes_a_task_that_is_its_makers_where_nobody_is_named(of_alice: Api, of_bob: Api) -> None:
    made = of_alice.send("POST", PATH, {}, 201)
    assert (made["name"], made["owner"]) == (None, "alice")
    of_bob.get(f"{PATH}/{made['id']}", status=404)


def test_completes_a_task_of_no_process(of_alice: Api, wash: str) -> None:
    of_alice.send("POST", f"{PATH}/{wash}", {"action": "complete"})
    assert of_alice.get(f"history/historic-task-instances/{wash}")["endTime"]


def test_changes_what_is_sent_and_clears_what_is_null(operator: Api, wash: str) -> None:
    operator.send("PUT", f"{PATH}/{wash}", {"assignee": "bob", "priority": 20})
    changed = operator.send("PUT", f"{PATH}/{wash}", {"dueDate": None, "description": "Wash it well"})
    assert (changed["assignee"], changed["priority"], changed["dueDate"]) == ("bob", 20, None)
    assert (changed["name"], changed["description"]) == ("Wash", "Wash it well")


WRONG: list[dict[str, Any]] = [
    {"priority": "high"},
    {"dueDate": "tomorrow"},
    {"name": 5},
    {"name": "x" * 256},
    {"parentTaskId": "nobody"},
    {"parentTaskId": "00000000-0000-0000-0000-000000000000"},
    {"delegationState": "lost"},
    {"assignee": ["bob"]},
]


@pytest.mark.parametrize("body", WRONG, ids=str)
def test_refuses_to_make_or_change_a_task_with(operator: Api, wash: str, body: dict[str, Any]) -> None:
    operator.send("POST", PATH, body, 400)
    operator.send("PUT", f"{PATH}/{wash}", body, 400)


def test_lists_sub_tasks_and_deletes_them_with_their_task(operator: Api, wash: str) -> None:
    iron = operator.send("POST", PATH, {"name": "Iron", "parentTaskId": wash}, 201)["id"]
    assert [t["id"] for t in operator.get(f"{PATH}/{wash}/subtasks")] == [iron]
    operator.send("PUT", f"{PATH}/{wash}", {"parentTaskId": iron}, 400)
    operator.send("PUT", f"{PATH}/{wash}", {"parentTaskId": wash}, 400)
    operator.send("DELETE", f"{PATH}/{wash}", status=204)
    operator.get(f"{PATH}/{iron}", status=404)


def test_keeps_a_deleted_task_in_the_history_unless_it_shall_go_too(operator: Api, wash: str) -> None:
    operator.send("DELETE", f"{PATH}/{wash}?deleteReason=dirty", status=204)
    assert operator.get(f"history/historic-task-instances/{wash}")["deleteReason"] == "dirty"
    operator.send("DELETE", f"history/historic-task-instances/{wash}", status=204)
    operator.get(f"history/historic-task-instances/{wash}", status=404)
    other = operator.send("POST", PATH, {}, 201)["id"]
    operator.send("DELETE", f"{PATH}/{other}?cascadeHistory=true", status=204)
    assert not UserTask.objects.exists()


def test_deletes_no_task_of_a_process_and_no_history_of_an_open_one(operator: Api, check: str, wash: str) -> None:
    operator.send("DELETE", f"{PATH}/{check}", status=403)
    operator.send("DELETE", f"history/historic-task-instances/{wash}", status=409)


def test_lets_no_stranger_change_or_delete_a_task(of_charlie: Api, wash: str, check: str) -> None:
    for task in (wash, check):
        of_charlie.send("PUT", f"{PATH}/{task}", {"name": "Mine"}, 403)
        of_charlie.send("DELETE", f"{PATH}/{task}", status=403)
        of_charlie.get(f"{PATH}/{task}/subtasks", status=404)


# -- links ----------------------------------------------------------------------------------------------------------------
def links(found: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(link["type"], link["user"] or link["group"]) for link in found}


def test_links_people_to_a_task(operator: Api, check: str) -> None:
    path = f"{PATH}/{check}/identitylinks"
    made = operator.send("POST", path, {"user": "alice", "type": "reader"}, 201)
    assert made["url"].endswith(f"/api/{path}/users/alice/reader")
    operator.send("POST", path, {"group": "board", "type": "candidate"}, 201)
    assert links(operator.get(path)) == {("reader", "alice"), ("candidate", "board"), ("candidate", "bob"), ("candidate", "kitchen")}
    assert links(operator.get(f"{path}/groups")) == {("candidate", "board"), ("candidate", "kitchen")}
    assert operator.get(f"{path}/users/alice/reader") == made
    operator.send("DELETE", f"{path}/users/alice/reader", status=204)
    operator.send("DELETE", f"{path}/users/alice/reader", status=404)
    operator.get(f"{path}/users/alice/reader", status=404)


def test_makes_an_assignee_of_a_link(operator: Api, check: str) -> None:
    path = f"{PATH}/{check}/identitylinks"
    operator.send("POST", path, {"user": "alice", "type": "assignee"}, 201)
    assert operator.get(f"{PATH}/{check}")["assignee"] == "alice"
    operator.send("DELETE", f"{path}/users/alice/assignee", status=204)
    assert operator.get(f"{PATH}/{check}")["assignee"] is None


@pytest.mark.parametrize(
    "body", [{}, {"type": "reader"}, {"user": "a"}, {"user": "a", "group": "b", "type": "reader"}, {"group": "b", "type": "owner"}], ids=str
)
def test_refuses_a_link(operator: Api, check: str, body: dict[str, str]) -> None:
    operator.send("POST", f"{PATH}/{check}/identitylinks", body, 400)


def test_lets_no_stranger_link_himself(of_charlie: Api, check: str) -> None:
    of_charlie.send("POST", f"{PATH}/{check}/identitylinks", {"user": "charlie", "type": "candidate"}, 403)


def test_shows_who_takes_part_in_an_instance(operator: Api, of_charlie: Api, check: str) -> None:
    instance = operator.get(f"{PATH}/{check}")["processInstanceId"]
    path = f"runtime/process-instances/{instance}"
    assert links(operator.get(f"{path}/identitylinks")) == {("starter", "admin"), ("participant", "bob")}
    of_charlie.get(path, status=404)
    operator.send("POST", f"{path}/identitylinks", {"user": "charlie", "type": "reader"}, 201)
    of_charlie.get(path)
    of_charlie.send("POST", f"{path}/identitylinks", {"user": "charlie", "type": "owner"}, 403)
    operator.send("DELETE", f"{path}/identitylinks/users/charlie/reader", status=204)
    operator.send("POST", f"{path}/identitylinks", {"group": "kitchen", "type": "reader"}, 400)


# -- comments and attachments ---------------------------------------------------------------------------------------------
def test_keeps_comments_on_a_task_and_its_instance(operator: Api, of_bob: Api, check: str) -> None:
    path = f"{PATH}/{check}/comments"
    one = operator.send("POST", path, {"message": "Looks good"}, 201)
    both = of_bob.send("POST", path, {"message": "For all", "saveProcessInstanceId": True}, 201)
    assert [c["author"] for c in operator.get(path)] == ["admin", "bob"]
    past = f"history/historic-process-instances/{both['processInstanceId']}/comments"
    assert [c["message"] for c in operator.get(past)] == ["For all"]
    of_bob.send("DELETE", f"{path}/{one['id']}", status=403)
    operator.send("DELETE", f"{path}/{one['id']}", status=204)
    operator.get(f"{path}/{one['id']}", status=404)


@pytest.mark.parametrize(
    "body", [{}, {"message": ""}, {"message": "  "}, {"message": 5}, {"message": "x" * 100_001}], ids=lambda b: str(b)[:30]
)
def test_refuses_a_comment(operator: Api, check: str, body: dict[str, Any]) -> None:
    operator.send("POST", f"{PATH}/{check}/comments", body, 400)


def test_lets_no_stranger_read_or_write_comments(of_charlie: Api, check: str) -> None:
    of_charlie.get(f"{PATH}/{check}/comments", status=404)
    of_charlie.send("POST", f"{PATH}/{check}/comments", {"message": "Hi"}, 404)
    assert not Comment.objects.exists()


def test_attaches_addresses_and_files(operator: Api, of_bob: Api, check: str) -> None:
    path = f"{PATH}/{check}/attachments"
    link = operator.send("POST", path, {"name": "The wiki", "type": "link", "externalUrl": "http://example.org/wiki"}, 201)
    data = {"name": "Scan", "type": "text/plain", "file": SimpleUploadedFile("scan.txt", b"some text")}
    file = of_bob.http.post(f"/api/{path}", data).json()
    assert {a["id"] for a in operator.get(path)} == {link["id"], file["id"]}
    answer = operator.http.get(f"/api/{path}/{file['id']}/content")
    assert (answer.content, answer["Content-Type"]) == (b"some text", "text/plain")
    assert "sandbox" in answer["Content-Security-Policy"]
    operator.get(f"{path}/{link['id']}/content", status=404)
    operator.send("DELETE", f"{path}/{file['id']}", status=204)
    assert not Blob.objects.exists()


@pytest.mark.parametrize("body", [{}, {"externalUrl": "http://example.org"}], ids=str)
def test_refuses_an_attachment(operator: Api, check: str, body: dict[str, Any]) -> None:
    operator.send("POST", f"{PATH}/{check}/attachments", body, 400)


def test_shows_no_attachment_of_another_task(operator: Api, of_alice: Api, check: str) -> None:
    made = operator.send("POST", f"{PATH}/{check}/attachments", {"name": "x", "externalUrl": "http://example.org"}, 201)
    operator.deploy(MINE)
    mine = of_alice.task(of_alice.start("mine"))
    of_alice.get(f"{PATH}/{mine}/attachments/{made['id']}", status=404)
    of_alice.get(f"{PATH}/{check}/attachments/{made['id']}", status=404)


# -- what is suspended or over ------------------------------------------------------------------------------------------------
def test_a_suspended_task_takes_no_attachment_and_gives_neither_a_link_nor_its_variables_away(operator: Api, check: str) -> None:
    instance = operator.get(f"{PATH}/{check}")["processInstanceId"]
    operator.send("POST", f"{PATH}/{check}/identitylinks", {"user": "dave", "type": "reader"}, 201)
    operator.send("PUT", f"runtime/process-instances/{instance}", {"action": "suspend"})
    operator.send("POST", f"{PATH}/{check}/attachments", {"name": "x"}, 409)
    operator.send("DELETE", f"{PATH}/{check}/identitylinks/users/dave/reader", status=409)
    operator.send("DELETE", f"{PATH}/{check}/variables", status=409)
    assert ("reader", "dave") in links(operator.get(f"{PATH}/{check}/identitylinks"))


def test_of_what_is_over_nothing_more_is_said_and_nothing_attached(operator: Api, check: str) -> None:
    instance = operator.get(f"{PATH}/{check}")["processInstanceId"]
    operator.send("DELETE", f"runtime/process-instances/{instance}", status=204)
    operator.send("POST", f"{PATH}/{check}/attachments", {"name": "x"}, 404)
    operator.send("POST", f"history/historic-process-instances/{instance}/comments", {"message": "Over"}, 404)
    assert operator.get(f"history/historic-process-instances/{instance}/comments") == []
