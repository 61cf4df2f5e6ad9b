"""Chromium, people who log in with it, and something that runs jobs beside them."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections

from engine.models import Job
from engine.runtime import jobs

# Playwright's own loop runs in this thread; what the tests ask the database for is as synchronous as ever.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
PHONE, DESK = {"width": 375, "height": 800}, {"width": 1280, "height": 900}
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]  # in a container there may be little shared memory, and pages die of that
LONG = 300.0  # seconds that nothing here takes, however slow the machine is
HARMLESS = ("the server responded with a status of",)  # what the browser says of every 4xx and 5xx


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browsers are slow, and another database shows them nothing new."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.once)
            item.add_marker(pytest.mark.django_db(transaction=True))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests; each page has a context of its own."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the browser tests are left out")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: the browser tests are left out")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, timeout=LONG * 1000)
        yield browser
        browser.close()


@pytest.fixture
def login(chromium: Any, live_server: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page as a person; whatever its console complains about fails the test."""
    contexts: list[Any] = []
    said: list[str] = []

    def opened(person: User | None = None, **options: Any) -> Any:
        context = chromium.new_context(base_url=live_server.url, locale="en-GB", reduced_motion="reduce", **{"viewport": DESK, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(LONG * 1000)
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto("/login/")
        if person:
            page.fill("[name=username]", person.get_username())
            page.fill("[name=password]", person.get_username())
            page.click("main button")
            page.wait_for_url(lambda address: "/login/" not in address)  # a click does not wait for what it leads to
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [text for text in said if not any(word in text for word in HARMLESS)] == []


class Cluster:
    """Runs what is ready, in a thread of its own, until it is stopped."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.failures: list[Exception] = []

    def _run(self) -> None:
        try:
            while not self.stopped.wait(0.05):
                self._run_what_is_ready()
        finally:
            connections.close_all()

    def _run_what_is_ready(self) -> None:
        for key in list(Job.objects.filter(state="ready", attempts=0).values_list("pk", flat=True)):
            try:
                jobs.run_now(key)
            except Exception as error:
                self.failures.append(error)


@pytest.fixture
def cluster() -> Iterator[Callable[[], Cluster]]:
    """Starts running jobs when it is called."""
    made: list[Cluster] = []

    def start() -> Cluster:
        made.append(Cluster())
        made[-1].thread.start()
        return made[-1]

    yield start
    for each in made:
        each.stopped.set()
        each.thread.join(LONG)
