"""The events of a task: its comments, and each link and attachment that came or went, the latest first."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from engine.models import Comment, TaskEvent
from tests.api.conftest import REVIEW, Api

pytestmark = pytest.mark.django_db

PATH = "runtime/tasks"


@pytest.fixture
def check(operator: Api) -> str:
    """A task of a process, offered to bob and the kitchen."""
    operator.deploy(REVIEW)
    return operator.task(operator.start("review"))


def told(api: Api, task: str) -> list[tuple[str, str, Any]]:
    return [(one["action"], one["userId"], one["message"]) for one in api.get(f"{PATH}/{task}/events")]


def test_has_none_at_first(operator: Api, check: str) -> None:
    assert told(operator, check) == []


def test_tells_who_was_linked_and_who_no_more(operator: Api, check: str) -> None:
    path = f"{PATH}/{check}/identitylinks"
    operator.send("POST", path, {"user": "charlie", "type": "reader"}, 201)
    operator.send("POST", path, {"group": "office", "type": "candidate"}, 201)
    operator.send("DELETE", f"{path}/users/charlie/reader", status=204)
    operator.send("DELETE", f"{path}/groups/office/candidate", status=204)
    assert told(operator, check) == [
        ("DeleteGroupLink", "admin", ["office", "candidate"]),
        ("DeleteUserLink", "admin", ["charlie", "reader"]),
        ("AddGroupLink", "admin", ["office", "candidate"]),
        ("AddUserLink", "admin", ["charlie", "reader"]),
    ]


def test_tells_who_claimed_it_and_that_he_gave_it_back(of_bob: Api, check: str) -> None:
    of_bob.send("POST", f"{PATH}/{check}", {"action": "claim", "assignee": "bob"})
    of_bob.send("POST", f"{PATH}/{check}", {"action": "claim"})
    assert told(of_bob, check) == [("DeleteUserLink", "bob", ["bob", "assignee"]), ("AddUserLink", "bob", ["bob", "assignee"])]


def test_tells_of_comments_and_attachments(operator: Api, check: str) -> None:
    said = operator.send("POST", f"{PATH}/{check}/comments", {"message": "so\n  " + "long " * 50}, 201)
    kept = operator.send("POST", f"{PATH}/{check}/attachments", {"name": "Plan", "externalUrl": "https://example.org"}, 201)
    operator.send("DELETE", f"{PATH}/{check}/attachments/{kept['id']}", status=204)
    gone, added, comment = operator.get(f"{PATH}/{check}/events")
    assert (gone["action"], added["action"], added["message"]) == ("DeleteAttachment", "AddAttachment", ["Plan"])
    assert added["processInstanceUrl"].startswith("http://testserver/api/runtime/process-instances/")
    assert comment["id"] == said["id"]
    assert len(comment["message"][0]) == 163
    assert comment["message"][0].startswith("so long long")
    assert "processInstanceUrl" not in comment


def test_shows_one_and_deletes_it(operator: Api, of_bob: Api, check: str) -> None:
    operator.send("POST", f"{PATH}/{check}/identitylinks", {"user": "charlie", "type": "reader"}, 201)
    comment = operator.send("POST", f"{PATH}/{check}/comments", {"message": "Hi"}, 201)["id"]
    for event in operator.get(f"{PATH}/{check}/events"):
        path = f"{PATH}/{check}/events/{event['id']}"
        assert event["url"] == f"http://testserver/api/{path}"
        assert operator.get(path) == event
        of_bob.send("DELETE", path, status=403)  # somebody else's
        operator.send("DELETE", path, status=204)
        operator.get(path, status=404)
    assert not Comment.objects.filter(pk=comment).exists()
    assert not TaskEvent.objects.exists()


def test_refuses_events_of_other_tasks_and_ids_that_are_none(operator: Api, check: str) -> None:
    other = operator.send("POST", PATH, {"name": "Other"}, 201)["id"]
    operator.send("POST", f"{PATH}/{check}/comments", {"message": "Hi"}, 201)
    [event] = operator.get(f"{PATH}/{check}/events")
    for path in (f"{PATH}/{other}/events/{event['id']}", f"{PATH}/{check}/events/nobody", f"{PATH}/nobody/events"):
        operator.get(path, status=404)
    operator.send("DELETE", f"{PATH}/{other}/events/{event['id']}", status=404)


def test_keeps_the_events_of_an_ended_task_and_deletes_none_of_them(operator: Api, check: str) -> None:
    operator.send("POST", f"{PATH}/{check}/comments", {"message": "Hi"}, 201)
    operator.send("POST", f"{PATH}/{check}", {"action": "complete"})
    [event] = operator.get(f"{PATH}/{check}/events")
    operator.send("DELETE", f"{PATH}/{check}/events/{event['id']}", status=404)


def test_keeps_none_where_no_full_history_is_kept(operator: Api, check: str) -> None:
    with override_settings(ENGINE_HISTORY="activity"):
        operator.send("POST", f"{PATH}/{check}/identitylinks", {"user": "charlie", "type": "reader"}, 201)
    assert told(operator, check) == []
