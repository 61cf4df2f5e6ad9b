"""A receiver of callbacks that verifies their signature: CALLBACK_SECRET=whsec_... python docs/examples/callback_receiver.py [port]

The secret is the one in ENGINE_CALLBACK_SECRET. Needs only Python's standard library.
"""

from __future__ import annotations

import base64
import hmac
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 300  # seconds that clocks may differ, and that a recorded callback could be sent again
SEEN: set[str] = set()  # of course a real receiver keeps them in its database


def is_genuine(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Whether a callback was signed with our secret, and lately (Standard Webhooks)."""
    key, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE:
        return False
    signed = f"{key}.{timestamp}.".encode() + body
    wanted = base64.b64encode(hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, "sha256")).decode()
    given = [one.partition(",")[2] for one in headers.get("webhook-signature", "").split()]
    return any(hmac.compare_digest(wanted, one) for one in given)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        genuine = is_genuine(headers, body, os.environ["CALLBACK_SECRET"])
        if genuine and headers["webhook-id"] not in SEEN:  # a callback comes at least once
            SEEN.add(headers["webhook-id"])
            print(headers["x-atk-status"], body.decode(), flush=True)  # noqa: T201  # an example
        self.send_response(204 if genuine else 401)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9000), Receiver).serve_forever()
