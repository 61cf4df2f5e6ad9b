"""What is only looked at: the ledger, workers, subscriptions, requests and callbacks."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from engine.admin.shown import instance_link, state_badge
from engine.admin.verbs import Records, Verb
from engine.models import Delivery, Ledger, Request, Subscription, Worker
from engine.runtime.callbacks import pool


@admin.register(Ledger)
class LedgerAdmin(Records):
    list_display = ("shown", "of_instance", "attempt", "trigger", "subject", "who", "at", "took", "outcome_shown")
    list_filter = ("outcome", "trigger")
    search_fields = ("=instance__id", "subject", "=who", "error")
    list_select_related = ("instance", "instance__definition")
    date_hierarchy = "at"
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
    list_display = ("operation", "state", "instance", "user", "created", "ended")
    list_filter = ("state", "operation")
    ordering = ("-created",)


@admin.register(Delivery)
class DeliveryAdmin(_Promised):
    list_display = ("origin", "status", "state", "tries", "response_status", "due", "delivered")
    list_filter = ("state", "status")
    search_fields = ("=instance", "url", "error")
    ordering = ("-created",)
    exclude = ("secret", "lease_owner", "lease_until")
    verbs = (
        Verb(
            "redeliver",
            _("Send again"),
            _("Send it at once, with all its tries; the receiver gets it with the same id."),
            lambda user, ids, values: pool.redeliver(ids, user=user),
        ),
    )
