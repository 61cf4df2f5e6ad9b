"""User tasks over the service API: who sees and may do what, and the phases a task goes through."""

from __future__ import annotations

import pytest

from engine.models import UserTask
from tests.api.automatiko.conftest import Services
from tests.runtime.queue import drain

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("workflows")]
BOB = "user=bob&group=managers"


@pytest.fixture
def task(trusted: Services) -> str:
    """The first task of an approval."""
    trusted.post("approvals?businessKey=ap")
    return trusted.task("approvals/ap/tasks?user=manager")


def test_only_candidates_find_it(trusted: Services, task: str) -> None:
    assert trusted.get("approvals/ap/tasks") == trusted.get("approvals/ap/tasks?user=root&group=admin") == []
    assert trusted.get(f"{task}?user=manager") == {}
    for stranger in ("", "?user=bob"):
        trusted.get(task + stranger, 404)
    trusted.get(task.replace("first", "second") + "?user=manager", 404)


def test_a_claimed_task_is_the_claimants(trusted: Services, task: str) -> None:
    trusted.post(f"{task}?{BOB}&phase=claim")
    assert trusted.get("approvals/ap/tasks?user=manager") == []
    assert trusted.post(f"{task}?user=manager", {}, 403)["message"].startswith("User is not authorized")
    assert trusted.post(f"{task}?user=manager&phase=claim", {}, 400)["message"] == "Cannot transition from claim to claim"
    trusted.post(f"{task}?{BOB}&phase=release")
    assert trusted.post(f"{task}?{BOB}&phase=release", {}, 400)["message"] == "Cannot transition from release to release"
    trusted.post(f"{task}?user=manager&phase=claim")


def test_the_completer_is_known_and_excluded_from_the_second_look(trusted: Services, task: str) -> None:
    assert trusted.post(f"{task}?user=manager", {"approver": "eve"})["approver"] == "manager"
    assert trusted.get("approvals/ap/tasks?user=manager&group=managers") == []
    second = trusted.task(f"approvals/ap/tasks?{BOB}")
    assert trusted.get(f"{second}?{BOB}") == {"excludedOwnerId": "manager"}
    trusted.post(f"{second}?user=manager&group=managers", {}, 403)
    trusted.post(f"{second}?{BOB}&phase=skip")
    trusted.get("approvals/ap", 404)
    trusted.post(f"{task}?user=manager", {}, 404)


def test_an_aborted_task_is_gone_and_its_branch_goes_on(trusted: Services, task: str) -> None:
    trusted.delete(f"{task}?user=eve", 403)
    assert trusted.delete(f"{task}?user=manager")["approver"] is None
    trusted.delete(f"{task}?user=manager", 404)
    assert UserTask.objects.get().reason == "aborted"
    assert drain() == 1
    assert trusted.task(f"approvals/ap/tasks?{BOB}").split("/")[2] == "secondLineApproval"
    trusted.delete("approvals/ap")


def test_a_phase_that_is_none_changes_nothing(trusted: Services, task: str) -> None:
    for method in ("POST", "DELETE"):
        assert trusted.send(method, f"{task}?user=manager&phase=nonsense", {}, 400)["message"] == "nonsense"
        assert trusted.send(method, f"{task}?user=manager&phase=active", {}, 400)["message"] == "Cannot transition from active to active"
    trusted.send("POST", f"{task}?user=manager", b"", 400)
    trusted.post("approvals/ap", {"approver": "free"})


def test_what_is_saved_is_shown_again_to_who_saved_it(trusted: Services) -> None:
    trusted.post("scripts?businessKey=s", {"name": "mary"})
    task = trusted.task("scripts/s/tasks?user=john")
    trusted.post(f"{task}?user=john&phase=save", {"message": "half"})
    assert trusted.get(f"{task}?user=john") == {"message": "half"}
    assert trusted.get("scripts/s")["message"] is None


def test_a_task_tells_its_form_as_a_schema(trusted: Services) -> None:
    trusted.post("scripts?businessKey=s", {"name": "mary"})
    found = trusted.get(trusted.task("scripts/s/tasks?user=john") + "?user=john&schema=true")
    assert found["properties"]["message"]["type"] == ["string", "null"]


def test_every_phase_can_be_asked_for_with_a_body_and_without(trusted: Services) -> None:
    """As at Automatiko, POST and DELETE differ in what they do where no phase is named, and in whether something is entered."""
    trusted.post("approvals?businessKey=a")
    task = trusted.task("approvals/a/tasks?user=manager")
    trusted.delete(f"{task}?{BOB}&phase=claim")
    trusted.delete(f"{task}?{BOB}&phase=release")
    assert trusted.delete(f"{task}?{BOB}&phase=complete")["approver"] == "bob"
    second = trusted.task("approvals/a/tasks?user=eve&group=managers")
    trusted.post(f"{second}?user=eve&group=managers&phase=abort")
    assert drain() == 1
    trusted.get("approvals/a", 404)
