"""What is only looked at: the ledger, workers, subscriptions, requests and callbacks."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from engine.admin.shown import instance_link, state_badge
from engine.admin.verbs import Records, Verb
from engine.models import Delivery, Ledger, Request, Subscription, Worker
from engine.runtime import operations
from engine.runtime.callbacks import pool


class OneWord(admin.SimpleListFilter):
    """One of the words that a column may hold; they are known, and need not be looked for in all rows."""

    words: tuple[str, ...] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(word, word) for word in self.words]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() in self.words else queryset


class Operation(OneWord):
    title, parameter_name, words = _("operation"), "operation", tuple(operations.OPERATIONS)


class Status(OneWord):
    title, parameter_name, words = _("status"), "status", ("Active", "Completed", "Aborted", "Failed")


@admin.register(Ledger)
class LedgerAdmin(Records):
    list_display = ("shown", "of_instance", "attempt", "trigger", "subject", "who", "at", "took", "outcome_shown")
    ids = ("pk", "instance")
    list_filter = ("outcome", "trigger", ("at", admin.DateFieldListFilter))
    search_fields = ("subject", "=who", "error")
    list_select_related = ("instance", "instance__definition")
    ordering = ("-at",)
    exclude = ("journal",)

    @admin.display(description=_("transaction"), ordering="number")
    def shown(self, row: Ledger) -> str:
        return str(row)

    @admin.display(description=_("instance"))
    def of_instance(self, row: Ledger) -> str:
        return instance_link(row.instance)

    @admin.display(description=_("outcome"), ordering="outcome")
    def outcome_shown(self, row: Ledger) -> str:
        return state_badge(row.outcome, row.get_outcome_display())


@admin.register(Worker)
class WorkerAdmin(Records):
    list_display = ("__str__", "started", "seen", "done", "failed")
    ordering = ("-seen",)


@admin.register(Subscription)
class SubscriptionAdmin(Records):
    list_display = ("__str__", "kind", "name", "of_instance", "node", "created")
    list_filter = ("kind",)
    search_fields = ("=name", "=node")
    list_select_related = ("instance", "instance__definition", "definition")
    ordering = ("-created",)

    @admin.display(description=_("instance"))
    def of_instance(self, row: Subscription) -> str:
        return instance_link(row.instance)


class _Promised(Records):
    """Requests and deliveries belong to service clients."""

    def has_module_permission(self, request: Any) -> bool:
        return super().has_module_permission(request) and bool(self.model._default_manager.exists())


@admin.register(Request)
class RequestAdmin(_Promised):
    ids = ("pk", "instance")
    list_display = ("operation", "state", "instance", "user", "created", "ended")
    list_filter = ("state", Operation)
    ordering = ("-id",)  # ids are made in the order of time


@admin.register(Delivery)
class DeliveryAdmin(_Promised):
    list_display = ("origin", "status", "state", "tries", "response_status", "due", "delivered")
    ids = ("pk", "instance")
    list_filter = ("state", Status)
    search_fields = ("url", "error")
    ordering = ("-id",)  # as above
    exclude = ("secret", "lease_owner", "lease_until")
    verbs = (
        Verb(
            "redeliver",
            _("Send again"),
            _("Send it at once, with all its tries; the receiver gets it with the same id."),
            lambda user, ids, values: pool.redeliver(ids, user=user),
        ),
    )
