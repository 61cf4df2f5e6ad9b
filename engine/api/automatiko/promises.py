from __future__ import annotations

from collections.abc import Callable

from django.http.response import HttpResponseBase

from engine.api.automatiko.asking import Call


def kept(call: Call, answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    return answer()
