"""The signature of a callback (Standard Webhooks 1.0): HMAC-SHA256 of `<id>.<timestamp>.<body>`, one for each secret."""

from __future__ import annotations

import base64
import binascii
import hmac
from functools import lru_cache

from django.core.exceptions import ImproperlyConfigured

from engine.conf import settings as conf
from engine.runtime.callbacks.targets import listed

PREFIX = "whsec_"
LEAST = 24  # bytes of a secret


@lru_cache(maxsize=10)
def secrets(text: str) -> tuple[bytes, ...]:
    """The keys of ENGINE_CALLBACK_SECRET, the newest first; raises ImproperlyConfigured, whose text holds no secret."""
    return tuple(_secret(one) for one in listed(text))


def _secret(text: str) -> bytes:
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if len(key) < LEAST:
        raise ImproperlyConfigured(f"ENGINE_CALLBACK_SECRET must be {PREFIX} and at least {LEAST} bytes in base64")
    return key


def headers(key: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that tell a callback's id and time and, where there is a secret, prove them."""
    told = {"X-ATK-Delivery": key, "webhook-id": key, "webhook-timestamp": str(timestamp)}
    signed = f"{key}.{timestamp}.".encode() + body
    found = [base64.b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in secrets(conf.CALLBACK_SECRET)]
    return told | ({"webhook-signature": " ".join(f"v1,{one}" for one in found)} if found else {})
