"""What an activity says beyond being a node: one reader an element, in a table. Which service types can run is `validate`'s affair."""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.bpmn.graph import AdHoc, Aggregation, Call, Detail, Loop, Parameter, Script, Start, UserTask, Work
from engine.bpmn.parse_extensions import IMPLEMENTATIONS, fields, form_properties, listed, listeners, parameters, roles, true
from engine.bpmn.parse_reading import Reading
from engine.bpmn.parse_service import meta
from engine.bpmn.parse_xml import Element


def detail(at: Element, reading: Reading) -> Detail | None:
    """The detail of a node's kind; None for a kind that has none."""
    reader = READERS.get(at.name)
    return reader(at, reading) if reader else None


def start(at: Element, reading: Reading) -> Start:
    """A start event: who started (variable name), and its form."""
    return Start(at.extended.get("initiator"), reading.attribute(at, "formKey"), form_properties(at, reading))


def user_task(at: Element, reading: Reading) -> UserTask:
    """A user task; the standard roles are read where Flowable's attributes are missing."""
    performer = [text for role in at.all("humanPerformer") for _, text in roles(role, reading)]
    owners = [found for role in at.all("potentialOwner") for found in roles(role, reading)]
    return UserTask(
        assignee=reading.attribute(at, "assignee") or (performer[0] if performer else None),
        owner=reading.attribute(at, "owner"),
        candidate_users=(*listed(reading.attribute(at, "candidateUsers")), *(t for kind, t in owners if kind == "user")),
        candidate_groups=(*listed(reading.attribute(at, "candidateGroups")), *(t for kind, t in owners if kind == "group")),
        due=reading.time("due", at.extended.get("dueDate"), at),
        priority=reading.attribute(at, "priority"),
        category=reading.attribute(at, "category"),
        form_key=reading.attribute(at, "formKey"),
        properties=form_properties(at, reading),
        listeners=listeners(at, "taskListener", reading),
        id_variable=reading.attribute(at, "taskIdVariableName"),
        completer_variable=reading.attribute(at, "taskCompleterVariableName"),
        excluded=meta(at, "excludedOwner", reading),
    )


def work(at: Element, reading: Reading) -> Work | None:
    """A service, send or business rule task: what it calls, and what becomes of the answer."""
    kind, implementation = _implementation(at, reading)
    if kind is None:
        return None
    return Work(
        kind,
        implementation,
        fields(at, reading),
        result=reading.attribute(at, "resultVariable"),
        result_local=reading.flag(at, "useLocalScopeForResultVariable"),
        result_transient=reading.flag(at, "storeResultVariableAsTransient"),
        triggerable=reading.flag(at, "triggerable"),
        topic=reading.attribute(at, "topic"),
        errors=tuple(_mapped(m, reading) for m in at.extensions("mapException")),
        ins=(*parameters(at, "in", reading), *parameters(at, "externalWorkerInParameter", reading)),
        outs=(*parameters(at, "out", reading), *parameters(at, "externalWorkerOutParameter", reading)),
    )


def _mapped(written: Element, reading: Reading) -> tuple[str, str, bool]:
    """An exception that becomes a BPMN error: the code, the exception's name (empty: any), whether its subclasses count."""
    return written.value("errorCode") or "", written.text.strip(), true(written, "includeChildExceptions", reading)


TYPES = {"external": "external-worker"}  # the spelling of Camunda, and of Flowable before


def _implementation(at: Element, reading: Reading) -> tuple[str | None, str]:
    """How the work is named. A built-in type goes before the class (Flowable's order); several ways at once are a problem."""
    named = [k for k in IMPLEMENTATIONS if at.extended.get(k)]
    if len(named) > 1:
        reading.problem(f"{at.name} has both {' and '.join(named)}: only one can be called", at)
    if kind := at.extended.get("type"):
        return TYPES.get(kind, kind), ""
    if named:
        return named[0], reading.attribute(at, named[0]) or ""
    standard = at.attributes.get("implementation", "")
    return ("class", standard) if standard and not standard.startswith("##") else (None, "")


def script(at: Element, reading: Reading) -> Script:
    """A script task; without a format it is JUEL, as in Flowable."""
    written, language = at.child("script"), at.attributes.get("scriptFormat", "").strip() or "juel"
    if written is None or not written.text.strip():
        reading.problem("a scriptTask needs a script", at)
        return Script(language.lower(), "")
    return Script(
        language.lower(),
        reading.script(language, written),
        reading.attribute(at, "resultVariable"),
        reading.flag(at, "autoStoreVariables"),
        written.text_line,
    )


