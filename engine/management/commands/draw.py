"""`manage.py draw FILE`: the picture of a BPMN file as SVG, with the states of elements if given."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from engine.bpmn import diagram, drawing
from engine.errors import BadInput


class Command(BaseCommand):
    help = "Draw a BPMN file as SVG, to standard output or a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the BPMN file")
        parser.add_argument("--out", type=Path, help="where to write the SVG (default: standard output)")
        parser.add_argument("--states", default="", help="states of elements: id=done,id=active,id=failed,id=waiting")
        parser.add_argument("--badges", default="", help="words beside elements: id=words,id=words")
        parser.add_argument("--plane", type=int, default=0, help="which page of the file, from 0 (default: the main one)")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        try:
            pages = drawing.read(file.read_bytes())
            states, badges = _pairs(options["states"]), _pairs(options["badges"])
            svg = diagram.paint(pages, states=states, badges=badges, title=pages.name or file.name, plane=options["plane"])
            self._write(svg, options["out"])
        except (BadInput, OSError) as error:
            raise CommandError(str(error)) from error

    def _write(self, svg: str, out: Path | None) -> None:
        if out is None:
            self.stdout.write(svg)
        else:
            out.write_text(svg, encoding="utf-8")


def _pairs(text: str) -> dict[str, str]:
    """`a=done,b=active` as a dictionary."""
    parts = [part.partition("=") for part in text.split(",") if part.strip()]
    if any(not value.strip() for _, _, value in parts):
        raise CommandError("Give states and badges as id=value,id=value.")
    return {key.strip(): value.strip() for key, _, value in parts}
