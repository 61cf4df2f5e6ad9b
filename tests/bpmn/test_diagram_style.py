"""The colours can be read in light and dark, and the page's style sheet is the one the code knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.bpmn.diagram.style import PALETTE, STATES, file_css, page_css

SHEET = Path(__file__).parents[2] / "static" / "towpath" / "diagram.css"
GROUNDS = [
    ("ink", "paper"),
    ("ink", "fill"),
    *((s, g) for s in STATES for g in ("paper", "fill", f"{s}-fill")),
    *(("on", s) for s in STATES),
    ("on", "ink"),
]


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), GROUNDS)
def test_text_stands_out_from_its_ground(text: str, ground: str, scheme: int) -> None:
    dark, light = sorted(luminance(PALETTE[name][scheme]) for name in (text, ground))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_the_sheet_of_the_pages_is_the_one_written_here() -> None:
    assert SHEET.read_text(encoding="utf-8").endswith(page_css())


def test_no_rule_of_a_file_needs_custom_properties() -> None:
    assert "var(" not in file_css()
    assert all(dark in file_css() for _, dark in PALETTE.values())


@pytest.mark.parametrize("state", STATES)
def test_a_state_is_drawn_thicker_than_none(state: str) -> None:
    widths = {line.split("{")[0]: line for line in page_css().splitlines() if "stroke-width" in line}
    plain = float(widths[".bpmn .box"].split("stroke-width:")[1].rstrip("}"))
    marked = float(widths[f".bpmn .{state} .box"].split("stroke-width:")[1].rstrip("}"))
    assert marked > plain
