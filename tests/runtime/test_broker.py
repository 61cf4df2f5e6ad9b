"""The job table as a django-q2 queue: offers when something can be claimed, waits that end in time, and other people's tasks elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, connection
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from engine.runtime import broker as looking
from engine.runtime.broker import LONGEST, JobBroker
from engine.runtime.pulse import NOTHING, TAKEN, Pulse, pulse
from engine.runtime.store import claims
from tests.runtime.queue import ago, make_job

postgres = pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL can wake a cluster")
LONG = 600.0  # seconds that no test takes


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    pulse.reset()
    yield
    pulse.reset()


class Times:
    """The clock of a broker: it goes on only while the broker waits, and tells how long that was; `meanwhile` happens in the next wait."""

    def __init__(self) -> None:
        self.now, self.waits, self.meanwhile = 1000.0, list[float](), list[Callable[[], None]]()

    def wait(self, own: Pulse, seconds: float, others: Sequence[int] = ()) -> None:
        self.waits.append(seconds)
        if self.meanwhile:
            self.meanwhile.pop()()
        else:
            self.now += max(0.0, seconds)


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Times:
    made = Times()
    monkeypatch.setattr(Pulse, "wait", lambda own, seconds, others=(): made.wait(own, seconds, others))
    monkeypatch.setattr(looking, "time", SimpleNamespace(monotonic=lambda: made.now))
    return made


def offers(broker: JobBroker) -> int:
    """How many offers one look makes."""
    return len(broker.dequeue())


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
def test_waits_no_longer_than_a_second_so_that_a_stop_is_seen(settings: Any, times: Times) -> None:
    settings.ENGINE_POLL_INTERVAL = 60.0
    assert offers(JobBroker()) == 0
    assert times.waits == [LONGEST]
    assert LONGEST == 1.0


def test_a_wait_takes_its_time_and_ends_when_a_worker_speaks() -> None:
    began = looking.time.monotonic()
    pulse.wait(0.2)
    assert looking.time.monotonic() - began > 0.1
    pulse.say(TAKEN)
    pulse.wait(LONG)


@pytest.mark.django_db
def test_waits_no_longer_than_until_the_next_due_date(settings: Any, times: Times, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ENGINE_POLL_INTERVAL = 2 * LONG
    monkeypatch.setattr(looking, "LONGEST", 2 * LONG)
    job = make_job(state="waiting", due=ago(-LONG))
    broker = JobBroker()
    assert offers(broker) == 0
    [wait] = times.waits
    assert 0 < wait <= LONG
    job.due = ago(1)
    job.save()
    assert offers(broker) == 1


@pytest.mark.django_db
def test_makes_no_second_offer_before_the_first_is_taken(times: Times) -> None:
    make_job(), make_job()
    broker = JobBroker()
    assert offers(broker) == 1
    assert pulse.offered
    times.meanwhile.append(lambda: pulse.say(TAKEN))
    assert offers(broker) == 0
    assert times.waits == [LONGEST]
    assert [offers(broker) for _ in range(2)] == [0, 1], "it gives who took it the time to claim, then offers what is left"


@pytest.mark.django_db
def test_an_offer_that_was_lost_with_its_worker_is_made_again(times: Times) -> None:
    make_job()
    broker = JobBroker()
    assert [offers(broker) for _ in range(3)] == [1, 0, 1]
    assert times.waits == [LONGEST]


@pytest.mark.django_db
def test_offers_that_lead_to_nothing_become_rarer(times: Times) -> None:
    make_job()
    broker = JobBroker()
    began, made = times.now, 0
    while times.now - began < 1:
        if broker.dequeue():
            made += 1
            pulse.say(TAKEN)
            pulse.say(NOTHING)
    assert 3 < made < 12


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
def elsewhere(do: Any) -> threading.Thread:
    """Do something on another connection, as another process would."""

    def work() -> None:
        try:
            do()
        finally:
            connection.close()  # a session that stays keeps the test's database from being dropped

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@postgres
@pytest.mark.django_db(transaction=True)
def test_a_committed_job_wakes_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "LONGEST", LONG)
    waits, wait = threading.Event(), Pulse.wait

    def told(own: Pulse, seconds: float, others: Sequence[int] = ()) -> None:
        waits.set()
        wait(own, seconds, others)

    monkeypatch.setattr(Pulse, "wait", told)
    broker, began = JobBroker(), looking.time.monotonic()
    thread = elsewhere(lambda: (waits.wait(LONG), make_job(), claims.announce()))
    assert offers(broker) == 0
    assert looking.time.monotonic() - began < LONG / 2
    assert offers(broker) == 1
    thread.join()


@postgres
@pytest.mark.parametrize(("ready", "queues", "looks"), [(True, (), 1), (False, (), 2), (True, ("mail",), 2)])
@pytest.mark.django_db(transaction=True)
def test_looks_for_itself_only_if_what_is_announced_may_be_none_of_its_own(
    monkeypatch: pytest.MonkeyPatch, ready: bool, queues: tuple[str, ...], looks: int
) -> None:
    seen: list[Sequence[str]] = []
    look = claims.next_due
    monkeypatch.setattr(claims, "next_due", lambda queues: seen.append(queues) or look(queues))
    monkeypatch.setattr(pulse, "queues", queues)
    monkeypatch.setattr(Pulse, "wait", lambda own, seconds, others=(): (make_job(category="mail"), claims.announce(ready=ready)))
    broker = JobBroker()
    assert [offers(broker), offers(broker)] == [0, 1]
    assert len(seen) == looks


@postgres
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_cut_listens_again_and_misses_nothing() -> None:
    broker = JobBroker()
    offers(broker)
    first = broker.listens
    process = first.info.backend_pid

    def cut() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [process])
        make_job()

    elsewhere(cut).join()
    assert sum(offers(broker) for _ in range(2)) == 1, "one look finds that it was cut, the next one finds the job"
    assert broker.listens is not first


@postgres
@pytest.mark.django_db(transaction=True)
def test_behind_a_pooler_it_polls_instead(settings: Any, times: Times) -> None:
    settings.ENGINE_NOTIFY = False
    settings.ENGINE_POLL_INTERVAL = 0.25
    broker = JobBroker()
    assert offers(broker) == 0
    assert broker.listens is None
    assert times.waits == [0.25]
