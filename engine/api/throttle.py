"""How often one client may call: a bucket for each, which fills evenly; kept in each web process for itself."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from http import HTTPStatus

from engine.api.errors import Refused

MOST = 10_000  # clients that are remembered


class Throttle:
    """The buckets of one door."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # client -> (calls left, when that was so)
        self._lock = threading.Lock()

    def check(self, client: str, rate: int) -> None:
        """Count a call; raises Refused (429) where a client calls more often than `rate` times a minute (0: as often as he likes)."""
        if rate and (left := self._left(client, float(rate), time.monotonic())) < 1:
            wait = str(int((1 - left) * 60 / rate) + 1)
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, f"more than {rate} calls a minute; try again in {wait} s", Retry_After=wait)

    def _left(self, client: str, rate: float, now: float) -> float:
        """How many calls were left before this one."""
        with self._lock:
            left, then = self._buckets.pop(client, (rate, now))
            left = min(rate, left + (now - then) * rate / 60)
            self._buckets[client] = (left - 1 if left >= 1 else left, now)
            while len(self._buckets) > MOST:
                self._buckets.popitem(last=False)
        return left

    def forget(self) -> None:
        """As at the start of the process."""
        self._buckets.clear()
