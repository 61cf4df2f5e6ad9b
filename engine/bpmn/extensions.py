"""Every extension attribute and element of Flowable, Activiti and Camunda 7, which are read alike: what it stands on, and whether it
counts. What is not listed here is accepted with a warning: modelers write much, and an engine that knows it may be newer."""

from __future__ import annotations

from dataclasses import dataclass

from engine.bpmn.elements import GROUPS, R, Row, S, State, T, W

_CALENDAR = "business calendars are not known here"
_JAVA = "it names a Java class that has no counterpart; write a handler"
_DMN = "it needs a decision engine (DMN), which is not built in"
_CASE = "it needs a case engine (CMMN), which is not built in"
_FORM = "forms are found by formKey, the latest version of it"
_REGISTRY = "there is no event registry; use messages and signals"
_TENANT = "there are no tenants"
_PRIORITY = "jobs run in the order in which they are due"
_VERSION = "a call means the latest version, or that of the same deployment"
_MAPPING = "write in and out parameters, or set variables in a listener"


def _rows(names: str, state: State = S, why: str = "") -> dict[str, Row]:
    return {name: Row(state, why) for name in names.split()}


_WORK = {
    **_rows("class expression delegateExpression type resultVariable useLocalScopeForResultVariable storeResultVariableAsTransient"),
    **_rows("triggerable topic"),
    **_rows("doNotIncludeVariables", W, "a worker or script sees all variables of its scope"),
    **_rows("parallelInSameTransaction", W, "steps of one transaction run one after the other; flag them async to run at once"),
    **_rows("extensionId", R, _JAVA),
    **_rows("taskPriority", W, _PRIORITY),
    **_rows("decisionRef decisionRefBinding decisionRefVersion decisionRefVersionTag decisionRefTenantId mapDecisionResult", R, _DMN),
    **_rows("rules ruleVariablesInput exclude", R, _DMN),
}
_FORMS = {
    **_rows("formKey"),
    **_rows("formFieldValidation", W, "what is entered is always checked"),
    **_rows("sameDeployment", W, _FORM),
    **_rows("formRef formRefBinding formRefVersion", W, _FORM),
    **_rows("formHandlerClass", R, _JAVA),
}

