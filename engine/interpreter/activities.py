"""Tasks that the engine does itself or has done: manual, service, send, script, receive, external (BPMN 2.0, 13.3.3)."""

from __future__ import annotations

from typing import Any

from engine.bpmn.graph import Node, Script, Work
from engine.errors import BpmnError, EngineError, NotLoaded, RevisionConflict, ScriptError
from engine.interpreter import advance, names, variables
from engine.interpreter.invoke import invoke
from engine.interpreter.journal import Answer, CreateJob
from engine.interpreter.run import Run
from engine.interpreter.state import Token


def passing(run: Run, token: Token) -> None:
    """A node that does nothing by itself: plain and manual tasks, plain events, complex gateways."""
    run.plan("leave", token)


def receive(run: Run, token: Token) -> None:
    """A receive task waits until it is triggered, whatever its message (Flowable's ReceiveTaskActivityBehavior)."""
    run.rest(token, "trigger")


def script(run: Run, token: Token) -> None:
    """Run a script; its result goes into the result variable, and its own globals into variables where autoStoreVariables says so."""
    detail = run.node(token).detail
    assert isinstance(detail, Script)
    if detail.language == "juel":
        if "{" not in detail.source:
            raise ScriptError(f"the script of {token.node!r} names no language and holds no expression")
        answer = Answer(names.evaluate(run, token, detail.source))
    else:
        answer = invoke(run, token, "script", detail.source, language=detail.language)
    if detail.auto_store:
        variables.write_all(run, token, answer.globals)
    if detail.result:
        variables.write(run, token, names.text(run, token, detail.result), answer.value)
    run.plan("leave", token)


def service(run: Run, token: Token) -> None:
    """Have the work of a service, send or business rule task done; a triggerable one waits behind it for its trigger."""
    node = run.node(token)
    detail = node.detail
    assert isinstance(detail, Work)
    if detail.kind == "external-worker":
        external(run, token, node, detail)
        return
    answer = call(run, token, detail)
    if detail.result:
        keep_result(run, token, detail, names.text(run, token, detail.result), answer.value)
    if detail.triggerable:
        run.rest(token, "trigger")
    else:
        run.plan("leave", token)


def call(run: Run, token: Token, detail: Work) -> Answer:
    """Call the implementation; a technical error becomes a business error where the model maps it (Flowable's mapException)."""
    try:
        return invoke(run, token, detail.kind, detail.implementation, fields=detail.fields)
    except (BpmnError, NotLoaded, RevisionConflict):
        raise
    except Exception as error:
        code = mapped(detail, error)
        if code is None:
            raise
        raise BpmnError(code, str(error)) from error


def mapped(detail: Work, error: Exception) -> str | None:
    """The error code an exception is mapped to: by its own class, by a class above it where those count, else the default."""
    cause = error.__cause__ if isinstance(error, EngineError) and error.__cause__ is not None else error
    own, *above = [kind.__name__ for kind in type(cause).__mro__]
    for code, name, descends in detail.errors:
        short = name.rpartition(".")[2]
        if short and (short == own or (descends and short in above)):
            return code
    return next((code for code, name, _ in detail.errors if not name), None)


def keep_result(run: Run, token: Token, detail: Work, name: str, value: Any) -> None:
    """Put a result into its variable: of the scope, of the token alone, or only for the rest of this unit."""
    if detail.result_transient:
        run.transient.setdefault(token.number, {})[name] = value
    elif detail.result_local:
        variables.write_local(run, token.number, name, value)
    else:
        variables.write(run, token, name, value)


def external(run: Run, token: Token, node: Node, detail: Work) -> None:
    """Offer the work to external workers under its topic; in parameters limit what they see (Flowable's external-worker)."""
    find = names.lookup(run, token)
    given = {p.target: names.parameter(run, token, p, find) for p in detail.ins}
    run.rest(token, "external")
    run.effect(
        CreateJob(
            run.env.new_id(),
            "external",
            token.number,
            node.id,
            name=node.name,
            exclusive=node.exclusive,
            retry=node.retry,
            category=advance.job_category(run, token, node),
            topic=names.text(run, token, detail.topic or ""),
            data={"variables": given} if detail.ins else {},
        )
    )


def external_done(run: Run, token: Token, answered: dict[str, Any]) -> None:
    """An external worker has answered: its answered come in (all, or those the out parameters name), and the token goes on."""
    detail = run.node(token).detail
    assert isinstance(detail, Work)
    if detail.outs:
        find = names.lookup(run, token, extra=answered)
        answered = {p.target: names.parameter(run, token, p, find) for p in detail.outs}
    variables.write_all(run, token, answered)
    run.plan("leave", token)
