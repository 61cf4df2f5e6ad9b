"""`/services/requests/<id>`: how far an accepted request is, also after its instance is gone."""

from __future__ import annotations

from engine.api.automatiko.asking import JSON, Call
from engine.api.router import Answer
from engine.errors import NotFound
from engine.models import Request
from engine.runtime import access, requests

WAIT = 1  # seconds after which a client may ask again


def one(call: Call, key: str) -> Answer:
    """accepted, running, done or failed, with the result; only who asked for it and operators see it."""
    call.check_accept(JSON)
    found = requests.get(key)
    if not may_see(call, found):
        raise NotFound(f"there is no request {key}")
    state = requests.state(found)
    ended = found.ended is not None
    body = {
        "id": str(found.pk), "operation": found.operation, "workflow": found.workflow, "instance": str(found.instance), "state": state,
        "status": found.status, "result": found.result, "created": found.created.isoformat(),
        "ended": found.ended.isoformat() if found.ended else None,
    }  # fmt: skip
    return Answer(200, body, {} if ended else {"Retry-After": str(WAIT)})


def may_see(call: Call, request: Request) -> bool:
    """A trusted caller sees what trusted callers asked for."""
    if isinstance(call.user, access.Persona):
        return bool((request.input.get("caller") or {}).get("persona"))
    return request.client == call.client or access.sees_all(call.user)
