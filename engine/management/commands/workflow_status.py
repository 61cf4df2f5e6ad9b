"""`manage.py workflow_status`: how the queue stands, for people and for monitoring."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from engine.runtime.queue import Standing, standing

WELL, NO_WORKER, OVERDUE = 0, 1, 2


class Command(BaseCommand):
    help = "Shows jobs by state and kind, the oldest due one, and the workers. Exit code: 0 well, 1 no worker is alive, 2 jobs are overdue."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object on one line")
        parser.add_argument("--overdue", type=float, default=60.0, metavar="SECONDS", help="so late may a job begin (default: 60)")

    def handle(self, *args: Any, **options: Any) -> None:
        found = standing()
        code = verdict(found, options["overdue"])
        self.stdout.write(json.dumps(_as_json(found, code)) if options["json"] else "\n".join(_as_text(found)))
        self.stdout.flush()
        if code:
            sys.exit(code)


def verdict(found: Standing, limit: float) -> int:
    """The exit code; late jobs weigh more than missing workers, for they are what counts."""
    if found.overdue > limit:
        return OVERDUE
    return WELL if found.workers else NO_WORKER


def _as_json(found: Standing, code: int) -> dict[str, Any]:
    return {
        "status": ["ok", "no worker", "overdue"][code],
        "jobs": [{"state": state, "kind": kind, "count": n} for (state, kind), n in sorted(found.counts.items())],
        "overdue_seconds": round(found.overdue, 3),
        "workers": [{"id": w.pk, "host": w.host, "pid": w.pid, "done": w.done, "failed": w.failed} for w in found.workers],
        "last_minute": dict(found.last_minute),
    }


def _as_text(found: Standing) -> list[str]:
    jobs = [f"  {n:>8}  {state}, {kind}" for (state, kind), n in sorted(found.counts.items())]
    workers = [f"  {w}: {w.done} done, {w.failed} failed, up since {w.started:%Y-%m-%d %H:%M:%S} UTC" for w in found.workers]
    minute = ", ".join(f"{n} {outcome}" for outcome, n in sorted(found.last_minute.items()))
    return [
        "Jobs", *(jobs or ["  none"]),
        "Workers", *(workers or ["  none is alive"]),
        f"The oldest due job has been waiting for {found.overdue:.1f} s." if found.overdue else "No job is due that is not being run.",
        f"In the last minute: {minute or 'nothing'}.",
    ]  # fmt: skip
