"""Models for the tests of this room, written as BPMN with arrows for sequence flows: `a -> b if ${condition}`."""

from __future__ import annotations

import re


def model(body: str, *, key: str = "story", more: str = "") -> bytes:
    """A BPMN file around the elements of one process; `more` stands beside it (messages, signals, errors, further processes)."""
    spaces = {
        "": "http://www.omg.org/spec/BPMN/20100524/MODEL",
        ":flowable": "http://flowable.org/bpmn",
        ":xsi": "http://www.w3.org/2001/XMLSchema-instance",
    }
    declared = " ".join(f'xmlns{prefix}="{uri}"' for prefix, uri in spaces.items())
    arrows = re.sub(r"^\s*(\w+) -> (\w+)(?: if (.+))?$", _arrow, body, flags=re.MULTILINE)
    return f'<definitions {declared} targetNamespace="story">{more}<process id="{key}" isExecutable="true">{arrows}</process></definitions>'.encode()


def _arrow(found: re.Match[str]) -> str:
    source, target, condition = found.groups()
    inside = f'<conditionExpression xsi:type="tFormalExpression"><![CDATA[{condition}]]></conditionExpression>' if condition else ""
    return f'<sequenceFlow id="{source}_to_{target}" sourceRef="{source}" targetRef="{target}">{inside}</sequenceFlow>'
