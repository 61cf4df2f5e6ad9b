"""Pictures of processes: PNG, as Flowable's clients expect them, or SVG for those who say that they take it.

The picture of a definition is also a file of its deployment, `<file>.<key>.png`, which is made when it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import resvg_py
from django.http import HttpRequest, HttpResponse

from engine.api.headers import header
from engine.errors import BadInput
from engine.models import Definition, Deployment, Instance
from engine.runtime import definitions, progress

PNG, SVG = "image/png", "image/svg+xml"
LARGEST = 4000  # pixels on the longer side of a PNG; a larger drawing is made smaller
_SIZE = re.compile(r'\bviewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"')


def file_name(row: Definition) -> str | None:
    """What the picture is called among the files of the deployment, after Flowable; None for a model that was not drawn."""
    if not row.has_diagram:
        return None
    endings = sorted(definitions.MODELS, key=len, reverse=True)
    ending = next((ending for ending in endings if row.resource.lower().endswith(ending)), "")
    return f"{row.resource[: len(row.resource) - len(ending)]}.{row.key}.png"


def of_deployment(deployment: Deployment) -> Iterator[tuple[str, Definition]]:
    """The pictures among the files of a deployment, by their names."""
    for row in Definition.objects.filter(deployment=deployment, has_diagram=True).order_by("key"):
        yield str(file_name(row)), row


def answer(request: HttpRequest, definition: Definition, instance: Instance | None = None) -> HttpResponse:
    """A definition's picture, with the marks of an instance if one is given; raises BadInput where nothing is drawn."""
    if not definition.has_diagram:
        raise BadInput("the model has no diagram information")
    if SVG in (header(request, "Accept") or ""):
        return content(progress.svg(definition, instance, standalone=True).encode(), SVG, Vary="Accept")
    return content(png(definition, instance), PNG, Vary="Accept")


def png(definition: Definition, instance: Instance | None = None) -> bytes:
    """The same picture in pixels, none of its sides longer than LARGEST."""
    svg = progress.svg(definition, instance, standalone=True)
    found = _SIZE.search(svg)
    width, height = (float(found[1]), float(found[2])) if found else (LARGEST, LARGEST)
    scale = min(1.0, LARGEST / max(width, height, 1.0))
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, width=max(1, round(width * scale)), height=max(1, round(height * scale))))


def content(data: bytes, kind: str, **more: str) -> HttpResponse:
    """Bytes that somebody uploaded: never rendered by a browser as a page of this site."""
    policy = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
    return HttpResponse(data, content_type=kind, headers={"X-Content-Type-Options": "nosniff", "Content-Security-Policy": policy, **more})
