"""Description and tags that a model gives its instances: texts with expressions over the variables of the process, made anew with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.bpmn.graph import Graph
from engine.errors import ExpressionError
from engine.expressions.evaluate import evaluate
from engine.expressions.parse import parse
from engine.interpreter.state import ROOT, State

LONGEST = 255  # characters of a tag


def description(graph: Graph, variables: Mapping[str, Any]) -> str:
    """What an instance is called; without one in the model the name of the process, else its key."""
    text = graph.service.description
    return (_said(text, _known(graph, variables)) if text else None) or graph.name or graph.key


def tags(graph: Graph, state: State) -> str:
    """The tags of an instance as they are stored: one a line."""
    return made(graph, state.variables.get(ROOT, {})) if graph.service.tags else ""


def made(graph: Graph, variables: Mapping[str, Any]) -> str:
    """The same from the variables alone."""
    known = _known(graph, variables) if graph.service.tags else variables
    return lines(_said(text, known) for text in graph.service.tags)


def _known(graph: Graph, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables with those that are declared and have no value yet."""
    return {**{declared.name: None for declared in graph.data}, **variables}


def lines(texts: Any) -> str:
    """Texts as lines, each once, without those that are empty; with a line break before and after each, so that one can be searched for."""
    kept = dict.fromkeys(" ".join(text.split())[:LONGEST] for text in texts if text and text.strip())
    return "\n" + "\n".join(kept) + "\n" if kept else ""


def listed(stored: str) -> list[str]:
    """The texts again."""
    return stored.split("\n")[1:-1]


def _said(text: str, variables: Mapping[str, Any]) -> str | None:
    """A text with its expressions evaluated; None where one has no value."""
    try:
        value = evaluate(parse(text), variables.__getitem__)
    except ExpressionError:
        return None
    return None if value is None else str(value)
