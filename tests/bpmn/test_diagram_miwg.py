"""The reference models of the Model Interchange Working Group are drawn whole and with little effort; they lie beside the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree

from engine.bpmn import diagram, drawing
from tests.effort import calls

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "miwg"
MODELS = sorted(FOLDER.glob("*.bpmn"))
DRAWN = re.compile(r' data-element="([^"]+)"')

if not MODELS:
    pytest.skip(f"the reference models are not in {FOLDER}", allow_module_level=True)

models = pytest.mark.parametrize("model", MODELS, ids=[m.stem for m in MODELS])


@models
def test_draws_every_shape_and_edge_whose_element_is_there(model: Path) -> None:
    root = etree.fromstring(model.read_bytes())
    ids = {e.get("id") for e in root.iter("{http://www.omg.org/spec/BPMN/20100524/MODEL}*")}
    parts = root.iter("{*}BPMNShape", "{*}BPMNEdge")
    expected = sorted(e.get("bpmnElement", "").rpartition(":")[2] for e in parts)
    pages = drawing.read(model.read_bytes())
    svgs = [diagram.paint(pages, plane=i) for i in range(len(pages.planes))]
    assert expected
    assert sorted(key for svg in svgs for key in DRAWN.findall(svg)) == [key for key in expected if key in ids]


@models
def test_draws_with_an_effort_that_takes_no_50_milliseconds(model: Path) -> None:
    xml = model.read_bytes()
    assert calls(lambda: diagram.paint(drawing.read(xml))) < 100_000  # half as many are 18 ms on an idle machine


@models
def test_writes_all_names_out(model: Path) -> None:
    pages = drawing.read(model.read_bytes())
    svg = etree.fromstring(diagram.paint(pages).encode())
    words = {word for text in svg.iter("{http://www.w3.org/2000/svg}tspan") for word in (text.text or "").split()}
    plane = pages.planes[0]
    assert {w for names in ([s.name for s in plane.shapes], [e.name for e in plane.edges]) for n in names for w in n.split()} <= words
