"""The examples in the docs: the receiver knows our signatures, and the others are what they say."""

from __future__ import annotations

import base64
import importlib.util
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from engine.runtime.callbacks import signing

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ...").decode()


def module(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_the_receiver_takes_what_we_signed_and_nothing_else(settings: Any) -> None:
    settings.ENGINE_CALLBACK_SECRET = SECRET
    receiver, body = module("callback_receiver"), b'{"id": "x"}'
    fresh = signing.headers("id", int(time.time()), body)
    assert receiver.is_genuine(fresh, body, SECRET)
    assert not receiver.is_genuine(fresh, body + b" ", SECRET)
    assert not receiver.is_genuine(signing.headers("id", int(time.time()) - 1000, body), body, SECRET)
    assert not receiver.is_genuine({}, body, SECRET)


def test_the_scripts_can_be_read() -> None:
    subprocess.run(["sh", "-n", str(EXAMPLES / "services.sh")], check=True)
    subprocess.run([sys.executable, "-m", "py_compile", str(EXAMPLES / "services_requests.py")], check=True)
