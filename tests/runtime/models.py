"""Small models for the runtime's tests, written as a list of steps: `model(user("enter"), service("store", "${1 + 1}"))`."""

from __future__ import annotations

from itertools import pairwise

HEAD = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:flowable="http://flowable.org/bpmn"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" targetNamespace="tests">'
)


def model(*steps: str, key: str = "story", more: str = "") -> bytes:
    """A process whose steps follow one another between start and end."""
    ids = ["start", *(s.split('id="', 1)[1].split('"', 1)[0] for s in steps), "end"]
    flows = "".join(f'<sequenceFlow id="f{i}" sourceRef="{a}" targetRef="{b}"/>' for i, (a, b) in enumerate(pairwise(ids)))
    body = f'<startEvent id="start" flowable:initiator="initiator"/>{"".join(steps)}<endEvent id="end"/>{flows}{more}'
    return f'{HEAD}<process id="{key}" name="{key.title()}">{body}</process></definitions>'.encode()


def user(name: str, more: str = 'flowable:assignee="${initiator}"') -> str:
    return f'<userTask id="{name}" name="{name.title()}" {more}/>'


def service(name: str, expression: str, more: str = "") -> str:
    return f'<serviceTask id="{name}" name="{name.title()}" flowable:expression="{expression}" {more}/>'


def handler(name: str, which: str, more: str = "") -> str:
    return f'<serviceTask id="{name}" name="{name.title()}" flowable:delegateExpression="${{{which}}}" {more}/>'


def script(name: str, source: str, more: str = "", language: str = "javascript") -> str:
    return (
        f'<scriptTask id="{name}" name="{name.title()}" scriptFormat="{language}" {more}><script><![CDATA[{source}]]></script></scriptTask>'
    )
