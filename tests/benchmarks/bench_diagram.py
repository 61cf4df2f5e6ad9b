"""How long a picture takes: to lay out chains, fans and loops of 10, 100 and 1,000 nodes, and to paint them.

Run `python -m tests.benchmarks.bench_diagram`; the ratio says how the cost of a node grows from one size to the next.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from engine.bpmn import diagram, drawing

Flows = list[tuple[int, int]]

SHAPES: dict[str, Callable[[int], Flows]] = {
    "chain": lambda n: [(i, i + 1) for i in range(n - 1)],
    "fan": lambda n: [(0, i) for i in range(1, n - 1)] + [(i, n - 1) for i in range(1, n - 1)],
    "loops": lambda n: [(i, i + 1) for i in range(n - 1)] + [(i, max(0, i - 5)) for i in range(5, n, 5)],
}


def model(count: int, flows: Flows) -> bytes:
    """A process of `count` tasks with these flows."""
    nodes = "".join(f'<task id="t{i}" name="Task number {i}"/>' for i in range(count))
    links = "".join(f'<sequenceFlow id="f{i}" sourceRef="t{a}" targetRef="t{b}"/>' for i, (a, b) in enumerate(flows))
    return (
        f'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p">{nodes}{links}</process></definitions>'.encode()
    )


def best(work: Callable[[], object], rounds: int = 3) -> float:
    """Seconds of processor time of the fastest round."""
    took = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        took.append(time.process_time() - start)
    return min(took)


def measure(name: str) -> str:
    """One line for one shape: µs a node to lay out and to paint at each size, with the ratio to the size before."""
    cells, before = [], 0.0
    for count in (10, 100, 1000):
        xml = model(count, SHAPES[name](count))
        pages = drawing.read(xml)
        read, painted = best(lambda xml=xml: drawing.read(xml)), best(lambda pages=pages: diagram.paint(pages))  # type: ignore[misc]
        each = (read + painted) / count * 1e6
        ratio = f" x{each / before:.1f}" if before else ""
        cells.append(f"{count:>5}: {read / count * 1e6:6.0f} + {painted / count * 1e6:5.0f} µs{ratio:6}")
        before = each
    return f"{name:6} {'  '.join(cells)}"


if __name__ == "__main__":
    for name in SHAPES:
        sys.stdout.write(measure(name) + "\n")
