"""ELEMENTS.md says the truth: an example of each of its rows is deployed. What it calls supported changes the Graph, what it calls
tolerated or warned does not, and what it calls refused is refused for its reason."""

from __future__ import annotations

import pytest

from engine.bpmn import elements, extensions, parse, validate
from engine.bpmn.elements import Row, State
from engine.bpmn.graph import Graph
from engine.errors import DeploymentError
from engine.interpreter.table import BEHAVIOURS
from tests.bpmn import element_examples as examples
from tests.bpmn import elements_page
from tests.bpmn.models import bpmn

NODES = elements.GROUPS["NODE"]


def deployed(inside: str, roots: str = "", process: str = 'id="p"') -> tuple[Graph | None, str, str]:
    """The graph if the file is accepted, what is said against it, and the warnings."""
    try:
        model = parse.read(bpmn(inside, examples.ROOTS + roots, process))
    except DeploymentError as error:
        return None, str(error), ""
    return model.graphs[0], "", "\n".join(map(str, model.warnings))


def check(row: Row, what: str, said: str, warned: str) -> None:
    """What was said about a thing is what its row says, and nothing else is wrong."""
    if row.state is State.REFUSED:
        assert f"{what} is not supported: {row.why}" in said
        return
    assert not said
    assert (f"{what} has no effect: {row.why}" in warned) == (row.state is State.WARNED)
    assert f"{what} has no effect" in warned or row.state is not State.WARNED


# --- what runs --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("feature", sorted(validate.SUPPORTED))
def test_what_is_supported_is_accepted(feature: str) -> None:
    graph, said, _ = deployed(examples.feature(feature))
    assert not said
    assert graph


@pytest.mark.parametrize("feature", sorted(validate.REFUSED))
def test_what_is_refused_is_named_with_its_reason(feature: str) -> None:
    assert validate.REFUSED[feature] in validate.refusal(feature)
    with pytest.raises(DeploymentError) as refusal:
        parse.read(bpmn(examples.feature(feature), examples.ROOTS))
    assert (validate.refusal(feature), "n") in {(p.message, p.element) for p in refusal.value.problems}


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("feature", sorted(validate.REFUSED))
def test_what_is_refused_has_nothing_else_against_it(feature: str) -> None:
    assert deployed(examples.feature(feature))[1] == ""


def test_each_row_is_either_supported_or_refused() -> None:
    assert not validate.SUPPORTED & validate.REFUSED.keys()


def test_the_interpreter_knows_what_to_do_at_all_that_is_supported() -> None:
    kinds = {feature.partition("/")[0] for feature in validate.SUPPORTED} & NODES
    assert kinds - {"boundaryEvent"} <= BEHAVIOURS.keys()  # a boundary event is left, never entered


def test_all_that_the_interpreter_can_do_is_in_the_tables() -> None:
    assert BEHAVIOURS.keys() <= {feature.partition("/")[0] for feature in (*validate.SUPPORTED, *validate.REFUSED)}


# --- the other elements of BPMN ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("name", [n for n in elements.ELEMENTS if n not in NODES and n not in ("definitions", "process")])
def test_every_element_of_bpmn_is_treated_as_its_row_says(name: str) -> None:
    row, (roots, inside) = elements.ELEMENTS[name].row, examples.element(name)
    _, said, warned = deployed(inside, roots)
    assert f"<{name}" in inside + roots
    assert "unknown element" not in said
    assert "may not stand in" not in said
    assert (f"<{name}> is not supported: {row.why}" in said) == (row.state is State.REFUSED)
    assert (f"<{name}> has no effect: {row.why}" in warned) == (row.state is State.WARNED)


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("name", list(elements.ONLY))
def test_attributes_with_one_value_take_that_one_alone(name: str) -> None:
    value, why = elements.ONLY[name]
    where = next(n for n, known in elements.ELEMENTS.items() if name in known.attributes)
    for text in (value, "other"):
        roots, inside = examples.element(where, f' {name}="{text}"')
        assert (f"{name}='{text}' is not supported: {why}" in deployed(inside, roots)[1]) == (text == "other")


# --- extension attributes ---------------------------------------------------------------------------------------------------------

