"""`manage.py workflow_cluster`: runs jobs in the foreground until SIGTERM or SIGINT, and keeps itself running until then."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

NAME = "workflow"


class Command(BaseCommand):
    help = "Runs the workflow cluster: the processes that do asynchronous steps, timers and retries."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workers", type=int, help="worker processes (default: the setting of the cluster)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Begin again with the environment that django-q2 read its settings from, if that was another cluster's."""
        if os.environ.get("Q_CLUSTER_NAME") != NAME:
            os.environ["Q_CLUSTER_NAME"] = NAME
            self.stdout.flush()
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  # ourselves, with the same arguments
        from engine.runtime import cluster  # noqa: PLC0415  # django-q2 reads the environment when it is imported

        sys.exit(cluster.serve(workers=options["workers"], verbose=options["verbosity"] > 1))
