"""Execution listeners: called at the start and end of a node or process, and when a flow is taken (Flowable's executionListener)."""

from __future__ import annotations

from engine.bpmn.graph import Listener
from engine.interpreter.invoke import invoke
from engine.interpreter.run import Run
from engine.interpreter.state import Token


def call(run: Run, token: Token, listeners: tuple[Listener, ...], event: str) -> None:
    """Call the listeners of an event, in document order; an error in one fails the step (or is a BpmnError of the node)."""
    for listener in listeners:
        if listener.event == event:
            invoke(run, token, listener.kind, listener.implementation, fields=listener.fields, language=listener.language, listener=event)
