"""The addresses of the demo's pizza shop."""

from __future__ import annotations

from django.urls import path

from engine.examples.pizza import endpoint, views

app_name = "pizza"
urlpatterns = [
    path("", views.page, name="shop"),
    path("arrived/", views.arrived, name="arrived"),
    path("<slug:shop>/", views.change, name="change"),
    path("<slug:shop>/orders", endpoint.orders, name="orders"),
]
