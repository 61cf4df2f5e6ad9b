"""The page on which the demo's user sets how slow and how unreliable the shops are, and sees the orders that arrived."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from engine.examples.pizza.models import SHOPS, Order, Shop

SHOWN = 30


class ShopForm(forms.ModelForm):
    class Meta:
        model = Shop
        fields = ("seconds", "failures")


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """Both shops with their settings, and the latest orders."""
    return _page(request, [_form(Shop.called(name)) for name in SHOPS])


@require_POST
@login_required
def change(request: HttpRequest, shop: str) -> HttpResponse:
    """Sets one shop; what is wrong comes back with the page."""
    chosen = get_object_or_404(Shop, pk=shop)
    form = _form(chosen, request.POST)
    if form.is_valid():
        form.save()
        messages.success(request, _("The shop “%(shop)s” is changed.") % {"shop": shop})
        return redirect("pizza:shop")
    return _page(request, [form if name == shop else _form(Shop.called(name)) for name in SHOPS], status=422)


@require_safe
@login_required
def arrived(request: HttpRequest) -> HttpResponse:
    """The latest orders alone, for the page to refresh itself."""
    return render(request, "pizza/orders.html", {"orders": _latest()})


def _form(shop: Shop, data: Any = None) -> ShopForm:
    return ShopForm(data, instance=shop, prefix=shop.name)


def _page(request: HttpRequest, shops: list[ShopForm], status: int = 200) -> HttpResponse:
    return render(request, "pizza/shop.html", {"shops": shops, "orders": _latest()}, status=status)


def _latest() -> Any:
    return Order.objects.select_related("shop")[:SHOWN]