def call(at: Element, reading: Reading) -> Call:
    """A call activity; Camunda's `<in variables="all">` and `<in businessKey>` are read as Flowable's attributes."""
    called = reading.expression(at.attributes.get("calledElement"), at)
    if not called:
        reading.problem("a callActivity needs a calledElement", at)
    kind, binding = at.extended.get("calledElementType", "key"), at.extended.get("calledElementBinding", "latest")
    if kind not in ("key", "id"):
        reading.problem(f"calledElementType must be key or id, not '{kind[:50]}'", at)
    if binding not in ("latest", "deployment"):
        reading.problem(f"calledElementBinding must be latest or deployment, not '{binding[:50]}'", at)
    keys = [reading.expression(i.value("businessKey"), i) for i in at.extensions("in") if i.value("businessKey")]
    return Call(
        called or "",
        kind == "id",
        parameters(at, "in", reading),
        parameters(at, "out", reading),
        business_key=reading.attribute(at, "businessKey") or (keys[0] if keys else None),
        inherit_business_key=reading.flag(at, "inheritBusinessKey"),
        inherit_variables=reading.flag(at, "inheritVariables") or any(i.value("variables") == "all" for i in at.extensions("in")),
        same_deployment=reading.flag(at, "sameDeployment") or binding == "deployment",
        id_variable=reading.attribute(at, "idVariableName"),
        instance_name=reading.attribute(at, "processInstanceName", lenient=True),
        local_outs=reading.flag(at, "useLocalScopeForOutParameters"),
        complete_async=reading.flag(at, "completeAsync"),
    )


def ad_hoc(at: Element, reading: Reading) -> AdHoc:
    """An ad-hoc sub-process."""
    return AdHoc(
        at.attributes.get("ordering") == "Sequential",
        reading.content(at.child("completionCondition")),
        reading.flag(at, "cancelRemainingInstances", True, own=True),
    )


def loop(at: Element, reading: Reading) -> Loop | None:
    """The multi-instance or standard loop of an activity, None if it runs once."""
    if standard := at.child("standardLoopCharacteristics"):
        maximum = standard.attributes.get("loopMaximum", "").strip()
        if maximum and not WHOLE.fullmatch(maximum):
            reading.problem(f"loopMaximum must be a whole number, not '{maximum[:50]}'", standard)
        return Loop(
            standard=True,
            condition=reading.content(standard.child("loopCondition")),
            test_before=reading.flag(standard, "testBefore", own=True),
            maximum=int(maximum) if WHOLE.fullmatch(maximum) else None,
        )
    several = at.child("multiInstanceLoopCharacteristics")
    return _multi_instance(several, reading) if several else None


WHOLE = re.compile(r"[0-9]{1,9}")


def _multi_instance(at: Element, reading: Reading) -> Loop:
    cardinality, collection = reading.content(at.child("loopCardinality")), _collection(at, reading)
    if not cardinality and not collection:
        reading.problem("a multi-instance needs a loopCardinality or a collection", at)
    item = at.child("inputDataItem")
    return Loop(
        sequential=reading.flag(at, "isSequential", own=True),
        cardinality=cardinality,
        collection=collection,
        element=reading.attribute(at, "elementVariable") or (item.attributes.get("name") if item is not None else None),
        index=reading.attribute(at, "elementIndexVariable"),
        completion=reading.content(at.child("completionCondition")),
        aggregations=tuple(_aggregation(a, reading) for a in at.extensions("variableAggregation")),
    )


def _collection(at: Element, reading: Reading) -> str | None:
    """The attribute, the standard `loopDataInputRef`, or Flowable's `<collection>` with its text or expression inside."""
    if text := reading.attribute(at, "collection") or reading.content(at.child("loopDataInputRef")):
        return text
    inside = (c for place in at.extensions("collection") for c in place.children if c.extension and c.name in ("string", "expression"))
    return next((reading.content(c) for c in inside if c.text.strip()), None)


def _aggregation(at: Element, reading: Reading) -> Aggregation:
    target = at.value("target") or reading.expression(at.value("targetExpression"), at)
    if not target:
        reading.problem("variableAggregation needs a target", at)
    variables = tuple(
        Parameter(
            v.value("target") or reading.expression(v.value("targetExpression"), v) or v.value("source") or "",
            v.value("source"),
            reading.expression(v.value("sourceExpression"), v),
        )
        for v in at.extensions("variable")
    )
    return Aggregation(target or "", variables)


READERS: dict[str, Callable[[Element, Reading], Detail | None]] = {
    "startEvent": start,
    "userTask": user_task,
    "serviceTask": work,
    "sendTask": work,
    "businessRuleTask": work,
    "scriptTask": script,
    "callActivity": call,
    "adHocSubProcess": ad_hoc,
}
