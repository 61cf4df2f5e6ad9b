"""The HTTP task: `requestMethod`, `requestUrl`, `requestHeaders`, `requestBody` ... with `requests`; Flowable's fields and results.

Redirects are not followed with credentials, an answer is read up to `ENGINE_MAX_BODY`, and a wait ends after `ENGINE_HANDLER_TIMEOUT`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import requests

from engine.conf import settings as conf
from engine.errors import BpmnError, HandlerError
from engine.interpreter.journal import Answer, Invocation

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


def request(call: Invocation) -> Answer:
    """Make one request; raises HandlerError when it fails, BpmnError `HTTP<status>` for a status the model handles."""
    fields = {k: v for k, v in call.fields.items() if v is not None}
    method = str(fields.get("requestMethod", "GET")).upper()
    if method not in METHODS:
        raise HandlerError(f"{call.node}: {method!r} is no HTTP method")
    try:
        status, text, headers = _exchange(method, fields)
    except requests.RequestException as error:
        if _true(fields, "ignoreException"):
            return Answer(set={f"{_prefix(call, fields)}ErrorMessage": str(error)})
        raise HandlerError(f"{call.node}: {error}") from error
    _judge(call, fields, status)
    return Answer(set=_results(call, fields, status, text, headers))


def _exchange(method: str, fields: Mapping[str, Any]) -> tuple[int, str, str]:
    body = fields.get("requestBody")
    sent = json.dumps(body) if isinstance(body, dict | list) else str(body) if body is not None else None
    with requests.request(
        method, str(fields.get("requestUrl", "")), headers=_headers(str(fields.get("requestHeaders", ""))),
        data=sent.encode() if sent is not None else None, timeout=_timeout(fields),
        allow_redirects=not _true(fields, "disallowRedirects"), stream=True,
    ) as answer:  # fmt: skip
        content = answer.raw.read(conf.MAX_BODY + 1, decode_content=True)
        if len(content) > conf.MAX_BODY:
            raise requests.RequestException(f"the answer is larger than {conf.MAX_BODY} bytes")
        listed = "\n".join(f"{k}: {v}" for k, v in answer.headers.items())
        return answer.status_code, content.decode(answer.encoding or "utf-8", "replace"), listed


def _headers(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines() if line.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _timeout(fields: Mapping[str, Any]) -> float:
    """`requestTimeout` is in milliseconds; the setting is the most."""
    return min(float(fields["requestTimeout"]) / 1000, conf.HANDLER_TIMEOUT) if fields.get("requestTimeout") else conf.HANDLER_TIMEOUT


def _judge(call: Invocation, fields: Mapping[str, Any], status: int) -> None:
    """`handleStatusCodes` become business errors, `failStatusCodes` technical ones (`4XX` stands for a hundred)."""
    if _listed(fields.get("handleStatusCodes"), status):
        raise BpmnError(f"HTTP{status}")
    if _listed(fields.get("failStatusCodes"), status):
        raise HandlerError(f"{call.node}: HTTP status {status}")


def _listed(codes: Any, status: int) -> bool:
    wanted = [c.strip().upper() for c in str(codes or "").split(",") if c.strip()]
    return str(status) in wanted or f"{status // 100}XX" in wanted


def _results(call: Invocation, fields: Mapping[str, Any], status: int, text: str, headers: str) -> dict[str, Any]:
    prefix = _prefix(call, fields)
    value: Any = text
    if _true(fields, "saveResponseVariableAsJson"):
        try:
            value = json.loads(text)
        except ValueError as error:
            raise HandlerError(f"{call.node}: the answer is no JSON") from error
    results = {str(fields.get("responseVariableName") or f"{prefix}ResponseBody"): value}
    if _true(fields, "saveResponseParameters"):
        results |= {f"{prefix}ResponseStatusCode": status, f"{prefix}ResponseHeaders": headers}
    return results


def _prefix(call: Invocation, fields: Mapping[str, Any]) -> str:
    return str(fields.get("resultVariablePrefix") or call.node)


def _true(fields: Mapping[str, Any], name: str) -> bool:
    return str(fields.get(name, "")).lower() == "true"
