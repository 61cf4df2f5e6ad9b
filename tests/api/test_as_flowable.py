"""What Flowable 7.2 was seen to do where its clients would notice: which words a list heeds, and what happens around an end."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from engine.api import words
from tests.api.conftest import MINE, REVIEW, Api, line, model

pytestmark = pytest.mark.django_db

INSTANCES, EXECUTIONS, PAST = "runtime/process-instances", "runtime/executions", "history/historic-process-instances"
CALLER = model("caller", line('<callActivity id="call" calledElement="review"/>', '<userTask id="after" name="After"/>'))
NOTE = model("note", line('<userTask id="write" name="Write" flowable:owner="bob" flowable:category="paper"/>'))


def ids(found: Any) -> list[str]:
    return [one["id"] for one in found["data"]]


def child_of(operator: Api, instance: str) -> str:
    found: str = ids(operator.get(INSTANCES, {"superProcessInstanceId": instance}))[0]
    return found


# -- lists ----------------------------------------------------------------------------------------------------------------
def test_ignores_a_word_that_only_the_query_by_post_knows(operator: Api) -> None:
    operator.deploy(REVIEW)
    one, other = operator.start("review"), operator.start("review")
    assert set(ids(operator.get(INSTANCES, {"processInstanceIds": one}))) == {one, other}
    assert ids(operator.send("POST", "query/process-instances", {"processInstanceIds": [one]})) == [one]


@pytest.mark.parametrize("path", sorted(words.FILTERS.keys() - {"jobs"}))  # those stand behind another door
def test_knows_every_word_of_a_list_and_heeds_no_other(operator: Api, path: str) -> None:
    sent = {"start": 0, "size": 1, "nobody knows": {"this": 1}}
    operator.get(path, {**sent, "nobody knows": "this"}) if not path.startswith("query/") else operator.send("POST", path, sent)


@pytest.mark.parametrize("path", sorted(words.SORTS))
def test_sorts_by_what_flowable_sorts_by(operator: Api, path: str) -> None:
    for sort in words.SORTS[path]:
        asked = {"sort": sort, "order": "desc"}
        assert operator.send("POST", path, asked)["sort"] == sort if path.startswith("query/") else operator.get(path, asked)
    asked = {"sort": "nonsense"}
    operator.send("POST", path, asked, 400) if path.startswith("query/") else operator.get(path, asked, 400)


def test_shows_only_the_variables_that_are_named(operator: Api) -> None:
    operator.deploy(REVIEW)
    one = operator.start("review", title="Letter", pages=3)
    asked = {"processInstanceIds": [one], "includeProcessVariablesNames": ["pages"]}
    for path in ("query/process-instances", "query/historic-process-instances"):
        assert [v["name"] for v in operator.send("POST", path, asked)["data"][0]["variables"]] == ["pages"]


def test_finds_tasks_by_the_categories_they_are_not_in(operator: Api) -> None:
    operator.deploy(NOTE)
    operator.deploy(REVIEW)
    noted, plain = operator.task(operator.start("note")), operator.task(operator.start("review"))
    assert ids(operator.get("runtime/tasks", {"categoryNotIn": "wood"})) == [noted]
    assert ids(operator.get("runtime/tasks", {"categoryNotIn": "paper"})) == []
    assert ids(operator.get("runtime/tasks", {"withoutCategory": "true"})) == [plain]


def test_finds_what_is_offered_whoever_has_it_when_asked_so(operator: Api) -> None:
    operator.deploy(REVIEW)
    task = operator.task(operator.start("review"))
    operator.send("POST", f"runtime/tasks/{task}", {"action": "claim", "assignee": "alice"})
    for asked in (
        {"candidateUser": "bob"},
        {"candidateGroup": "kitchen"},
        {"candidateGroups": "kitchen,cellar"},
        {"candidateOrAssigned": "bob"},
    ):
        assert ids(operator.get("runtime/tasks", asked)) == []
        assert ids(operator.get("runtime/tasks", {**asked, "ignoreAssignee": "true"})) == [task]
    for flag, found in ((True, [task]), (False, [])):
        assert ids(operator.send("POST", "query/tasks", {"candidateGroupIn": ["kitchen"], "ignoreAssignee": flag})) == found
    assert ids(operator.get("history/historic-task-instances", {"taskCandidateGroup": "kitchen", "ignoreTaskAssignee": "true"})) == [task]
    operator.send("POST", "query/tasks", {"candidateGroupIn": []}, 400)


def test_finds_executions_by_their_own_variables(operator: Api) -> None:
    operator.deploy(REVIEW)
    one = operator.start("review", title="Letter")
    [waiting] = ids(operator.get(EXECUTIONS, {"processInstanceId": one, "activityId": "check"}))
    operator.send("POST", f"{EXECUTIONS}/{waiting}/variables", [{"name": "near", "value": 1, "scope": "local"}], 201)
    for name, value, found in (("near", 1, waiting), ("title", "Letter", one)):
        asked = {"variables": [{"name": name, "operation": "equals", "value": value}]}
        assert ids(operator.send("POST", "query/executions", asked)) == [found]


@pytest.mark.parametrize(
    "condition",
    [{"name": "n", "value": 5}, {"name": "n", "operation": "greaterThan", "value": 4}, {"operation": "equals", "value": 5}],
    ids=["no operation", "another than equals", "no name"],
)
def test_refuses_what_cannot_be_asked_of_a_list_of_variables(operator: Api, condition: dict[str, Any]) -> None:
    operator.send("POST", "query/variable-instances", {"variables": [condition]}, 400)


def test_drops_from_the_runtime_lists_what_has_ended(operator: Api) -> None:
    operator.deploy(MINE)
    one = operator.start("mine")
    task = operator.task(one)
    operator.send("POST", f"runtime/tasks/{task}/variables", [{"name": "near", "value": 1}], 201)
    operator.send("POST", f"runtime/tasks/{task}", {"action": "complete"})
    for word in ("activity", "variable"):
        assert operator.get(f"runtime/{word}-instances", {"processInstanceId": one})["total"] == 0
        assert operator.get(f"history/historic-{word}-instances", {"processInstanceId": one})["total"] > 0


def test_shows_the_caller_of_one_instance_but_not_in_a_list(operator: Api) -> None:
    operator.deploy(REVIEW)
    operator.deploy(CALLER)
    one = operator.start("caller")
    child = child_of(operator, one)
    assert operator.get(f"{INSTANCES}/{child}")["superProcessInstanceId"] == one
    assert operator.get(INSTANCES, {"superProcessInstanceId": one})["data"][0]["superProcessInstanceId"] is None


# -- ends -----------------------------------------------------------------------------------------------------------------
def test_lets_the_caller_go_on_when_what_it_called_is_deleted(operator: Api) -> None:
    operator.deploy(REVIEW)
    operator.deploy(CALLER)
    one = operator.start("caller")
    operator.send("DELETE", f"{INSTANCES}/{child_of(operator, one)}", status=204)
    assert operator.get("runtime/tasks", {"processInstanceId": one})["data"][0]["name"] == "After"


def test_deletes_a_caller_with_what_it_called(operator: Api) -> None:
    operator.deploy(REVIEW)
    operator.deploy(CALLER)
    one = operator.start("caller")
    child = child_of(operator, one)
    operator.send("DELETE", f"{INSTANCES}/{one}", status=204)
    for gone in (one, child):
        assert operator.get(f"{PAST}/{gone}")["deleteReason"] == "process instance deleted"


def test_counts_who_completed_a_task_and_who_owns_it_among_the_participants(operator: Api) -> None:
    operator.deploy(NOTE)
    one = operator.start("note")
    operator.send("POST", f"runtime/tasks/{operator.task(one)}", {"action": "complete"})
    found = {link["userId"] for link in operator.get(f"{PAST}/{one}/identitylinks") if link["type"] == "participant"}
    assert found == {"admin", "bob"}


def test_ignores_an_unknown_id_when_many_histories_are_deleted(operator: Api) -> None:
    operator.deploy(REVIEW)
    one = operator.start("review")
    operator.send("DELETE", f"{INSTANCES}/{one}", status=204)
    operator.send("POST", f"{PAST}/delete", {"action": "delete", "instanceIds": ["nobody", one]}, 204)
    operator.get(f"{PAST}/{one}", status=404)


@pytest.mark.parametrize("path", [INSTANCES, PAST])
def test_wants_the_ids_of_what_is_to_be_deleted(operator: Api, path: str) -> None:
    operator.send("POST", f"{path}/delete", {"action": "delete"}, 400)


# -- changes --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("body", [{}, {"name": ""}, {"action": "", "name": None}, {"businessStatus": "x"}], ids=str)
def test_changes_nothing_of_an_instance_by_what_is_empty(operator: Api, body: dict[str, Any]) -> None:
    operator.deploy(REVIEW)
    one = operator.start("review")
    operator.send("PUT", f"{INSTANCES}/{one}", {"name": "First"})
    assert operator.send("PUT", f"{INSTANCES}/{one}", body)["name"] == "First"


def test_refuses_to_rename_or_to_discuss_what_is_suspended(operator: Api) -> None:
    operator.deploy(REVIEW)
    one = operator.start("review")
    task = operator.task(one)
    operator.send("PUT", f"{INSTANCES}/{one}", {"action": "suspend"})
    operator.send("PUT", f"{INSTANCES}/{one}", {"name": "Another"}, 409)
    operator.send("POST", f"runtime/tasks/{task}/comments", {"message": "Well"}, 409)
    operator.send("POST", f"runtime/tasks/{task}/identitylinks", {"user": "bob", "type": "candidate"}, 409)


@pytest.mark.parametrize(
    ("kind", "value"), [("date", "2011-03-04T05:06:07"), ("instant", "2011-03-04"), ("localDateTime", "2011-03-04")], ids=str
)
def test_refuses_a_moment_of_which_a_part_is_missing(operator: Api, kind: str, value: str) -> None:
    operator.deploy(REVIEW)
    sent = {"processDefinitionKey": "review", "variables": [{"name": "v", "type": kind, "value": value}]}
    operator.send("POST", INSTANCES, sent, 400)


# -- tasks ----------------------------------------------------------------------------------------------------------------
def test_changes_many_tasks_at_once_or_none(operator: Api) -> None:
    operator.deploy(REVIEW)
    one, other = operator.task(operator.start("review")), operator.task(operator.start("review"))
    found = operator.send("PUT", "runtime/tasks", {"taskIds": [one, other], "assignee": "bob", "priority": 9})
    assert [(task["assignee"], task["priority"]) for task in found["data"]] == [("bob", 9), ("bob", 9)]
    operator.send("PUT", "runtime/tasks", {"taskIds": [one, "nobody"], "priority": 1}, 404)
    assert operator.get(f"runtime/tasks/{one}")["priority"] == 9
    operator.send("PUT", "runtime/tasks", {"priority": 1}, 400)


def test_ends_the_sub_tasks_of_a_task_of_no_process_with_it_and_keeps_what_it_was_completed_with(operator: Api) -> None:
    one = operator.send("POST", "runtime/tasks", {"name": "Whole"}, 201)["id"]
    part = operator.send("POST", "runtime/tasks", {"name": "Part", "parentTaskId": one}, 201)["id"]
    operator.send("POST", f"runtime/tasks/{one}", {"action": "complete", "variables": [{"name": "done", "value": True}]})
    operator.get(f"runtime/tasks/{part}", status=404)
    assert operator.get(f"history/historic-task-instances/{part}")["endTime"]
    assert operator.get("history/historic-variable-instances", {"taskId": one})["data"][0]["variable"]["value"] is True


def test_refuses_forms_by_definition_and_forms_that_are_not_there(operator: Api) -> None:
    operator.deploy(REVIEW)
    task = operator.task(operator.start("review"))
    operator.send("POST", f"runtime/tasks/{task}", {"action": "complete", "formDefinitionId": "nobody"}, 400)
    for path in ("runtime/tasks", "history/historic-task-instances"):
        operator.get(f"{path}/{task}/form", status=400)


# -- what wakes -----------------------------------------------------------------------------------------------------------
def test_throws_a_signal_to_all_executions(operator: Api) -> None:
    hear = '<intermediateCatchEvent id="hear"><signalEventDefinition signalRef="s"/></intermediateCatchEvent>'
    operator.deploy(model("hearing", line(hear)).replace(b"<process", b'<signal id="s" name="alert"/><process', 1))
    one, other = operator.start("hearing"), operator.start("hearing")
    operator.send("PUT", EXECUTIONS, {"action": "signalEventReceived", "signalName": "alert"}, 204)
    for gone in (one, other):
        operator.get(f"{INSTANCES}/{gone}", status=404)
    operator.send("PUT", EXECUTIONS, {"action": "dance", "signalName": "alert"}, 400)


def test_triggers_what_waits_for_a_message(operator: Api) -> None:
    wait = '<intermediateCatchEvent id="wait"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>'
    operator.deploy(model("waiting", line(wait)).replace(b"<process", b'<message id="m" name="letter"/><process', 1))
    one = operator.start("waiting")
    [waiting] = ids(operator.get(EXECUTIONS, {"processInstanceId": one, "activityId": "wait"}))
    operator.send("PUT", f"{EXECUTIONS}/{waiting}", {"action": "trigger"}, 204)
    operator.get(f"{INSTANCES}/{one}", status=404)


@pytest.mark.parametrize("rival", ["", '<eventBasedGateway id="wait"/>'], ids=["alone", "behind a gateway"])
def test_triggers_what_waits_for_a_time(operator: Api, rival: str) -> None:
    hour = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
    operator.deploy(
        model(
            "timed",
            line(
                *([rival] if rival else []), f'<intermediateCatchEvent id="hour">{hour}</intermediateCatchEvent>', '<userTask id="last"/>'
            ),
        )
    )
    one = operator.start("timed")
    [waiting] = ids(operator.get(EXECUTIONS, {"processInstanceId": one, "activityId": "hour"}))
    operator.send("PUT", f"{EXECUTIONS}/{waiting}", {"action": "trigger", "variables": [{"name": "early", "value": True}]})
    assert [task["taskDefinitionKey"] for task in operator.get("runtime/tasks", {"processInstanceId": one})["data"]] == ["last"]
    assert operator.get("management/timer-jobs", {"processInstanceId": one})["total"] == 0
    assert operator.get(f"{INSTANCES}/{one}/variables/early")["value"] is True


# -- what ends with something else ------------------------------------------------------------------------------------------
def test_ends_the_sub_tasks_of_a_task_with_it(operator: Api) -> None:
    operator.deploy(REVIEW)
    one, other = operator.start("review"), operator.start("review")
    below: dict[str, list[str]] = {}
    for instance in (one, other):
        parent, below[instance] = operator.task(instance), []
        for name in ("A", "B"):  # one below the other
            parent = operator.send("POST", "runtime/tasks", {"name": name, "parentTaskId": parent}, 201)["id"]
            below[instance].append(parent)
    operator.send("POST", f"runtime/tasks/{operator.task(one)}", {"action": "complete"})
    operator.http.delete(f"/api/{INSTANCES}/{other}?deleteReason=withdrawn")
    for instance, reason in ((one, None), (other, "withdrawn")):
        for task in below[instance]:
            operator.get(f"runtime/tasks/{task}", status=404)
            past = operator.get(f"history/historic-task-instances/{task}")
            assert (past["deleteReason"], past["endTime"] is not None) == (reason, True)


# -- what belongs to whom -------------------------------------------------------------------------------------------------
def test_gives_an_instance_the_tenant_of_its_definition_or_the_one_that_is_named(operator: Api) -> None:
    sent = {"file": SimpleUploadedFile("review.bpmn", REVIEW), "tenantId": "acme"}
    deployed = operator.http.post("/api/repository/deployments", sent).json()["id"]
    [definition] = ids(operator.get("repository/process-definitions", {"deploymentId": deployed}))
    by_id, by_key = {"processDefinitionId": definition}, {"processDefinitionKey": "review", "tenantId": "acme"}
    for how in (by_id, by_key):
        assert operator.send("POST", INSTANCES, how, 201)["tenantId"] == "acme"
        made = operator.send("POST", INSTANCES, how | {"overrideDefinitionTenantId": "other"}, 201)
        assert made["tenantId"] == "other"
        assert operator.get("runtime/tasks", {"processInstanceId": made["id"]})["data"][0]["tenantId"] == "other"
    operator.send("POST", INSTANCES, by_id | {"tenantId": "acme"}, 400)
    operator.send("POST", INSTANCES, {"processDefinitionKey": "review"}, 400)


# -- what is kept ---------------------------------------------------------------------------------------------------------
ASKING = model(
    "asking",
    line(
        '<userTask id="ask" name="Ask"><extensionElements><flowable:formProperty id="age" type="long"/>'
        '<flowable:formProperty id="born" type="date"/></extensionElements></userTask>'
    ),
)


def test_keeps_what_was_entered_into_forms_as_it_came(operator: Api) -> None:
    operator.deploy(ASKING)
    [definition] = ids(operator.get("repository/process-definitions", {"key": "asking"}))
    one = operator.send("POST", "form/form-data", {"processDefinitionId": definition, "properties": [{"id": "who", "value": "Ann"}]})["id"]
    task = operator.task(one)
    operator.send("POST", "form/form-data", {"taskId": task, "properties": [{"id": "age", "value": 41}]}, 204)
    found = operator.get("history/historic-detail", {"processInstanceId": one})["data"]
    assert [(d["propertyId"], d["propertyValue"], d["taskId"]) for d in found] == [("who", "Ann", None), ("age", "41", task)]
    assert all(d["activityInstanceId"] and d["detailType"] == "formProperty" for d in found)
    assert operator.send("POST", "query/historic-detail", {"taskId": task})["total"] == 1
    assert operator.get("history/historic-detail", {"processInstanceId": one, "selectOnlyVariableUpdates": "true"})["total"] == 0


def test_shows_a_field_without_name_and_how_a_date_is_written(operator: Api) -> None:
    operator.deploy(ASKING)
    age, born = operator.get("form/form-data", {"taskId": operator.task(operator.start("asking"))})["formProperties"]
    assert (age["name"], age["datePattern"], born["datePattern"]) == (None, None, "dd/MM/yyyy")


@pytest.mark.parametrize("path", ["history/historic-task-log-entries", "management/history-jobs", "management/batches"])
def test_has_empty_lists_of_what_it_needs_not(operator: Api, path: str) -> None:
    assert operator.get(path)["total"] == 0


def test_shows_the_bytes_of_variables_in_the_history(operator: Api) -> None:
    operator.deploy(REVIEW)
    one = operator.start("review")
    task = operator.task(one)
    for path in (f"{INSTANCES}/{one}", f"runtime/tasks/{task}"):
        sent = {"name": "photo", "type": "binary", "file": SimpleUploadedFile("photo.bin", path.encode())}
        assert operator.http.post(f"/api/{path}/variables", sent).status_code == 201
    assert operator.get(f"{PAST}/{one}/variables/photo/data").content == f"{INSTANCES}/{one}".encode()
    assert operator.get(f"history/historic-task-instances/{task}/variables/photo/data").content == f"runtime/tasks/{task}".encode()
    operator.get(f"{PAST}/{one}/variables/nobody/data", status=404)
