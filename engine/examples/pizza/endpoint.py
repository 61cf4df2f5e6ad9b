"""The shop's HTTP interface, as slow and as unreliable as its page says. No database transaction is open while it is slow."""

from __future__ import annotations

import json
import random
import time
from typing import Any

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from engine.examples.pizza.models import SHOPS, Order, Shop

FIELDS = ("customer", "address", "pizza")
CHANCE = random.SystemRandom()


@transaction.non_atomic_requests
@csrf_exempt
@require_POST
def orders(request: HttpRequest, shop: str) -> JsonResponse:
    """Takes an order: 201, or 200 for one that it has already; 400 for what is no order, 503 when the shop fails."""
    key = request.headers.get("Idempotency-Key", "")
    wanted = _order(request.body)
    if shop not in SHOPS:
        return JsonResponse({"error": f"there is no shop {shop!r}"}, status=404)
    if wanted is None or not 0 < len(key) <= 200:
        return JsonResponse({"error": f"needs the texts {', '.join(FIELDS)} and the header Idempotency-Key"}, status=400)
    return _take(Shop.called(shop), key, wanted)


def _order(body: bytes) -> dict[str, str] | None:
    try:
        said: Any = json.loads(body)
    except ValueError:
        return None
    fits = isinstance(said, dict) and all(isinstance(said.get(name), str) and said[name] for name in FIELDS)
    return {name: said[name][: Order._meta.get_field(name).max_length] for name in FIELDS} if fits else None


def _take(shop: Shop, key: str, wanted: dict[str, str]) -> JsonResponse:
    order, _ = Order.objects.get_or_create(shop=shop, key=key, defaults=wanted)
    if order.accepted:
        return JsonResponse({"number": order.pk}, status=200)
    time.sleep(shop.seconds)
    if CHANCE.random() * 100 < shop.failures:
        order.refuse()
        return JsonResponse({"error": "too many orders, the oven is full"}, status=503, headers={"Retry-After": "10"})
    return JsonResponse({"number": order.pk}, status=201 if order.accept() else 200)
