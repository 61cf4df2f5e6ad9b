"""What machines ask: is the process there (`/healthz`), can it serve (`/readyz`), how does the engine stand (`/metrics`)."""

from __future__ import annotations

import hmac
from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from engine.conf import settings as conf
from engine.runtime import access, metrics

GONE = "the database does not answer"
FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_X_REAL_IP", "HTTP_VIA")


@transaction.non_atomic_requests
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers; touches nothing."""
    return JsonResponse({"status": "ok"})


# -- ready ----------------------------------------------------------------------------------------------------------------
@transaction.non_atomic_requests
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 if the database answers and is migrated, else 503 with what is missing."""
    missing = _missing()
    return JsonResponse({"status": missing or "ok"}, status=503 if missing else 200)


migrated = False  # once seen in this process it stays so, and looking costs reading every migration


def _missing() -> str | None:
    global migrated  # noqa: PLW0603  # a fact of the process
    try:
        if not migrated:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                return "migrations to apply"
            migrated = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return GONE
    return None


# -- figures --------------------------------------------------------------------------------------------------------------
@transaction.non_atomic_requests
@never_cache
@require_safe
def prometheus(request: HttpRequest) -> HttpResponse:
    """The engine's figures: for who brings ENGINE_METRICS_TOKEN (none is set: for callers on this machine), and for operators."""
    if not _may_read(request):
        answer = HttpResponse("who asks must bring the token, or be logged in as an operator\n", "text/plain; charset=utf-8", 401)
        answer["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return answer
    try:
        return HttpResponse(*metrics.exposition(request.headers.get("Accept", "")))
    except DatabaseError:
        return HttpResponse(f"{GONE}\n", "text/plain; charset=utf-8", 503)


def _may_read(request: HttpRequest) -> bool:
    if conf.METRICS_TOKEN:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), conf.METRICS_TOKEN.encode()):
            return True
    elif _is_local(request):
        return True
    return access.sees_all(request.user)


def _is_local(request: HttpRequest) -> bool:
    """The caller is on this machine, and no proxy that speaks for callers elsewhere."""
    if settings.SECURE_PROXY_SSL_HEADER or any(name in request.META for name in FORWARDED):
        return False
    try:
        found = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return found.is_loopback
