"""The Engine API, mounted at `/api/`."""

from django.urls import re_path

from engine.api.flowable import routes

urlpatterns = [re_path(r"^(?P<path>.*)$", routes.view(), name="engine-api")]