# group or element -> attribute -> row
ATTRIBUTES: dict[str, dict[str, Row]] = {
    "definitions": _rows("diagramRelationId", T, "the modeler's own"),
    "process": {
        **_rows("candidateStarterUsers candidateStarterGroups"),
        **_rows("isEagerExecutionFetching", T, "how rows are loaded"),
        **_rows("versionTag", T, "a name for people"),
        **_rows("historyTimeToLive", S, "a number of days, or P30D; `ENGINE_RETENTION` comes first"),
        **_rows("isStartableInTasklist", W, "who may start it is said by candidate starters and permissions"),
        **_rows("jobPriority taskPriority", W, _PRIORITY),
    },
    "NODE": {**_rows("async exclusive asyncLeave asyncLeaveExclusive"), **_rows("jobPriority", W, _PRIORITY)},
    "ACTIVITY": _rows("skipExpression"),
    "sequenceFlow": _rows("skipExpression"),
    "startEvent": {**_rows("initiator"), **_FORMS},
    "userTask": {
        **_rows("assignee owner candidateUsers candidateGroups dueDate priority category taskIdVariableName taskCompleterVariableName"),
        **_FORMS,
        **_rows("businessCalendarName", R, _CALENDAR),
        **_rows("followUpDate", W, "tasks have a due date"),
    },
    "serviceTask": _WORK,
    "sendTask": _WORK,
    "businessRuleTask": _WORK,
    "scriptTask": {
        **_rows("autoStoreVariables resultVariable"),
        **_rows("useLocalScopeForResultVariable doNotIncludeVariables", W, "a script sees its scope, and its result is stored there"),
        **_rows("resource", R, "the script must stand in the model"),
    },
    "callActivity": {
        **_rows("calledElementType businessKey inheritBusinessKey inheritVariables sameDeployment idVariableName processInstanceName"),
        **_rows("useLocalScopeForOutParameters completeAsync calledElementBinding"),
        **_rows("fallbackToDefaultTenant calledElementTenantId", W, _TENANT),
        **_rows("calledElementVersion calledElementVersionTag", R, _VERSION),
        **_rows("caseRef caseBinding caseVersion caseTenantId", R, _CASE),
        **_rows("variableMappingClass variableMappingDelegateExpression", R, _MAPPING),
    },
    "multiInstanceLoopCharacteristics": {
        **_rows("collection elementVariable elementIndexVariable"),
        **_rows("noWaitStatesAsyncLeave", T, "how the ends of rounds are gathered"),
        **_rows("async asyncLeave exclusive", W, "flag the activity itself: each of its rounds is a job then"),
    },
    "signal": _rows("scope"),
    "message": _rows("scope", T, "a message has one receiver"),
    "error": _rows("errorMessage", W, "who throws an error says its message"),
    "messageEventDefinition": {
        **_rows("messageExpression"),
        **_rows("class expression delegateExpression type topic taskPriority resultVariable", R, "events call nothing: use a serviceTask"),
    },
    "signalEventDefinition": _rows("signalExpression async"),
    "errorEventDefinition": {
        **_rows("errorVariableName errorVariableTransient errorCodeVariable"),
        **_rows("errorVariableLocalScope", W, "the variable is set where the error is caught"),
        **_rows("errorMessageVariable", W, "map errorMessage with an in parameter"),
    },
    "escalationEventDefinition": _rows("escalationCodeVariable"),
    "conditionalEventDefinition": _rows("variableName variableEvents", W, "conditions are looked at when they are told to be evaluated"),
    "terminateEventDefinition": _rows("terminateAll terminateMultiInstance"),
    "timerEventDefinition": _rows("businessCalendarName", R, _CALENDAR),
    "timeCycle": {**_rows("endDate"), **_rows("businessCalendarName", R, _CALENDAR)},
    "conditionExpression": _rows("resource", R, "the script must stand in the model"),
}


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension element: the elements or groups it stands in, its attributes, its state; `closed` is not looked into."""

    inside: tuple[str, ...]
    attributes: dict[str, Row]
    row: Row
    closed: bool


def _element(inside: str, attributes: str = "", state: State = S, why: str = "", *, more: dict[str, Row] | None = None) -> Extension:
    return Extension(tuple(inside.split()), {**_rows(attributes), **(more or {})}, Row(state, why), state is not S)


_MAPS = "source sourceExpression target targetExpression transient"
_PROPERTY = "id name type expression variable default datePattern readable writable required"
_SEES = "a call maps what its scope sees"
_LISTENER = {
    **_rows("onTransaction", R, "a listener runs in the transaction of its step"),
    **_rows("customPropertiesResolverClass customPropertiesResolverExpression customPropertiesResolverDelegateExpression", R, _JAVA),
    **_rows("id", T, "a name for modelers"),
}

# element -> what is known of it
ELEMENTS: dict[str, Extension] = {
    "executionListener": _element("process NODE sequenceFlow", "event class expression delegateExpression type", more=_LISTENER),
    "taskListener": _element("userTask", "event class expression delegateExpression type", more=_LISTENER),
    "script": _element("executionListener taskListener", "language scriptFormat", more={
        **_rows("resource", R, "the script must stand in the model"), **_rows("resultVariable", W, "set a variable in the script")}),
    "field": _element("executionListener taskListener serviceTask sendTask businessRuleTask", "name stringValue expression"),
    "string": _element("field collection"),
    "expression": _element("field collection"),
    "formProperty": _element("startEvent userTask", _PROPERTY, more={
        **_rows("lenientDateParsing", W, "a date must be written as its pattern says"), **_rows("value", W, "write default")}),
    "value": _element("formProperty formField dataObject", "id name"),
    "formData": _element("startEvent userTask", more=_rows("businessKey", W, "the caller gives the business key")),
    "formField": _element("formData", "id label type defaultValue datePattern"),
    "validation": _element("formField"),
    "constraint": _element("validation", "name", more=_rows("config", T, "`required` and `readonly` need none")),
    "in": _element("callActivity serviceTask sendTask scriptTask EVENT", _MAPS + " variables businessKey", more=_rows("local", W, _SEES)),
    "out": _element("callActivity serviceTask sendTask EVENT", _MAPS, more={
        **_rows("local", W, _SEES), **_rows("variables", R, "name each variable that comes back")}),
    "failedJobRetryTimeCycle": _element("NODE"),
    "jobCategory": _element("NODE"),
    "potentialStarter": _element("process"),
    "historyLevel": _element("process", state=S, why="none, instance and task keep no runs of activities"),
    "includeInHistory": _element("NODE", state=S, why="its runs are kept where the level keeps no others"),
    "mapException": _element("serviceTask sendTask", "errorCode includeChildExceptions",
                             more=_rows("rootCause", W, "the exception itself is looked at")),
    "externalWorkerInParameter": _element("serviceTask", _MAPS),
    "externalWorkerOutParameter": _element("serviceTask", _MAPS),
    "variableListenerEventDefinition": _element("EVENT", "variableName variableChangeType"),
    "variableAggregation": _element("multiInstanceLoopCharacteristics", "target targetExpression", more={
        **_rows("storeAsTransientVariable createOverviewVariable", W, "an aggregation is stored when all rounds have ended"),
        **_rows("class delegateExpression", R, _JAVA)}),
    "variable": _element("variableAggregation", "source sourceExpression target targetExpression"),
    "collection": _element("multiInstanceLoopCharacteristics", more=_rows("class delegateExpression", R, _JAVA)),
    # -- known, and without effect
    "properties": _element("ANY", state=T, why="the modeler's own"),
    "documentation": _element("localization", state=T, why="a translation"),
    "localization": _element("process NODE dataObject", state=W, why="names are shown in the language they are written in"),
    "customResource": _element("userTask", state=W, why="a task has an assignee, an owner and candidates"),
    **{name: _element("NODE", state=W, why=_REGISTRY) for name in (
        "eventType", "eventName", "eventInParameter", "eventOutParameter", "eventCorrelationParameter", "sendSynchronously",
        "startEventCorrelationConfiguration", "channelKey", "channelName", "channelType", "channelDestination", "keyDetectionType",
        "keyDetectionValue", "triggerEventType", "triggerEventName", "triggerEventCorrelationParameter")},
    # -- known, and refused
    "eventListener": _element("process", state=R, why="listeners to the engine's own events are no part of a model: use executionListener"),
    "httpRequestHandler": _element("serviceTask", state=R, why=_JAVA),
    "httpResponseHandler": _element("serviceTask", state=R, why=_JAVA),
    "inputOutput": _element("NODE", state=R, why=_MAPPING),
    "connector": _element("serviceTask sendTask EVENT", state=R, why="use a serviceTask of type http, or a handler"),
    "errorEventDefinition": _element("serviceTask", state=R, why="the external worker says which error it is"),
}  # fmt: skip


def attribute_row(element: str, name: str) -> Row | None:
    """What is known of an extension attribute on a BPMN element, None if nothing."""
    for where in (element, *(group for group, inside in GROUPS.items() if element in inside)):
        if row := ATTRIBUTES.get(where, {}).get(name):
            return row
    return None
