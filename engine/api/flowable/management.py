"""`management/*` beside the jobs: what engine this is, and dead letters in bulk."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

from engine.api.body import Json, one_of
from engine.api.dialect import each, page
from engine.api.flowable.table import routes
from engine.api.router import ADMIN, Call
from engine.conf import settings, table
from engine.errors import BadInput, NotFound
from engine.models import Job
from engine.runtime import access, jobs, queries
from engine.runtime.queries import Listing

NAME = "towpath"


@cache
def _version() -> str:
    try:
        return version(NAME)
    except PackageNotFoundError:  # run from its sources
        return "unknown"


@routes.get("management/engine")
def engine(call: Call) -> Json:
    """Name and version of the engine."""
    return {"name": NAME, "version": _version(), "resourceUrl": None, "exception": None}


@routes.get("management/properties", ADMIN)
def properties(call: Call) -> Json:
    """The engine's settings."""
    access.check_operate(call.user)
    return {row.full: str(getattr(settings, row.name)) for row in table()}


# -- what Flowable has and this engine needs not ---------------------------------------------------------------------------
def nothing(call: Call) -> Json:
    """Nothing: history is written at once, and what an operator does in bulk is done at once."""
    access.check_operate(call.user)
    return page(call, _NONE, call.params, each(str))


_SORTS = ("id", "createTime", "dueDate", "executionId", "processInstanceId", "retries", "tenantId")
_NONE: Listing[Job] = Listing("job", lambda user: Job.objects.none(), {}, dict.fromkeys(_SORTS, "pk"), "id")

for _path in ("management/history-jobs", "management/batches"):
    routes.get(_path, ADMIN)(nothing)


@routes.get("management/history-jobs/{job}", ADMIN)
def history_job(call: Call, job: str) -> None:
    """There is none; raises NotFound."""
    raise NotFound(f"there is no history job {job[:60]!r}")


@routes.delete("management/history-jobs/{job}", ADMIN)
def delete_history_job(call: Call, job: str) -> None:
    """There is none; raises NotFound."""
    history_job(call, job)


@routes.post("management/history-jobs/{job}", ADMIN, status=204)
def act_on_history_job(call: Call, job: str) -> None:
    """There is none; raises BadInput for an action that is not `execute`, else NotFound."""
    one_of({"execute": history_job}, call.sent)(call, job)


# -- dead letters -----------------------------------------------------------------------------------------------------------
@routes.post("management/deadletter-jobs", ADMIN, status=204)
def act(call: Call) -> None:
    """Move many dead letters back at once (`jobIds`); none if one of them is not there."""
    action = one_of({"move": jobs.move_all}, call.sent)
    if call.sent.all.get("jobIds") is None:
        raise BadInput("jobIds is missing", "jobIds")
    if not call.sent.all["jobIds"]:
        raise NotFound("there is no job to move")
    rows = [queries.jobs[Job.State.DEAD].one(call.user, key) for key in call.sent.texts("jobIds")]
    action([row.pk for row in rows], user=call.user)
