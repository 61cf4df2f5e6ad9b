"""Variables read back from their rows."""

from __future__ import annotations

from typing import Any

from engine.models import Blob
from engine.runtime.store.values import COLUMNS, value_of


def decoded(rows: Any) -> dict[str, Any]:
    """Variables by name from their rows; what lies in blobs is read in one further statement."""
    found = list(rows)
    wanted = [v.blob for v in found if v.blob]
    blobs = {b.pk: bytes(b.content) for b in Blob.objects.filter(pk__in=wanted)} if wanted else {}
    return {v.name: value_of(v.type, {c: getattr(v, c) for c in COLUMNS}, blobs.get(v.blob)) for v in found}
