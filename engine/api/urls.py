"""The Engine API, mounted at `/api/`."""

from django.urls import path, re_path

from engine.api.flowable import routes
from engine.api.openapi.views import openapi

urlpatterns = [
    path("openapi.json", openapi, name="engine-api-document"),
    re_path(r"^(?P<path>[\s\S]*)\Z", routes.view(), name="engine-api"),
]
