"""The colours and rules of a picture, for pages (custom properties, `static/towpath/diagram.css`) and for files that stand alone.
Text keeps a contrast of 4.5:1 on every ground it may stand on, in light and dark."""

from __future__ import annotations

import re
from functools import cache

PALETTE = {  # by name, in light and in dark
    "ink": ("#1c2430", "#e6e9ee"),
    "paper": ("#ffffff", "#1d2229"),
    "fill": ("#ffffff", "#262c35"),
    "on": ("#ffffff", "#10151b"),  # words on a badge
    "done": ("#1a6b31", "#7ddc8f"),
    "done-fill": ("#e9f6ec", "#17301e"),
    "active": ("#0b5cad", "#7ab8ff"),
    "active-fill": ("#e4f0fc", "#14304f"),
    "failed": ("#b3261e", "#ff9a92"),
    "failed-fill": ("#fdeceb", "#421b18"),
    "waiting": ("#7a4b00", "#ffc966"),
    "waiting-fill": ("#fff3d6", "#3a2c0c"),
}
STATES = ("done", "active", "failed", "waiting")

RULES = """\
.bpmn{color:var(--bpmn-ink);font:12px Arial,Helvetica,"Liberation Sans",sans-serif;max-width:100%;height:auto}
.bpmn text{fill:currentColor;stroke:none;text-anchor:middle}
.bpmn .left{text-anchor:start}
.bpmn .halo{paint-order:stroke;stroke:var(--bpmn-paper);stroke-width:3px;stroke-linejoin:round}
.bpmn .canvas{fill:var(--bpmn-paper)}
.bpmn .box{fill:var(--bpmn-fill);stroke:currentColor;stroke-width:1.6}
.bpmn .hollow,.bpmn .box.hollow{fill:none}
.bpmn .scope{fill:var(--bpmn-paper)}
.bpmn .line{fill:none;stroke:currentColor;stroke-width:1.6}
.bpmn .thin{fill:none;stroke:currentColor;stroke-width:1.2}
.bpmn .thick,.bpmn .box.thick{stroke-width:4}
.bpmn .bold{stroke-width:3}
.bpmn .solid{fill:currentColor;stroke:currentColor;stroke-width:1}
.bpmn .open{fill:var(--bpmn-paper);stroke:currentColor;stroke-width:1.2}
.bpmn .inverse{fill:none;stroke:var(--bpmn-fill);stroke-width:1.4}
.bpmn .shade{fill:currentColor;fill-opacity:.14;stroke:currentColor}
.bpmn .dashed{stroke-dasharray:6 4}
.bpmn .dotted{stroke-dasharray:1.6 4;stroke-linecap:round}
.bpmn .dashdot{stroke-dasharray:9 4 2 4}
.bpmn .badge{fill:currentColor;stroke:var(--bpmn-paper);stroke-width:1.5}
.bpmn .glyph{fill:none;stroke:var(--bpmn-on);stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round}
.bpmn .said{fill:var(--bpmn-on);font-weight:bold;font-size:11px}
.bpmn .done{color:var(--bpmn-done)}
.bpmn .active{color:var(--bpmn-active)}
.bpmn .failed{color:var(--bpmn-failed)}
.bpmn .waiting{color:var(--bpmn-waiting)}
.bpmn .done .box{fill:var(--bpmn-done-fill);stroke-width:2.2}
.bpmn .active .box{fill:var(--bpmn-active-fill);stroke-width:4}
.bpmn .failed .box{fill:var(--bpmn-failed-fill);stroke-width:4}
.bpmn .waiting .box{fill:var(--bpmn-waiting-fill);stroke-width:4}
.bpmn .done .box.thick,.bpmn .active .box.thick,.bpmn .failed .box.thick,.bpmn .waiting .box.thick{stroke-width:5.5}
.bpmn .done .box.scope,.bpmn .active .box.scope,.bpmn .failed .box.scope,.bpmn .waiting .box.scope{fill:var(--bpmn-paper)}
.bpmn .done .box.hollow,.bpmn .active .box.hollow,.bpmn .failed .box.hollow,.bpmn .waiting .box.hollow{fill:none}
.bpmn .done>.line{stroke-width:2.6}
.bpmn .active>.line,.bpmn .failed>.line,.bpmn .waiting>.line{stroke-width:3.4}
"""

SIZES = """\
.bpmn.large{min-width:75rem}
.bpmn.huge{min-width:160rem}
"""  # within a page wide pictures shrink only as far as they can be read; what is around them scrolls

PROPERTY = re.compile(r"var\(--bpmn-([a-z-]+)\)")
CONTRAST = {name: "Canvas" if name in ("paper", "fill", "on") or name.endswith("-fill") else "CanvasText" for name in PALETTE}


def page_css() -> str:
    """The rules for pages: colours are custom properties that a page may set anew, and follow its `color-scheme`."""
    colours = "".join(f"--bpmn-{name}:light-dark({light},{dark});" for name, (light, dark) in PALETTE.items())
    forced = "".join(f"--bpmn-{name}:{colour};" for name, colour in CONTRAST.items())
    return f":where(.bpmn){{{colours}}}\n@media (forced-colors:active){{:where(.bpmn){{{forced}}}}}\n{RULES}{SIZES}"


@cache
def file_css() -> str:
    """The same rules with plain colours, as mail programs and converters know no custom properties; dark where the reader asks for it."""
    coloured = "".join(f"{line}\n" for line in RULES.splitlines() if PROPERTY.search(line))
    return f"{_painted(RULES, 0)}@media (prefers-color-scheme:dark){{\n{_painted(coloured, 1)}}}\n"


def _painted(rules: str, scheme: int) -> str:
    return PROPERTY.sub(lambda m: PALETTE[m[1]][scheme], rules)
