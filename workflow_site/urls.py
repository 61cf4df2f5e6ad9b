"""The addresses of the site (DESIGN §9)."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from oauth2_provider.urls import metadata_urlpatterns as oauth_addresses

from engine.api.openapi.views import SwaggerUI
from workflow_site import health

urlpatterns = [
    path("api/", include("engine.api.urls")),  # first, for they are called most
    path("services/", include("engine.api.automatiko.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.prometheus, name="metrics"),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("", include((oauth_addresses, "oauth2_metadata"))),
    path("docs/", SwaggerUI.as_view(), name="docs"),
    path("external-job-api/", include("engine.api.external_urls")),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("", include("tasks_ui.urls")),
]

if settings.DEMO:
    urlpatterns.append(path("demo/shop/", include("engine.examples.pizza.urls")))
