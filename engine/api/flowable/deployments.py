"""`repository/deployments`: uploads, their files, and taking them away again."""

from __future__ import annotations

import mimetypes
from typing import Any

from django.http import HttpResponse

from engine.api.body import Json, check_multipart
from engine.api.dialect import each, ident, moment, page
from engine.api.flowable import pictures
from engine.api.flowable.pictures import content
from engine.api.flowable.table import routes
from engine.api.router import ADMIN, Call
from engine.conf import settings as conf
from engine.errors import BadInput, NotFound
from engine.models import Definition, Deployment, Resource
from engine.runtime import definitions, queries
from engine.runtime.queries import filters

PATH = "repository/deployments"
TAKEN = (*definitions.MODELS, *definitions.FORMS, ".zip", ".bar")


def shaped(call: Call, row: Deployment) -> dict[str, Json]:
    return {
        "id": ident(row.pk),
        "name": row.name,
        "deploymentTime": moment(row.deployed),
        "category": row.category or None,
        "key": row.key or None,
        "parentDeploymentId": ident(row.pk),
        "url": call.url(PATH, row.pk),
        "tenantId": row.tenant,
    }


@routes.get(PATH)
def listing(call: Call) -> Json:
    """The deployments."""
    return page(call, queries.deployments, call.params, each(lambda row: shaped(call, row)))


@routes.post(PATH, ADMIN, status=201)
def deploy(call: Call) -> Json:
    """Deploy files, each a model, a form or an archive, as one. All problems of what is refused are listed at once."""
    check_multipart(call.request, conf.MAX_ZIP_SIZE)
    about = {ours: _about(call, theirs) for ours, theirs in _ABOUT.items()}
    made = definitions.deploy_uploads(_uploads(call), user=call.user, name=_about(call, "deploymentName") or None, **about)
    warned: list[Json] = [
        {"message": w.message, "element": w.element, "line": w.line, "file": w.file} for w in getattr(made, "warnings", ())
    ]
    return shaped(call, made) | ({"warnings": warned} if warned else {})


def _uploads(call: Call) -> dict[str, bytes]:
    """The files that were sent, by name, whatever their fields are called; raises BadInput."""
    found: list[Any] = [file for _, files in call.request.FILES.lists() for file in files]
    names = [str(file.name or "") for file in found]
    if not found:
        raise BadInput("a file must be sent", "file")
    if any(not name.lower().endswith(TAKEN) for name in names):
        raise BadInput(f"a file must end in one of {', '.join(TAKEN)}", "file")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BadInput(f"two files are called {twice[:60]!r}", "file")
    return {name: file.read() for name, file in zip(names, found, strict=True)}


_ABOUT = {"key": "deploymentKey", "category": "category", "tenant": "tenantId"}


def _about(call: Call, name: str) -> str:
    """Given in the address, or as a field beside the file."""
    found = filters.text(name, call.params.get(name) or call.request.POST.get(name) or "")
    if len(found) > 255:
        raise BadInput(f"{name} must have at most 255 characters", name)
    return found


@routes.get(PATH + "/{deployment}")
def one(call: Call, deployment: str) -> Json:
    """One deployment."""
    return shaped(call, queries.deployments.one(call.user, deployment))


@routes.delete(PATH + "/{deployment}", ADMIN)
def delete(call: Call, deployment: str) -> None:
    """Take a deployment away; with `cascade=true` its instances and their history too."""
    queries.deployments.one(call.user, deployment)
    definitions.delete_deployment(deployment, cascade=filters.flag("cascade", call.params.get("cascade") or "false"), user=call.user)


# -- files ----------------------------------------------------------------------------------------------------------------
def media_type(name: str) -> str:
    """What a file's name says about its content."""
    if name.lower().endswith(definitions.MODELS):
        return "text/xml"
    if name.lower().endswith(definitions.FORMS):
        return "application/json"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def resource_shaped(call: Call, deployment: Deployment, name: str, kind: str = "resource") -> dict[str, Json]:
    return {
        "id": name,
        "url": call.url(PATH, deployment.pk, "resources", name),
        "contentUrl": call.url(PATH, deployment.pk, "resourcedata", name),
        "mediaType": media_type(name),
        "type": "processDefinition" if kind == "processDefinition" else "resource",
    }


@routes.get(PATH + "/{deployment}/resources")
def resources(call: Call, deployment: str) -> Json:
    """The files of a deployment, and the pictures of what they draw."""
    found = queries.deployments.one(call.user, deployment)
    files = dict(Resource.objects.filter(deployment=found).values_list("name", "kind"))
    drawn = {name: "resource" for name, _ in pictures.of_deployment(found)}
    return [resource_shaped(call, found, name, kind) for name, kind in sorted((drawn | files).items())]


def _file(call: Call, deployment: str, name: str) -> tuple[Deployment, Resource | Definition]:
    """One file of a deployment, or the definition whose picture is called so; raises NotFound."""
    owner = queries.deployments.one(call.user, deployment)
    found = Resource.objects.filter(deployment=owner, name=name).first() or dict(pictures.of_deployment(owner)).get(name)
    if found is None:
        raise NotFound(f"the deployment has no file {name[:60]!r}")
    return owner, found


@routes.get(PATH + "/{deployment}/resources/{name...}")
def resource(call: Call, deployment: str, name: str) -> Json:
    """One file of a deployment."""
    owner, found = _file(call, deployment, name)
    return resource_shaped(call, owner, name, found.kind if isinstance(found, Resource) else "resource")


@routes.get(PATH + "/{deployment}/resourcedata/{name...}")
def resource_data(call: Call, deployment: str, name: str) -> HttpResponse:
    """The bytes of a file, as they came; a picture is made now."""
    _, found = _file(call, deployment, name)
    if isinstance(found, Definition):
        return content(pictures.png(found), pictures.PNG)
    return content(bytes(found.content), media_type(found.name))
