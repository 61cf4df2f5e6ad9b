"""What a step of the interpreter costs, in memory: µs a step at growing sizes, and bytes of state a token. Run: `python tests/benchmarks/bench_interpreter.py`."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "interpreter")]

from built import Quiet, graph  # noqa: E402
from test_limits import cost, fork, looping, nested, rounds, row  # noqa: E402 - the path comes first

from engine import interpreter  # noqa: E402
from engine.bpmn.graph import Graph, Loop, Node, UserTask  # noqa: E402
from engine.interpreter.journal import Begin  # noqa: E402
from engine.interpreter.state import Facts  # noqa: E402

KINDS: list[tuple[str, Callable[[int], Graph], tuple[int, ...], dict[str, Any]]] = [
    ("tasks in a row", row, (10, 100, 1_000), {}),
    ("branches of a fork", fork, (10, 100, 1_000), {}),
    ("parallel rounds", rounds, (10, 100, 1_000, 10_000), {}),
    ("sub-processes deep", nested, (10, 100, 200), {}),
    ("rounds of a loop with a script", looping, (10, 100, 1_000, 10_000), {"n": 0}),
]


def bytes_of_state(tokens: int) -> float:
    """Bytes of memory for each of so many tokens that wait in a user task."""
    task = Node(id="t", type="userTask", loop=Loop(cardinality=str(tokens)), detail=UserTask())
    one = graph([Node(id="s", type="startEvent"), task], [("s", "t", None)])
    state = interpreter.start(one, Facts("i", "d", "p"), Begin(), Quiet()).state
    tracemalloc.start()
    kept = state.copy()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return used / len(kept.tokens)


def main() -> None:
    """Print the figures, and how each compares with the straight line's."""
    line = cost(iter([row(1_000)]))[0]
    print(f"{'':32} {'size':>8} {'µs a step':>10} {'× a row':>8}")
    for name, kind, sizes, variables in KINDS:
        for size in sizes:
            seconds = cost(iter([kind(size)]), **variables)[0]
            print(f"{name:32} {size:>8} {seconds * 1e6:>10.1f} {seconds / line:>8.1f}")
    for tokens in (10, 1_000, 10_000):
        print(f"{'bytes of state a token':32} {tokens:>8} {bytes_of_state(tokens):>10.0f}")


if __name__ == "__main__":
    main()
