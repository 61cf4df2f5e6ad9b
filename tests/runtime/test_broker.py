"""The job table as a django-q2 queue: offers when something can be claimed, waits that end in time, and other people's tasks elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from engine.runtime.broker import JobBroker
from engine.runtime.pulse import NOTHING, TAKEN, pulse
from engine.runtime.store import claims
from tests.runtime.queue import ago, make_job

postgres = pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL can wake a cluster")


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    pulse.reset()
    yield
    pulse.reset()


def timed(broker: JobBroker) -> tuple[int, float]:
    """(offers, seconds) of one look."""
    began = time.monotonic()
    offers = broker.dequeue()
    return len(offers), time.monotonic() - began


@pytest.mark.django_db
def test_offers_to_drain_when_a_job_is_due() -> None:
    make_job()
    ((ack, packed),) = JobBroker().dequeue()
    package = SignedPackage.loads(packed)
    assert ack is None
    assert package["func"] == "engine.runtime.drain.drain"
    assert (package["save"], package["args"]) == (False, ())
    assert isinstance(package["timeout"], int)


@pytest.mark.django_db
def test_waits_no_longer_than_a_second_so_that_a_stop_is_seen(settings: Any) -> None:
    settings.ENGINE_POLL_INTERVAL = 60.0
    offers, took = timed(JobBroker())
    assert offers == 0
    assert 0.9 < took < 2


@pytest.mark.django_db
def test_waits_no_longer_than_until_the_next_due_date(settings: Any) -> None:
    settings.ENGINE_POLL_INTERVAL = 60.0
    make_job(state="waiting", due=ago(-0.3))
    broker = JobBroker()
    offers, took = timed(broker)
    assert offers == 0
    assert took < 0.6
    assert timed(broker)[0] == 1


@pytest.mark.django_db
def test_makes_no_second_offer_before_the_first_is_taken() -> None:
    make_job(), make_job()
    broker = JobBroker()
    assert timed(broker)[0] == 1
    assert pulse.offered
    threading.Timer(0.1, pulse.say, [TAKEN]).start()
    offers, took = timed(broker)
    assert (offers, took < 0.5) == (0, True)
    assert [timed(broker)[0] for _ in range(2)] == [0, 1], "it gives who took it the time to claim, then offers what is left"


@pytest.mark.django_db
def test_an_offer_that_was_lost_with_its_worker_is_made_again() -> None:
    make_job()
    broker = JobBroker()
    assert timed(broker)[0] == 1
    assert timed(broker)[0] == 0
    assert timed(broker)[0] == 1


@pytest.mark.django_db
def test_offers_that_lead_to_nothing_become_rarer() -> None:
    make_job()
    broker = JobBroker()
    began, offers = time.monotonic(), 0
    while time.monotonic() - began < 1:
        if broker.dequeue():
            offers += 1
            pulse.say(TAKEN)
            pulse.say(NOTHING)
    assert offers < 12


@pytest.mark.django_db
def test_trouble_with_the_database_never_leaves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(queues: Any) -> claims.Due:
        raise OperationalError("the server is gone")

    monkeypatch.setattr(claims, "next_due", fail)
    monkeypatch.setattr("engine.runtime.broker.LONGEST", 0.01)
    monkeypatch.setattr("django.db.connection.close", lambda: None)
    assert JobBroker().dequeue() == []


@pytest.mark.django_db
def test_counts_what_waits_and_what_is_run() -> None:
    make_job(), make_job(), make_job(state="waiting")
    claims.claim_jobs("w1:1")
    broker = JobBroker()
    assert (broker.queue_size(), broker.lock_size(), broker.ping()) == (1, 1, True)


@pytest.mark.django_db
def test_a_hosts_own_task_goes_to_the_sites_own_queue() -> None:
    broker = JobBroker(list_key=Conf.CLUSTER_NAME)
    own = Conf.BROKER_CLASS
    broker.enqueue("a signed package")
    JobBroker(list_key="mail").enqueue("another")
    assert list(OrmQ.objects.order_by("id").values_list("key", "payload")) == [(Conf.PREFIX, "a signed package"), ("mail", "another")]
    assert own == Conf.BROKER_CLASS


# -- LISTEN and NOTIFY ----------------------------------------------------------------------------------------------------
def elsewhere(do: Any, after: float = 0.0) -> threading.Thread:
    """Do something on another connection, as another process would."""

    def work() -> None:
        time.sleep(after)
        try:
            do()
        finally:
            connection.close()  # a session that stays keeps the test's database from being dropped

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@postgres
@pytest.mark.django_db(transaction=True)
def test_a_committed_job_wakes_it_at_once() -> None:
    broker = JobBroker()
    timed(broker)
    thread = elsewhere(lambda: (make_job(), claims.announce()), after=0.2)
    _, took = timed(broker)
    assert 0.15 < took < 0.6
    assert timed(broker)[0] == 1
    thread.join()


@postgres
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_cut_listens_again_and_misses_nothing() -> None:
    broker = JobBroker()
    timed(broker)
    first = broker.listens
    process = first.info.backend_pid

    def cut() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [process])
        make_job()

    elsewhere(cut).join()
    began, offers = time.monotonic(), 0
    while not offers and time.monotonic() - began < 5:
        offers = timed(broker)[0]
    assert offers == 1
    assert broker.listens is not first


@postgres
@pytest.mark.django_db(transaction=True)
def test_behind_a_pooler_it_polls_instead(settings: Any) -> None:
    settings.ENGINE_NOTIFY = False
    broker = JobBroker()
    _, took = timed(broker)
    assert broker.listens is None
    assert took < 0.6