VALUES = {  # where not just any text will do
    "exclusive": "false", "asyncLeaveExclusive": "false", "calledElementType": "id", "calledElementBinding": "deployment",
    "endDate": "2031-01-01", "dueDate": "P1D", "type": "external-worker", "readable": "false", "writable": "false", "event": "end",
    "datePattern": "dd", "historyTimeToLive": "P30D", "variableChangeType": "create", "variables": "all", "name": "readonly", "language": "juel", "scriptFormat": "juel",
    **dict.fromkeys((
        "async", "asyncLeave", "triggerable", "useLocalScopeForResultVariable", "storeResultVariableAsTransient", "autoStoreVariables",
        "inheritBusinessKey", "inheritVariables", "sameDeployment", "useLocalScopeForOutParameters", "completeAsync", "transient",
        "errorVariableTransient", "terminateAll", "terminateMultiInstance",
        "includeChildExceptions", "required"), "true"),
}  # fmt: skip
SPOKEN_ON = {"NODE": "task", "ACTIVITY": "userTask"}
PLAIN = {"definitions", "signal"}  # the first cannot change a process, the second has a test of its own


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize(
    ("where", "name"), [(where, name) for where, rows in extensions.ATTRIBUTES.items() for name in rows if where not in PLAIN]
)
def test_every_extension_attribute_is_treated_as_its_row_says(where: str, name: str) -> None:
    row = extensions.ATTRIBUTES[where][name]
    roots, inside, process = examples.with_attribute(where, name, VALUES.get(name, "some"))
    graph, said, warned = deployed(inside, roots, process)
    check(row, f"flowable:{name} on <{SPOKEN_ON.get(where, where)}>", said, warned)
    if row.state is not State.REFUSED:
        roots, inside, process = examples.with_attribute(where, "", "")
        plain, *_ = deployed(inside, roots, process)
        assert plain
        assert (graph != plain) == (row.state is State.SUPPORTED)


@pytest.mark.usefixtures("everything")
def test_the_scope_of_a_signal_is_read_from_its_declaration() -> None:
    start = '<startEvent id="s"><signalEventDefinition signalRef="own"/></startEvent>'
    near, _, _ = deployed(start, '<signal id="own" name="o" flowable:scope="processInstance"/>')
    far, _, _ = deployed(start, '<signal id="own" name="o" flowable:scope="global"/>')
    assert near
    assert far
    assert near != far


def test_attributes_of_the_file_itself_are_tolerated() -> None:
    for name, row in extensions.ATTRIBUTES["definitions"].items():
        xml = bpmn(examples.BEGIN).replace(b'targetNamespace="tests"', f'targetNamespace="tests" camunda:{name}="x"'.encode())
        assert row.state is State.TOLERATED
        assert parse.read(xml).warnings == ()


# --- extension elements -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("name", list(extensions.ELEMENTS))
def test_every_extension_element_is_treated_as_its_row_says(name: str) -> None:
    row = extensions.ELEMENTS[name].row
    graph, said, warned = deployed(examples.extension(name))
    check(row, f"<flowable:{name}>", said, warned)
    if row.state is not State.REFUSED:
        plain, *_ = deployed(examples.around_extension(name, ""))
        assert plain
        assert (graph != plain) == (row.state is State.SUPPORTED)


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize(
    ("name", "attribute"), [(name, attribute) for name, known in extensions.ELEMENTS.items() for attribute in known.attributes]
)
def test_every_attribute_of_an_extension_element_is_treated_as_its_row_says(name: str, attribute: str) -> None:
    row = extensions.ELEMENTS[name].attributes[attribute]
    value = {("executionListener", "type"): "script", ("taskListener", "type"): "script", ("formProperty", "type"): "long",
             ("formField", "type"): "long", ("taskListener", "event"): "delete", ("constraint", "config"): "true"}.get((name, attribute))  # fmt: skip
    graph, said, warned = deployed(examples.extension(name, attribute, value or VALUES.get(attribute, "some")))
    check(row, f"{attribute} on <flowable:{name}>", said, warned)
    if row.state is not State.REFUSED:
        plain, *_ = deployed(examples.extension(name))
        assert plain
        assert (graph != plain) == (row.state is State.SUPPORTED)


# --- the page ---------------------------------------------------------------------------------------------------------------------


def test_the_page_says_what_the_tables_say() -> None:
    assert elements_page.PAGE.read_text(encoding="utf-8") == elements_page.page(), "run: python -m tests.bpmn.elements_page"
