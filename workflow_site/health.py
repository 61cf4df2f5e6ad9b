"""What machines ask: is the process there (`/healthz`), can it serve (`/readyz`)."""

from __future__ import annotations

from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@transaction.non_atomic_requests
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers; touches nothing."""
    return JsonResponse({"status": "ok"})


@transaction.non_atomic_requests
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 if the database answers and is migrated, else 503 with what is missing."""
    missing = _missing()
    return JsonResponse({"status": missing or "ok"}, status=503 if missing else 200)


def _missing() -> str | None:
    try:
        executor = MigrationExecutor(connection)
        return "migrations to apply" if executor.migration_plan(executor.loader.graph.leaf_nodes()) else None
    except DatabaseError:
        return "the database does not answer"
