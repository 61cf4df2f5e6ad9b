"""Calls of what is not the interpreter's own (scripts, handlers, mails): the environment carries them out, here the answer is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.bpmn.graph import Field
from engine.interpreter import names, variables
from engine.interpreter.journal import Answer, Invocation, Lookup, Said
from engine.interpreter.run import Run
from engine.interpreter.state import Token


def invoke(
    run: Run,
    token: Token,
    kind: str,
    implementation: str,
    *,
    fields: tuple[Field, ...] = (),
    language: str = "",
    listener: str | None = None,
    task: Mapping[str, Any] | None = None,
    find: Lookup | None = None,
) -> Answer:
    """Have something carried out and write the variables it set; raises BpmnError, or any other exception for a technical failure."""
    find = find or names.lookup(run, token, event=listener)
    name = run.node(token).name if token.node else None
    call = Invocation(
        kind=kind,
        implementation=implementation,
        key=(token.number, token.node or "", run.visit(token)),
        node=token.node or "",
        node_name=name,
        token=token.number,
        facts=run.state.facts,
        variables=variables.visible(run, token),
        lookup=find,
        fields={f.name: names.evaluate(run, token, f.text, find) for f in fields},
        language=language,
        listener=listener,
        task=task,
        local=frozenset(run.state.variables.get(token.number, ())),
    )
    answer = run.env.invoke(call)
    run.now = run.env.now()  # only a call takes time: what follows it in the history is later
    _write(run, token, answer)
    return answer


def _write(run: Run, token: Token, answer: Answer) -> None:
    for name in answer.removed:
        variables.remove(run, token, name)
    variables.write_all(run, token, answer.set)
    for name, value in answer.local.items():
        variables.write_local(run, token.number, name, value)
    if answer.transient:
        run.transient.setdefault(token.number, {}).update(answer.transient)
    if answer.printed:
        run.effect(Said(token.node or "", answer.printed))
