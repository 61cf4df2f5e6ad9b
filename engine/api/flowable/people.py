"""Identity links: who has to do with a task, an instance or a definition."""

from __future__ import annotations

from engine.api.body import Json
from engine.api.flowable import tasks
from engine.api.flowable.table import routes
from engine.api.router import Call
from engine.models import IdentityLink
from engine.runtime import queries


def shaped(call: Call, base: str, row: IdentityLink) -> dict[str, Json]:
    family, who = ("users", row.user) if row.user is not None else ("groups", row.group)
    return {"user": row.user, "group": row.group, "type": row.type, "url": call.url(base, "identitylinks", family, who, row.type)}


@routes.get(tasks.PATH + "/{task}/identitylinks")
def of_task(call: Call, task: str) -> Json:
    """Candidates, participants and others linked to a task, and its assignee and owner."""
    found = queries.tasks.one(call.user, task)
    rows = list(IdentityLink.objects.filter(task=found).order_by("pk"))
    rows += [IdentityLink(user=who, type=kind) for kind, who in (("assignee", found.assignee), ("owner", found.owner)) if who]
    return [shaped(call, f"{tasks.PATH}/{found.pk}", row) for row in rows]
