"""Callbacks in admin: what became of them, and sending one again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client

from engine.models import Delivery


@pytest.mark.django_db
def test_a_dead_callback_is_sent_again_after_a_confirmation(client: Client, admin: User) -> None:
    now = datetime.now(UTC)
    row = Delivery.objects.create(
        url="http://example.org/", origin="http://example.org:80", stream="x", status="Active", body="{}", due=now, created=now,
        state="dead", tries=12, error="it answered 500", secret="hush",
    )  # fmt: skip
    client.force_login(admin)
    page = client.get(f"/admin/towpath/delivery/{row.pk}/change/").content.decode()
    assert "it answered 500" in page
    assert "hush" not in page
    client.post(f"/admin/towpath/delivery/{row.pk}/redeliver/", {"confirm": "1"})
    row.refresh_from_db()
    assert (row.state, row.tries) == ("pending", 0)
