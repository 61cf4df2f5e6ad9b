"""The pizza shop's own data. It stands for somebody else's system: the workflows know its HTTP address, never these tables."""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

SHOPS = {"slow": {"seconds": 5, "failures": 0}, "unreliable": {"seconds": 0, "failures": 50}}


class Shop(models.Model):
    """One pizza shop, and how well it works."""

    name = models.SlugField(primary_key=True, max_length=20)
    seconds = models.PositiveSmallIntegerField(_("answers after (seconds)"), default=0, validators=[MaxValueValidator(60)])
    failures = models.PositiveSmallIntegerField(_("refuses orders (per cent)"), default=0, validators=[MaxValueValidator(100)])

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def called(cls, name: str) -> Shop:
        """The shop of that name, opened on its first visit; KeyError if there is none."""
        return cls.objects.get_or_create(name=name, defaults=SHOPS[name])[0]


class Order(models.Model):
    """One order, known by the key its sender chose: the same key again is the same order, never a second pizza."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="orders")
    key = models.CharField(max_length=200)
    customer = models.CharField(_("customer"), max_length=200)
    address = models.CharField(_("address"), max_length=1000)
    pizza = models.CharField(_("pizza"), max_length=100)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    arrived = models.DateTimeField(_("arrived"), default=timezone.now)
    accepted = models.DateTimeField(_("accepted"), null=True)

    class Meta:
        ordering = ["-arrived", "-pk"]
        constraints = [models.UniqueConstraint(fields=["shop", "key"], name="towpath_pizza_order_key")]

    def __str__(self) -> str:
        return f"{self.pizza} for {self.customer}"

    def refuse(self) -> None:
        """Counts one refusal."""
        type(self).objects.filter(pk=self.pk).update(refused=F("refused") + 1)

    def accept(self) -> bool:
        """Takes the order; False if it was taken before."""
        return bool(type(self).objects.filter(pk=self.pk, accepted=None).update(accepted=timezone.now()))
