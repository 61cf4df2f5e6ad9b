"""`manage.py workflow_cleanup`: removes ended instances now, as the cluster does by itself, or by another rule."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from engine.errors import NotFound
from engine.runtime import retention
from engine.runtime.retention import Rule

SAY_EVERY = 1.0  # seconds


class Command(BaseCommand):
    help = (
        "Removes instances that ended long enough ago, with all that belongs to them, in small transactions. "
        "Without options by the settings ENGINE_RETENTION_DAYS and ENGINE_RETENTION, and by what models say of themselves."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--older-than", type=float, metavar="DAYS",
            help="in place of ENGINE_RETENTION_DAYS, and with --definition also of ENGINE_RETENTION; 0: all that has ended",
        )  # fmt: skip
        parser.add_argument("--definition", metavar="KEY", help="only instances of this process, all its versions")
        parser.add_argument(
            "--batch", type=int, metavar="NUMBER", help="most instances in one transaction (default: ENGINE_RETENTION_BATCH)"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say how many would be removed")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = self._rules(options)
        if not wanted:
            self.stdout.write("Everything is kept for ever: set ENGINE_RETENTION_DAYS or ENGINE_RETENTION, or say --older-than DAYS.")
            return
        found = sum(retention.count(rule) for rule in wanted)
        self.stdout.write(f"{found} instances have ended long enough ago.")
        if not options["dry_run"]:
            self._remove(wanted, options["batch"], found)

    def _rules(self, options: dict[str, Any]) -> list[Rule]:
        days, batch = options["older_than"], options["batch"]
        if days is not None and not 0 <= days < 1_000_000:
            raise CommandError("--older-than wants a number of days, 0 or more.")
        if batch is not None and batch < 1:
            raise CommandError("--batch wants a number of instances, 1 or more.")
        try:
            return retention.rules(older_than=days, key=options["definition"])
        except NotFound as error:
            raise CommandError(str(error)) from None

    def _remove(self, wanted: list[Rule], size: int | None, found: int) -> None:
        done, said = Counter[str](), time.monotonic()
        for batch in retention.remove(wanted, size=size):
            done[batch.what] += batch.number
            if time.monotonic() - said > SAY_EVERY:
                said = time.monotonic()
                self.stdout.write(f"{done['instances']} of {found} ...")
                self.stdout.flush()
        self.stdout.write("Removed: " + (", ".join(f"{number} {what}" for what, number in done.items()) or "nothing") + ".")
