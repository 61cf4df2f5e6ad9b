"""How wide words are, and where lines break: estimated, as a server has no font to measure with.
The widths are Helvetica's (Arial and Liberation Sans share them), which the style sheet names first."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

LINE = 7 / 6  # height of a line by font size

# Thousandths of the font size by character.
WIDTHS_OF = {
    191: "'",
    222: "ijl",
    260: "|",
    278: " !,./:;I[\\]ft",
    333: "-()`r",
    334: "{}",
    355: '"',
    389: "*",
    469: "^",
    500: "Jckszvxy",
    556: "#$0123456789?L_abdeghnopqu",
    584: "+<=>~",
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1015: "@",
}
WIDTHS = {character: width for width, characters in WIDTHS_OF.items() for character in characters}
OTHER = 600
WIDE = 1000
SAFETY = 1.03  # fonts that stand in for Helvetica are a little wider


@lru_cache(maxsize=4096)
def _width_of(character: str) -> int:
    if character in WIDTHS:
        return WIDTHS[character]
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn"):
        return 0
    base = unicodedata.normalize("NFD", character)[0]
    if base != character:
        return _width_of(base)
    return WIDE if unicodedata.east_asian_width(character) in "WF" else OTHER


def width_of(text: str, size: float) -> float:
    """The width of one line in pixels at a font size of `size` pixels."""
    return sum(map(_width_of, text)) * size * SAFETY / 1000


def height_of(lines: int, size: float) -> float:
    return lines * size * LINE


def wrap(text: str, width: float, size: float) -> list[str]:
    """Break text into lines of at most `width` pixels: at its own line breaks, then at spaces, then within words too long for a line."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        lines += _fill(paragraph.split(), width, size)
    return lines


def _fill(words: list[str], width: float, size: float) -> list[str]:
    lines: list[str] = []
    for word in words:
        first, *rest = _pieces(word, width, size)
        if lines and width_of(f"{lines[-1]} {first}", size) <= width:
            lines[-1] += f" {first}"
        else:
            lines.append(first)
        lines += rest
    return lines


def _pieces(word: str, width: float, size: float) -> list[str]:
    """A word as it stands, or cut where it gets too long, best after a hyphen, an underscore, a dot, or before a capital."""
    pieces: list[str] = []
    while word and width_of(word, size) > width:
        end = _longest(word, width, size)
        seam = max((i for i in range(max(2, end // 4), end + 1) if _is_seam(word, i)), default=end)
        pieces.append(word[:seam])
        word = word[seam:]
    return [*pieces, word] if word else pieces


def _longest(word: str, width: float, size: float) -> int:
    used, limit = 0, width * 1000 / (size * SAFETY)
    for position, character in enumerate(word):
        used += _width_of(character)
        if used > limit:
            return max(1, position)
    return len(word)


def _is_seam(word: str, position: int) -> bool:
    before, after = word[position - 1], word[position : position + 1]
    return before in "-_./:" or (before.islower() and after.isupper())


def squeeze(text: str, width: float, height: float, size: float, smallest: float = 9.0) -> tuple[list[str], float]:
    """Lines and font size with which text fits a box, shrinking first, then cutting the end off with an ellipsis."""
    lines = wrap(text, width, size)
    while height_of(len(lines), size) > height and size > smallest:
        size -= 1
        lines = wrap(text, width, size)
    room = max(1, int(height / (size * LINE)))
    return (lines, size) if len(lines) <= room else ([*lines[: room - 1], _ellipsis(lines[room - 1], width, size)], size)


def _ellipsis(line: str, width: float, size: float) -> str:
    while line and width_of(line + "…", size) > width:
        line = line[:-1]
    return line.rstrip() + "…"


def narrowest(text: str, lines: int, width: float, size: float) -> float:
    """The least width, from `width` on, with which text takes no more than `lines` lines."""
    widest = max((width_of(p, size) for p in text.splitlines()), default=0.0)
    lines = max(lines, len([p for p in text.splitlines() if p.strip()]))
    while width < widest and len(wrap(text, width, size)) > lines:
        width += size
    return min(width, max(width, widest))
