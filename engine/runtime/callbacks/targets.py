"""Where callbacks may go: http or https, to receivers that are allowed, never to a private address unless it is listed.

An address is checked when a request is accepted and again when the connection is made, against the address that is connected to.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from requests_hardened.ip_filter import EXTRA_BLOCKED_NET_RANGES

from engine.conf import settings as conf
from engine.errors import BadInput

FIELD = "X-ATK-Callback"
PORTS = {"http": 80, "https": 443}
LONGEST = 2000
_PLAIN = re.compile(r"[!-~]+")  # printable ASCII without blanks; everything else has to be encoded
_LABEL = r"[a-z0-9_]([a-z0-9\-_]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?|\[[0-9a-f:.]+\]")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart; `host` is in small letters and without the brackets of IPv6."""

    url: str
    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        return f"{self.scheme}://[{self.host}]:{self.port}" if ":" in self.host else f"{self.scheme}://{self.host}:{self.port}"


def parsed(url: str) -> Target:
    """An address that could be called; raises BadInput that says why not."""
    if len(url) > LONGEST or not _PLAIN.fullmatch(url) or "\\" in url:
        raise _refusal(f"an address of at most {LONGEST} characters without blanks is needed")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refusal(str(error)) from None
    _check_parts(parts)
    host = (parts.hostname or "").rstrip(".")
    return Target(url, parts.scheme, host, port or PORTS[parts.scheme], parts.path or "/")


def _check_parts(parts: SplitResult) -> None:
    if parts.scheme not in PORTS:
        raise _refusal(f"it must begin with http:// or https://, not with '{parts.scheme[:20]}'")
    if "@" in parts.netloc:
        raise _refusal("a name or password in it would be sent in the clear; configure how callbacks log in instead")
    if parts.fragment:
        raise _refusal("a fragment is never sent")
    host = parts.netloc.lower() if parts.netloc.endswith("]") else parts.netloc.lower().rpartition(":")[0] or parts.netloc.lower()
    if not _HOST.fullmatch(host):
        raise _refusal("it names no host")
    if parts.port == 0:
        raise _refusal("it names no port")


def _refusal(why: str) -> BadInput:
    return BadInput(f"the callback cannot be sent there: {why}", FIELD)


# -- patterns -------------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=500)
def _pattern(text: str) -> tuple[str, str, str, str]:
    """Scheme, host, port and beginning of the path; `*` stands for any scheme, host or port, and in a host for any letters."""
    scheme, _, rest = text.partition("://")
    place, slash, path = rest.partition("/")
    host, colon, port = place.rpartition(":") if not place.endswith("]") else (place, "", "")
    host = (host if colon else place).strip("[]").lower()
    return scheme.lower(), host, port if colon else "", slash + path.rstrip("*")


def matches(pattern: str, target: Target) -> bool:
    """Whether an address is one of those that a pattern means: `https://*.example.com/hooks/`, `http://127.0.0.1:*`, or `*` for all."""
    if pattern == "*":
        return True
    scheme, host, port, path = _pattern(pattern)
    right_port = (
        port == "*" or target.port == int(port or PORTS.get(target.scheme, 0)) if (port or "0").isdecimal() or port == "*" else False
    )
    inside = target.path == path or target.path.startswith(path if path.endswith("/") or not path else path + "/")
    return scheme in ("*", target.scheme) and fnmatchcase(target.host, host) and right_port and inside and ".." not in target.path


def listed(text: str) -> list[str]:
    """The entries of a setting with commas or blanks between them."""
    return text.replace(",", " ").split()


# -- addresses ------------------------------------------------------------------------------------------------------------
def permitted(address: Address) -> bool:
    """Whether callbacks may go to an address: a public one, or one in a network that is listed."""
    return is_listed(address) or _public(address)


def is_listed(address: Address) -> bool:
    """Whether it is in ENGINE_CALLBACK_ALLOW."""
    plain = _plain(address)
    return any(plain in network for network in _networks(conf.CALLBACK_ALLOW))


@lru_cache(maxsize=20)
def _networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(one, strict=False) for one in listed(text))


def _plain(address: Address) -> Address:
    """What is written as IPv6 and means IPv4."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _public(address: Address) -> bool:
    plain = _plain(address)
    private = plain.is_private or plain.is_loopback or plain.is_link_local or plain.is_reserved or plain.is_unspecified
    private = private or (isinstance(plain, ipaddress.IPv6Address) and plain.is_site_local)
    return plain.is_global and not private and not plain.is_multicast and not any(plain in net for net in EXTRA_BLOCKED_NET_RANGES)


def resolved(target: Target) -> list[Address]:
    """The addresses of a host, in the order in which they are to be tried; raises OSError."""
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ipaddress.ip_address(str(place[0]).partition("%")[0]) for *_, place in found))


def check(url: str) -> Target:
    """Whether callbacks may be sent to an address, as it looks now; raises BadInput. A name without address may get one later."""
    target = parsed(url)
    allowed = listed(conf.CALLBACK_TARGETS)
    if allowed and not any(matches(pattern, target) for pattern in allowed):
        raise _refusal("it is not one of the allowed receivers")
    _check_addresses(_known(target))
    return target


def _known(target: Target) -> Iterable[Address]:
    try:
        return resolved(target)
    except (OSError, UnicodeError):
        return []


def _check_addresses(addresses: Iterable[Address]) -> None:
    if not all(permitted(address) for address in addresses):
        raise _refusal("it leads to a private address")
