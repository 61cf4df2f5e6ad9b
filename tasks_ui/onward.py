"""After a step: on to the user's next form if it is there within a moment, else to the page of the request. Or: why the step failed."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from engine.errors import EngineError
from engine.models import Instance
from engine.runtime import access, progress

log = logging.getLogger(__name__)

PATIENCE = 1.0  # seconds that a request waits for an asynchronous step, so that fast ones go straight on
LOOK = 0.1  # seconds between two looks


def onward(request: HttpRequest, instance_id: UUID) -> HttpResponse:
    """Where the user goes when his step is done."""
    instance, current = _settled(request, instance_id)
    if current.state == "task" and current.task and not current.claimable:
        return redirect(task_address(current.task.pk))
    if current.state == "ended":
        messages.success(request, _("Done. Nothing is left to do here."))
    return redirect(f"{reverse('tasks:request', args=[instance.pk])}?follow=1#title")


def _settled(request: HttpRequest, instance_id: UUID) -> tuple[Instance, progress.Current]:
    """The request as it stands once nothing is being processed, or patience is at its end."""
    until = time.monotonic() + PATIENCE
    while True:
        instance = shown_request(request, Instance.objects.select_related("definition").get(pk=instance_id))
        current = progress.current(instance, request.user)
        if current.state != "processing" or current.attempt > 1 or time.monotonic() >= until:
            return instance, current
        time.sleep(LOOK)


def shown_request(request: HttpRequest, instance: Instance) -> Instance:
    """The request a person knows: the one at the root of a called process, where he may see it."""
    if instance.root is None:
        return instance
    return access.visible_instances(request.user).select_related("definition").filter(pk=instance.root).first() or instance


def task_address(task_id: UUID) -> str:
    """The address of a task's form, with the keyboard at its heading."""
    return f"{reverse('tasks:task', args=[task_id])}#title"


# -- failures -------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Failure:
    """What is said above a form that came back."""

    title: str
    text: str
    rest: str = ""


def technical(request: HttpRequest, error: Exception, rest: str) -> Failure:
    """A step behind the form failed. Engine errors are fit to be shown; of anything else the log has the details, operators the text."""
    log.warning("a step behind the form failed: %s", error, exc_info=not isinstance(error, EngineError))
    fit = isinstance(error, EngineError) or access.sees_all(request.user)
    text = str(error) if fit and str(error) else _("The step that follows could not be carried out.")
    return Failure(_("This did not work"), text, rest)
