"""Whatever is drawn: no token is lost or doubled, everything ends or rests in a wait state, and the asynchronous flag changes no outcome."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import pairwise

from built import Quiet, graph
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import interpreter
from engine.bpmn.graph import Graph, Loop, Node, UserTask
from engine.interpreter.journal import Begin, Change, Completed, Entered, Left, Ran
from engine.interpreter.state import ROOT, Facts, State

LEAF = st.sampled_from(["task", "userTask"])
MANY = st.sampled_from(
    [None, Loop(cardinality="0"), Loop(cardinality="3"), Loop(cardinality="2", sequential=True), Loop(standard=True, maximum=2)]
)
BLOCKS = st.recursive(
    st.tuples(LEAF, MANY),
    lambda inner: st.one_of(
        st.tuples(st.just("row"), st.lists(inner, min_size=1, max_size=3)),
        st.tuples(
            st.sampled_from(["parallelGateway", "inclusiveGateway", "exclusiveGateway", "ends"]), st.lists(inner, min_size=2, max_size=3)
        ),
        st.tuples(st.just("subProcess"), inner, MANY),
    ),
    max_leaves=12,
)


@dataclass
class Drawing:
    """Turns blocks into nodes and flows; every block has one way in and one way out."""

    nodes: list[Node] = field(default_factory=list)
    links: list[tuple[str, str, str | None]] = field(default_factory=list)

    def node(self, kind: str, parent: str | None, **more: object) -> str:
        name = f"{kind}{len(self.nodes)}"
        self.nodes.append(Node(id=name, type=kind, parent=parent, **more))  # type: ignore[arg-type]
        return name

    def link(self, source: str, target: str, condition: str | None = None) -> None:
        self.links.append((source, target, condition))

    def block(self, block: tuple, parent: str | None) -> tuple[str, str]:  # type: ignore[type-arg]
        match block:
            case ("task" | "userTask" as kind, loop):
                one = self.node(kind, parent, loop=loop, detail=UserTask() if kind == "userTask" else None)
                return one, one
            case ("row", parts):
                ends = [self.block(part, parent) for part in parts]
                for (_, before), (after, _) in pairwise(ends):
                    self.link(before, after)
                return ends[0][0], ends[-1][1]
            case ("subProcess", inside, loop):
                scope = self.node("subProcess", parent, loop=loop)
                self.whole(inside, scope)
                return scope, scope
            case ("ends", parts):
                return self.parted("parallelGateway", parts, parent, joins=1)
            case (kind, parts):
                return self.parted(kind, parts, parent, joins=len(parts))
        raise AssertionError(block)

    def parted(self, kind: str, parts: list[tuple], parent: str | None, joins: int) -> tuple[str, str]:  # type: ignore[type-arg]
        """Branches that part at a gateway; `joins` of them meet again, the others end by themselves."""
        fork, join = self.node(kind, parent), self.node(kind, parent)
        for number, part in enumerate(parts):
            first, last = self.block(part, parent)
            taken = kind == "parallelGateway" or number == 0 or (kind == "inclusiveGateway" and number == 2)
            self.link(fork, first, None if kind == "parallelGateway" else f"${{{str(taken).lower()}}}")
            self.link(last, join if number < joins else self.node("endEvent", parent))
        return fork, join

    def whole(self, block: tuple, scope: str | None) -> None:  # type: ignore[type-arg]
        first, last = self.block(block, scope)
        self.link(self.node("startEvent", scope), first)
        self.link(last, self.node("endEvent", scope))


def drawn(block: tuple, asynchronous: bool = False) -> Graph:  # type: ignore[type-arg]
    """The process of a block, with every node flagged async or none."""
    drawing = Drawing()
    drawing.whole(block, None)
    return graph([replace(n, asynchronous=asynchronous) for n in drawing.nodes], drawing.links)


def check(state: State) -> None:
    """Every scope counts what is open in it, and every other token waits for something."""
    for token in state.tokens.values():
        below = [t for t in state.tokens.values() if t.parent == token.number]
        if token.scope:
            assert token.counters["open"] == len(below) > 0, token
        else:
            assert token.wait in ("user", "job", "join"), token
            assert not below
        assert token.number == ROOT or token.parent in state.tokens
    assert state.ended == (not state.tokens)


def played(one: Graph, order: list[int]) -> tuple[Counter[str], Counter[str]]:
    """Start a process and do what it waits for, in any order, until it ends; counts what was entered and what was left."""
    entered: Counter[str] = Counter()
    left: Counter[str] = Counter()
    env = Quiet()

    def note(change: Change) -> State:
        entered.update(f.node for f in change.journal if isinstance(f, Entered))
        left.update(f.node for f in change.journal if isinstance(f, Left))
        check(change.state)
        state = change.state
        for kept in (state.added, state.changed, state.removed, state.dropped, state.past):
            kept.clear()
        state.written.clear()
        return state

    state = note(interpreter.start(one, Facts("i", "d", "p"), Begin(), env))
    for step in range(2_000):
        waiting = [t for t in state.tokens.values() if t.wait in ("user", "job")]
        if state.ended:
            return entered, left
        assert waiting, "nothing can happen any more, and it has not ended"
        token = waiting[order[step % len(order)] % len(waiting)]
        state = note(interpreter.resume(one, state, Completed(token.number) if token.wait == "user" else Ran(token.number, "async"), env))
    raise AssertionError("it does not end")


@settings(max_examples=80, deadline=None)
@given(BLOCKS, st.lists(st.integers(0, 20), min_size=1, max_size=10))
def test_every_process_ends_and_loses_no_token(block: tuple, order: list[int]) -> None:  # type: ignore[type-arg]
    entered, left = played(drawn(block), order)
    assert entered == left


@settings(max_examples=50, deadline=None)
@given(BLOCKS, st.lists(st.integers(0, 20), min_size=1, max_size=10))
def test_the_same_is_done_whether_it_is_done_at_once_or_in_jobs(block: tuple, order: list[int]) -> None:  # type: ignore[type-arg]
    at_once, _ = played(drawn(block), order)
    in_jobs, _ = played(drawn(block, asynchronous=True), order)
    assert at_once == in_jobs


@settings(max_examples=30, deadline=None)
@given(BLOCKS)
def test_the_caller_s_state_stays_as_it_was(block: tuple) -> None:  # type: ignore[type-arg]
    one, env = drawn(block), Quiet()
    state = interpreter.start(one, Facts("i", "d", "p"), Begin({"x": 1}), env).state
    before = state.copy()
    for token in [t for t in state.tokens.values() if t.wait == "user"]:
        interpreter.resume(one, state, Completed(token.number, {"x": 2}), env)
        assert state == before
