"""A task: its form, filled in and sent; whatever goes wrong, what was typed is kept."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from engine.bpmn.forms import FormSpec
from engine.errors import BadInput, Conflict, Forbidden, FormError, NotFound
from engine.models import UserTask
from engine.runtime import access, definitions, tasks
from tasks_ui.forms import EngineForm
from tasks_ui.onward import Failure, onward, shown_request, technical
from tasks_ui.pages import page, status_of

SAVE, OUTCOME, GIVE_BACK = "_save", "_outcome", "_give_back"


@dataclass(frozen=True, slots=True)
class Desk:
    """A task before a user: what he may do with it."""

    task: UserTask
    spec: FormSpec | None
    role: str  # works, may claim, watches, on hold, ended

    @property
    def locked(self) -> bool:
        return self.role != "works"


@page("POST")
def task(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """The form of a task. POST completes it with the outcome that was clicked, or saves a draft."""
    found = tasks.get(task_id)
    if not access.sees_task(request.user, found.pk):
        raise PermissionDenied(_("This task is not yours."))
    if request.method == "POST":
        return _posted(request, found)
    desk = Desk(found, _spec(found), _role(request, found))
    initial = {} if desk.role == "ended" else tasks.form_values(found, request.user)
    return _shown(request, desk, EngineForm(desk.spec, initial=initial, locked=desk.locked))


def _spec(found: UserTask) -> FormSpec | None:
    """The form; that of an ended task as it is written, for what its expressions need may be gone."""
    if found.state == UserTask.State.OPEN or found.definition is None:
        return tasks.form(found)
    return definitions.form(found.definition, found.form_key, found.node)


def _role(request: HttpRequest, found: UserTask) -> str:
    if found.state != UserTask.State.OPEN:
        return "ended"
    if found.suspended:
        return "on hold"
    if found.assignee is None and found.owner != access.name(request.user):
        return "may claim" if access.is_candidate(request.user, found) or access.sees_all(request.user) else "watches"
    return "works" if access.may_work_on(request.user, found) else "watches"


# -- sending --------------------------------------------------------------------------------------------------------------
def _posted(request: HttpRequest, found: UserTask) -> HttpResponse:
    desk = Desk(found, _spec(found), "works")
    if found.state != UserTask.State.OPEN:
        return _stale(request, desk, EngineForm(desk.spec, request.POST))
    if not access.may_work_on(request.user, found):
        watching = EngineForm(desk.spec, request.POST)
        return _shown(request, Desk(found, desk.spec, "watches"), watching, typed=_typed(watching), status=403)
    form = EngineForm(desk.spec, request.POST, initial=tasks.form_values(found, request.user))
    return _saved(request, found, form) if SAVE in request.POST else _sent(request, desk, form)


def _saved(request: HttpRequest, found: UserTask, form: EngineForm) -> HttpResponse:
    tasks.save_draft(found.pk, form.typed(), request.user)
    messages.success(request, _("Your draft is saved. The task stays in your inbox."))
    return redirect("tasks:task", found.pk)


def _sent(request: HttpRequest, desk: Desk, form: EngineForm) -> HttpResponse:
    """Complete the task, or show the form again, filled, with what is wrong."""
    if not form.is_valid():
        return _shown(request, desk, form, status=400)
    try:
        _submit(request, desk, form)
    except FormError as error:
        form.refuse(error)
        return _shown(request, desk, form, status=status_of(error))
    except (Conflict, NotFound) as error:
        return _not_now(request, desk, form, error)
    except (BadInput, Forbidden):
        raise
    except Exception as error:  # whatever a step behind the form raised: the user's input must not be lost with it
        rest = _("Nothing was stored, and the task is still open with what you entered. You can try again.")
        return _shown(request, desk, form, technical(request, error, rest), status=500)
    return _next(request, desk.task)


def _submit(request: HttpRequest, desk: Desk, form: EngineForm) -> None:
    if GIVE_BACK in request.POST:
        return tasks.resolve(desk.task.pk, form.values(), user=request.user)
    tasks.submit(desk.task.pk, form.values(), user=request.user, outcome=request.POST.get(OUTCOME) or None)
    return None


def _not_now(request: HttpRequest, desk: Desk, form: EngineForm, error: Exception) -> HttpResponse:
    """Somebody else was first, or the request is on hold; in both cases nothing of this was stored."""
    again = tasks.get(desk.task.pk)
    if again.state != UserTask.State.OPEN:
        return _stale(request, Desk(again, desk.spec, "ended"), form)
    rest = _("Nothing was stored, and the task is still open with what you entered.")
    failure = Failure(_("This is not possible now"), str(error), rest)
    return _shown(request, desk, form, failure, status=status_of(error))


def _stale(request: HttpRequest, desk: Desk, form: EngineForm) -> HttpResponse:
    """The task is done already: say by whom, and give back what was typed so that it can be copied."""
    return _shown(request, Desk(desk.task, desk.spec, "ended"), form, typed=_typed(form), stale=True, status=409)


def _typed(form: EngineForm) -> list[tuple[str, object]]:
    """What was typed, by label, to be copied elsewhere."""
    return [(str(form[name].label or name), value) for name, value in form.typed().items() if value]


def _next(request: HttpRequest, found: UserTask) -> HttpResponse:
    if found.instance_id is None:
        messages.success(request, _("Done: %s") % found)
        return redirect("tasks:inbox")
    return onward(request, found.instance_id)


def _shown(
    request: HttpRequest, desk: Desk, form: EngineForm, failure: Failure | None = None, *, status: int = 200, **more: object
) -> HttpResponse:
    task = desk.task
    instance = shown_request(request, task.instance) if task.instance else None
    outcomes = desk.spec.outcomes if desk.spec else ()
    context = {"task": task, "desk": desk, "form": form, "failure": failure, "instance": instance, "outcomes": outcomes, **more}
    return render(request, "tasks_ui/task.html", context, status=status)


# -- claiming -------------------------------------------------------------------------------------------------------------
@require_POST
@page("POST")
def claim(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Takes an offered task for oneself."""
    tasks.claim(task_id, request.user)
    return redirect("tasks:task", task_id)


@require_POST
@page("POST")
def release(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Gives a task back to those it is offered to."""
    tasks.release(task_id, request.user)
    messages.success(request, _("The task is free for others again."))
    return redirect("tasks:inbox")
