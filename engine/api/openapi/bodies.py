"""What calls bring: a schema for each body in the notation of `answers`, each with an example, and which call takes which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.api.openapi.answers import Schema, members

_VARIABLE = {"name": "customer", "type": "string", "value": "Alice"}
_LINK = {"user": "bob", "type": "participant"}
_ACT = {"action": "complete", "variables": [_VARIABLE]}
_LEASE = {"workerId": "worker-1", "lockDuration": "PT10M"}
_COMMENT = {"message": "Called back, will pay."}
_USER = {"id": "carol", "firstName": "Carol", "lastName": "Baker", "email": "carol@example.org", "password": "a long secret"}
_GROUP = {"id": "kitchen", "name": "The kitchen", "type": "assignment"}
_TASK = {"name": "Call the customer", "assignee": "alice", "priority": 50, "dueDate": "2030-12-31T12:00:00Z"}

# name -> (members that must be there, others, an example)
BODIES: Mapping[str, tuple[str, str, Any]] = {
    "SentVariable": ("name:text", "type:text value:any scope:text", _VARIABLE),
    "SentProperty": ("id:text", "value:any", {"id": "size", "value": "large"}),
    "StartProcess": (
        "",
        (
            "processDefinitionId:text processDefinitionKey:text message:text businessKey:text name:text tenantId:text"
            " overrideDefinitionTenantId:text returnVariables:flag"
            " variables:[SentVariable] transientVariables:[SentVariable]"
        ),
        {"processDefinitionKey": "order", "businessKey": "2030-0001", "variables": [_VARIABLE], "returnVariables": True},
    ),
    "ChangeInstance": ("", "action:text name:text businessKey:text", {"action": "suspend"}),
    "Many": ("action:text", "instanceIds:[text] deleteReason:text", {"action": "delete", "instanceIds": ["0198..."]}),
    "ChangeDefinition": ("", "action:text category:text includeProcessInstances:flag date:time?", {"action": "suspend"}),
    "Wake": ("action:text", "messageName:text signalName:text variables:[SentVariable]", {"action": "trigger"}),
    "WakeAll": (
        "action:text signalName:text",
        "variables:[SentVariable]",
        {"action": "signalEventReceived", "signalName": "alert"},
    ),
    "Tasks": ("taskIds:[text]", "assignee:text? owner:text? priority:number dueDate:time?", {"taskIds": ["0198..."], "assignee": "alice"}),
    "Signal": ("signalName:text", "tenantId:text async:flag variables:[SentVariable]", {"signalName": "alert"}),
    "Task": (
        "",
        (
            "name:text? assignee:text? owner:text? category:text? formKey:text? description:text? priority:number dueDate:time?"
            " parentTaskId:text? tenantId:text delegationState:text?"
        ),
        _TASK,
    ),
    "TaskAction": ("action:text", "assignee:text variables:[SentVariable] transientVariables:[SentVariable]", _ACT),
    "Form": (
        "",
        "taskId:text processDefinitionId:text businessKey:text outcome:text properties:[SentProperty]",
        {"taskId": "0198...", "properties": [{"id": "size", "value": "large"}]},
    ),
    "User": ("id:text", "firstName:text email:text lastName:text password:text", _USER),
    "ChangeUser": ("", "firstName:text email:text lastName:text password:text", {"lastName": "Miller"}),
    "Group": ("id:text", "name:text type:text", _GROUP),
    "ChangeGroup": ("", "name:text type:text", {"name": "The kitchen"}),
    "Member": ("userId:text", "", {"userId": "carol"}),
    "JobAction": ("action:text", "dueDate:time", {"action": "execute"}),
    "Jobs": ("action:text", "jobIds:[text]", {"action": "move", "jobIds": ["0198..."]}),
    "Comment": ("message:text", "saveProcessInstanceId:flag", _COMMENT),
    "Attachment": (
        "name:text",
        "description:text type:text externalUrl:text",
        {"name": "Contract", "externalUrl": "https://example.org/c"},
    ),
    "Link": ("type:text", "user:text group:text", _LINK),
    "Starter": ("", "user:text group:text", {"group": "kitchen"}),
    "Acquire": (
        "topic:text workerId:text lockDuration:text",
        "numberOfTasks:number numberOfRetries:number waitDuration:text",
        {"topic": "bake", **_LEASE},
    ),
    "Answer": ("workerId:text", "variables:[SentVariable] errorCode:text", {"workerId": "worker-1", "variables": [_VARIABLE]}),
    "Fail": (
        "workerId:text",
        "errorMessage:text errorDetails:text retries:number retryTimeout:text",
        {"workerId": "worker-1", "errorMessage": "The oven is cold.", "retries": 2, "retryTimeout": "PT5M"},
    ),
    "Lease": ("workerId:text lockDuration:text", "", _LEASE),
    "Worker": ("workerId:text", "", {"workerId": "worker-1"}),
}

OF_CALLS: Mapping[str, str] = {
    "PUT repository/process-definitions/{definition}": "ChangeDefinition",
    "POST repository/process-definitions/{definition}/identitylinks": "Starter",
    "POST runtime/process-instances": "StartProcess",
    "PUT runtime/process-instances/{instance}": "ChangeInstance",
    "POST runtime/process-instances/delete": "Many",
    "POST history/historic-process-instances/delete": "Many",
    "POST runtime/process-instances/{instance}/identitylinks": "Link",
    "PUT runtime/executions": "WakeAll",
    "PUT runtime/executions/{execution}": "Wake",
    "POST runtime/signals": "Signal",
    "POST runtime/tasks": "Task",
    "PUT runtime/tasks": "Tasks",
    "PUT runtime/tasks/{task}": "Task",
    "POST runtime/tasks/{task}": "TaskAction",
    "POST runtime/tasks/{task}/comments": "Comment",
    "POST runtime/tasks/{task}/attachments": "Attachment",
    "POST runtime/tasks/{task}/identitylinks": "Link",
    "POST history/historic-process-instances/{instance}/comments": "Comment",
    "POST form/form-data": "Form",
    "POST identity/users": "User",
    "PUT identity/users/{name}": "ChangeUser",
    "POST identity/groups": "Group",
    "PUT identity/groups/{group}": "ChangeGroup",
    "POST identity/groups/{group}/members": "Member",
    **{f"POST management/{kind}jobs/{{job}}": "JobAction" for kind in ("", "timer-", "suspended-", "deadletter-", "history-")},
    "POST management/deadletter-jobs": "Jobs",
    "POST acquire/jobs": "Acquire",
    "POST acquire/jobs/{job}/complete": "Answer",
    "POST acquire/jobs/{job}/bpmnError": "Answer",
    "POST acquire/jobs/{job}/fail": "Fail",
    "POST acquire/jobs/{job}/renew": "Lease",
    "POST unacquire/jobs/{job}": "Worker",
    "POST unacquire/jobs": "Worker",
}


def name_of(body: str) -> str:
    """The name of a body's schema, apart from those of answers."""
    return body if body.startswith("Sent") else f"{body}Body"


def schemas() -> dict[str, Schema]:
    """Every body by its name."""
    return {name_of(name): _schema(*about) for name, about in BODIES.items()}


def _schema(required: str, others: str, example: Any) -> Schema:
    needed = members(required)
    made: Schema = {"type": "object", "properties": needed | members(others), "examples": [example]}
    return made | ({"required": sorted(needed)} if needed else {})
