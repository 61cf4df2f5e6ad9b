"""The addresses of the site (DESIGN §9)."""

from __future__ import annotations

import warnings
from importlib.util import find_spec

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from oauth2_provider.urls import metadata_urlpatterns as oauth_addresses

from workflow_site import health


def _room(address, module):  # type: ignore[no-untyped-def]  # build-up: rooms that cannot be imported yet are left out
    try:
        return [path(address, include(module))] if find_spec(module) else []
    except Exception as error:
        warnings.warn(f"{module} is not there yet: {error}", stacklevel=2)
        return []


urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("", include((oauth_addresses, "oauth2_metadata"))),
    *_room("api/", "engine.api.urls"),
    *(_room("demo/shop/", "engine.examples.pizza.urls") if settings.DEMO else []),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    *_room("", "tasks_ui.urls"),
]
