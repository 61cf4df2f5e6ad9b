"""The web as an operator has it: granian with two processes, on the database of the test; and a site made ready for it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from tests.chaos.cluster import ROOT, until

PREPARE = """
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from engine import runtime
from tests.chaos.client import KEY, STEPS, TIMED
from tests.runtime.models import handler, model

call_command("migrate", verbosity=0)
User.objects.create_superuser("admin", "admin@example.org", "test")
steps = [handler(name, "slow", 'flowable:async="true"') for name in STEPS]
runtime.deploy({"storm.bpmn": model(*steps, key=KEY)}, name=KEY)
timer = "<timerEventDefinition><timeDuration>PT3S</timeDuration></timerEventDefinition>"
wait = f'<intermediateCatchEvent id="wait">{timer}</intermediateCatchEvent>'
runtime.deploy({"timed.bpmn": model(wait, *steps, key=TIMED)}, name=TIMED)
"""


def environment(**settings: object) -> dict[str, str]:
    """That of every process of the site."""
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.chaos.settings", **{name: str(value) for name, value in settings.items()}}


def prepare(**settings: object) -> None:
    """Migrates, makes the user `admin`, and deploys the process that the client starts."""
    subprocess.run([sys.executable, "-c", PREPARE], cwd=ROOT, env=environment(**settings), check=True)


class Web:
    """`with Web(DATABASE_URL=...) as web:` answers at `web.url`."""

    def __init__(self, **settings: object) -> None:
        self.environment = environment(**settings)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Web:
        self.folder = tempfile.TemporaryDirectory(prefix="towpath-chaos-web-")
        self.log = Path(self.folder.name) / "log"
        self.start()
        return self

    def start(self) -> None:
        options = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "2", "--blocking-threads", "4"]
        command = [sys.executable, "-m", "granian", *options, "--no-ws", "--respawn-failed-workers", "workflow_site.wsgi:application"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True)
        until(self.answers, 30)

    def answers(self) -> bool:
        try:
            with urlopen(f"{self.url}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def __exit__(self, *_: Any) -> None:
        sys.stdout.write(self.log.read_text()[-20_000:])
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        self.folder.cleanup()
