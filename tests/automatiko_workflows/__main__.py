"""Deploys the workflows to a running site: `python -m tests.automatiko_workflows http://127.0.0.1:8000 [name:password]`."""

from __future__ import annotations

import base64
import sys
import uuid
from collections.abc import Iterable
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

from tests.automatiko_workflows import FILES


def main(base: str, who: str = "admin:test", *, files: Iterable[Path] = FILES) -> None:
    """One deployment a file, in the name of somebody who may deploy."""
    for path in files:
        mark = uuid.uuid4().hex
        head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{path.name}"\r\nContent-Type: text/xml\r\n\r\n'
        body = head.encode() + path.read_bytes() + f"\r\n--{mark}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={mark}",
            "Authorization": "Basic " + base64.b64encode(who.encode()).decode(),
        }
        request = Request(f"{base.rstrip('/')}/api/repository/deployments", body, headers)
        with build_opener(ProxyHandler({})).open(request, timeout=300) as answer:
            print(f"{answer.status} {path.name}")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
