"""The document at an address of its own, and Swagger UI to try it out; both say only what the product's API is, to everybody."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView

from engine.api.headers import header
from engine.api.openapi.document import document

MEDIA_TYPE = "application/vnd.oai.openapi+json"
POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """The document as JSON."""
    kind = MEDIA_TYPE if MEDIA_TYPE in (header(request, "Accept") or "") else "application/json"
    return JsonResponse(document(), content_type=kind, headers={"Cache-Control": "max-age=300"})


class SwaggerUI(SpectacularSwaggerSplitView):
    """Swagger UI from our own files; its styles are inline, its scripts are not."""

    url = "/api/openapi.json"

    @extend_schema(exclude=True)  # a page for people, and no operation of the API
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().get(request, *args, **kwargs)
        answer.headers["Content-Security-Policy"] = POLICY
        return answer
