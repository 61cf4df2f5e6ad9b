"""Small models for the tests of the parser: what stands in a process, with the rest around it."""

from __future__ import annotations

from itertools import pairwise

from engine.bpmn import parse
from engine.bpmn.graph import Graph
from engine.errors import DeploymentError, Problem

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xmlns:flowable="http://flowable.org/bpmn" xmlns:activiti="http://activiti.org/bpmn" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"
  xmlns:modeler="http://flowable.org/modeler" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" targetNamespace="tests">
"""
BEFORE = HEAD.count("\n") + 1  # the line of what follows it is this plus its own, from 0


def bpmn(inside: str, roots: str = "", process: str = 'id="p"') -> bytes:
    """A file with one process; `roots` stands beside it. The process begins on line BEFORE if `roots` has no line break."""
    return f"{HEAD}{roots}<process {process}>{inside}</process></definitions>".encode()


def line(*steps: str) -> str:
    """Nodes in a row, each written out with its id, from a start to an end event."""
    ids = ["begin", *(step.partition('id="')[2].partition('"')[0] for step in steps), "done"]
    flows = (f'<sequenceFlow id="{a}_{b}" sourceRef="{a}" targetRef="{b}"/>' for a, b in pairwise(ids))
    return f'<startEvent id="begin"/>{"".join(steps)}<endEvent id="done"/>{"".join(flows)}'


def ext(*inside: str) -> str:
    """Extension elements."""
    return f"<extensionElements>{''.join(inside)}</extensionElements>"


def role(name: str, text: str, attributes: str = "") -> str:
    """A standard role that names people by an expression."""
    spoken = f"<resourceAssignmentExpression><formalExpression>{text}</formalExpression></resourceAssignmentExpression>"
    return f"<{name}{attributes}>{spoken}</{name}>"


def read(inside: str, roots: str = "", process: str = 'id="p"') -> Graph:
    """The only graph of a file that must be accepted."""
    (graph,) = parse.read(bpmn(inside, roots, process)).graphs
    return graph


def problems(xml: bytes) -> list[Problem]:
    """What a file is refused for; empty if it is accepted."""
    try:
        parse.read(xml, file="model.bpmn")
    except DeploymentError as error:
        return list(error.problems)
    return []


def refused(inside: str, roots: str = "") -> str:
    """All that is said against a process, as one text; empty if it is accepted."""
    return "\n".join(map(str, problems(bpmn(inside, roots))))
