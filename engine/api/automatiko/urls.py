"""The service API, mounted at `/services/`, with a page to try it out."""

from django.urls import path, re_path

from engine.api.automatiko.door import door
from engine.api.openapi.views import SwaggerUI

urlpatterns = [
    path("docs/", SwaggerUI.as_view(url="/services/openapi.json", title="Services"), name="services-docs"),
    re_path(r"^(?P<path>[\s\S]*)\Z", door, name="services"),
]
