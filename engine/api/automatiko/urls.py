"""The service API, mounted at `/services/`."""

from django.urls import re_path

from engine.api.automatiko.door import door

urlpatterns = [re_path(r"^(?P<path>.*)$", door, name="services")]
