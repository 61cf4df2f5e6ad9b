"""The pizza order: processes, the handler that stores an order, and the shop it is stored in."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PizzaConfig(AppConfig):
    name = "engine.examples.pizza"
    label = "towpath_pizza"
    verbose_name = _("Pizza shop (example)")
    default_auto_field = "django.db.models.BigAutoField"
