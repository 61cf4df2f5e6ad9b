"""A BPMN file becomes Graphs: nodes, flows, scopes, and everything an activity says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from engine.bpmn import archive, forms, forms_read, parse
from engine.bpmn.graph import AdHoc, Call, Field, Graph, Listener, Loop, Node, Parameter, Script, Start, UserTask, Work
from tests.bpmn.models import BEFORE, bpmn, ext, line, problems, read, role
from tests.effort import calls

OUTSIDE = Path(__file__).parents[3] / "shared"
APP = OUTSIDE / "data" / "Async Demo App.zip"
ANCHOR = OUTSIDE / "anchors" / "bench.py"


def node(graph: Graph, name: str = "n") -> Node:
    return graph.nodes[name]


def test_knows_what_leads_to_and_from_each_node_in_document_order() -> None:
    graph = read(
        '<startEvent id="s"/><exclusiveGateway id="g" default="c"/><endEvent id="e"/><sequenceFlow id="a" sourceRef="s" targetRef="g"/>'
        '<sequenceFlow id="b" sourceRef="g" targetRef="e" name="dear"><conditionExpression> ${x > 1} </conditionExpression></sequenceFlow>'
        '<sequenceFlow id="c" sourceRef="g" targetRef="e"/>'
    )
    assert node(graph, "g").incoming == ("a",)
    assert node(graph, "g").outgoing == ("b", "c")
    assert node(graph, "g").default == "c"
    assert (graph.flows["b"].condition, graph.flows["b"].name, graph.flows["c"].condition) == ("${x > 1}", "dear", None)
    assert graph.children[None] == ("s", "g", "e")


def test_lists_what_lies_in_each_sub_process() -> None:
    inner = '<subProcess id="inner"><startEvent id="s2"/></subProcess><sequenceFlow id="f" sourceRef="s1" targetRef="inner"/>'
    graph = read(line(f'<subProcess id="outer"><startEvent id="s1"/>{inner}</subProcess>'))
    assert graph.children == {None: ("begin", "outer", "done"), "outer": ("s1", "inner"), "inner": ("s2",)}
    assert node(graph, "s2").parent == "inner"
    assert node(graph, "inner").parent == "outer"


def test_gives_each_element_its_line() -> None:
    flow = '<sequenceFlow id="f" sourceRef="begin" targetRef="n"/>'
    graph = read(f'\n<startEvent id="begin"/>\n\n<userTask\n  id="n"\n  name="Work"/>\n{flow}')
    assert node(graph, "begin").line == BEFORE + 1
    assert node(graph).line == BEFORE + 3
    assert graph.flows["f"].line == BEFORE + 6


def test_reads_name_documentation_category_and_starters_of_the_process() -> None:
    process = 'id="p" name="Pizza" flowable:candidateStarterUsers="alice, ${x}" flowable:candidateStarterGroups="kitchen"'
    inside = "<documentation> How it goes </documentation>" + ext(role("activiti:potentialStarter", "user(bob), cooks"))
    graph = read(inside + line(), process=process)
    assert (graph.key, graph.name, graph.documentation, graph.category) == ("p", "Pizza", "How it goes", "tests")
    assert graph.candidate_starter_users == ("alice", "${x}", "bob")
    assert graph.candidate_starter_groups == ("kitchen", "cooks")


@pytest.mark.parametrize("prefix", ["flowable", "activiti", "camunda"])
def test_reads_the_three_namespaces_alike(prefix: str) -> None:
    graph = read(line(f'<userTask id="n" {prefix}:assignee="alice" {prefix}:candidateGroups="a, b" {prefix}:formKey="order"/>'))
    assert node(graph).detail == UserTask(assignee="alice", candidate_groups=("a", "b"), form_key="order")


def test_reads_the_async_flags_and_their_other_names() -> None:
    flags = 'flowable:async="true" flowable:exclusive="false" flowable:asyncLeave="true" flowable:asyncLeaveExclusive="false"'
    one = node(read(line(f'<task id="n" {flags}/>')))
    assert (one.asynchronous, one.exclusive, one.async_leave, one.async_leave_exclusive) == (True, False, True, False)
    one = node(read(line('<task id="n" camunda:asyncBefore="true" camunda:asyncAfter="true"/>')))
    assert (one.asynchronous, one.async_leave, one.exclusive) == (True, True, True)


def test_reads_retry_cycle_job_category_and_skip_expression() -> None:
    extra = ext(
        "<flowable:failedJobRetryTimeCycle>R5/PT7M</flowable:failedJobRetryTimeCycle>",
        "<flowable:jobCategory>${c}</flowable:jobCategory>",
    )
    graph = read(line(f'<task id="n" flowable:skipExpression="${{skip}}">{extra}</task>'))
    assert (node(graph).retry, node(graph).category, node(graph).skip) == ("R5/PT7M", "${c}", "${skip}")


def test_reads_all_that_a_user_task_says() -> None:
    attributes = (
        'flowable:assignee="${initiator}" flowable:owner="boss" flowable:candidateUsers="a, ${vars:contains(x, 1)} ,b" '
        'flowable:dueDate="${due}" '
        'flowable:priority="70" flowable:category="paper" flowable:taskIdVariableName="id" flowable:taskCompleterVariableName="who"'
    )
    about = "<documentation>Be kind</documentation>"
    graph = read(line(f'<userTask id="n" name="Ask ${{name}}" {attributes}>{about}</userTask>'))
    assert (node(graph).name, node(graph).documentation) == ("Ask ${name}", "Be kind")
    assert node(graph).detail == UserTask(
        assignee="${initiator}", owner="boss", candidate_users=("a", "${vars:contains(x, 1)}", "b"), due="${due}", priority="70",
        category="paper", id_variable="id", completer_variable="who")  # fmt: skip


def test_reads_the_standard_roles_of_a_user_task() -> None:
    standard = role("humanPerformer", "${boss}") + role("potentialOwner", "user(alice), group(office), crew")
    graph = read(line(f'<userTask id="n">{standard}</userTask>'))
    assert node(graph).detail == UserTask(assignee="${boss}", candidate_users=("alice",), candidate_groups=("office", "crew"))


def test_reads_the_four_ways_to_name_work() -> None:
    assert node(read(line('<serviceTask id="n" flowable:class="store"/>'))).detail == Work("class", "store")
    assert node(read(line('<serviceTask id="n" flowable:delegateExpression="${store}"/>'))).detail == Work("delegateExpression", "${store}")
    assert node(read(line('<serviceTask id="n" flowable:expression="${1 + 1}" flowable:resultVariable="two"/>'))).detail == Work(
        "expression", "${1 + 1}", result="two")  # fmt: skip
    assert node(read(line('<serviceTask id="n" implementation="store"/>'))).detail == Work("class", "store")


def test_reads_fields_and_mapped_exceptions_of_work() -> None:
    extra = (
        '<flowable:field name="a" stringValue="${not one}"/><flowable:field name="b" expression="${x}"/>'
        "<flowable:field name='c'><flowable:string><![CDATA[<b>]]></flowable:string></flowable:field>"
        '<flowable:mapException errorCode="E" includeChildExceptions="true">ValueError</flowable:mapException>'
    )
    graph = read(line(f'<serviceTask id="n" flowable:class="k">{ext(extra)}</serviceTask>'))
    assert node(graph).detail == Work(
        "class", "k", (Field("a", "${not one}"), Field("b", "${x}"), Field("c", "<b>")), errors=(("E", "ValueError", True),)
    )


@pytest.mark.usefixtures("everything")
def test_reads_an_external_worker_in_both_spellings() -> None:
    worker = node(read(line('<serviceTask id="n" flowable:type="external-worker" flowable:topic="mill"/>'))).detail
    assert worker == Work("external-worker", topic="mill")
    assert node(read(line('<serviceTask id="n" camunda:type="external" camunda:topic="mill"/>'))).detail == worker


def test_reads_a_script_with_its_line() -> None:
    graph = read(line('\n<scriptTask id="n" scriptFormat="JavaScript" flowable:resultVariable="r" flowable:autoStoreVariables="true">'
                      "\n<script><![CDATA[\n1 < 2]]></script></scriptTask>"))  # fmt: skip
    assert node(graph).detail == Script("javascript", "\n1 < 2", "r", True, BEFORE + 2)


def test_reads_listeners_in_all_their_kinds() -> None:
    def listener(attributes: str, inside: str = "") -> str:
        return f"<flowable:executionListener {attributes}>{inside}</flowable:executionListener>"

    older = '<flowable:field name="script"><flowable:string>1</flowable:string></flowable:field>'
    extra = ext(
        listener('event="start" class="k"'),
        listener('event="end" expression="${x}"'),
        listener('event="start" type="script"', '<flowable:script language="groovy">println 1</flowable:script>'),
        listener('event="end" class="a.ScriptExecutionListener"', older + '<flowable:field name="language" stringValue="JavaScript"/>'),
    )
    found = node(read(line(f'<task id="n">{extra}</task>'))).listeners
    assert [(x.event, x.kind, x.implementation, x.language) for x in found] == [
        ("start", "class", "k", ""), ("end", "expression", "${x}", ""), ("start", "script", "println 1", "groovy"),
        ("end", "script", "1", "javascript"),
    ]  # fmt: skip


def test_a_listener_of_a_flow_listens_to_its_taking() -> None:
    listener = ext('<flowable:executionListener delegateExpression="${x}"/>')
    flow = f'<sequenceFlow id="f" sourceRef="s" targetRef="e">{listener}</sequenceFlow>'
    graph = read(f'<startEvent id="s"/><endEvent id="e"/>{flow}')
    assert graph.flows["f"].listeners == (Listener("take", "delegateExpression", "${x}", line=BEFORE),)


def test_reads_form_properties_of_both_dialects() -> None:
    flowable = (
        '<flowable:formProperty id="size" name="Size" type="enum" required="true" variable="v">'
        '<flowable:value id="s" name="Small"/></flowable:formProperty>'
        '<flowable:formProperty id="day" type="date" datePattern="dd-MM-yyyy" writable="false" expression="${d}"/>'
    )
    start = '<startEvent id="n" flowable:initiator="who" flowable:formKey="ask"><extensionElements>{}</extensionElements></startEvent>'
    detail = node(read(start.format(flowable))).detail
    assert isinstance(detail, Start)
    assert (detail.initiator, detail.form_key) == ("who", "ask")
    size, day = detail.properties
    assert (size.id, size.name, size.type, size.required, size.variable) == ("size", "Size", "enum", True, "v")
    assert size.options == (("s", "Small"),)
    assert (day.pattern, day.writable, day.expression) == ("dd-MM-yyyy", False, "${d}")
    camunda = (
        '<camunda:formData><camunda:formField id="age" label="Age" type="long" defaultValue="18"><camunda:validation>'
        '<camunda:constraint name="required"/></camunda:validation></camunda:formField></camunda:formData>'
    )
    detail = node(read(start.format(camunda))).detail
    assert isinstance(detail, Start)
    assert [(p.id, p.name, p.type, p.default, p.required) for p in detail.properties] == [("age", "Age", "long", "18", True)]


@pytest.mark.usefixtures("everything")
def test_reads_a_call_with_its_mappings() -> None:
    maps = ext(
        '<flowable:in source="a" target="b"/><flowable:in sourceExpression="${x}" target="c" transient="true"/>',
        '<flowable:out source="d" target="e"/>',
    )
    attributes = 'flowable:businessKey="${k}" flowable:inheritVariables="true" flowable:completeAsync="true"'
    graph = read(line(f'<callActivity id="n" calledElement="child" {attributes}>{maps}</callActivity>'))
    assert node(graph).detail == Call(
        "child", ins=(Parameter("b", "a"), Parameter("c", None, "${x}", True)), outs=(Parameter("e", "d"),), business_key="${k}",
        inherit_variables=True, complete_async=True)  # fmt: skip
    maps = ext('<camunda:in variables="all"/><camunda:in businessKey="#{k}"/>')
    graph = read(line(f'<callActivity id="n" calledElement="child" camunda:calledElementBinding="deployment">{maps}</callActivity>'))
    assert node(graph).detail == Call("child", business_key="#{k}", inherit_variables=True, same_deployment=True)


@pytest.mark.usefixtures("everything")
def test_reads_loops_of_all_kinds() -> None:
    def loop(inside: str) -> Loop | None:
        return node(read(line(f'<userTask id="n">{inside}</userTask>'))).loop

    head = "<multiInstanceLoopCharacteristics"
    until = "<completionCondition>${done}</completionCondition>"
    assert loop(f'{head} isSequential="true"><loopCardinality>5</loopCardinality>{until}</multiInstanceLoopCharacteristics>') == Loop(
        sequential=True, cardinality="5", completion="${done}")  # fmt: skip
    assert loop(f'{head} flowable:collection="${{people}}" flowable:elementVariable="one" flowable:elementIndexVariable="i"/>') == Loop(
        collection="${people}", element="one", index="i")  # fmt: skip
    standard = '<loopDataInputRef>people</loopDataInputRef><inputDataItem name="one"/>'
    assert loop(f"{head}>{standard}</multiInstanceLoopCharacteristics>") == Loop(collection="people", element="one")
    more = "<loopCondition>${more}</loopCondition>"
    assert loop(f'<standardLoopCharacteristics testBefore="true" loopMaximum="3">{more}</standardLoopCharacteristics>') == Loop(
        standard=True, condition="${more}", test_before=True, maximum=3)  # fmt: skip


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("prefix", ["flowable:", ""])  # Flowable's own documentation writes it without
def test_gathers_variables_of_rounds(prefix: str) -> None:
    gathered = f'<flowable:variableAggregation target="all"><{prefix}variable source="x" target="y"/></flowable:variableAggregation>'
    rounds = f"{ext(gathered)}<loopCardinality>2</loopCardinality>"
    graph = read(line(f'<userTask id="n"><multiInstanceLoopCharacteristics>{rounds}</multiInstanceLoopCharacteristics></userTask>'))
    loop = node(graph).loop
    assert loop is not None
    assert [(a.target, a.variables) for a in loop.aggregations] == [("all", (Parameter("y", "x"),))]


@pytest.mark.usefixtures("everything")
def test_reads_an_ad_hoc_sub_process() -> None:
    graph = read(line('<adHocSubProcess id="n" ordering="Sequential" cancelRemainingInstances="false"><task id="t"/>'
                      "<completionCondition>${enough}</completionCondition></adHocSubProcess>"))  # fmt: skip
    assert node(graph).detail == AdHoc(True, "${enough}", False)


@pytest.mark.usefixtures("everything")
def test_types_the_values_of_data_objects() -> None:
    def data(kind: str, value: str) -> str:
        inside = f"<flowable:value>{value}</flowable:value>"
        return f'<dataObject id="{kind}" name="{kind}Name" itemSubjectRef="xsd:{kind}">{ext(inside)}</dataObject>'

    values = {"int": "3", "boolean": "true", "double": "2.5", "string": "x", "json": '{"a": 1}'}
    graph = read("".join(data(*pair) for pair in values.items()) + line())
    assert [(d.name, d.type, d.value) for d in graph.data] == [
        ("intName", "integer", 3), ("booleanName", "boolean", True), ("doubleName", "double", 2.5), ("stringName", "string", "x"),
        ("jsonName", "json", {"a": 1}),
    ]  # fmt: skip


def test_names_the_nameless() -> None:
    model = parse.read(bpmn('<startEvent id="s"/><task/><sequenceFlow sourceRef="s" targetRef="e"/><endEvent id="e"/><task id="task_1"/>'))
    (graph,) = model.graphs
    assert set(graph.nodes) == {"s", "task_2", "e", "task_1"}
    assert set(graph.flows) == {"sequenceFlow_1"}
    assert any("<task> has no id and is called 'task_2'" in w.message for w in model.warnings)


def test_leaves_out_a_process_that_is_not_executable_and_says_so() -> None:
    other = f'<process id="paper" isExecutable="false"><startEvent id="x"/><serviceTask id="later"/></process><!-- {BEFORE} -->'
    model = parse.read(bpmn(line(), roots=other))
    assert [g.key for g in model.graphs] == ["p"]
    assert [(w.element, w.line) for w in model.warnings] == [("paper", BEFORE)]


def test_refuses_a_file_in_which_nothing_is_executable() -> None:
    (problem,) = problems(bpmn(line(), process='id="p" isExecutable="false"'))
    assert problem.message == "the file has no executable process: isExecutable is false"


def test_tolerates_pools_lanes_notes_and_the_modelers_own() -> None:
    paper = '<laneSet id="l"><lane id="l1"><flowNodeRef>begin</flowNodeRef></lane></laneSet><textAnnotation id="note"/>'
    task = f'<task id="n">{ext("<modeler:editor-resource-id>x</modeler:editor-resource-id>")}</task>'
    pool = '<collaboration id="c"><participant id="pool" processRef="p"/><messageFlow id="m" sourceRef="a" targetRef="b"/></collaboration>'
    model = parse.read(bpmn(paper + line(task), roots=pool))
    assert list(model.graphs[0].nodes) == ["begin", "n", "done"]
    assert model.warnings == ()


def test_reads_other_encodings_and_prefixes() -> None:
    inside = '<b:process id="p"><b:startEvent id="s" name="Für"/></b:process>'
    space = "http://www.omg.org/spec/BPMN/20100524/MODEL"
    xml = f'<?xml version="1.0" encoding="{{}}"?><b:definitions xmlns:b="{space}">{inside}</b:definitions>'
    for encoding in ("utf-8", "utf-16", "iso-8859-1", "windows-1252"):
        assert parse.read(xml.format(encoding).encode(encoding)).graphs[0].nodes["s"].name == "Für"


@pytest.mark.skipif(not APP.exists(), reason="the article's app lies outside of the repository")
def test_reads_the_articles_app_as_it_was_exported() -> None:
    files = archive.unpack(APP.name, APP.read_bytes())
    models = [parse.read(data, file=name) for name, data in files.items() if archive.is_process(name)]
    specs = {spec.key for name, data in files.items() if name.endswith(".json") for spec in [forms_read.from_json(data, file=name)]}
    graphs = [graph for model in models for graph in model.graphs]
    assert (len(files), len(graphs), len(specs)) == (7, 5, 2)
    assert not [w for model in models for w in model.warnings]
    assert not [note for graph in graphs for notes in forms.missing_forms(graph, inside=specs, deployed=()) for note in notes]
    assert sum(any(n.asynchronous for n in graph.nodes.values()) for graph in graphs) == 3


@pytest.mark.usefixtures("everything")
@pytest.mark.skipif(not ANCHOR.exists(), reason="the benchmark lies outside of the repository")
def test_reads_the_benchmarks_model() -> None:
    spec = importlib.util.spec_from_file_location("bench", ANCHOR)
    assert spec
    assert spec.loader
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    assert len(parse.read(bench.MODEL.encode()).graphs) == 4


def test_reads_a_typical_model_with_little_effort() -> None:
    steps = (f'<userTask id="u{i}" name="Step {i}" flowable:assignee="${{initiator}}"/>' for i in range(30))
    xml = bpmn(line(*steps))
    parse.read(xml)
    assert calls(lambda: parse.read(xml)) < 20_000  # 2 ms on an idle machine are 11,000


def test_reads_500_nested_sub_processes_without_recursion() -> None:
    depth = 400
    inside = "".join(f'<subProcess id="n{i}"><startEvent id="s{i}"/>' for i in range(depth)) + "</subProcess>" * depth
    graph = read('<startEvent id="s"/>' + inside)
    assert graph.nodes["s399"].parent == "n399"
