"""What things are called in the paths of the service API."""

from __future__ import annotations

import re

from engine.bpmn.graph import Graph, Node
from engine.models import Definition

RESERVED = frozenset({"requests", "openapi.json", "management", "docs", "image", "tags", "tasks"})
VERSION = re.compile(r"v\d[\w.]*")
_BLANKS = re.compile(r"[\s.\-]+")


def is_reserved(key: str) -> bool:
    """Whether a workflow of this id would hide an address of the service API."""
    return key.lower() in RESERVED or VERSION.fullmatch(key.lower()) is not None


def service(graph: Graph) -> str:
    """The path of a process without its own version: `orders`, or `v1/orders` where the model says which version it is."""
    return f"v{graph.service.version}/{graph.key}" if graph.service.version else graph.key


def path(definition: Definition) -> str:
    """The path of a definition, with the slash before."""
    return f"/{definition.service or definition.key}"


def segment(name: str) -> str:
    """A name as one segment: blanks, dots and dashes become underscores."""
    return _BLANKS.sub("_", name.strip())


def of_node(node: Node) -> str:
    """What a user task, signal or call is called: its name, its id where the name is an expression."""
    return segment(node.id if not node.name or "{" in node.name else node.name)


def of_task(graph: Graph, node: str) -> str:
    return of_node(graph.nodes[node]) if node in graph.nodes else segment(node)
