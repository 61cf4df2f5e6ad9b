"""Bad files are refused with BadInput and nothing else: no document types, no bombs, no endless depth."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bpmn import diagram, drawing
from engine.errors import BadInput
from tests.bpmn.diagram_models import HEAD, drawn, process

BOMB = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
OUTSIDE = '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
PUBLIC = '<!DOCTYPE d PUBLIC "x" "http://example.org/x.dtd">'


@pytest.mark.parametrize("doctype", [BOMB, OUTSIDE, PUBLIC, "<!DOCTYPE d>"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("before", ["", "<!-- a comment -->\n"])
def test_refuses_a_document_type(doctype: str, encoding: str, before: str) -> None:
    xml = f'<?xml version="1.0" encoding="{encoding.removesuffix("-le")}"?>{before}{doctype}{HEAD}<process id="&a;"/></definitions>'
    with pytest.raises(BadInput, match="document type"):
        drawing.read(xml.encode(encoding))


def test_takes_a_document_type_within_a_text_for_what_it_is() -> None:
    html = "<documentation><![CDATA[<!DOCTYPE html><p>Hello</p>]]></documentation>"
    assert drawing.read(process(f"{html}<task id='a'/>")).planes[0].shapes[0].element == "a"


@pytest.mark.parametrize(
    "xml", [b"", b"  ", b"not XML", b"<a>", b"<a></b>", b'<?xml version="1.0" encoding="klingon"?><a/>', b"\xff\xfe", b"<a b='&c;'/>"]
)
def test_refuses_what_is_not_well_formed(xml: bytes) -> None:
    with pytest.raises(BadInput, match="well-formed") as refusal:
        drawing.read(xml)
    assert refusal.value.field == "file"


def test_refuses_endless_depth() -> None:
    with pytest.raises(BadInput, match=r"deeper|well-formed"):
        drawing.read(process("<subProcess>" * 5000 + "</subProcess>" * 5000))


def test_refuses_a_file_that_is_too_large() -> None:
    with pytest.raises(BadInput, match="larger"):
        drawing.read(process("<task/>") + b" " * drawing.MAX_BYTES)


def test_refuses_a_drawing_with_too_many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "MAX_PARTS", 3)
    boxes = {f"t{i}": (0.0, i * 100.0, 100.0, 80.0) for i in range(4)}
    with pytest.raises(BadInput, match="more than 3"):
        drawing.read(drawn("".join(f'<task id="{key}"/>' for key in boxes), boxes))


@given(st.binary(max_size=300))
def test_refuses_any_bytes_with_bad_input_alone(xml: bytes) -> None:
    with pytest.raises(BadInput):
        drawing.read(xml)


NAMES = st.sampled_from(
    re.findall(
        r"\w+",
        """process task subProcess boundaryEvent sequenceFlow laneSet childLaneSet lane flowNodeRef participant collaboration messageFlow
        association textAnnotation dataObjectReference dataInputAssociation sourceRef targetRef group startEvent timerEventDefinition
        choreographyTask conversation callActivity extensionElements BPMNDiagram BPMNPlane BPMNShape BPMNEdge BPMNLabel Bounds waypoint""",
    )
)
VALUES = st.sampled_from(["a", "b", "c", "", "true", "-1", "0", "7", "1e9", "nan", "x:a", "top_initiating", "Both"])
KEYS = st.sampled_from(
    re.findall(
        r"\w+",
        """id id name sourceRef targetRef attachedToRef processRef bpmnElement x y width height isExpanded isHorizontal default
        triggeredByEvent participantBandKind associationDirection""",
    )
)
ATTRIBUTES = st.dictionaries(KEYS, VALUES, max_size=6)


def _write(name: str, attributes: dict[str, str], children: list[str]) -> str:
    written = " ".join(f'{key}="{value}"' for key, value in attributes.items())
    return f"<{name} {written}>{''.join(children)}</{name}>"


ELEMENTS = st.recursive(
    st.builds(_write, NAMES, ATTRIBUTES, st.just([])),
    lambda inner: st.builds(_write, NAMES, ATTRIBUTES, st.lists(inner, max_size=5)),
    max_leaves=25,
)


@given(st.lists(ELEMENTS, max_size=6))
@settings(max_examples=60, deadline=None)
def test_draws_any_elements_in_any_order(elements: list[str]) -> None:
    pages = drawing.read(f'<definitions xmlns="urn:model">{"".join(elements)}</definitions>'.encode())
    for number in range(len(pages.planes)):
        assert diagram.paint(pages, plane=number).startswith("<svg")
