"""What completing one user task costs while many others wait in the same instance: the ratio to the same with one waiting.

    python -m tests.benchmarks.bench_large_instance [--tokens 1000] [--rounds 20]

Run it with `DATABASE_URL` set to a PostgreSQL, or below `python -m tests.postgres`; SQLite otherwise. Prints milliseconds and ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from engine import runtime  # noqa: E402
from engine.models import UserTask  # noqa: E402
from tests.runtime.models import HEAD  # noqa: E402

MODEL = (
    f'{HEAD}<process id="many"><startEvent id="s"/><sequenceFlow id="a" sourceRef="s" targetRef="u"/><userTask id="u" name="Work">'
    "<multiInstanceLoopCharacteristics><loopCardinality>${n}</loopCardinality></multiInstanceLoopCharacteristics></userTask>"
    '<sequenceFlow id="b" sourceRef="u" targetRef="e"/><endEvent id="e"/></process></definitions>'
)


def cost(tokens: int, rounds: int) -> float:
    """The median milliseconds of completing one of so many open tasks, which stay so many (but for the few completed)."""
    times = []
    instance = runtime.start("many", variables={"n": tokens + rounds if tokens > 1 else 2})
    for _ in range(rounds):
        if tokens == 1:
            instance = runtime.start("many", variables={"n": 2})
        task = UserTask.objects.filter(instance=instance.pk, state="open").first()
        began = time.perf_counter()
        runtime.complete(task.pk)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--tokens", type=int, default=1000)
    arguments.add_argument("--rounds", type=int, default=20)
    given = arguments.parse_args()
    call_command("migrate", verbosity=0)
    runtime.deploy({"many.bpmn": MODEL.encode()}, name="many")
    one, many = cost(1, given.rounds), cost(given.tokens, given.rounds)
    print(f"completing one user task: {one:.1f} ms with one more waiting, {many:.1f} ms with {given.tokens}: {many / one:.2f} x")


if __name__ == "__main__":
    main()
