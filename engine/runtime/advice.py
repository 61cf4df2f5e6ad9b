"""What a deployer should know although it prevents nothing: handlers that do not exist here, remote work that would hold a transaction."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.graph import Graph, Listener, Node, UserTask, Work
from engine.errors import Problem
from engine.runtime.handlers.calls import of_model, unknown

RESTS = frozenset({"userTask", "receiveTask", "intermediateCatchEvent", "eventBasedGateway", "callActivity"})
REMOTE = frozenset({"mail", "http"})


def warnings(graph: Graph, file: str) -> list[Problem]:
    """The warnings about one process."""
    return [*_unknown(graph, file), *_held(graph, file)]


def _unknown(graph: Graph, file: str) -> Iterator[Problem]:
    """The worker may be newer than this process, so an unknown handler is an error only when it is reached."""
    for node in graph.nodes.values():
        for said in _named(node):
            if unknown(said):
                yield Problem(f"no Python handler is registered as {said!r} here; reaching it will fail", node.id, node.line, file)


def _named(node: Node) -> Iterator[str]:
    if isinstance(node.detail, Work) and node.detail.kind in ("class", "delegateExpression"):
        yield node.detail.implementation
    listeners: tuple[Listener, ...] = node.listeners + (node.detail.listeners if isinstance(node.detail, UserTask) else ())
    for listener in listeners:
        if listener.kind in ("class", "delegateExpression"):
            yield listener.implementation


def _held(graph: Graph, file: str) -> Iterator[Problem]:
    """Remote work behind a transactional handler, with no wait state between, runs while the transaction is open."""
    for node in graph.nodes.values():
        if not _transactional(node):
            continue
        for far in _reached(graph, node):
            if _remote(far):
                text = f"remote work of {far.id!r} would run inside the transaction of {node.id!r}: make one of them asynchronous"
                yield Problem(text, far.id, far.line, file)


def _transactional(node: Node) -> bool:
    handler = of_model(node.detail.kind, node.detail.implementation) if isinstance(node.detail, Work) else None
    return handler is not None and handler.transaction


def _remote(node: Node) -> bool:
    if not isinstance(node.detail, Work):
        return False
    handler = of_model(node.detail.kind, node.detail.implementation)
    return node.detail.kind in REMOTE or (handler is not None and not handler.transaction)


def _reached(graph: Graph, node: Node) -> list[Node]:
    """What can run after a node in the same unit of work."""
    found: dict[str, Node] = {}
    todo = [] if node.async_leave else list(node.outgoing)
    while todo:
        target = graph.nodes[graph.flows[todo.pop()].target]
        if target.id in found or target.asynchronous:
            continue
        found[target.id] = target
        if target.type not in RESTS and not target.async_leave:
            todo += target.outgoing
    return list(found.values())
