"""The life of a cluster of worker processes: started, watched, begun anew when it is stuck, and ended within a given time.

django-q2 replaces a worker that died. What it does not notice, or hangs on (a process killed with a lock in its hands, its
guard killed), is noticed here, and all processes are begun anew. Nothing is lost by that: what a job is worth stands in its row.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from multiprocessing import get_context
from types import FrameType
from typing import Any

from django.db import Error as DatabaseTrouble
from django.db import connections
from django_q.cluster import Cluster
from django_q.conf import Conf

from engine.conf import settings as conf
from engine.models import Worker
from engine.runtime import broker, drain, memory
from engine.runtime.callbacks import pool
from engine.runtime.pulse import pulse
from engine.runtime.store import leases

LOG = logging.getLogger("towpath.cluster")
PR_SET_PDEATHSIG = 1
TICK = 0.1  # seconds
STARTS = 3
SILENCE = 10.0  # the guard of a cluster says twice a second that it is alive; a machine under load may be slow


def serve(*, workers: int | None = None, queues: Iterable[str] = (), verbose: bool = False) -> int:
    """Run a cluster until a signal asks for its end; returns the exit code. A second signal ends it at once.

    It serves only jobs whose category, or the key of whose process, is among `queues`, if there are any.
    """
    pulse.queues = tuple(queues)
    if workers:
        Conf.WORKERS, Conf.QUEUE_LIMIT = workers, workers**2
    Conf.MAX_RSS = memory.replaced_above()
    if not verbose:
        logging.getLogger("django-q").setLevel(logging.WARNING)  # it would say two lines for every offer that is taken
    _bind_children()
    return Life().run()


class Life:
    """The cluster's main process."""

    def __init__(self) -> None:
        self.asked = 0  # how often we were told to end
        self.cluster: Cluster | None = None
        self.sender: Any = None  # the process that sends callbacks

    def run(self) -> int:
        LOG.info("the workflow cluster starts with %s workers", Conf.WORKERS)
        self._start()
        LOG.info("the workflow cluster is ready")
        while not self.asked:
            time.sleep(TICK)
            self._send_callbacks()
            if trouble := self._trouble():
                LOG.critical("the workflow cluster begins anew: %s", trouble)
                self._kill(forgive=False)
                self._start()
        return self._end()

    def _start(self) -> None:
        """Begin, and again where the guard is killed while it begins; raises RuntimeError where it dies each time."""
        for left in reversed(range(STARTS)):
            try:
                self._begin()
                break
            except RuntimeError as error:
                if not left:
                    raise
                LOG.critical("the workflow cluster begins anew: %s", error)
                self._kill(forgive=False)

    def _begin(self) -> None:
        connections.close_all()  # a connection must not be shared with a forked process
        pulse.reset()
        self.cluster = Cluster()
        for number in (signal.SIGTERM, signal.SIGINT):  # in place of the cluster's own, which waits without end
            signal.signal(number, self._asked)
        self.cluster.start()
        pulse.guard()

    def _send_callbacks(self) -> None:
        """Keep the process alive that sends callbacks."""
        if self.sender is None or not self.sender.is_alive():
            if self.sender is not None:
                LOG.error("the sender of callbacks has died and begins anew")
            connections.close_all()
            self.sender = get_context("fork").Process(target=pool.main, name="callbacks")
            self.sender.start()

    def _end_sender(self) -> None:
        """Let callbacks that are under way come to their end."""
        if self.sender is not None and self.sender.is_alive():
            self.sender.join(max(0.1, min(conf.STOP_TIMEOUT, conf.CALLBACK_TIMEOUT + 1)))
            self.sender.kill()

    def _asked(self, number: int, frame: FrameType | None) -> None:
        self.asked += 1  # no more than that: a handler that takes a lock may find it held by what it interrupted

    def _trouble(self) -> str:
        if not self._alive():
            return "its guard has died"
        if pulse.stuck:
            return "offers reach no worker"
        if time.monotonic() - pulse.guarded > SILENCE:
            return "its guard is silent"
        return ""

    def _alive(self) -> bool:
        return self.cluster is not None and bool(self.cluster.sentinel.is_alive())

    def _end(self) -> int:
        """Let running jobs come to their end; what is left after ENGINE_STOP_TIMEOUT is killed, and runs again elsewhere."""
        LOG.info("the workflow cluster stops")
        pulse.stop()
        if self.sender is not None:
            self.sender.terminate()
        assert self.cluster is not None
        self.cluster.stop_event.set()
        until = time.monotonic() + conf.STOP_TIMEOUT
        while self._alive() and time.monotonic() < until and self.asked < 2:
            time.sleep(TICK / 2)
        in_time = not self._alive()
        self._end_sender()
        self._kill(forgive=True)
        LOG.info("the workflow cluster has stopped" if in_time else "the workflow cluster was ended; jobs that ran will run again")
        return 0

    def _kill(self, *, forgive: bool) -> None:
        """End every process of the cluster and free what they held; `forgive` what we ourselves interrupted."""
        assert self.cluster is not None
        sentinel = self.cluster.sentinel
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(sentinel.pid, signal.SIGKILL)
        sentinel.join(5)
        try:
            _free_all(forgive)
        except DatabaseTrouble as error:
            LOG.warning("what the workers held is free when their leases run out: %s", error)
        connections.close_all()


def _free_all(forgive: bool) -> None:
    for worker in Worker.objects.filter(pk__startswith=f"{pulse.cluster}-"):
        leases.release_worker(worker.pk, forgive=forgive)
        worker.delete()


# -- processes ------------------------------------------------------------------------------------------------------------
def _bind_children() -> None:
    """Every process that is forked ends with the one that forked it, even if that is killed outright.

    The first below us begins a process group of its own: what is sent to ours (Ctrl-C, a service manager) reaches us alone, for
    django-q2 hangs if its workers are signalled too.
    """
    main, parent = os.getpid(), [os.getpid()]

    def before() -> None:
        parent[0] = os.getpid()

    def child() -> None:
        if parent[0] == main:
            os.setpgid(0, 0)
        if sys.platform == "linux":
            _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent[0]:  # it died before we could ask to be told
                os._exit(1)

    os.register_at_fork(before=before, after_in_child=child)


_LIBC = ctypes.CDLL(None)

__all__ = ["broker", "drain", "serve"]  # imported before the first fork, so that all processes share one pulse
