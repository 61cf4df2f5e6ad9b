"""An instance with all that it called, as a condition on what belongs to instances: their ids first, each found by an index.

To ask of each row whether it is the instance's, or that of one with this root, would be to look at all rows of all instances.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import OuterRef, Q

from engine.models import Instance


def within(root: UUID | OuterRef) -> Q:
    """What belongs to an instance, or to one that it called at any depth."""
    top = OuterRef(root) if isinstance(root, OuterRef) else root  # it stands one query further in
    return Q(instance__in=Instance.objects.filter(Q(pk=top) | Q(root=top)).order_by().values("pk"))
