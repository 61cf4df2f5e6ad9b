"""Words are measured and broken so that they fit their place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bpmn.diagram.labels import place
from engine.bpmn.diagram.text import height_of, narrowest, squeeze, width_of, wrap
from engine.bpmn.diagram.values import Bounds, Edge, Plane, Shape


def test_wide_letters_are_wider_than_narrow_ones() -> None:
    assert width_of("WWW", 12) > 2 * width_of("iii", 12)


@pytest.mark.parametrize(("text", "like"), [("ä", "a"), ("É", "E"), ("a\u0301", "a"), ("中", "——")])
def test_measures_letters_of_other_scripts(text: str, like: str) -> None:
    assert width_of(text, 12) == pytest.approx(width_of(like, 12), abs=3)


def test_breaks_at_spaces_and_at_the_breaks_of_the_text() -> None:
    assert wrap("one two\nthree", 1000, 12) == ["one two", "three"]
    assert wrap("one two three", width_of("one two", 12), 12) == ["one two", "three"]


def test_breaks_a_long_word_best_at_a_seam() -> None:
    assert wrap("storeConfirmation", width_of("Confirmation", 12), 12) == ["store", "Confirmation"]
    assert wrap("order-confirmation", width_of("order-conf", 12), 12)[0] == "order-"


@given(st.text(max_size=80), st.floats(20, 300))
def test_no_line_is_wider_than_asked_and_no_letter_lost(text: str, width: float) -> None:
    lines = wrap(text, width, 12)
    assert all(width_of(line, 12) <= width + 0.01 or len(line) == 1 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(st.text(alphabet="abc de", min_size=1, max_size=400))
def test_squeezed_text_fits_its_box(text: str) -> None:
    lines, size = squeeze(text, 90, 50, 12)
    assert height_of(len(lines), size) <= 50
    assert all(width_of(line, size) <= 90 for line in lines)


def test_squeezed_text_ends_with_an_ellipsis_if_it_was_cut() -> None:
    assert squeeze("word " * 100, 90, 50, 12)[0][-1].endswith("…")
    assert squeeze("word", 90, 50, 12) == (["word"], 12)


def test_finds_the_width_at_which_text_takes_few_lines() -> None:
    width = narrowest("Message Flow 1", 1, 30, 12)
    assert wrap("Message Flow 1", width, 12) == ["Message Flow 1"]


def gateway(name: str = "In stock?") -> Shape:
    return Shape("g", "exclusiveGateway", Bounds(100, 100, 50, 50), name)


def test_a_name_stands_below_its_shape() -> None:
    label = place(Plane("p", "", (gateway(),))).shapes[0].label
    assert label is not None
    assert label.y > 150
    assert label.cx == 125


def test_a_name_keeps_away_from_flows_and_shapes() -> None:
    down = Edge("f", "sequenceFlow", ((125, 150), (125, 300)))
    up = Edge("f", "sequenceFlow", ((125, 100), (125, 0)))
    beside = Shape("t", "task", Bounds(160, 60, 100, 50))
    label = place(Plane("p", "", (gateway(), beside), (down, up))).shapes[0].label
    assert label is not None
    assert not label.overlaps(Bounds(124, 0, 2, 300))
    assert not label.overlaps(beside.bounds)


def test_the_name_of_a_flow_stands_beside_its_line() -> None:
    flow = Edge("f", "sequenceFlow", ((0, 0), (50, 0), (50, 100), (300, 100)), "a longer name")
    label = place(Plane("p", "", (), (flow,))).edges[0].label
    assert label is not None
    assert label.bottom < 100
    assert label.x > 50


def test_a_name_whose_place_the_file_gives_stays_there() -> None:
    fixed = Shape("g", "exclusiveGateway", Bounds(100, 100, 50, 50), "In stock?", label=Bounds(0, 0, 50, 14))
    assert place(Plane("p", "", (fixed,))).shapes[0].label == Bounds(0, 0, 50, 14)
