"""The external-job-api, mounted at `/external-job-api/`."""

from django.urls import re_path

from engine.api.flowable.external import routes

urlpatterns = [re_path(r"^(?P<path>[\s\S]*)\Z", routes.view(), name="external-job-api")]
