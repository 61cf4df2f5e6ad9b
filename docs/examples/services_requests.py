"""The service API with `requests`: python docs/examples/services_requests.py [http://127.0.0.1:8000] [name] [password]

Starts a pizza order asynchronously, waits for the outcome by polling, completes the form, and aborts what is left.
"""

from __future__ import annotations

import sys
import time
import uuid

import requests

WORKFLOW = "pizza-order-slow-async"


def outcome(http: requests.Session, answer: requests.Response) -> dict[str, object]:
    """The result of an operation that was accepted with 202."""
    answer.raise_for_status()
    while True:
        found = http.get(answer.headers["Location"], timeout=10).json()
        if found["state"] in ("done", "failed"):
            return dict(found)
        time.sleep(float(answer.headers.get("Retry-After", 1)))


def main(base: str = "http://127.0.0.1:8000", name: str = "alice", password: str = "alice") -> None:  # noqa: S107  # the demo's
    http = requests.Session()
    http.auth = (name, password)
    services, key = f"{base}/services", uuid.uuid4().hex
    later = {"X-ATK-Mode": "async", "Idempotency-Key": key}

    found = outcome(http, http.post(f"{services}/{WORKFLOW}?businessKey={key}", json={}, headers=later, timeout=10))
    print("started:", found["state"], found["result"])  # noqa: T201  # an example

    (task,) = http.get(f"{services}/{WORKFLOW}/{key}/tasks", timeout=10).json()
    order = {"customername": "Alice", "deliveryaddress": "Canal Street 1", "pizza": "Marinara"}
    done = http.post(services + task["reference"], json=order, timeout=10)
    print("completed:", done.status_code, done.json())  # noqa: T201  # an example

    gone = http.delete(f"{services}/{WORKFLOW}/{key}", timeout=10)
    print("aborted:", gone.status_code)  # noqa: T201  # an example


if __name__ == "__main__":
    main(*sys.argv[1:])
