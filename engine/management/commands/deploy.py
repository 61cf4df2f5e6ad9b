"""`manage.py deploy FILE...`: deploys models, forms and archives, and lists everything that is wrong with them."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from engine.errors import DeploymentError, Problem
from engine.models import Deployment
from engine.runtime import definitions


class Command(BaseCommand):
    help = "Deploys models (.bpmn), forms (.form) and archives (.zip, .bar, a modeler's app export). All or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="several files are one deployment, so that forms are found")
        parser.add_argument("--name", help="the deployment's name (default: the first file's)")
        parser.add_argument("--tenant", default="", help="whose processes they are")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            uploads = {path.name: path.read_bytes() for path in options["files"]}
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from None
        try:
            made = definitions.deploy_uploads(uploads, name=options["name"], tenant=options["tenant"])
        except DeploymentError as error:
            raise CommandError("\n".join([_count(error.problems), *map(str, error.problems)])) from None
        self._tell(made)

    def _tell(self, made: Deployment) -> None:
        for warning in getattr(made, "warnings", ()):
            self.stderr.write(self.style.WARNING(f"warning: {warning}"))
        for definition in made.definitions.order_by("key"):
            self.stdout.write(f"{definition.key}, version {definition.version}: {definition.name or definition.key}")
        self.stdout.write(self.style.SUCCESS(f"{made.name} is deployed."))


def _count(problems: tuple[Problem, ...]) -> str:
    return f"Nothing was deployed: there {'is 1 problem' if len(problems) == 1 else f'are {len(problems)} problems'}."
