"""The addresses of the task UI (DESIGN §9)."""

from __future__ import annotations

from django.urls import path
from django.views.generic import RedirectView

from tasks_ui.views import catalogue, inbox, requests, task

app_name = "tasks"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="tasks:inbox"), name="home"),
    path("start/", catalogue.start, name="start"),
    path("start/<str:key>/diagram.svg", catalogue.diagram, name="diagram"),
    path("start/<str:key>/", catalogue.start_form, name="start-form"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/count/", inbox.count, name="inbox-count"),
    path("tasks/<uuid:task_id>/", task.task, name="task"),
    path("tasks/<uuid:task_id>/claim/", task.claim, name="claim"),
    path("tasks/<uuid:task_id>/release/", task.release, name="release"),
    path("requests/", requests.requests, name="requests"),
    path("requests/<uuid:instance_id>/", requests.request_page, name="request"),
    path("requests/<uuid:instance_id>/news/", requests.news, name="news"),
    path("requests/<uuid:instance_id>/cancel/", requests.cancel, name="cancel"),
]
