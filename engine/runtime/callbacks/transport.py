"""HTTP that cannot be led astray: to the checked address and no other, without redirects, cookies or proxies, and only for so long.

requests-hardened resolves a name once, refuses private addresses and connects to what it resolved. Networks that the site lists are
let through here, pinned in the same way. A watch ends a connection whose time is over, however slowly it drips.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests_hardened.client import HTTPSession
from requests_hardened.config import Config
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from engine.runtime.callbacks import targets


class OutOfTime(Exception):
    """The receiver did not answer within the time it has."""


@dataclass(slots=True, eq=False)
class Watch:
    """The time that one exchange has; whoever looks after all of them calls `look`, and a late one loses its connection."""

    until: float
    sock: socket.socket | None = None
    late: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def left(self) -> float:
        return max(0.05, self.until - time.monotonic())

    def hold(self, sock: socket.socket) -> None:
        with self.lock:
            self.sock = sock
        if self.late:
            self.look()

    def look(self) -> None:
        """Cut the connection if its time is over."""
        if time.monotonic() < self.until:
            return
        with self.lock:
            self.late = True
            if self.sock is not None:
                with suppress(OSError):
                    self.sock.shutdown(socket.SHUT_RDWR)


_CURRENT = threading.local()  # urllib3 makes the connections, and gives no way to hand them anything


def _held(connection: Any) -> None:
    watch: Watch | None = getattr(_CURRENT, "watch", None)
    if watch is not None and connection.sock is not None:
        watch.hold(connection.sock)


class _Plain(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _held(self)


class _Secure(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _held(self)


class _Once:
    """A pool that keeps no connection: a receiver who was asked to close it may be about to, and would never see what is sent next."""

    def _put_conn(self, connection: Any) -> None:
        if connection is not None:
            connection.close()
        super()._put_conn(connection)  # type: ignore[misc]  # the pool that it is mixed into has it


class _PlainPool(_Once, HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(_Once, HTTPSConnectionPool):
    ConnectionCls = _Secure


class _Adapter(IPFilterAdapter):  # type: ignore[misc]
    """The library's filter, and beside it the networks that the site lists."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        target = targets.parsed(request.url)
        try:
            address = targets.resolved(target)[0]
        except (OSError, UnicodeError, IndexError):
            raise requests.ConnectionError(f"the name {target.host} has no address") from None
        if not targets.permitted(address):
            raise InvalidIPAddress
        if not targets.is_listed(address):
            return super().build_connection_pool_key_attributes(request, verify, cert)
        host, pool = HTTPAdapter.build_connection_pool_key_attributes(self, request, verify, cert)
        spoken = f"[{target.host}]" if ":" in target.host else target.host
        request.headers["Host"] = f"{spoken}:{target.port}"
        if target.scheme == "https":
            pool.update({"assert_hostname": target.host, "server_hostname": target.host})  # type: ignore[misc]  # urllib3 takes them
        host["host"] = f"[{address}]" if address.version == 6 else str(address)
        return host, pool


class _Anywhere(HTTPAdapter):
    """For addresses that the site itself configured, such as token endpoints: no filter, the same watch."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}


def session(*, filtered: bool = True) -> requests.Session:
    """A session of one thread."""
    config = Config(ip_filter_enable=True, ip_filter_allow_loopback_ips=False, never_redirect=True, default_timeout=(10, 10))
    made: requests.Session = HTTPSession(config)
    for scheme in ("http", "https"):
        made.mount(f"{scheme}://", _Adapter(is_https_proto=scheme == "https") if filtered else _Anywhere())
    made.trust_env = False
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return made


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered: so much of its body as is kept."""

    status: int
    body: str
    retry_after: str | None = None


def post(http: requests.Session, url: str, body: bytes, headers: dict[str, str], watch: Watch, *, most: int) -> Answer:
    """POST once; raises requests.RequestException, OutOfTime."""
    _CURRENT.watch = watch
    try:
        response = http.post(
            url, data=body, headers={**headers, "Connection": "close"}, timeout=(watch.left, watch.left), stream=True, allow_redirects=False
        )
        with response:
            return Answer(response.status_code, _read(response, most), response.headers.get("Retry-After"))
    except (requests.RequestException, OSError) as error:
        if watch.late or isinstance(error, requests.Timeout):
            raise OutOfTime("no answer in time") from None
        raise
    finally:
        _CURRENT.watch = None


def _read(response: requests.Response, most: int) -> str:
    """The beginning of the body; what does not come in time, or breaks off, changes nothing about the status."""
    try:
        return bytes(response.raw.read(most, decode_content=False) or b"").decode("utf-8", "replace").replace("\0", "")
    except Exception:
        return ""


__all__ = ["Answer", "InvalidIPAddress", "OutOfTime", "Watch", "post", "session"]
