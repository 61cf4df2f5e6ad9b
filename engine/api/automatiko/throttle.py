"""How often one client may call: a bucket for each, which fills evenly; kept in each web process for itself."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from http import HTTPStatus

from engine.api.errors import Refused
from engine.conf import settings as conf

MOST = 10_000  # clients that are remembered

_BUCKETS: OrderedDict[str, tuple[float, float]] = OrderedDict()  # client -> (calls left, when that was so)
_LOCK = threading.Lock()


def check(client: str) -> None:
    """Count a call; raises Refused (429) where a client calls more often than ENGINE_SERVICES_RATE a minute."""
    rate = conf.SERVICES_RATE
    if not rate:
        return
    with _LOCK:
        now = time.monotonic()
        left, then = _BUCKETS.pop(client, (float(rate), now))
        left = min(float(rate), left + (now - then) * rate / 60)
        _BUCKETS[client] = (left - 1 if left >= 1 else left, now)
        while len(_BUCKETS) > MOST:
            _BUCKETS.popitem(last=False)
    if left < 1:
        wait = str(int((1 - left) * 60 / rate) + 1)
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, f"more than {rate} calls a minute; try again in {wait} s", Retry_After=wait)


def forget() -> None:
    """As at the start of the process."""
    _BUCKETS.clear()
