"""`manage.py workflow_cluster`: runs jobs in the foreground until SIGTERM or SIGINT, and keeps itself running until then."""

from __future__ import annotations

import json
import logging
import os
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand

from engine import tracing

NAME = "workflow"


class Command(BaseCommand):
    help = "Runs the workflow cluster: the processes that do asynchronous steps, timers and retries."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workers", type=int, help="worker processes (default: the setting of the cluster)")
        parser.add_argument(
            "--queues",
            default="",
            metavar="NAME,NAME",
            help="only jobs of these categories, or of processes with these keys (default: all)",
        )
        parser.add_argument("--log-json", action="store_true", help="each line of the log as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Begin again with the environment that django-q2 read its settings from, if that was another cluster's."""
        if os.environ.get("Q_CLUSTER_NAME") != NAME:
            os.environ["Q_CLUSTER_NAME"] = NAME
            self.stdout.flush()
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  # ourselves, with the same arguments
        from engine.runtime import cluster  # noqa: PLC0415  # django-q2 reads the environment when it is imported

        if options["log_json"]:
            log_as_json()
        queues = [name.strip() for name in options["queues"].split(",") if name.strip()]
        sys.exit(cluster.serve(workers=options["workers"], queues=queues, verbose=options["verbosity"] > 1))


class AsJson(logging.Formatter):
    """A log line for machines."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if key := tracing.of(record):
            told["request"] = key
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told)


def log_as_json() -> None:
    """Every logger's lines, wherever they go."""
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in logging.root.manager.loggerDict)]
    for handler in {handler for logger in loggers for handler in logger.handlers}:
        handler.setFormatter(AsJson())
