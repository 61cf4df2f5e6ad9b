"""The shapes of answers, in a short notation: `dueDate:time?` is a member that is a moment or null.

A member that the short notation does not know names another shape; `variables:[Variable]` is a list of them. The tests hold
real answers against these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

KINDS: Mapping[str, Schema] = {
    "text": {"type": "string"},
    "time": {"type": "string", "format": "date-time"},
    "number": {"type": "integer"},
    "flag": {"type": "boolean"},
    "any": {},
    "object": {"type": "object", "additionalProperties": True},
}

_TASK_SCOPE = "scopeId:text? subScopeId:text? scopeType:text? scopeDefinitionId:text? propagatedStageInstanceId:text? tenantId:text"
_INSTANCE = (
    "id:text url:text name:text? businessKey:text? businessStatus:text? processDefinitionId:text processDefinitionUrl:text"
    " processDefinitionName:text? processDefinitionDescription:text? startUserId:text? startTime:time superProcessInstanceId:text?"
    " variables:[Variable] callbackId:text? callbackType:text? referenceId:text? referenceType:text?"
    " propagatedStageInstanceId:text? tenantId:text"
)
_OF_PROCESS = "processInstanceId:text? processInstanceUrl:text? processDefinitionId:text? processDefinitionUrl:text?"
_JOB = (
    "id:text url:text correlationId:text? processInstanceId:text? processDefinitionId:text? executionId:text?"
    " elementId:text? elementName:text?"
    " retries:number exceptionMessage:text? dueDate:time? createTime:time lockOwner:text? lockExpirationTime:time? tenantId:text"
)
_COMMON_TASK = (
    f"id:text url:text owner:text? assignee:text? name:text? description:text? claimTime:time? dueDate:time? priority:number"
    f" taskDefinitionKey:text? category:text? formKey:text? parentTaskId:text? executionId:text? {_OF_PROCESS} {_TASK_SCOPE}"
    f" variables:[Variable]"
)

SHAPES: Mapping[str, str] = {
    "Variable": "name:text value:any scope:text?",
    "Deployment": "id:text name:text deploymentTime:time category:text? key:text? parentDeploymentId:text? url:text tenantId:text",
    "Resource": "id:text url:text contentUrl:text mediaType:text type:text",
    "ProcessDefinition": "id:text url:text key:text version:number name:text? description:text? tenantId:text deploymentId:text"
    " deploymentUrl:text resource:text diagramResource:text? category:text? graphicalNotationDefined:flag suspended:flag"
    " startFormDefined:flag",
    "Model": "targetNamespace:text? mainProcess:object processes:[object]",
    "Form": "key:text? name:text? fields:[object] outcomes:[object] outcomeVariableName:text?",
    "ProcessInstance": f"{_INSTANCE} suspended:flag ended:flag completed:flag activityId:text?",
    "HistoricProcessInstance": f"{_INSTANCE} endTime:time? durationInMillis:number? startActivityId:text?"
    f" endActivityId:text? deleteReason:text?",
    "HistoricDetail": "id:text processInstanceId:text processInstanceUrl:text executionId:text? activityInstanceId:text? taskId:text?"
    " taskUrl:text? time:time detailType:text revision:number? variable:any propertyId:text propertyValue:text?",
    "Execution": "id:text url:text parentId:text? parentUrl:text? superExecutionId:text? superExecutionUrl:text? processInstanceId:text"
    " processInstanceUrl:text suspended:flag activityId:text? tenantId:text",
    "EventSubscription": f"id:text url:text eventType:text eventName:text? activityId:text? executionId:text?"
    f" executionUrl:text? {_OF_PROCESS}"
    " created:time configuration:text? tenantId:text",
    "Task": f"{_COMMON_TASK} delegationState:text? createTime:time suspended:flag parentTaskUrl:text? executionUrl:text?",
    "HistoricTask": f"{_COMMON_TASK} deleteReason:text? startTime:time endTime:time? durationInMillis:number? workTimeInMillis:number?",
    "FormData": "formProperties:[FormProperty] formKey:text? deploymentId:text? processDefinitionId:text? processDefinitionUrl:text?"
    " taskId:text? taskUrl:text?",
    "FormProperty": "id:text name:text? type:text value:text? readable:flag writable:flag required:flag datePattern:text?"
    " enumValues:[object]",
    "Activity": "id:text activityId:text activityName:text? activityType:text processDefinitionId:text processDefinitionUrl:text"
    " processInstanceId:text processInstanceUrl:text executionId:text? taskId:text? calledProcessInstanceId:text?"
    " assignee:text? startTime:time"
    " endTime:time? durationInMillis:number? deleteReason:text? tenantId:text",
    "VariableInstance": "id:text processInstanceId:text? processInstanceUrl:text? executionId:text? taskId:text? variable:Variable",
    "User": "id:text url:text firstName:text? lastName:text? displayName:text? email:text? pictureUrl:text? tenantId:text?",
    "Group": "id:text url:text name:text? type:text?",
    "Membership": "userId:text groupId:text url:text",
    "Job": f"{_JOB} processInstanceUrl:text? processDefinitionUrl:text? executionUrl:text? handlerType:text",
    "ExternalJob": _JOB,
    "Engine": "name:text version:text resourceUrl:text? exception:text?",
    "Comment": "id:text author:text? message:text time:time taskId:text? taskUrl:text? processInstanceId:text? processInstanceUrl:text?",
    "Attachment": "id:text url:text name:text userId:text? description:text? type:text? taskUrl:text processInstanceUrl:text?"
    " externalUrl:text? contentUrl:text? time:time",
    "TaskEvent": "id:text url:text action:text userId:text? time:time taskUrl:text message:[any]",
    "IdentityLink": "user:text? group:text? type:text url:text",
    "HistoricIdentityLink": "type:text userId:text? groupId:text? taskId:text? taskUrl:text? processInstanceId:text?"
    " processInstanceUrl:text?",
    "Problem": "message:text exception:text type:text title:text status:number detail:text",
}
OPTIONAL: Mapping[str, str] = {
    "Variable": "type:text valueUrl:text?",
    "User": "password:text?",
    "ExternalJob": "variables:[Variable]",
    "TaskEvent": "processInstanceUrl:text",
    "Problem": "field:text? errors:any problems:[object]",
}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def members(notation: str) -> dict[str, Schema]:
    """The members that a notation lists, each with its schema."""
    return {name: _kind(kind) for name, _, kind in (one.partition(":") for one in notation.split())}


def _kind(kind: str) -> Schema:
    if kind.startswith("["):
        return {"type": "array", "items": _kind(kind[1:-1])}
    if kind not in KINDS and kind.removesuffix("?") not in KINDS:
        return ref(kind)
    found = dict(KINDS[kind.removesuffix("?")])
    return {**found, "type": [found["type"], "null"]} if kind.endswith("?") else found


def schemas() -> dict[str, Schema]:
    """Every shape by its name, and a page of each that lists have."""
    found: dict[str, Schema] = {}
    for name, notation in SHAPES.items():
        required = members(notation)
        properties = required | members(OPTIONAL.get(name, ""))
        found[name] = {"type": "object", "properties": properties, "required": sorted(required)}
        found[f"{name}Page"] = _page(name)
    return found


def _page(name: str) -> Schema:
    counts = members("total:number start:number sort:text order:text size:number")
    properties = {"data": {"type": "array", "items": ref(name)}, **counts}
    return {"type": "object", "properties": properties, "required": sorted(properties)}
